"""The YAML file: whatever is in it, it is read, or refused in one line that names the place."""

import re

import pytest

from conferral.contract import ConferralError
from conferral.management.declaration import read

CONTEXT = "contexts: [{key: 'course-v1:A+B+C', name: A, %s}]"
TYPE = "types: [{name: A, processor: completion, %s}]"
CONFIGURATION = "configurations: [{context: 'course-v1:A+B+C', type: A, schedule: %s}]"


def write(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty; it may have issuers, assets, contexts, types and configurations"),
        ("[]", "file.yaml: [] is not accepted"),
        ("assets: 3", "file.yaml: assets: 3 is not accepted"),
        ("colours: []", "colours: unknown key; known here: assets, configurations, contexts, issuers, types"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        ("a: [", "is not YAML"),
        ("a: \x07", "is not YAML"),
        ("a: &a [*a]", "a: unknown key"),
        ("assets: &a [{slug: a, file: b}, {slug: a, file: c}]", "is not accepted: a is declared twice"),
        ("[" * 3000, "is not YAML"),
        (
            CONTEXT % "start: 2026-02-30",
            "contexts[0].start: '2026-02-30' is not accepted: day is out of range for month",
        ),
        (CONTEXT % "start: '2026-02-30'", "contexts[0].start: '2026-02-30' is not accepted"),
        (CONTEXT % "start: 20260210", "contexts[0].start: 20260210 is not accepted: write a date like 2026-01-10"),
        (CONTEXT % "end: 9999-12-31T23:59:00Z", "years from 1900 to 9000 are accepted"),
        (CONTEXT % "pass_mark: 60", "contexts[0].pass_mark: 60 is not accepted: write a share from 0 to 1"),
        (CONTEXT % "kind: pathway", "contexts[0].kind: 'pathway' is not accepted"),
        (CONTEXT % r'organisation: "C\0D"', "it has a control character (U+0000); remove it"),
        (CONTEXT % "language: no", "contexts[0].language: False is not accepted"),
        (TYPE % "fields: {day: !!timestamp 2026-05-01}", "is not accepted; put it in quotes to make it a text"),
        (TYPE % "fields: {hours: }", "hours is empty; write a text or a number, or leave it out"),
        (TYPE % r'fields: {"x\0": 1}', "(U+0000) that cannot be stored or shown; remove it"),
        (TYPE % r'wording: {body: "\0"}', "(U+0000) that cannot be stored or shown; remove it"),
        (TYPE % "fields: &a {x: *a}", "an anchor (&) contains itself (*); write it out"),
        (TYPE % "processor_options: &a {x: [*a]}", "an anchor (&) contains itself (*); write it out"),
        (TYPE % "fields: {x: .nan}", "nan is no number"),
        (TYPE % "fields: {x: true}", "x: True cannot be printed; write a text or a number"),
        (TYPE % "fields: {1: true}", "the key 1 is no text; put it in quotes"),
        (TYPE % "processor_options: {x: !!binary aGk=}", "is not accepted; put it in quotes"),
        (TYPE % "validity: {years: 9000}", "types[0].validity.years: 9000 is not accepted"),
        (TYPE % r'generators: {"Über": {}}', "types[0].generators"),
        (
            CONFIGURATION % "{at: 2026-02-30}",
            "schedule.at: '2026-02-30' is not accepted: day is out of range for month",
        ),
        (
            CONFIGURATION % "{every: 99999999 weeks}",
            "schedule.every: '99999999 weeks' is not accepted",
        ),
        (CONFIGURATION % "{every: 1 day, at: 2026-12-01}", "give one of crontab, every and at"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, text, says):
    with pytest.raises(ConferralError, match=re.escape(says)) as refused:
        read(write(tmp_path, text))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "file.yaml: "))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-02-10", "2026-02-10T12:00:00+00:00"),
        ("'2026-02-10'", "2026-02-10T12:00:00+00:00"),
        ("2026-02-10T09:00:00Z", "2026-02-10T09:00:00+00:00"),
        ("2026-02-10 09:00:00", "2026-02-10T09:00:00+00:00"),
        ("'2026-02-10T09:00:00+02:00'", "2026-02-10T09:00:00+02:00"),
    ],
)
def test_a_date_means_noon_and_an_instant_says_its_zone(tmp_path, written, meant):
    (context,) = read(write(tmp_path, CONTEXT % f"start: {written}")).contexts
    assert context.start.isoformat() == meant


def test_a_time_without_an_offset_is_the_configurations_own(tmp_path):
    schedule = "{at: 2027-06-01T09:00}, time_zone: Europe/Paris"
    declared = read(write(tmp_path, CONFIGURATION % schedule))
    assert declared.configurations[0].schedule.at.isoformat() == "2027-06-01T07:00:00+00:00"
