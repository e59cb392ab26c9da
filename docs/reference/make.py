"""Makes the reference pages beside it from the code; `--check` writes nothing, and names the pages that are stale."""

import argparse
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, get_args

import django
from pydantic import BaseModel

HERE = Path(__file__).parent
DISTRIBUTION = "conferral"
NOTE = "<!-- Made by docs/reference/make.py from the code: edit that, or the code, and make it again. -->"

INTRODUCTIONS = {
    "command": """\
# The command

*For operators, and for course authors who have a terminal.*

Write `conferral SUBCOMMAND …`. `conferral SUBCOMMAND --help` says the same as this page.

Every Django management command is there as well: `conferral migrate` makes and updates the tables, and comes first.

| exit status | means |
|---|---|
| 0 | done |
| 1 | something was wrong: one line on standard error says what, or the table says which run failed |
| 2 | the command was not understood |
| 130 | interrupted: the next run takes up what was under way |

Verification ids may be typed in lower case, without dashes, with O for 0.

`run`, `preview`, `preflight`, `credentials` and `roster import` take the short form of a context's key while it is the
only one: `CS101` for `course-v1:Demo+CS101+2026`. `delete` wants the whole key.
""",
    "settings": """\
# Settings

*For operators.*

The service of its own reads environment variables of these names; an empty one counts as not set. Inside an LMS, those
of the first table are Django settings of the same names.

A value that is not accepted is told before anything else is done.
""",
    "plugins": """\
# Plugins

*For course authors and operators.*

These come with Conferral. `conferral plugins` lists all that are installed;
[write a plugin](../how-to/write-a-plugin.md) says how to make one. Shares are written 0 to 1: 0.8 is 80 %. Reaching a
threshold exactly is enough.
""",
    "pdf": """\
# PDF designs

*For designers.*

The options of the generator `pdf`. How to work with them is in
[design a certificate](../how-to/design-a-certificate.md).
""",
    "files": """\
# Files

*For course authors and operators.*

Two kinds of file say everything: [declarations](#declarations) in YAML, for `conferral apply`, and a
[roster](#a-roster) for each course, lesson or pathway, for `conferral roster import`. Each is taken whole or not at
all, and is UTF-8.

## Declarations

Unknown keys are refused. What is declared again changes nothing. What is not in the file stays as it is:
`conferral delete` removes. A field that is left out of something in the file goes back to its default.

A date without a time (`2026-01-10`) means noon UTC of that day, which is that day nearly everywhere. A time without a
zone is UTC.
""",
}

FIGURES_EXPLAINED = """\
| figure | counts |
|---|---|
| `evaluated` | learners looked at |
| `eligible` | those who qualify |
| `already` | those of them who have one from before |
| `issued` | those who got one now, and whose certificate is made |
| `failed` | those whose certificate could not be made, or whom the rule could not decide |
| `mailed` | those of the issued who were written to |
"""

PREFLIGHT_EXPLAINED = """\
With `--json`, `configurations` has an object for each file of each configuration: `context`, `type`, `slot`,
`learners` (how many were looked at), `problems` (each one's `username`, `name` and `reason`), `missing` (each
`character` that no font has, and of how many `learners`), `smallest` (by text: the `size` in points, `username` and
`name`) and `error` (why the configuration could not be looked at).

The exit status is 1 when there is a problem.
"""

DATES_AND_BRACES = """\
Dates are written in full, in the credential's locale. Percentages are cut to two decimals, never rounded up.
`{{` prints `{`, and `}}` prints `}`. An unknown placeholder is refused when the type is applied.
"""

ROSTER = """\
## A roster

A CSV file whose first line names the columns, in any order, with `,`, `;` or tabs between them; or a JSON file
(`.json`): a list of objects with the same keys. The file is the roster: who is not in it any more takes part no more,
and keeps what was issued.
"""

MISSING_COLUMNS = """\
Only `username` is required.

- `email`, `name`, `language` and `active` are the person's own, and so the same in every course: the file that was
  imported last wins. A column that is not there changes nothing.
- `completion` and the grades belong to this course alone. A column that is not there means unknown, which no threshold
  accepts.
"""

ROLES = {
    "processors": "Rules: they decide who is eligible. In YAML: `processor` and `processor_options` of a type.",
    "generators": "Designs: they make the files. In YAML: `generators` of a type.",
    "gateways": "Sources of courses and learners. The setting `CONFERRAL_LMS` names the one in use.",
}

