"""The documentation: the tutorial works as printed, the reference says what the code says, links lead somewhere."""

import os
import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from conferral.contract import sample_request
from conferral.contract.options import parse
from conferral.contract.testing import MemoryAssets
from conferral.generators.pdf import PDF
from conferral.management.declaration import Declaration

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
ID = re.compile(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b")
ELIDED = "…"


class Reader:
    """Somebody who does what the page says: saves its files, makes its changes, types its commands."""

    def __init__(self, site):
        self.site = site
        self.ids = []
        self.done = 0

    def follow(self, page):
        for language, title, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            match language:
                case "yaml" | "csv":
                    self.site.write(title, text)
                case "diff":
                    self.change(title, text)
                case "console":
                    for command, shown in commands(text):
                        assert_shown(command, shown, self.type(command))

    def change(self, title, text):
        lines = {sign: "".join(f"{line[1:]}\n" for line in text.splitlines() if line[0] == sign) for sign in "-+"}
        before = (self.site.path / title).read_text(encoding="utf-8")
        assert before.count(lines["-"]) == 1, f"{title} does not have these lines once:\n{lines['-']}"
        self.site.write(title, before.replace(lines["-"], lines["+"]))

    def type(self, command):
        typed = re.sub(r"\bID\b", self.ids[0], command) if self.ids else command
        done = subprocess.run(
            ["sh", "-c", typed],
            cwd=self.site.path,
            env=self.site.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"$ {typed}\n{done.stdout}{done.stderr}"
        self.ids += ID.findall(done.stdout)
        self.done += 1
        return done.stdout


def commands(text):
    """Each command of a block, with the output below it."""
    starts = 0

    def number(line):
        nonlocal starts
        starts += line.startswith("$ ")
        return starts

    for _, lines in groupby(text.splitlines(), number):
        command, *shown = lines
        yield command.removeprefix("$ "), "\n".join(shown)


def assert_shown(command, shown, output):
    """The page and the output are the same; what the page elides may be anything."""
    pattern = ".*".join(re.escape(part) for part in shown.split(ELIDED))
    if not re.fullmatch(pattern, output.rstrip("\n"), re.DOTALL):
        pytest.fail(f"$ {command}\n--- the page shows\n{shown}\n--- but it prints\n{output}", pytrace=False)


@pytest.fixture
def reader(site):
    del site.environment["PYTHONPATH"]
    site.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{site.environment['PATH']}"
    return Reader(site)


def test_the_tutorial_works_as_it_is_printed(reader):
    reader.follow(DOCS / "tutorial.md")
    assert reader.done > 10

    issued = {one["username"]: one for one in reader.site.json("credentials")}
    editions = {name: reader.site.json("show", one["verification_id"])["edition"] for name, one in issued.items()}
    colours = {
        name: edition["generators"]["certificate"]["options"]["elements"]["title"]["colour"]
        for name, edition in editions.items()
    }
    assert colours == {"ana": "#1b2a4e", "nino": "#1b2a4e", "bo": "#a02020"}


DESIGNING = DOCS / "how-to" / "design-a-certificate.md"
FILES = {
    "diploma": "templates/classic.pdf",
    "seal": "templates/modern.pdf",
    "signature": "templates/signature.svg",
    "serif": "fonts/garamond.otf",
    "italic": "fonts/garamond-italic.otf",
    "hans": "fonts/noto-cjk.otf",
}
"""What the page's assets are in the demo: a landscape A4 template, as the page has one in mind."""


def snippets():
    """The YAML of the page on designing: a whole declaration, or a part of the options of a design."""
    return [
        yaml.safe_load(text) for kind, _, text in BLOCK.findall(DESIGNING.read_text(encoding="utf-8")) if kind == "yaml"
    ]


@pytest.mark.parametrize("snippet", snippets(), ids=lambda snippet: "-".join(snippet.get("elements", snippet)))
def test_the_designs_in_the_how_to_make_certificates(snippet):
    options = {"template": "diploma"} | snippet
    if "types" in snippet:
        (declared,) = Declaration.model_validate(snippet).types
        options = declared.generators["certificate"]["options"]
    assets = MemoryAssets({slug: (ROOT / "demo" / file).read_bytes() for slug, file in FILES.items()})
    generator = PDF()
    for locale in ("en", "fr", "zh-Hans", "ar"):
        design = generator.prepare(parse(PDF.Options, options, "options"), assets)
        (artifact,) = generator.generate(design, sample_request(locale=locale))
        assert not artifact.problems


def test_the_reference_is_what_the_code_says():
    done = subprocess.run(
        [sys.executable, DOCS / "reference" / "make.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    dead = [link for link in links(page) if not leads_somewhere(page, link)]
    assert not dead, f"{page.relative_to(ROOT)}: these lead nowhere: {dead}"


def links(page):
    """The relative links of a page; what is in code is no link."""
    text = re.sub(
        r"^```.*?^```$|^    .*?$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def leads_somewhere(page, link):
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page):
    """The headings of a page as their addresses."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
