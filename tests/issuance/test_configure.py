"""Configuring: what is wrong is refused before it is written, in words that name it; what is in use stays."""

import re

import pytest
import typst

from conferral import storage
from conferral.contract import ConferralError
from conferral.issuance import configure, removal
from conferral.issuance.removal import InUse
from conferral.models import Context, CredentialAsset, CredentialConfiguration, CredentialType
from tests.conftest import Course


@pytest.fixture
def assets(template, db):
    configure.save_asset("classic", "classic.pdf", template)


def save_type(**changes):
    values = {
        "processor": "completion",
        "processor_options": {"required_completion": 0.8},
        "fields": {"hours": 40},
        "generators": {"certificate": {"generator": "pdf", "options": {"template": "classic"}}},
    }
    return configure.save_type("Completion", **values | changes)


def pdf(**options):
    return {"certificate": {"generator": "pdf", "options": {"template": "classic"} | options}}


def element(**changes):
    return pdf(elements={"name": {"text": "{name}", "y": "50%"} | changes})


def test_the_same_again_changes_nothing(assets):
    assert save_type().action == "create"
    assert save_type().action == "keep"
    change = save_type(fields={"hours": 50})
    assert (change.action, change.differences) == ("change", {"fields": ({"hours": 40}, {"hours": 50})})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"processor": "telepathy"},
            "processor: 'telepathy' is not installed; installed: completion, completion-and-gr",
        ),
        ({"processor_options": {"required": 1}}, "processor_options.required: unknown key; known here: required_compl"),
        (
            {"processor_options": {"required_completion": 1.2}},
            "processor_options.required_completion: 1.2 is not accepted: write a share",
        ),
        ({"processor_options": {"required_completion": True}}, "True is not accepted: write a share"),
        ({"processor": "grades"}, "processor_options.required_grades: is required"),
        (
            {"processor": "grades", "processor_options": {"required_grades": {"Exam": "pass"}}},
            "required_grades: {'Exam': 'pass'} is not accepted: 'pass' is for 'total' alone",
        ),
        (
            {"processor": "grades", "processor_options": {"required_grades": {"Exam": 7}}},
            "required_grades.Exam: 7 is not accepted: write a share from 0 to 1 (0 % to 100 %), or 'pass'",
        ),
        (
            {"generators": {"certificate": {"generator": "etching"}}},
            "generator: 'etching' is not installed; installed:",
        ),
        ({"generators": {"certificate": {}}}, "generators.certificate.generator: is required"),
        (
            {"generators": {"certificate": {"generator": "unloadable"}}},
            "generator 'unloadable' (conferral_test_plugins:",
        ),
        (
            {"generators": pdf(colour="red")},
            "generators.certificate.options.colour: unknown key; known here: alt, elements",
        ),
        ({"generators": pdf(template="modern")}, "options: 'modern' is not among the assets; there as pdf: classic"),
        (
            {"generators": pdf(font="classic")},
            "'classic' is of kind pdf (classic.pdf); one of kind font is needed here",
        ),
        ({"generators": element(text="{nmae}")}, "elements.name.text: '{nmae}' is not accepted: unknown placeholder"),
        ({"generators": element(text="100 }")}, "a single '}'; double it to print a brace"),
        ({"generators": element(text="{field.hour}")}, "{field.hour}: the type has no such field; it has: hours"),
        ({"generators": element(text="{evidence.total}")}, "the evidence has no such figure; it has: completion"),
        ({"generators": element(x="wide")}, "elements.name.x: 'wide' is not accepted: write a length"),
        ({"generators": element(colour="red")}, "elements.name.colour: 'red' is not accepted"),
        ({"generators": element(size=0)}, "elements.name.size: 0 is not accepted: it has to be above zero"),
        ({"generators": element(width="-5mm")}, "elements.name.width: '-5mm' is not accepted: it has to be above zero"),
        (
            {"generators": element(y="150%")},
            "elements.name.y: 150%: is not on the page, which is 841.89 × 595.276 points",
        ),
        ({"generators": element(x="50%")}, "elements.name: its box from x 50%, width 80%, does not lie on the page"),
        ({"generators": element(x="99999999mm")}, "elements.name.x: '99999999mm' is not accepted: write a length"),
        ({"generators": element(page=2)}, "elements.name.page: 2: the template has 1 pages"),
        ({"generators": element(sise=2)}, "elements.name.sise: unknown key; known here: align, colour, font"),
        ({"locale": "klingon"}, "locale: 'klingon' is not known; write a language tag like fr or pt-BR"),
        ({"kinds": ["course"], "processor": "nobody"}, "processor: 'nobody' is not installed"),
    ],
)
def test_a_wrong_type_is_refused_in_one_line_and_not_saved(assets, changes, says):
    with pytest.raises(ConferralError, match=re.escape(says)) as refused:
        save_type(**changes)
    assert "\n" not in str(refused.value)
    assert not CredentialType.objects.exists()