NOT_HERE = {
    "platform": """\
**The LMS that Conferral is installed in.** Courses, lessons and, through their sources, pathways, read from the LMS's
own database in the same process. It has no settings: see [install into your LMS](../how-to/install-into-your-lms.md).
""",
}

PLACEHOLDER_MEANINGS = {
    "name": "The learner's name.",
    "context": "Name of the course, lesson or pathway.",
    "type": "Name of the credential type.",
    "organisation": "Organisation of the course, lesson or pathway, as declared.",
    "issuer": "Name of the issuer: the organisation's own, else the site's.",
    "start": "First day of the course; nothing when it has none.",
    "end": "Last day of the course; nothing when it has none.",
    "date": "The date that the type prints: `printed_date`.",
    "earned": "Day on which the rule was met; the day of issue where the source cannot tell.",
    "issued": "Day of issue.",
    "expires": "Day from which it does not hold any more; nothing when it holds for ever.",
    "verification_id": "What people type to check it, for example `K7QF-2M9X-4TBD-HW33`.",
    "verification_url": "Address of its credential page.",
}

DOTTED_MEANINGS = {
    "evidence.KEY": "A figure that decided: `{evidence.completion}`, `{evidence.total}`, `{evidence.Homework}`. "
    "A pathway prints the lowest of its courses.",
    "field.KEY": "A fact of your own: `fields` of the type, changed by those of the configuration.",
}

OVERRIDES = (
    "What differs from the type, for this configuration alone: mappings merge, everything else replaces, null removes."
)
LATER = "Kept for pages that come later."

FIELD_MEANINGS = {
    "Declaration": {
        "issuers": "Who issues.",
        "assets": "Files that designs use: templates, fonts, pictures.",
        "contexts": "Courses, lessons and pathways.",
        "types": "Kinds of credential.",
        "configurations": "A type in a course, lesson or pathway.",
    },
    "AssetDeclaration": {
        "slug": "Name by which designs call it.",
        "file": "Path, relative to the YAML file. A changed file becomes a new version.",
        "description": "For people.",
    },
    "IssuerDeclaration": {
        "slug": "Its name in this file.",
        "name": "Name as people read it: `{issuer}`.",
        "organisation": "The organisation it issues for; empty: the site's own issuer, for all that have none of their "
        "own. An organisation has one issuer.",
        "url": "Its web site, on the page and in the mail.",
        "logo": "Slug of a picture among the assets. " + LATER,
        "colours": '`primary` is the colour of mails: `{primary: "#1b2a4e"}`.',
        "linkedin_id": "Its number on LinkedIn. " + LATER,
        "sender": "Sender of mails: `Demo University <awards@demo.example>`; empty: the site's, `DEFAULT_FROM_EMAIL`.",
        "reply_to": "Where answers to mails go.",
    },
    "ContextDeclaration": {
        "key": "Key: `course-v1:ORG+COURSE+RUN`, or `path-v1:ORG+PATHWAY+RUN+GROUP` for a pathway.",
        "name": "Name as it is printed: `{context}`.",
        "kind": "Left out: a course; a pathway when it has steps.",
        "organisation": "`{organisation}`; it chooses the issuer.",
        "language": "Language tag such as `fr` or `pt-BR`, for dates and numbers, when the type has no locale.",
        "start": "First day: `{start}`.",
        "end": "Last day: `{end}`.",
        "pass_mark": "The course's own pass mark, for `total: pass` in the rule `grades`.",
        "steps": "Keys of a pathway's courses, in order; declare those before it.",
    },
    "TypeDeclaration": {
        "name": "Name, as it is printed: `{type}`.",
        "kinds": "What it may be applied to; empty: all that its rule is for.",
        "processor": "Name of the rule: see [plugins](plugins.md#processors).",
        "processor_options": "The rule's options.",
        "audience": "Who of those that qualify gets one: see [who may get one](plugins.md#who-may-get-one).",
        "generators": "The files that a learner gets, by a name of your own (a *slot*): see below.",
        "fields": "Facts of your own, printed with `{field.KEY}`.",
        "wording": "Subject and body of the mail: see below.",
        "publish": "What the credential page tells everybody: see [what a page tells](plugins.md#what-a-page-tells).",
        "locale": "Language tag in which dates and numbers are written; empty: the course's, else English.",
        "printed_date": "What `{date}` prints. `end` is the course's last day, or the day of issue when it has none.",
        "validity": "How long it holds: see below.",
    },
    "SlotDeclaration": {},
    "WordingDeclaration": {
        "subject": "One line, with placeholders; empty: `{type}: {context}`.",
        "body": "Paragraphs in place of Conferral's own sentence, with placeholders; greeting and link stay.",
        "translations": "The same by language tag, for those who read it; who reads a language that is not there gets "
        "Conferral's own words. Left out, everybody gets `subject` and `body`.",
    },
    "WordsDeclaration": {},
    "ValidityDeclaration": {"years": "Years.", "months": "Months.", "days": "Days."},
    "ScheduleDeclaration": {
        "crontab": 'Five fields, in the configuration\'s time zone: `"0 3 * * 1"` is Mondays at three. '
        "As in Celery, day of month and day of week have to agree both.",
        "every": "A number and a unit: `30 minutes`, `1 day`, `2 weeks`, counted from when the schedule was given.",
        "at": "Once, at that instant.",
    },
    "ConfigurationDeclaration": {
        "context": "Key of the course, lesson or pathway.",
        "type": "Name of the type.",
        "enabled": "Whether it runs, by its schedule and by hand.",
        "time_zone": "For printed dates and the schedule, for example `Europe/Paris`.",
        "schedule": "When it runs: see below; left out, by hand alone.",
        "processor_options": OVERRIDES,
        "audience": OVERRIDES,
        "step_options": "The rule's options that differ for one course of a pathway, by that course's key.",
        "generators": OVERRIDES,
        "fields": OVERRIDES,
        "opening": "When it opens and closes by the course's dates: see below; left out, it is always open.",
        "guards": "What holds back what a run would issue: see below; left out, the defaults.",
    },
    "Guards": {},
    "Opening": {},
}

