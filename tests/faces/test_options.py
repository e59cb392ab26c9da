"""Options as forms, from outside: what the browser sends, what is stored, and where errors stand."""

import json
import re
from html import unescape

import pytest
from django.test import Client

from conferral.issuance import configure
from conferral.models import Context, CredentialConfiguration, CredentialType
from tests.conftest import COURSE
from tests.faces.test_admin import configuration, errors, page, text_of
from tests.faces.test_configuring import at

PDF = {"generator": "pdf", "options": {"template": "plain", "elements": {"name": {"text": "{name}", "y": "50%"}}}}


@pytest.fixture
def kind(course, template):
    configure.save_asset("plain", "plain.pdf", template)
    configure.save_type(
        "Completion",
        processor="completion",
        processor_options={"required_completion": 0.8},
        generators={"certificate": PDF},
    )
    return CredentialType.objects.get()


@pytest.fixture
def saved(kind):
    configure.save_configuration(COURSE, "Completion", processor_options={"required_completion": 0.9})
    return CredentialConfiguration.objects.get()


def drawn(response, field):
    """What the form shows of a field, and its errors by place: as django-jsonform is told."""
    found = re.search(rf'name="{field}_form"[^>]*data-django-jsonform="([^"]*)"', response.content.decode())
    config = json.loads(unescape(found[1]))
    return json.loads(config["data"]), config["errorMap"]


def filled(client, address):
    """What a browser with scripts sends of the page, unchanged."""
    form = client.get(address).context["adminform"].form
    sent = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, dict) and "how" in value:
            sent |= {f"when_{part}": each for part, each in value.items()}
        elif value is True:
            sent[bound.html_name] = "on"
        elif hasattr(bound.field, "shape"):
            data, _errors = drawn(client.get(address), bound.html_name)
            sent |= {f"{bound.html_name}_mode": "form", f"{bound.html_name}_form": json.dumps(data)}
            sent[bound.html_name] = "what the form says counts"
        elif value not in (False, None):
            sent[bound.html_name] = json.dumps(value) if isinstance(value, dict) else value
    return sent


def changed(sent, field, change):
    data = json.loads(sent[f"{field}_form"])
    change(data)
    return sent | {f"{field}_form": json.dumps(data)}


def send(client, address, sent):
    return client.post(address, sent, follow=True)


# A type


def test_a_page_that_is_saved_unchanged_changes_nothing(kind, operator):
    address = page("credentialtype_change", kind.pk)
    before = CredentialType.objects.values().get()
    assert errors(send(operator, address, filled(operator, address))) == {}
    after = CredentialType.objects.values().get()
    assert after == before


def test_a_percentage_is_stored_as_a_share(kind, operator):
    address = page("credentialtype_change", kind.pk)
    sent = filled(operator, address)
    assert json.loads(sent["processor_options_form"]) == {"required_completion": "80"}
    assert errors(send(operator, address, sent | {"processor_options_form": '{"required_completion": "79.5"}'})) == {}
    assert CredentialType.objects.get().processor_options == {"required_completion": 0.795}
    assert errors(send(operator, address, sent | {"processor_options_form": '{"required_completion": "100 %"}'})) == {}
    assert CredentialType.objects.get().processor_options == {}  # as is the default


def test_a_design_is_changed_without_json(kind, operator):
    address = page("credentialtype_change", kind.pk)

    def change(slots):
        (slot,) = slots
        (element,) = slot["options"]["elements"]
        assert (slot["name"], element["name"], element["type"]) == ("certificate", "name", "text")
        element["size"] = "30pt"
        line = {"name": "rule", "type": "line", "y": "60%"}
        slot["options"]["elements"].append(line)

    assert errors(send(operator, address, changed(filled(operator, address), "generators", change))) == {}
    stored = CredentialType.objects.get().generators["certificate"]["options"]["elements"]
    assert stored["name"]["size"] == "30pt"
    assert stored["rule"] == {"type": "line", "y": "60%"}
    assert list(stored) == ["name", "rule"]


