"""Importing rosters: the whole file or nothing, and the same again changes nothing."""

import pytest

from conferral.contract import ConferralError
from conferral.lms.roster import Imported, import_file
from conferral.models import Learner, RosterEntry


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "roster.csv"
        path.write_text("username,name,completion\n" + text)
        return path

    return write


def test_again_changes_nothing_and_a_change_is_a_change(course, write):
    assert import_file(course.key, write("ana,Ana,0.8\nbo,Bo,0.5\n")) == Imported(2, 2, 0, 0)
    assert import_file(course.key, write("ana,Ana,0.8\nbo,Bo,0.5\n")) == Imported(2, 0, 0, 0)
    assert import_file(course.key, write("ana,Anna,0.8\nbo,Bo,0.6\n")) == Imported(2, 0, 2, 0)
    assert Learner.objects.get(key="ana").name == "Anna"


def test_who_is_not_in_the_file_any_more_takes_no_part_any_more(course, write):
    import_file(course.key, write("ana,Ana,0.8\nbo,Bo,0.5\n"))
    assert import_file(course.key, write("bo,Bo,0.5\n")) == Imported(1, 0, 0, 1)
    assert [entry.learner.key for entry in RosterEntry.objects.all()] == ["bo"]
    assert Learner.objects.count() == 2


def test_a_wrong_row_changes_nothing(course, write):
    import_file(course.key, write("ana,Ana,0.8\n"))
    with pytest.raises(ConferralError, match=r"roster\.csv: line 3: completion: '8' is not a share"):
        import_file(course.key, write("ana,Changed,0.9\nbo,Bo,8\n"))
    assert Learner.objects.get().name == "Ana"


def test_a_context_that_was_not_declared(db, write):
    with pytest.raises(ConferralError, match="is not known; declare it under `contexts:`"):
        import_file("course-v1:A+B+C", write("ana,Ana,0.8\n"))


def test_pages_do_not_matter(course, write, settings):
    settings.CONFERRAL_PAGE_SIZE = 3
    rows = "".join(f"learner-{number},Learner {number},0.8\n" for number in range(10))
    assert import_file(course.key, write(rows)) == Imported(10, 10, 0, 0)
    course.configure()
    assert course.run().issued == 10