SECTIONS = (
    ("Declaration", "The file"),
    ("IssuerDeclaration", "An issuer"),
    ("AssetDeclaration", "An asset"),
    ("ContextDeclaration", "A context"),
    ("TypeDeclaration", "A type"),
    ("SlotDeclaration", "A slot"),
    ("ValidityDeclaration", "A validity"),
    ("WordingDeclaration", "A wording"),
    ("ConfigurationDeclaration", "A configuration"),
    ("ScheduleDeclaration", "A schedule"),
    ("Opening", "An opening"),
    ("Guards", "Guards"),
)
ELEMENTS = (
    ("TextElement", "A text"),
    ("ImageElement", "A picture"),
    ("QRElement", "A QR code"),
    ("LineElement", "A line"),
    ("RectangleElement", "A rectangle"),
)
"""Kinds of element on a PDF design, each with a section."""

LINKS = {
    **{name: f"[{title.split(' ', 1)[-1]}](#{title.lower().replace(' ', '-')})" for name, title in SECTIONS},
}

PLUGIN_SETTINGS = """\
`CONFERRAL_PLUGINS` has, by a plugin's name, what the site says for all that use it, its secrets included. In the
environment it is JSON:

```sh
CONFERRAL_PLUGINS='{"pdf": {"fallback_fonts": ["/srv/fonts/hans.otf", "built-in"], "problems": "flag"}}'
```

Of those that come with Conferral, [`pdf`](pdf.md#settings-of-the-site) has some. A setting that a
plugin does not know is an error as soon as the plugin is used; a plugin of that name need not be installed.
"""

LOCALES = "mapping of language tag → [what differs](#another-language)"

LINES_AND_FIT = """\
A text may have several lines: write `\\n` between them in double quotes.
"""

ANOTHER_LANGUAGE = """\
In `locales`, by language tag: `de` is for every German credential, `de-AT` for Austria's before `de`. What is left out
stays as it is. The locale of a credential is the type's, else the course's.
"""

COLOURS = """\
`"#1b2a4e"` is red, green and blue, two hexadecimal digits each; in quotes, because YAML takes `#` for a comment. For
print, `cmyk(100%, 80%, 0%, 40%)` gives the shares of the four inks and goes into the file as it is.
"""