def test_doubled_braces_and_known_placeholders_are_fine(assets):
    save_type(generators=element(text="{{ {name} }} {field.hours} h, {evidence.completion}, {expires}"))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("CS101", "'CS101' is not a key; write it as course-v1:ORG+COURSE+RUN"),
        ("course-v1:A+B", "is not a key"),
        ("course-v1:" + "A" * 250 + "+B+C", "has 264 characters, at most 255 are allowed"),
        ("path-v1:A+B+C", "is not a key"),
    ],
)
def test_a_wrong_key_is_refused(assets, key, says):
    save_type()
    with pytest.raises(ConferralError, match=re.escape(says)):
        configure.save_configuration(key, "Completion")
    with pytest.raises(ConferralError, match=re.escape(says)):
        configure.save_context(key, name="Wrong")
    assert not CredentialConfiguration.objects.exists()
    assert not Context.objects.exists()


def test_keys_may_be_as_long_as_open_edx_stores_them(course):
    key = "course-v1:" + "A" * 241 + "+B+C"
    assert len(key) == 255
    configure.save_context(key, name="Long")
    course.configure()
    configure.save_configuration(key, course.type_name, enabled=True)


def test_a_configuration_is_merged_with_its_type_and_has_to_be_able_to_run(course):
    course.configure()
    with pytest.raises(ConferralError, match=r"processor_options.required_completion: 2 is not accepted"):
        configure.save_configuration(course.key, course.type_name, processor_options={"required_completion": 2})
    with pytest.raises(ConferralError, match="time_zone: 'Europe/Atlantis' is not known"):
        configure.save_configuration(course.key, course.type_name, time_zone="Europe/Atlantis")
    with pytest.raises(ConferralError, match=r"context: 'course-v1:A\+B\+C' is not known"):
        configure.save_configuration("course-v1:A+B+C", course.type_name)
    with pytest.raises(ConferralError, match=r"type: 'Nothing' is not known; known: 'Completion'"):
        configure.save_configuration(course.key, "Nothing")
    with pytest.raises(ConferralError, match=r"step_options: 'x' is no step of"):
        configure.save_configuration(course.key, course.type_name, step_options={"x": {}})


def test_a_type_for_lessons_is_not_for_a_course(course):
    with pytest.raises(ConferralError, match=r"type: 'Completion' is for lesson; .* is a course"):
        course.configure(kinds=["lesson"])


def test_a_changed_type_has_to_suit_its_configurations(course):
    course.configure()
    configure.save_configuration(course.key, course.type_name, processor_options={"required_completion": 0.5})
    configure.save_type(
        course.type_name, processor="grades", processor_options={"required_grades": {"total": 0.5}}, generators={}
    )
    with pytest.raises(ConferralError, match=r"configuration .*: processor_options.required_completion: unknown key"):
        configure.check_users({course.type_name}, (), ())


def test_a_changed_asset_or_pathway_has_to_suit_its_configurations(course, template):
    two_pages = typst.compile(b'#set page(paper: "a4", flipped: true)\n#pagebreak()')
    configure.save_asset("classic", "classic.pdf", two_pages)
    course.configure(generators=pdf(elements={"name": {"text": "{name}", "y": 100, "page": 2}}))
    configure.save_asset("classic", "classic.pdf", template)
    with pytest.raises(ConferralError, match=r"elements.name.page: 2: the template has 1 pages"):
        configure.check_users((), (), {"classic"})
    configure.check_users((), {"course-v1:Other+O+1"}, ())


def test_what_is_broken_by_something_else_stands_in_nobodys_way(course):
    course.configure()
    Course(course.key, type_name="Other").configure()
    CredentialType.objects.filter(name="Other").update(processor="gone")
    configure.check_users({course.type_name}, {"course-v1:Other+O+1"}, {"classic"})
    with pytest.raises(ConferralError, match="processor: 'gone' is not installed"):
        configure.check_users({"Other"}, (), ())


def test_a_slot_that_an_override_adds_is_checked_too(course):
    course.configure()
    for name in ("a/b", "[/x]", "s" * 80):
        with pytest.raises(ConferralError, match="generators"):
            configure.save_configuration(course.key, course.type_name, generators={name: {"generator": "text"}})


def test_a_bug_in_a_plugin_is_told_with_its_name(course, caplog):
    with pytest.raises(
        ConferralError, match=r"generators.certificate.options: generator 'broken': raised KeyError\('oops"
    ):
        course.configure(generators={"certificate": {"generator": "broken"}})
    assert "conferral_test_plugins.py" in caplog.text  # where it was raised


def test_an_asset_stays_in_use_while_a_plugin_of_its_type_is_missing(course, template):
    configure.save_asset("classic", "classic.pdf", template)
    course.configure(generators=pdf() | {"badge": {"generator": "text"}})
    stored = CredentialType.objects.get()
    stored.generators["badge"]["generator"] = "gone"
    stored.save()
    with pytest.raises(InUse, match="asset 'classic': is used by the type 'Completion'"):
        removal.delete_asset("classic")