def test_errors_stand_at_their_fields(kind, operator):
    address = page("credentialtype_change", kind.pk)

    def change(slots):
        slots[0]["options"]["elements"][0] |= {"size": "huge", "max_lines": 0}

    response = operator.post(address, changed(filled(operator, address), "generators", change))
    data, places = drawn(response, "generators")
    assert set(places) == {"0§options§elements§0§size", "0§options§elements§0§max_lines"}
    assert "Write a length" in places["0§options§elements§0§size"][0]
    assert data[0]["options"]["elements"][0]["size"] == "huge"  # as it was typed
    assert any("size: Write a length" in each for each in errors(response)["generators"])


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ('{"required_completion": "lots"}', "write a share"),
        ('{"required_completion": "101"}', "write a share"),
        ("{", "valid JSON"),
        ("[1]", ""),
        ('{"required_completion": "1\\u0000"}', "cannot be stored"),
        ("[" * 100_000, "not accepted as JSON"),
    ],
)
def test_a_hostile_form_is_refused(kind, operator, sent, says):
    address = page("credentialtype_change", kind.pk)
    response = operator.post(address, filled(operator, address) | {"processor_options_form": sent})
    assert says.lower() in errors(response)["processor_options"][0].lower()
    assert CredentialType.objects.get().processor_options == {"required_completion": 0.8}


def test_a_name_that_is_there_twice_is_refused(kind, operator):
    address = page("credentialtype_change", kind.pk)
    response = operator.post(
        address, changed(filled(operator, address), "generators", lambda slots: slots.append(slots[0]))
    )
    assert "certificate is there twice" in errors(response)["generators"][0]


def test_json_stays_available(kind, operator):
    address = page("credentialtype_change", kind.pk)
    sent = filled(operator, address) | {
        "processor_options_mode": "raw",
        "processor_options": '{"required_completion": 0.7}',
    }
    assert errors(send(operator, address, sent)) == {}
    assert CredentialType.objects.get().processor_options == {"required_completion": 0.7}


def test_whoever_has_no_scripts_is_told_that_they_see_json(kind, operator):
    shown = operator.get(page("credentialtype_change", kind.pk)).content.decode()
    said = "Without scripts in the browser there is no form for this: write it as JSON."
    assert shown.count(f'<noscript><p class="quiet">{said}</p></noscript>') == shown.count("data-options=")


def test_options_that_no_form_can_show_are_json_alone(kind, operator):
    CredentialType.objects.update(processor_options={"gone": 1})
    said = operator.get(page("credentialtype_change", kind.pk)).content.decode()
    assert 'name="processor_options_form"' not in said
    assert "&quot;gone&quot;: 1" in said
    CredentialType.objects.update(processor="telepathy", processor_options={})
    assert operator.get(page("credentialtype_change", kind.pk)).status_code == 200


# What differs in a course


def test_what_the_type_has_is_shown_and_what_differs_is_stored(saved, operator):
    address = page("credentialconfiguration_change", saved.pk)
    said = text_of(operator.get(address))
    assert "Different from the type here:" in said
    assert "The type has: 80 %." in said.replace('\\"', "")
    sent = filled(operator, address)
    assert json.loads(sent["processor_options_form"]) == {"required_completion": "90"}
    assert errors(send(operator, address, sent)) == {}
    saved.refresh_from_db()
    assert (saved.processor_options, saved.generators, saved.audience) == ({"required_completion": 0.9}, {}, {})
    assert errors(send(operator, address, sent | {"processor_options_form": '{"required_completion": "80"}'})) == {}
    saved.refresh_from_db()
    assert saved.processor_options == {}


def test_one_word_of_a_design_differs(saved, operator):
    address = page("credentialconfiguration_change", saved.pk)

    def change(slots):
        slots[0]["options"]["elements"][0]["text"] = "{name}!"

    assert errors(send(operator, address, changed(filled(operator, address), "generators", change))) == {}
    saved.refresh_from_db()
    assert saved.generators == {"certificate": {"options": {"elements": {"name": {"text": "{name}!"}}}}}
    assert "certificate.options.elements.name.text" in text_of(operator.get(address))

    def remove(slots):
        slots[0]["options"]["elements"].clear()

    assert errors(send(operator, address, changed(filled(operator, address), "generators", remove))) == {}
    saved.refresh_from_db()
    assert saved.generators == {"certificate": {"options": {"elements": {"name": None}}}}


