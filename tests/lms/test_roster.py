"""The `roster` gateway tells the story that all gateways tell."""

import csv

import pytest

from conferral.issuance import configure
from conferral.lms.roster import RosterGateway, import_file
from tests.lms import story

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings, tmp_path):
    settings.CONFERRAL_PAGE_SIZE = 2
    for key, name in (
        (story.COURSE, "Certificates 101"),
        (story.SECOND, "Certificates 102"),
        (story.THIRD, "Certificates 103"),
    ):
        values = {"organisation": "Example", "pass_mark": "0.5", "start": "2026-01-10T00:00:00+00:00"}
        configure.save_context(key, name=name, **values)
    everything = (story.COURSE, story.SECOND, story.THIRD)
    configure.save_context(story.PATHWAY, name="Data Skills", organisation="Example", steps=list(everything))
    people = {name: told[0] for name, told in story.LEARNERS.items()}
    write(tmp_path, story.COURSE, [(name, people[name], *story.EXPECTED[name]) for name in people])
    for key in (story.SECOND, story.THIRD):
        write(tmp_path, key, [(name, people[name], 1, None) for name in ("ana", "dee")])
    write(tmp_path, story.PATHWAY, [(name, people[name], None, None) for name in story.MEMBERS])


def write(folder, key, rows):
    file = folder / "roster.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(
            ["username", "name", "email", "completion", "grade:total", *(f"grade:{one}" for one in story.POLICY)]
        )
        for username, name, completion, grades in rows:
            shares = [grades.total, *grades.by_category.values()] if grades else [""] * 4
            writer.writerow(
                [username, name, f"{username}@example.com", "" if completion is None else completion, *shares]
            )
    import_file(key, file)


@pytest.mark.usefixtures("told")
class TestRoster(story.StorySuite):
    gateway = RosterGateway()
