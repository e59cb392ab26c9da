"""Before anything is issued: one sample as production would make it, and everybody's name tried; nothing is kept."""

from datetime import UTC, datetime
from itertools import chain

import pytest
from django.utils import timezone

from conferral import plugins
from conferral.contract import ConferralError
from conferral.contract.context import is_pathway_key
from conferral.issuance import configure
from conferral.issuance.preflight import Preflight, Smallest, character
from conferral.issuance.preview import preview, request_without_source
from conferral.models import Context, Credential, CredentialConfiguration, Edition, Run
from tests.conftest import COURSE

TELLING = {"certificate": {"generator": "telling"}}
END = datetime(2026, 6, 30, 12, tzinfo=UTC)


def shown(type_name="Completion", **asked):
    """What `preview` asks the generator `telling` for."""
    preview(configure.find_type(type_name), plugins.gateway(), **asked)
    return plugins.generator("telling").asked[-1]


def looked_at(configuration):
    """A preflight that has ended, and all of its problems."""
    preflight = Preflight(configuration, plugins.gateway())
    pages = list(preflight.pages())
    return preflight, list(chain.from_iterable(problems for _, problems in pages))


def test_without_a_context_it_is_invented_and_the_type_is_real(course):
    course.configure(generators=TELLING, fields={"hours": 40}, locale="fr")
    request = shown()
    assert (request.draft, request.boxes, request.slot, request.locale) == (True, False, "certificate", "fr")
    assert (request.snapshot.type, request.snapshot.fields) == ("Completion", {"hours": 40})
    assert request.snapshot.context == "Introduction to Computing"
    assert request.page_url == "http://localhost:8000/c/K7QF-2M9X-4TBD-HW33"
    assert request.url_of("badge.svg") == f"{request.page_url}/badge.svg"


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        (["pathway"], "Software Developer"),
        (["lesson"], "Version Control in an Hour"),
        (["lesson", "course"], "Introduction to Computing"),
    ],
)
def test_what_is_invented_is_of_a_kind_that_the_type_is_for(course, kinds, name):
    configure.save_type(
        "For", kinds=kinds, processor="completion", processor_options={"required_completion": 1}, generators=TELLING
    )
    snapshot = shown("For").snapshot
    assert snapshot.context == name
    assert is_pathway_key(snapshot.context_key) == (kinds == ["pathway"])


@pytest.mark.parametrize(("stored", "name"), [("Tester", "Tester"), ("", "Software Developer")])
def test_without_its_source_a_configuration_shows_what_is_stored_of_it(course, stored, name):
    key = "path-v1:Test+DEV+2026+A"
    configure.save_context(key, name=stored or key, organisation="Test", steps=[COURSE])
    course.configure(generators=TELLING, fields={"hours": 40})
    configure.save_configuration(key, "Completion", fields={"hours": 120})
    Context.objects.all().delete()
    saved = CredentialConfiguration.objects.get(context_key=key)
    saved.context_name = stored
    request = request_without_source(saved)
    assert (request.snapshot.context, request.snapshot.fields) == (name, {"hours": 120})


def test_in_a_context_it_is_as_the_configuration_has_it_today(course):
    configure.save_context(COURSE, name="Testing", organisation="Test", language="de", end=END)
    configure.save_issuer("site", name="The Site")
    configure.save_issuer("tests", name="Test University", organisation="Test", url="https://test.example")
    course.configure(
        generators=TELLING, fields={"hours": 40, "room": 1}, validity={"years": 1}, printed_date="end", time_zone="UTC"
    )
    CredentialConfiguration.objects.update(fields={"hours": 1}, enabled=False, time_zone="Europe/Paris")
    request = shown(context_key=COURSE)
    snapshot = request.snapshot
    assert (snapshot.context, snapshot.context_key, snapshot.organisation) == ("Testing", COURSE, "Test")
    assert (snapshot.issuer.name, snapshot.issuer.url) == ("Test University", "https://test.example")
    assert snapshot.fields == {"hours": 1, "room": 1}
    assert (request.locale, request.time_zone) == ("de", "Europe/Paris")
    assert snapshot.issued.date() == snapshot.earned.date() == timezone.now().date()
    assert (snapshot.date, snapshot.end, snapshot.start) == (END, END, None)
    assert snapshot.expires.year == snapshot.issued.year + 1
    assert [fact.key for fact in snapshot.evidence] == ["completion"]


