"""Importing rosters: the whole file or nothing, and the same again changes nothing."""

from dataclasses import replace

import pytest
from django.db import connection

from conferral.contract import ConferralError
from conferral.issuance.deliver import deliver
from conferral.lms.roster import Imported, RosterGateway, import_file
from conferral.models import Credential, Learner, RosterEntry

MINDS_NO_SPELLING = pytest.mark.skipif(connection.vendor != "mysql", reason="other databases mind case and accents")


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


@MINDS_NO_SPELLING
@pytest.mark.parametrize("told", ["Ana", "aná"])
def test_a_username_that_is_known_in_another_spelling_is_refused(course, write, told):
    import_file(course.key, write("ana,Ana,0.8\n"))
    says = rf"roster\.csv: line 3: username '{told}' is known as 'ana', .* write 'ana', or another username"
    with pytest.raises(ConferralError, match=says):
        import_file(course.key, write(f"bo,Bo,0.5\n{told},Ana,0.9\n"))
    assert Learner.objects.get().key == "ana"


@MINDS_NO_SPELLING
def test_two_usernames_that_the_database_does_not_tell_apart(course, write):
    says = r"line 3: username 'müller' is there already \(.*roster\.csv: line 2, as 'muller'\); remove one"
    with pytest.raises(ConferralError, match=says):
        import_file(course.key, write("muller,M,0.8\nmüller,Mü,0.5\n"))


@MINDS_NO_SPELLING
def test_two_usernames_of_which_the_database_alone_knows_that_they_are_one(course, write):
    """Its collation says so, and no rule of ours."""
    with pytest.raises(ConferralError, match=r"line 4: username 'ana-ıı' is known as 'ana-ii', which is the same"):
        import_file(course.key, write("bo,Bo,0.5\nana-ii,A,0.8\nana-ıı,B,0.5\n"))
    assert not Learner.objects.exists()


@MINDS_NO_SPELLING
@pytest.mark.parametrize("account", ["", "7"])
def test_whom_the_source_tells_in_another_spelling_is_the_same_learner(db, account):
    known = Learner.objects.create(gateway="lms", key="ana", external_id="7")
    told = {"Ana": {"name": "Ana Vidal"} | ({"external_id": account} if account else {}), "bo": {}}
    learners, changed = Learner.objects.record("lms", told)
    assert (learners["Ana"].pk, changed) == (known.pk, {"Ana"})
    known.refresh_from_db()
    assert (known.key, known.name, Learner.objects.count()) == ("Ana", "Ana Vidal", 2)


@MINDS_NO_SPELLING
def test_a_username_that_another_account_has_in_another_spelling_is_somebody_else(db):
    known = Learner.objects.create(gateway="lms", key="ana", external_id="7")
    learners, _ = Learner.objects.record("lms", {"Ana": {"external_id": "8"}})
    assert learners["Ana"].pk != known.pk
    known.refresh_from_db()
    assert known.key == f"Ana #{known.pk}"


@MINDS_NO_SPELLING
def test_who_is_told_in_another_spelling_gets_no_second_one_and_their_mail(course, monkeypatch):
    course.learner("ana", email="ana@example.com")
    course.configure()
    course.run_and_generate()
    progress, people = RosterGateway.progress, RosterGateway.people

    def loudly(*given):
        for page in progress(*given):
            yield [replace(one, learner=one.learner.upper()) for one in page]

    monkeypatch.setattr(RosterGateway, "progress", loudly)
    monkeypatch.setattr(RosterGateway, "people", lambda *given: [replace(one, key="ANA") for one in people(*given)])
    ended = course.run()
    assert (ended.evaluated, ended.already, ended.issued) == (1, 1, 0)
    Learner.objects.update(key="ana")
    deliver()
    assert Credential.objects.get().deliveries.get().state == "sent"
    assert Learner.objects.get().key == "ANA"