CONDITIONS = """\
| written | holds when |
|---|---|
| `expires` | the credential has it: a date of expiry, a field that is not empty |
| `not expires` | it has none |
| `evidence.total >= 0.9` | the figure is at least 90 %; `90%` means the same |
| `field.hours > 20` | the field is a number above 20 |
| `field.honours == "yes"` | the text is the same, letter by letter |
| `locale == "de"` | the credential is in German; `de-AT` is German, too |

Comparisons are `==`, `!=`, `<`, `<=`, `>` and `>=`, with a number, a percentage, or a text in double quotes. `and`
binds closer than `or`; there are no brackets. A number is compared with numbers alone, a text with texts: what is of
another sort, or is not there, meets no comparison but `!=`. In a pathway, `evidence.KEY` is the lowest of its courses.
"""

PROBLEMS = """\
A problem is a text that does not fit at its `min_size`, or a character that no font has. With `flag`, a person finds it
beside the credential in the admin.
"""

COLUMN_MEANINGS = {
    "username": "Who it is: the key that never changes. Required, each once.",
    "email": "Address, or empty.",
    "name": "Name as it is printed. Without one, a certificate cannot be made.",
    "language": "Language tag such as `fr`.",
    "active": "`yes`, `true` or `1`; `no`, `false` or `0`. Empty: yes. Who is not active gets nothing.",
    "completion": "Share of the content completed: 0 to 1. Empty: 0.",
}


