"""Texts with placeholders: which are known, and what each stands for in a credential."""

from datetime import UTC, datetime

import pytest

from conferral.contract import Fact, Options, OptionsError, PermanentError, sample_request
from conferral.contract.options import parse
from conferral.contract.placeholders import PLACEHOLDERS, Text, babel_locale, check, fill, placeholders_in, values


class Wording(Options):
    text: Text


def filled(text, **changes):
    return fill(text, values(sample_request(**changes)))


def share(key, actual, step=""):
    return Fact(key, actual, "0.5", met=True, step=step)


@pytest.mark.parametrize("name", [*PLACEHOLDERS, "evidence.total", "evidence.Final Exam", "field.hours"])
def test_known_placeholders_are_accepted(name):
    assert check(f"x {{{name}}} y") == f"x {{{name}}} y"


@pytest.mark.parametrize("text", ["{nmae}", "{}", "{Name}", "{evidence}", "{evidence.}", "{field. }", "{ name }"])
def test_an_unknown_placeholder_is_refused_and_named(text):
    with pytest.raises(OptionsError) as refused:
        parse(Wording, {"text": text}, "options")
    assert str(refused.value).startswith("options.text: ")
    assert f"unknown placeholder {text}; known: {{name}}, " in str(refused.value)


@pytest.mark.parametrize("text", ["{name", "name}", "{{name}", "{a{name}}", "}{"])
def test_a_brace_without_its_pair_is_refused(text):
    with pytest.raises(ValueError, match=r"a single '[{}]'; double it to print a brace"):
        check(text)


def test_placeholders_are_found_in_order_and_doubled_braces_are_none():
    assert list(placeholders_in("{{name}} {name} {{{date}}} {name}")) == ["name", "date", "name"]


def test_doubled_braces_are_printed_once():
    assert filled("{{{name}}} {{}}", name="Ana") == "{Ana} {}"


def test_a_value_is_never_filled_in_again():
    assert filled("{name}", name="{context} {{") == "{context} {{"


def test_every_plain_placeholder_has_a_value():
    for name in PLACEHOLDERS:
        assert filled(f"{{{name}}}"), name


def test_an_absent_date_is_empty():
    assert filled("[{start}{end}{expires}]", start=None, end=None, expires=None) == "[]"


def test_the_page_and_the_id_are_those_of_the_request():
    assert filled("{verification_id} {verification_url}", page_url="https://x.example/c/K7QF") == (
        "K7QF-2M9X-4TBD-HW33 https://x.example/c/K7QF"
    )


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en", "May 12, 2026"),
        ("en-GB", "12 May 2026"),
        ("es-419", "12 de mayo de 2026"),
        ("pt_BR", "12 de maio de 2026"),
        ("de-XX", "12. Mai 2026"),
        ("zh-CN", "2026年5月12日"),
        ("", "May 12, 2026"),
        ("klingon", "May 12, 2026"),
    ],
)
def test_dates_are_written_as_the_locale_does(locale, written):
    assert filled("{date}", locale=locale) == written


def test_a_date_is_the_day_in_the_requests_time_zone():
    late = datetime(2026, 5, 12, 22, 30, tzinfo=UTC)
    assert filled("{date}", date=late, time_zone="UTC") == "May 12, 2026"
    assert filled("{date}", date=late, time_zone="Europe/Paris") == "May 13, 2026"
    assert filled("{date}", date=late, time_zone="America/Los_Angeles") == "May 12, 2026"


@pytest.mark.parametrize(
    ("actual", "locale", "written"),
    [
        ("0.795", "en", "79.5%"),
        ("0.79999", "en", "79.99%"),
        ("1", "en", "100%"),
        ("0", "en", "0%"),
        ("0.795", "de", "79,5\xa0%"),
        ("yes", "en", "yes"),
    ],
)
def test_figures_are_percentages_and_never_rounded_up(actual, locale, written):
    assert filled("{evidence.total}", evidence=(share("total", actual),), locale=locale) == written


@pytest.mark.parametrize("locale", ["ar-EG", "fa", "tr", "hi", "eu"])
def test_percentages_come_out_in_other_patterns(locale):
    written = filled("{evidence.total}", evidence=(share("total", "0.5"),), locale=locale)
    assert any(character.isdigit() for character in written)
    assert any(sign in written for sign in "%٪")


def test_a_pathway_shows_the_lowest_figure_of_its_steps():
    evidence = (share("total", "0.9", "course-v1:D+A+1"), share("total", "0.62", "course-v1:D+B+1"))
    assert filled("{evidence.total}", evidence=evidence) == "62%"


def test_a_figure_that_the_source_does_not_have_is_passed_over():
    evidence = (share("total", None, "course-v1:D+A+1"), share("total", "0.9", "course-v1:D+B+1"))
    assert filled("{evidence.total}", evidence=evidence) == "90%"


def test_a_figure_that_the_evidence_does_not_have_is_an_error_that_lists_those_it_has():
    with pytest.raises(PermanentError, match=r"placeholder \{evidence\.total\}: .*; it has: Exam, completion$"):
        filled("{evidence.total}", evidence=(share("completion", "1"), share("Exam", "1")))
    with pytest.raises(PermanentError, match=r"it has: none$"):
        filled("{evidence.total}", evidence=())


@pytest.mark.parametrize(("value", "written"), [(40, "40"), (1200, "1.200"), (2.5, "2,5"), ("40", "40")])
def test_fields_are_written_as_the_locale_does(value, written):
    assert filled("{field.hours}", fields={"hours": value}, locale="de") == written


def test_a_field_that_the_type_does_not_have_is_an_error_that_lists_those_it_has():
    with pytest.raises(PermanentError, match=r"placeholder \{field\.ects\}: .*; it has: hours, level$"):
        filled("{field.ects}", fields={"level": "A1", "hours": 40})


def test_a_locale_falls_back_to_its_language_and_then_to_english():
    assert str(babel_locale("pt-BR")) == "pt_BR"
    assert str(babel_locale("de-XX")) == "de"
    assert str(babel_locale("xx-YY")) == "en"