def test_a_new_configuration_draws_the_options_of_the_type_that_is_chosen(kind, operator):
    asked = configuration(processor_options="")
    address = page("credentialconfiguration_draw", "new", "processor_options")
    assert drawn(operator.post(address, asked), "processor_options")[0] == {"required_completion": "80"}
    assert 'name="processor_options_form"' not in text_of(operator.post(address, asked | {"type": ""}))


def test_whom_a_shared_rule_names_is_not_for_teachers(course, kind, operator, person):
    """They may be of any course. A teacher names others, or leaves it at them."""
    teacher = person("teacher")
    Context.objects.get(key=COURSE).teachers.add(teacher.user)
    configure.save_type("Listed", processor="listed", processor_options={"learners": ["secret@example.com"]})
    listed = CredentialType.objects.get(name="Listed")
    asked = configuration(type=str(listed.pk), context_key=COURSE, processor_options="")
    address = at("credentialconfiguration_draw", "new", "processor_options")
    assert "secret" not in text_of(teacher.post(address, asked))
    assert drawn(operator.post(address, asked), "processor_options")[0] == {"learners": ["secret@example.com"]}
    drawn_form = {"processor_options_of": str(listed.pk), "processor_options_mode": "form"}
    left = asked | drawn_form | {"processor_options_form": '{"learners": []}'}
    assert errors(send(teacher, at("credentialconfiguration_add"), left)) == {}
    saved = CredentialConfiguration.objects.get()
    assert saved.processor_options == {}
    change = at("credentialconfiguration_change", saved.pk)
    assert "secret" not in text_of(teacher.get(change))
    own = left | {"processor_options_form": '{"learners": ["ana"]}'}
    assert errors(send(teacher, change, own)) == {}
    assert CredentialConfiguration.objects.get().processor_options == {"learners": ["ana"]}
    assert "secret" not in text_of(teacher.get(change))


def test_a_copy_names_whom_the_rule_names_and_tells_nobody_more(course, person):
    configure.save_type("Listed", processor="listed", processor_options={"learners": ["secret@example.com"]})
    listed = CredentialType.objects.get(name="Listed")
    client = person("designer", "add_credentialtype", "view_credentialtype")
    copied = client.post(at("credentialtype_ask", listed.pk, "copy"), {"name": "Another"}, follow=True)
    made = CredentialType.objects.get(name="Another")
    assert made.processor_options == {"learners": ["secret@example.com"]}
    assert copied.redirect_chain[-1][0] == at("credentialtype_change", made.pk)
    assert "secret" not in text_of(copied)


def test_what_was_drawn_for_another_type_counts_for_nothing(kind, operator):
    configure.save_type("Listed", processor="listed", processor_options={"learners": ["ana"]})
    listed = CredentialType.objects.get(name="Listed")
    # As a browser sends it: the type is another by now, the form is still that of the first.
    stale = configuration(
        type=str(listed.pk),
        processor_options_of=str(kind.pk),
        processor_options_mode="form",
        processor_options_form='{"required_completion": "80"}',
        generators_of=str(kind.pk),
        generators_mode="form",
        generators_form='[{"name": "certificate", "generator": "pdf", "options": {"template": "plain"}}]',
    )
    address = page("credentialconfiguration_draw", "new", "processor_options")
    assert drawn(operator.post(address, stale), "processor_options")[0] == {"learners": ["ana"]}
    assert errors(send(operator, page("credentialconfiguration_add"), stale)) == {}
    saved = CredentialConfiguration.objects.get()
    assert (saved.type, saved.processor_options, saved.generators) == (listed, {}, {})


def test_another_rule_begins_with_its_own_options(kind, operator):
    base = {"name": "Completion", "processor": "listed", "processor_options_of": "completion"}
    sent = base | {"processor_options_mode": "form", "processor_options_form": '{"required_completion": "60"}'}
    address = page("credentialtype_draw", kind.pk, "processor_options")
    assert drawn(operator.post(address, sent), "processor_options")[0] == {"learners": []}
    # Back to the one that is saved, with what is saved.
    back = sent | {"processor": "completion", "processor_options_of": "listed", "processor_options_form": "{}"}
    assert drawn(operator.post(address, back), "processor_options")[0] == {"required_completion": "80"}


