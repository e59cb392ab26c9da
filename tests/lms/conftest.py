"""The story as an LMS over HTTP tells it, and a site beside it."""

import pytest

from tests.lms import story
from tests.services import lms_http
from tests.services.lms_http import Campus, Course, body, serving


def storyteller():
    """The story as an LMS tells it over HTTP."""
    campus = Campus()
    for key, name in ((story.COURSE, "Certificates 101"), (story.SECOND, "Second"), (story.THIRD, "Third")):
        info = body("gradebook_grading_info") | {"grade_cutoffs": story.CUTOFFS, "assignment_types": story.POLICY}
        detail = body("course_detail") | {"id": key, "course_id": key, "name": name}
        campus.courses[key] = Course(detail, info)
    for username, (name, points, completed, mode) in story.LEARNERS.items():
        lms_http.add_learner(
            campus,
            story.COURSE,
            username,
            total=story.total(points),
            letter=story.letter(points) or None,
            completion=completed / 28,
            sections=[(category, earned, 3.0) for category, earned in zip(story.SUBSECTIONS, points, strict=True)],
            mode=mode,
            name=name,
        )
    for key in (story.SECOND, story.THIRD):
        for username in ("ana", "dee"):
            lms_http.add_learner(campus, key, username, completion=1.0)
    lms_http.add_pathway(campus, story.PATHWAY, [story.COURSE, story.SECOND, story.THIRD], story.MEMBERS)
    return campus


@pytest.fixture
def server(settings):
    """The story's LMS, and a site that is set up beside it."""
    with serving(storyteller()) as serving_it:
        settings.CONFERRAL_LMS = "rest"
        settings.CONFERRAL_PLUGINS = {"rest": serving_it.settings(page_size=10)}
        settings.CONFERRAL_PAGE_SIZE = 2
        yield serving_it