def main() -> int:
    """Makes the pages; with `--check`, 1 when one of them is not what would be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is stale")
    check = parser.parse_args().check
    stale = []
    with TemporaryDirectory() as home:
        _set_up(home)
        for name, text in pages().items():
            page = HERE / name
            if page.exists() and page.read_text(encoding="utf-8") == text:
                continue
            stale.append(name)
            if not check:
                page.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/reference/{name}: {'is stale; run docs/reference/make.py' if check else 'made'}")
    return int(check and bool(stale))


def pages() -> dict[str, str]:
    """Each page's text by its file name."""
    made = {
        "command.md": _command(),
        "settings.md": _settings(),
        "plugins.md": _plugins(),
        "pdf.md": _pdf(),
        "files.md": _files(),
    }
    return {name: re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n" for name, lines in made.items()}


def _set_up(home: str) -> None:
    """The service's settings as they are by default, away from any site of the reader's."""
    for name in [name for name in os.environ if name.startswith(("CONFERRAL", "DATABASE_URL", "DJANGO"))]:
        del os.environ[name]
    os.environ |= {"CONFERRAL_HOME": home, "DJANGO_SETTINGS_MODULE": "conferral.service.settings", "COLUMNS": "300"}
    django.setup()


def _head(name: str) -> list[str]:
    return [NOTE, "", INTRODUCTIONS[name]]


# --- the command ---


def _command() -> Iterator[str]:
    from conferral.management import SUBCOMMANDS  # noqa: PLC0415 - Django has to be set up first
    from conferral.management.report import FIGURES, RunReport  # noqa: PLC0415 - as above

    yield from _head("command")
    for name in SUBCOMMANDS:
        module = import_module(f"conferral.management.{name}")
        parser = argparse.ArgumentParser(prog=f"conferral {name}", description=module.HELP)
        module.arguments(parser)
        yield from _subcommand(parser, "##")
        if name == "run":
            yield FIGURES_EXPLAINED
            assert re.findall(r"^\| `(\w+)`", FIGURES_EXPLAINED, re.MULTILINE) == list(FIGURES)
            keys = RunReport("", "", learners=[]).as_json()
            yield f"With `--json`, each run is an object: {_and(f'`{key}`' for key in keys)}."
            yield "Only `--dry-run` has `learners`: each one's `username`, `outcome`, `reason` and `facts`."
            yield ""
        if name == "preflight":
            yield PREFLIGHT_EXPLAINED


def _subcommand(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ").replace(" [-h]", "")
    actions = [
        action
        for action in parser._actions  # noqa: SLF001 - argparse has no public way to read a parser
        if action.help != argparse.SUPPRESS and "-h" not in action.option_strings
    ]
    nested = [action for action in actions if isinstance(action.choices, dict)]
    yield f"{heading} {parser.prog}"
    yield ""
    if parser.description:
        yield parser.description
        yield ""
    if nested:
        for action in nested:
            for sub in (action.choices or {}).values():
                yield from _subcommand(sub, heading + "#")
        return
    yield f"    {usage}"
    yield ""
    if actions:
        yield "| argument | |"
        yield "|---|---|"
    for action in actions:
        shown = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        if action.option_strings and action.nargs != 0:
            shown += f" {action.metavar or action.dest.upper()}"
        yield f"| `{shown}` | {_cell(action.help or '')} |"
    yield ""


# --- settings ---


def _settings() -> Iterator[str]:
    from conferral.settings import PREFIX, AppSettings, ServiceSettings  # noqa: PLC0415 - Django has to be set up first

    yield from _head("settings")
    yield "## Conferral"
    yield ""
    yield from _table(AppSettings, "setting", shown=lambda name: PREFIX + name.upper())
    yield "## Plugins"
    yield ""
    yield PLUGIN_SETTINGS
    yield "## The service of its own"
    yield ""
    yield "Besides those above:"
    yield ""
    yield from _table(ServiceSettings, "setting")


# --- plugins ---


def _plugins() -> Iterator[str]:
    from conferral import plugins  # noqa: PLC0415 - Django has to be set up first
    from conferral.contract import LMS, Kind, Processor  # noqa: PLC0415 - as above

    yield from _head("plugins")
    for group in (plugins.PROCESSORS, plugins.GENERATORS, plugins.GATEWAYS):
        title = group.rsplit(".", 1)[1]
        yield f"## {title.capitalize()}"
        yield ""
        yield ROLES[title]
        yield ""
        for name, point in plugins.offered(group).items():
            if point.dist is None or point.dist.name != DISTRIBUTION:
                continue
            yield f"### {name}"
            yield ""
            if name in NOT_HERE:
                yield NOT_HERE[name]
                continue
            plugin = plugins.load_class(group, name)
            yield f"**{plugin.label}.** {_first_line(plugin)}"
            yield ""
            if issubclass(plugin, Processor):
                yield f"- For: {_and(str(kind) for kind in Kind if kind in plugin.kinds)}"
                yield f"- Needs: {_and(sorted(str(need) for need in plugin.needs)) or 'nothing'}"
                if not plugin.per_step:
                    yield "- A pathway asks it once, not for each of its courses."
                yield ""
            if name == "pdf":
                yield "Its options have a page of their own: [PDF designs](pdf.md)."
                yield ""
            elif not issubclass(plugin, LMS):
                yield from _table(plugin.Options, "option")
            elif settings := getattr(plugin, "Settings", None):
                yield f"Its settings are the entry `{name}` of `CONFERRAL_PLUGINS`; in the environment that is JSON."
                yield ""
                yield from _table(settings, "setting")
            else:
                yield "It has no options. Its contexts are [declared](files.md#a-context), and its learners come from"
                yield "[roster files](files.md#a-roster)."
                yield ""
    yield from _audience()


def _audience() -> Iterator[str]:
    from conferral.contract import Audience  # noqa: PLC0415 - Django has to be set up first

    yield "## Who may get one"
    yield ""
    yield "Besides the rule, `audience` of a type or a configuration decides who gets a credential. Whoever asks to"
    yield "have their account removed gets none, whatever is said here."
    yield ""
    yield from _table(Audience, "option")
    yield from _publication()


def _publication() -> Iterator[str]:
    from conferral.contract import Publication  # noqa: PLC0415 - as above

    yield "## What a page tells"
    yield ""
    yield "`publish` of a type says what its credential pages tell everybody who has the link. A credential keeps what"
    yield "was said when it was issued. Its holder sees everything, and may hide the page."
    yield ""
    yield from _table(Publication, "option")


# --- PDF ---


def _pdf() -> Iterator[str]:
    from conferral import assets  # noqa: PLC0415 - Django has to be set up first
    from conferral.contract.placeholders import PLACEHOLDERS  # noqa: PLC0415 - as above
    from conferral.generators.pdf import options, when  # noqa: PLC0415 - as above
    from conferral.generators.pdf.template import MAX_PAGES  # noqa: PLC0415 - as above

    yield from _head("pdf")
    yield "## Options"
    yield ""
    instead = {
        ("elements", "type"): "mapping of name → [element](#elements)",
        ("elements", "default"): "[five texts](#without-elements)",
    }
    yield from _table(options.PDFOptions, "option", instead=instead)
    megabytes = assets.MAX_BYTES // 1024**2
    yield f"A template has at most {MAX_PAGES} pages, {megabytes} MB and no password; a font ends in `.ttf` or `.otf`."
    yield ""
    yield from _elements(options)
    yield from _conditions(when)
    yield "## Lengths"
    yield ""
    units = [f"`{unit}`" for unit in options.POINTS]
    yield f"A number with a unit: {_and([*units, '`%`'], 'or')}. A number alone is in points (`pt`, 1/72 inch)."
    yield "`%` is of the page's width for `x` and `width`, and of its height for everything else."
    yield ""
    yield "## Colours"
    yield ""
    yield COLOURS
    yield "## Placeholders"
    yield ""
    yield "| placeholder | stands for |"
    yield "|---|---|"
    _same("PLACEHOLDER_MEANINGS", PLACEHOLDER_MEANINGS, PLACEHOLDERS)
    for name in PLACEHOLDERS:
        yield f"| `{{{name}}}` | {PLACEHOLDER_MEANINGS[name]} |"
    for name, meaning in DOTTED_MEANINGS.items():
        yield f"| `{{{name}}}` | {meaning} |"
    yield ""
    yield DATES_AND_BRACES
    yield ""
    yield "## Without elements"
    yield ""
    yield "A design that names no elements gets these, centred. One that names any gets its own alone."
    yield ""
    yield "| element | text | baseline | size |"
    yield "|---|---|---|---|"
    for name, element in options.sensible_elements().items():
        yield f"| `{name}` | `{element.text}` | `{element.y}` | `{element.size}` |"
    yield ""
    yield "## Settings of the site"
    yield ""
    yield " ".join((options.PDFSettings.__doc__ or "").split()) + " In the environment it is JSON."
    yield ""
    yield from _table(options.PDFSettings, "setting")
    yield PROBLEMS


def _elements(options: ModuleType) -> Iterator[str]:
    yield "## Elements"
    yield ""
    shapes = [(getattr(options, name), title) for name, title in ELEMENTS]
    _same("ELEMENTS", dict(ELEMENTS), [shape.__name__ for shape in get_args(get_args(options.Element)[0])])
    kinds = [f"`{_kind(shape)}` ([{title.lower().replace('qr', 'QR')}]({_anchor(title)}))" for shape, title in shapes]
    yield f"`type` says what an element is: {_and(kinds, 'or')}. Without it, it is a text. Every element has these:"
    yield ""
    yield from _table(options.Placed, "field")
    yield "Rectangles are painted first, then lines, pictures, QR codes and texts; of one sort, by name. Screen readers"
    yield "read the elements from the top, and from the left."
    yield ""
    for shape, title in shapes:
        yield f"### {title}"
        yield ""
        yield " ".join((shape.__doc__ or "").split())
        yield ""
        yield from _table(shape, "field", instead={("locales", "type"): LOCALES}, without=options.Placed.model_fields)
        if shape is options.TextElement:
            yield LINES_AND_FIT
    yield "### Another language"
    yield ""
    yield ANOTHER_LANGUAGE
    yield from _table(options.LocaleText, "field")


def _conditions(when: ModuleType) -> Iterator[str]:
    yield "## Conditions"
    yield ""
    yield f"`when` asks for {_and([f'`{name}`' for name in (*when.PLAIN, 'evidence.KEY', 'field.KEY')], 'or')}:"
    yield ""
    yield CONDITIONS
    for condition in re.findall(r"^\| `([^`]+)` \|", CONDITIONS, re.MULTILINE):
        when.parse(condition)


def _kind(shape: type[BaseModel]) -> str:
    (kind,) = get_args(shape.model_fields["type"].annotation)
    return str(kind)


def _anchor(title: str) -> str:
    return f"#{title.lower().replace(' ', '-')}"


# --- files ---


def _files() -> Iterator[str]:
    from conferral.issuance.guards import Guards  # noqa: PLC0415 - Django has to be set up first
    from conferral.issuance.opening import Opening  # noqa: PLC0415 - as above
    from conferral.issuance.plan import SlotDeclaration  # noqa: PLC0415 - as above
    from conferral.lms import spreadsheet  # noqa: PLC0415 - as above
    from conferral.management import declaration  # noqa: PLC0415 - as above

    yield from _head("files")
    for name, title in SECTIONS:
        elsewhere = {one.__name__: one for one in (SlotDeclaration, Guards, Opening)}
        shape = elsewhere.get(name) or getattr(declaration, name)
        yield f"### {title}"
        yield ""
        yield _first_line(shape)
        yield ""
        described = FIELD_MEANINGS[name]
        undescribed = [field for field, info in shape.model_fields.items() if not info.description]
        _same(f"FIELD_MEANINGS[{name!r}]", described, undescribed)
        instead = {("generators", "type"): "mapping of name → [slot](#a-slot)"} if name == "TypeDeclaration" else {}
        yield from _table(shape, "field", described=described, instead=instead)
    yield from _roster(spreadsheet)


def _roster(spreadsheet: ModuleType) -> Iterator[str]:
    _same("COLUMN_MEANINGS", COLUMN_MEANINGS, spreadsheet.COLUMNS)
    grade = spreadsheet.GRADE
    yield ROSTER
    yield "| column | | longest |"
    yield "|---|---|---|"
    for column in spreadsheet.COLUMNS:
        longest = spreadsheet.LENGTHS.get(column, "")
        yield f"| `{column}` | {COLUMN_MEANINGS[column]} | {longest} |"
    yield f"| `{grade}TYPE` | Grade of an assignment type, for example `{grade}Homework`: 0 to 1. Empty: 0. | |"
    yield f"| `{grade}total` | Grade of the whole course: 0 to 1. Empty: 0. | |"
    yield ""
    yield MISSING_COLUMNS


# --- tables ---


def _table(  # noqa: PLR0913 - two that are always given, and four ways to differ
    shape: type[BaseModel],
    title: str,
    *,
    shown: Any = str,
    described: Mapping[str, str] | None = None,
    instead: Mapping[tuple[str, str], str] | None = None,
    without: Collection[str] = (),
) -> Iterator[str]:
    """A line for each field: name, type, default, description; `instead` replaces a type or a default.

    Fields that `without` names are left out.
    """
    schema = shape.model_json_schema()
    yield f"| {title} | type | default | |"
    yield "|---|---|---|---|"
    for name, info in shape.model_fields.items():
        if name in without:
            continue
        given = instead or {}
        kind = given.get((name, "type")) or _type(schema["properties"][name])
        default = given.get((name, "default")) or (
            "required" if info.is_required() else _default(info.get_default(call_default_factory=True))
        )
        meaning = info.description or (described or {}).get(name, "")
        yield f"| `{shown(name)}` | {kind} | {default} | {_cell(meaning)} |"
    yield ""


def _type(node: Mapping[str, Any]) -> str:  # noqa: C901, PLR0911, PLR0912 - a line for each kind of type
    """A JSON schema in words."""
    match node:
        case {"$ref": str(reference)}:
            name = reference.rsplit("/", 1)[1]
            return LINKS.get(name) or "course, lesson or pathway"
        case {"anyOf": list(choices)}:
            return " or ".join(_type(choice) for choice in choices if choice.get("type") != "null")
        case {"format": "share"}:
            return "share (0 to 1)"
        case {"format": "asset", "asset": kind}:
            return f"{kind} asset"
        case {"format": "length"}:
            return "[length](#lengths)"
        case {"format": "colour"}:
            return "[colour](#colours)"
        case {"format": "condition"}:
            return "[condition](#conditions)"
        case {"format": "placeholders"}:
            return "text with [placeholders](#placeholders)"
        case {"format": "date-time"}:
            return "date or instant"
        case {"format": "path"}:
            return "path"
        case {"enum": list(values)}:
            return _and((f"`{value}`" for value in values), "or")
        case {"const": value}:
            return f"`{value}`"
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "object"}:
            values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
            return f"mapping of name → {_type(values[0])}" if isinstance(values[0], dict) and values[0] else "mapping"
        case {"type": "integer" | "number" as kind}:
            number = "whole number" if kind == "integer" else "number"
            low, high = node.get("minimum"), node.get("maximum")
            return number + (f", {low} to {high}" if high is not None else f", from {low}" if low is not None else "")
        case {"type": "boolean"}:
            return "`true` or `false`"
        case _:
            return "text"


def _default(value: object) -> str:
    """A default in words."""
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "empty" if not value.model_dump(exclude_defaults=True) else "see below"
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`"


def _same(where: str, described: Mapping[str, str], there: Any) -> None:
    """Everything that is there is described, and nothing else."""
    if differing := set(described) ^ set(there):
        sys.exit(f"docs/reference/make.py: {where}: describe what is there, and nothing else: {sorted(differing)}")


def _and(words: Any, last: str = "and") -> str:
    found = list(words)
    return f" {last} ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


def _first_line(documented: type) -> str:
    return (documented.__doc__ or "").strip().split("\n", 1)[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