def test_a_lost_file_is_put_back_by_uploading_it_again(course, template):
    configure.save_asset("classic", "classic.pdf", template)
    lost = CredentialAsset.objects.get()
    storage.remove(lost.storage_name)
    assert configure.save_asset("classic", "classic.pdf", template).action == "keep"
    course.configure(generators=pdf())


def test_what_a_failed_run_left_does_not_keep_its_type(course, template, settings):
    configure.save_asset("classic", "classic.pdf", template)
    settings.CONFERRAL_PAGE_SIZE = 1
    course.learner("ana")
    course.learner("bo")
    course.configure(generators=pdf())
    settings.CONFERRAL_LMS = "breaking"
    with pytest.raises(ConnectionError):
        course.run()
    settings.CONFERRAL_LMS = "roster"
    removal.delete_configuration(course.key, "Completion")
    removal.delete_type("Completion")
    removal.delete_asset("classic")


def test_an_issuers_addresses_are_addresses(db):
    with pytest.raises(ConferralError, match="url: 'javascript:alert\\(1\\)' is not accepted: Enter a valid URL"):
        configure.save_issuer("demo", name="Demo", url="javascript:alert(1)")
    with pytest.raises(ConferralError, match="reply_to: 'nonsense' is not accepted"):
        configure.save_issuer("demo", name="Demo", reply_to="nonsense")


def test_a_pathway_needs_its_steps(db, course):
    key = "path-v1:Test+DEV+2026+A"
    with pytest.raises(ConferralError, match="a pathway .* has steps"):
        configure.save_context(key, name="Developer")
    with pytest.raises(ConferralError, match=r"steps: 'course-v1:No\+No\+No' is not a declared course"):
        configure.save_context(key, name="Developer", steps=["course-v1:No+No+No"])
    with pytest.raises(ConferralError, match="a course has none"):
        configure.save_context(course.key, name="Testing", steps=[course.key])
    assert configure.save_context(key, name="Developer", steps=[course.key]).action == "create"


def test_only_one_issuer_is_the_sites(db):
    configure.save_issuer("one", name="One")
    with pytest.raises(ConferralError, match="'one' is the issuer without an organisation already"):
        configure.save_issuer("two", name="Two")
    with pytest.raises(ConferralError, match="logo: 'crest' is not among the assets"):
        configure.save_issuer("two", name="Two", organisation="Two", logo="crest")


def test_a_new_version_of_an_asset_leaves_the_old_one_to_those_who_have_it(course, template):
    configure.save_asset("classic", "classic.pdf", template)
    course.learner("ana")
    course.configure(generators=pdf())
    course.run_and_generate()
    change = configure.save_asset("classic", "classic.pdf", template.replace(b"%%EOF", b"%%EOF\n"))
    assert (change.action, change.differences) == ("change", {"version": (1, 2)})
    course.learner("bo")
    course.run_and_generate()
    versions = CredentialAsset.objects.filter(slug="classic").order_by("version")
    assert [version.editions.count() for version in versions] == [1, 1]
    assert course.states() == {"ana": "available", "bo": "available"}


def test_what_is_in_use_is_not_deleted(course, template):
    configure.save_asset("classic", "classic.pdf", template)
    course.configure(generators=pdf())
    with pytest.raises(InUse, match="asset 'classic': is used by the type 'Completion'; change those first"):
        removal.delete_asset("classic")
    with pytest.raises(InUse, match="type 'Completion': is used by 1 configurations"):
        removal.delete_type("Completion")
    with pytest.raises(InUse, match="has configurations"):
        removal.delete_context(course.key)

    course.learner("ana")
    course.run_and_generate()
    with pytest.raises(InUse, match="has issued 1 credentials; switch it off instead"):
        removal.delete_configuration(course.key, "Completion")
    configure.save_type("Completion", processor="completion", generators={})
    with pytest.raises(InUse, match="asset 'classic': credentials were issued with it"):
        removal.delete_asset("classic")


def test_what_nothing_uses_is_deleted(course, template):
    configure.save_asset("classic", "classic.pdf", template)
    course.configure()
    course.run()
    removal.delete_configuration(course.key, "Completion")
    removal.delete_type("Completion")
    removal.delete_context(course.key)
    removal.delete_asset("classic")
    assert not CredentialAsset.objects.exists()
    with pytest.raises(ConferralError, match="asset 'classic': there is none"):
        removal.delete_asset("classic")


@pytest.mark.parametrize(
    ("filename", "content", "says"),
    [
        ("classic.pdf", b"hello", "asset 'classic': classic.pdf is not a PDF, or is damaged"),
        ("classic.ttf", b"hello", "classic.ttf is not a font, or is damaged"),
        ("classic.png", b"hello", "classic.png is not a PNG, JPEG or SVG picture"),
        ("classic.exe", b"hello", "classic.exe does not end in one of .pdf .ttf"),
        ("classic.pdf", b"%PDF-" + bytes(21 * 1024 * 1024), "at most 20,971,520 are accepted"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(db, filename, content, says):
    with pytest.raises(ConferralError, match=re.escape(says)):
        configure.save_asset("classic", filename, content)
    assert not CredentialAsset.objects.exists()