# Between the two


def test_the_switch_translates(kind, operator):
    address = page("credentialtype_draw", kind.pk, "processor_options")
    base = {"name": "Completion", "processor": "completion"}
    response = operator.post(address, base | {"processor_options": '{"required_completion": 0.5}'})
    assert drawn(response, "processor_options")[0] == {"required_completion": "50"}
    sent = base | {"processor_options_mode": "form", "processor_options_form": '{"required_completion": "60"}'}
    assert '"required_completion": 0.6' in text_of(operator.post(address, sent))
    wrong = operator.post(address, base | {"processor_options": '{"required": 1}'})
    assert 'name="processor_options_form"' not in text_of(wrong)
    other = operator.post(address, base | {"processor": "listed", "processor_options": ""})
    assert drawn(other, "processor_options")[0] == {"learners": []}


def test_drawing_is_for_those_who_may_save(kind, saved, person):
    for client in (
        Client(),
        person("learner"),
        person("viewer", "view_credentialtype", "view_credentialconfiguration"),
    ):
        for path in (
            page("credentialtype_draw", kind.pk, "generators"),
            page("credentialconfiguration_draw", saved.pk, "generators"),
            page("credentialconfiguration_draw", "new", "generators"),
        ):
            assert client.post(path, {}).status_code in (302, 403)
            assert client.get(path).status_code in (302, 403, 404)


def test_only_fields_of_options_are_drawn(kind, operator):
    assert operator.post(page("credentialtype_draw", kind.pk, "name"), {}).status_code == 404
    assert operator.post(page("credentialtype_draw", kind.pk, "gone"), {}).status_code == 404


# What is printed, and what pages tell


def test_what_is_printed_is_written_without_json(kind, operator):
    configure.save_type(
        "Completion",
        processor="completion",
        processor_options={"required_completion": 0.8},
        generators={"certificate": PDF},
        fields={"hours": 40, "room": "40", "hall": "A"},
    )
    address = page("credentialtype_change", kind.pk)
    sent = filled(operator, address)
    assert {row["name"]: str(row["value"]) for row in json.loads(sent["printed_form"])} == {
        "hours": "40", "room": "40", "hall": "A",
    }  # fmt: skip
    # As a browser sends it: all are texts.
    rows = [{"name": "hours", "value": "40.5"}, {"name": "room", "value": "40"}, {"name": "credits", "value": "5"}]
    assert errors(send(operator, address, sent | {"printed_form": json.dumps(rows)})) == {}
    assert CredentialType.objects.get().fields == {"hours": 40.5, "room": "40", "credits": 5}
    nameless = sent | {"printed_form": json.dumps([{"name": "", "value": "x"}])}
    assert "Write a name." in errors(operator.post(address, nameless))["printed"][0]


def test_a_course_prints_something_else(kind, operator):
    CredentialType.objects.update(fields={"hours": 40, "hall": "A"})
    configure.save_configuration(COURSE, "Completion", fields={"hours": 30})
    saved = CredentialConfiguration.objects.get()
    address = page("credentialconfiguration_change", saved.pk)
    sent = filled(operator, address)
    assert errors(send(operator, address, sent)) == {}
    saved.refresh_from_db()
    assert saved.fields == {"hours": 30}
    rows = [{"name": "hours", "value": "40"}, {"name": "room", "value": "7b"}]
    assert errors(send(operator, address, sent | {"printed_form": json.dumps(rows)})) == {}
    saved.refresh_from_db()
    assert saved.fields == {"hall": None, "room": "7b"}


def test_what_pages_tell_is_a_form(kind, operator):
    address = page("credentialtype_change", kind.pk)
    sent = filled(operator, address)
    said = json.loads(sent["publish_form"]) | {"description": "What it certifies.", "files": False}
    assert errors(send(operator, address, sent | {"publish_form": json.dumps(said)})) == {}
    assert CredentialType.objects.get().publish == {"description": "What it certifies.", "files": False}


# For those who only look


