"""Looking before issuing: `preview` writes a picture, `preflight` finds names that would fail; nothing changes."""

import io

import pytest
from PIL import Image

from tests.acceptance.conftest import COURSE
from tests.acceptance.test_bad_input import contents, refused

BADGES = """\
types:
  - {name: Badge, processor: completion, processor_options: {required_completion: 0.8},
     generators: {badge: {generator: two-files}}}
  - {name: Fragile, processor: completion, processor_options: {required_completion: 0.8},
     generators: {certificate: {generator: buggy}, badge: {generator: telling}}}
"""


@pytest.fixture
def declared(site):
    site.set_up([("ana", "Ana Ñandú", "1"), ("bo", "Permanent", "0"), ("cy", "", "0"), ("jo", "Ꮳ", "0")])
    site.write("badges.yaml", BADGES)
    site.ok("apply", "badges.yaml")
    return site


def test_a_preview_is_written_as_its_ending_says(declared):
    site = declared
    before = contents(site)
    for name, size in (("a.png", (1754, 1241)), ("b.jpeg", (842, 596)), ("c.webp", (842, 596))):
        asked = ["--context", "T101", "--name", "Bo", "--boxes", *(["--dpi", "72"] if name != "a.png" else [])]
        assert site.ok("preview", "Completion", *asked, "-o", name).startswith(f"{name}  ")
        with Image.open(io.BytesIO((site.path / name).read_bytes())) as picture:
            assert all(abs(side - asked) <= 1 for side, asked in zip(picture.size, size, strict=True))
    site.ok("preview", "Completion", "--locale", "fr", "-o", "d.pdf")
    assert (site.path / "d.pdf").read_bytes().startswith(b"%PDF-")
    assert contents(site) == before


def test_previews_that_are_refused(declared):
    site = declared
    for arguments, says in (
        (("Diploma", "-o", "x.png"), "type: 'Diploma' is not known; known: 'Badge', 'Completion', 'Fragile'"),
        (("Completion", "-o", "x.gif"), "output: x.gif does not end in one of .png .jpg .jpeg .webp .pdf"),
        (("Completion", "-o", "x.png", "--context", "T999"), f"context: 'T999' is not known; known: {COURSE}"),
        (("Completion", "-o", "x.png", "--page", "2"), "certificate.pdf: page: 2: the file ends with page 1"),
        (("Completion", "-o", "x.png", "--dpi", "9999"), "dpi: 9999 is not accepted; write 10 to 1200"),
        (("Completion", "-o", "no/such/x.png"), "output: no/such/x.png cannot be written: No such file or directory"),
        (("Completion", "-o", "x.png", "--name", "Ꮳ"), "name: has a character that no font covers: U+13E3 (Cherokee)"),
        (
            ("Badge", "-o", "x.png"),
            "output: what the slot makes cannot be shown as a picture: badge.txt (text/plain), ",
        ),
        (("Badge", "-o", "x.pdf"), "output: what the slot makes is no PDF: badge.txt (text/plain), badge.json (appl"),
    ):
        assert refused(site, "preview", *arguments).startswith(says)
    assert not list(site.path.glob("x.*"))


def test_preflight_lists_whose_certificate_would_fail(declared):
    site = declared
    site.write("more.yaml", f'configurations: [{{context: "{COURSE}", type: Fragile, enabled: true}}]')
    site.ok("apply", "more.yaml")
    before = contents(site)
    done = site("preflight", "T101")
    assert (done.returncode, done.stderr) == (1, "")
    for line in (
        "T101 · Completion",
        "  ! cy    has no name",
        "  certificate: 4 learners looked at, 2 problems",
        "    missing   U+13E3 (Cherokee) Ꮳ in 1 name",
        "T101 · Fragile",
        "  ! bo  Permanent  certificate: this name cannot be engraved",
        "    smallest  name: 13.33 pt  ana  Ana Ñandú",
    ):
        assert line in done.stdout.splitlines(), done.stdout
    assert contents(site) == before
    assert refused(site, "preflight", "T999").startswith("context: 'T999' is not known")
    assert refused(site, "preflight", "--type", "Nothing").startswith("configurations: none is enabled for Nothing")


def test_preflight_for_machines(declared):
    site = declared
    done = site("preflight", "--json")
    assert done.returncode == 1
    site.write("roster.csv", "username,name\nana,Ana Ñandú\n")
    site.ok("roster", "import", COURSE, "roster.csv")
    (checked,) = site.json("preflight", "--type", "Completion")["configurations"]
    assert {name: checked[name] for name in ("context", "type", "slot", "learners", "problems", "error")} == {
        "context": COURSE,
        "type": "Completion",
        "slot": "certificate",
        "learners": 1,
        "problems": [],
        "error": "",
    }