def test_a_context_without_a_configuration_takes_the_type_as_it_stands(course):
    course.configure(generators=TELLING, fields={"hours": 40})
    CredentialConfiguration.objects.all().delete()
    request = shown(context_key=COURSE)
    assert (request.snapshot.context, request.snapshot.fields) == ("Testing", {"hours": 40})


def test_what_a_person_asks_for(course):
    course.configure(generators={"badge": {"generator": "text"}} | TELLING)
    request = shown(slot="certificate", name="Bo", locale="pt-BR", boxes=True)
    assert (request.slot, request.snapshot.name, request.locale, request.boxes) == ("certificate", "Bo", "pt-BR", True)


def test_the_preview_and_the_run_make_the_same(course):
    course.configure(generators=TELLING, fields={"hours": 40}, validity={"days": 30})
    course.learner("bo", name="Bo")
    sample = shown(context_key=COURSE, name="Bo")
    course.run_and_generate()
    real = plugins.generator("telling").asked[-1]
    assert not real.draft
    differing = {"draft", "page_url", "idempotency_key", "url_of", "snapshot"}
    same = set(sample.__slots__) - differing
    assert {name: getattr(real, name) for name in same} == {name: getattr(sample, name) for name in same}
    differing = {"verification_id", "issued", "earned", "date", "expires", "evidence"}
    same = set(sample.snapshot.__slots__) - differing
    of_both = [{name: getattr(one.snapshot, name) for name in same} for one in (real, sample)]
    assert of_both[0] == of_both[1]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"slot": "badge"}, "slot: 'badge' is not in the type 'Completion'; it has: certificate"),
        ({"name": " \u200d"}, "has nothing that would be seen; write a name"),
        ({"locale": "klingon"}, "locale: 'klingon' is not known; write a language tag"),
        ({"context_key": "course-v1:A+B+C"}, r"context: 'course-v1:A\+B\+C' is not known to 'Imported rosters'"),
        ({"context_key": "A:B"}, "context key: 'A:B' is not a key"),
        ({"name": "Permanent"}, "^this name cannot be engraved$"),
        ({"name": "Bug"}, r"generator 'buggy': raised KeyError\('oops'\); the log has its traceback"),
        ({"name": "Path"}, r"the generator named a file '../evil.txt'"),
    ],
)
def test_what_cannot_be_previewed_is_said_in_one_line(course, asked, says):
    course.configure(generators={"certificate": {"generator": "buggy"}})
    with pytest.raises(ConferralError, match=says) as refused:
        preview(configure.find_type("Completion"), plugins.gateway(), **asked)
    assert "\n" not in str(refused.value)


def test_a_configuration_is_tried_out_with_its_own_context(course, template):
    configure.save_asset("plain", "plain.pdf", template)
    Context.objects.filter(key=COURSE).update(name="Ꭳ")
    with pytest.raises(ConferralError, match=r"generators.certificate.options: context: .*U\+13A3"):
        course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}})


def test_preflight_finds_everybody_whose_certificate_would_fail(course):
    for username, name in (
        ("ana", "Ana"),
        ("bo", "Permanent"),
        ("cy", ""),
        ("di", "Bug"),
        ("ed", " \u0301"),
        ("fay", "Disk"),
    ):
        course.learner(username, name=name)
    course.learner("gone", name="Permanent", active=False)
    course.configure(generators={"certificate": {"generator": "buggy"}})
    preflight, problems = looked_at(course.configuration)
    assert {each.username: each.reason for each in problems} == {
        "bo": "this name cannot be engraved",
        "cy": "has no name",
        "di": "generator 'buggy': raised KeyError('oops'); the log has its traceback",
        "ed": "has no name",
        "fay": "generator 'buggy': raised OSError(28, 'No space left on device'); the log has its traceback",
    }
    (tally,) = preflight.tallies
    assert (tally.slot, tally.learners, tally.problems) == ("certificate", 6, 5)


def test_what_a_generator_flags_is_a_problem_in_its_slot(course):
    course.learner("bo", name="Bo")
    course.configure(generators={"certificate": {"generator": "text"}, "badge": {"generator": "remote"}})
    preflight, (problem,) = looked_at(course.configuration)
    assert (problem.slot, problem.name, problem.reason) == ("badge", "Bo", "short name")
    assert {tally.slot: tally.problems for tally in preflight.tallies} == {"certificate": 0, "badge": 1}