def test_a_type_is_told_in_words_and_shown_as_a_picture(kind, person):
    configure.save_type(
        "Completion",
        processor="completion",
        processor_options={"required_completion": 0.8},
        generators={"certificate": PDF},
        fields={"hours": 40},
        validity={"years": 2},
        publish={"criteria": "Finish it."},
        audience={"modes": ["verified", "honor"]},
        wording={"subject": "Yours"},
    )
    viewer = person("viewer", "view_credentialtype", "view_credentialconfiguration", "view_learner")
    said = text_of(viewer.get(page("credentialtype_change", kind.pk)))
    for told in (
        "Required completion (%): 80",
        "hours: 40",
        "Years: 2",
        "Criteria: Finish it.",
        "Modes: verified, honor",
        "Subject of the mail: Yours",
        "certificate (PDF from a template, plain)",
        "data:image/webp",
    ):
        assert told in said, told
    assert "&quot;" not in said
    assert "{" not in re.sub(r"(?s)<(script|style).*?</\1>", "", said.split('id="content"')[1])
    configure.save_configuration(COURSE, "Completion", processor_options={"required_completion": 0.9})
    saved = CredentialConfiguration.objects.get()
    assert "required_completion: 0.9" in text_of(viewer.get(page("credentialconfiguration_change", saved.pk)))
    CredentialType.objects.update(processor="telepathy")
    assert '"required_completion": 0.8' in text_of(viewer.get(page("credentialtype_change", kind.pk)))


def test_the_mail_is_shown_as_it_stands_in_the_form(kind, operator):
    address = page("credentialtype_live", kind.pk, "mail")
    sent = filled(operator, page("credentialtype_change", kind.pk))
    words = {"subject": "Well done, {name}", "body": "<b>You</b> have finished {context}.", "sample": "Ana Ñandú"}
    shown = operator.post(address, sent | words).content.decode()
    assert "Well done, Ana Ñandú" in shown
    inside = unescape(re.search(r'srcdoc="([^"]*)"', shown)[1])
    assert "&lt;b&gt;You&lt;/b&gt; have finished" in inside
    assert 'sandbox=""' in shown
    kind.refresh_from_db()
    assert kind.wording == {}
    assert "nam" in text_of(operator.post(address, sent | {"subject": "{nam}"}))


def test_the_mail_is_shown_as_readers_of_each_language_get_it(kind, operator):
    address = page("credentialtype_live", kind.pk, "mail")
    sent = filled(operator, page("credentialtype_change", kind.pk))
    sent |= {"subject": "Well done, {name}", "subject_es": "Enhorabuena, {name}", "sample": "Ana"}

    def shown(**chosen):
        return operator.post(address, sent | chosen).content.decode()

    assert "Well done, Ana" in shown()
    spanish = shown(mail_language="es")
    assert "Enhorabuena, Ana" in spanish
    assert "Enhorabuena" not in shown(mail_language="ar")
    assert 'dir="rtl"' in unescape(shown(mail_language="ar")), "whose words are our own"
    assert "Enhorabuena" not in shown(mail_language="es", mail_purpose="corrected")
    refused = operator.post(address, sent | {"body_ar": "{nmae}"})
    assert "nmae" in text_of(refused)


def test_words_in_other_languages_are_saved_and_those_without_a_field_stay(kind, operator, person):
    CredentialType.objects.update(wording={"subject": "Yours", "translations": {"pt-BR": {"subject": "Seu"}}})
    address = page("credentialtype_change", kind.pk)
    sent = filled(operator, address) | {"subject_es": "Tuyo", "body_es": "Hola {name}"}
    assert operator.post(address, sent).status_code == 302
    kind.refresh_from_db()
    wanted = {"pt-BR": {"subject": "Seu"}, "es": {"subject": "Tuyo", "body": "Hola {name}"}}
    assert kind.wording == {"subject": "Yours", "translations": wanted}
    said = text_of(person("viewer", "view_credentialtype").get(address))
    assert "Spanish" in said
    assert "Subject of the mail: Tuyo" in said
    refused = operator.post(address, sent | {"body_ar": "{nmae}"})
    assert set(refused.context["adminform"].form.errors) == {"body_ar"}
    assert operator.post(address, sent | {"subject_es": "", "body_es": ""}).status_code == 302
    kind.refresh_from_db()
    assert kind.wording["translations"] == {"pt-BR": {"subject": "Seu"}}