def test_the_smallest_size_of_each_text_and_whose_name_it_was(course):
    for username, name in (("ana", "Ana"), ("lo", "Longest"), ("lo2", "Longest"), ("bo", "Bo")):
        course.learner(username, name=name)
    course.configure(generators=TELLING)
    (tally,) = looked_at(course.configuration)[0].tallies
    assert tally.smallest == {"name": Smallest(120 / 7, "lo", "Longest"), "title": Smallest(20, "ana", "Ana")}


def test_missing_characters_are_counted_over_everybody(course, template):
    configure.save_asset("plain", "plain.pdf", template)
    for username, name in (("ana", "Ana"), ("jo", "ᏣᏣᏂ"), ("joe", "Joe Ꮳ")):
        course.learner(username, name=name)
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "plain"}}})
    preflight, problems = looked_at(course.configuration)
    assert [each.username for each in problems] == ["jo", "joe"]
    assert preflight.tallies[0].most_missed() == [("U+13E3 (Cherokee)", 2), ("U+13C2 (Cherokee)", 1)]
    assert [character(named) for named in ("U+13E3 (Cherokee)", "U+200D (Common)")] == ["Ꮳ", ""]


def test_a_pathways_learners_are_those_who_take_it(course):
    key = "path-v1:Test+DEV+2026+A"
    configure.save_context(key, name="Tester", organisation="Test", steps=[COURSE])
    course.learner("outsider", name="")
    course.configure(generators=TELLING)
    configure.save_configuration(key, "Completion", enabled=True)
    course.key = key
    course.learner("member", name="Member")
    preflight, problems = looked_at(CredentialConfiguration.objects.get(context_key=key))
    assert (problems, preflight.tallies[0].learners) == ([], 1)
    assert [fact.step for fact in plugins.generator("telling").asked[-1].snapshot.evidence] == [COURSE]


def test_nothing_is_issued_or_kept(course):
    course.learners(3)
    course.configure(generators=TELLING)
    looked_at(course.configuration)
    shown(context_key=COURSE)
    assert all(request.draft for request in plugins.generator("telling").asked)
    assert not any(model.objects.exists() for model in (Credential, Edition, Run))


def test_a_slot_is_prepared_once_and_a_name_is_made_once(course, settings):
    settings.CONFERRAL_PAGE_SIZE = 2
    for number in range(7):
        course.learner(f"learner-{number}", name=("Ana", "Bo")[number % 2])
    course.configure(generators=TELLING)
    plugins.load.cache_clear()
    preflight, _ = looked_at(course.configuration)
    telling = plugins.generator("telling")
    assert (telling.prepared, len(telling.asked), preflight.tallies[0].learners) == (1, 2, 7)


@pytest.mark.parametrize("count", [2, 40])
def test_queries_for_each_page(course, django_assert_num_queries, count):
    course.learners(count)
    course.configure(generators=TELLING)
    preflight = Preflight(course.configuration, plugins.gateway())
    with django_assert_num_queries(1 + 3):  # the context; progress, who is retired, people
        assert [learners for learners, _ in preflight.pages()] == [count]


def test_queries_grow_with_the_pages_alone(course, settings, django_assert_num_queries):
    settings.CONFERRAL_PAGE_SIZE = 10
    course.learners(25)
    course.configure(generators=TELLING)
    preflight = Preflight(course.configuration, plugins.gateway())
    with django_assert_num_queries(1 + 3 * 3):
        assert [learners for learners, _ in preflight.pages()] == [10, 10, 5]


def test_a_configuration_that_cannot_run_is_said(course):
    course.configure(generators=TELLING)
    Context.objects.all().delete()
    with pytest.raises(ConferralError, match="is not known to 'Imported rosters'"):
        Preflight(course.configuration, plugins.gateway())


def test_a_gateway_that_breaks_ends_it(course, settings):
    settings.CONFERRAL_LMS = "breaking"
    course.learners(1)
    course.configure(generators=TELLING)
    pages = Preflight(course.configuration, plugins.gateway()).pages()
    assert next(pages)[0] == 1
    with pytest.raises(ConnectionError):
        next(pages)
