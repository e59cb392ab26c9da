"""`conferral demo`: what a newcomer sees first is what it says it is."""

import unicodedata
from hashlib import sha256
from pathlib import Path

import pypdfium2
import pytest

from tests.acceptance.conftest import Site

DEMO = Path(__file__).parent.parent.parent / "demo"
FIGURES = {
    ("CS101", "Certificate of Completion"): (60, 41, 0, 40, 1, 39),
    ("CS101", "Certificate of Achievement"): (60, 18, 0, 18, 0, 18),
    ("GIT", "Certificate of Completion"): (60, 25, 0, 25, 0, 24),
    ("DEV", "Pathway Diploma"): (60, 12, 0, 12, 0, 12),
}


def table(output):
    """The figures of each line of the table."""
    found = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) > 7 and all(word.isdecimal() for word in words[-6:]):
            found[words[0], " ".join(words[1:-6])] = tuple(int(word) for word in words[-6:])
    return found


@pytest.fixture
def site(site: Site):
    del site.environment["PYTHONPATH"]
    del site.environment["CONFERRAL_PLUGINS"]  # whatever fonts a newcomer has, the demo is the same
    return site


def test_the_demo_issues_once_and_says_so(site):
    output = site.ok("demo", "--directory", str(DEMO))
    assert table(output) == FIGURES
    assert "U+1F98A (fox face; colour emoji cannot be printed)" in output
    assert "95 certificates:" in output
    assert (site.home / "demo" / "contact-sheet.png").stat().st_size > 100_000
    assert "94 mails:" in output
    assert len(list((site.home / "mail").glob("*.eml"))) == 94
    assert len(links(output)) == 3

    again = site.ok("demo", "--directory", str(DEMO))
    assert "0 changed, 20 as declared already" in again
    assert "Nothing new was issued" in again
    assert all(figures[2:] == (figures[1], 0, 0, 0) for figures in table(again).values())
    assert "94 mails:" in again
    assert links(again) == links(output)

    issued = site.json("credentials")
    failed = [one for one in issued if one["state"] == "failed"]
    assert [one["username"] for one in failed] == ["john.redfern"]
    assert len(issued) == 97
    revoked = [one["username"] for one in issued if one["revoked"]]
    replaced = [one["username"] for one in issued if one["replaced_by"]]
    assert (revoked, replaced) == (["declan.odriscoll"], ["harriet.pemberton"])
    assert_resaved(site.home / "demo" / "re-saved-copy.pdf", links(output)["Genuine"], issued)
    for credential in issued:
        for artifact in credential["artifacts"]:
            if artifact["state"] == "stored":
                assert_names(Path(artifact["path_or_url"]), credential["name"], credential["verification_id"])

    (why,) = [
        learner
        for report in site.json("run", "CS101", "--type", "Certificate of Completion", "--dry-run")
        for learner in report["learners"]
        if learner["username"] == "paivi.niskakangas"
    ]
    assert (why["outcome"], why["reason"]) == ("not yet", "completion 79.5 % (80 % required)")


def links(output):
    """Label and address of each example."""
    words = (line.split() for line in output.splitlines())
    return {each[0]: each[1] for each in words if len(each) > 1 and "/c/" in each[1]}


def assert_resaved(path, url, issued):
    """Another program's copy: other bytes, the same text."""
    (genuine,) = [one for one in issued if one["url"] == url]
    assert sha256(path.read_bytes()).hexdigest() not in {each["sha256"] for each in genuine["artifacts"]}
    assert_names(path, genuine["name"], genuine["verification_id"])


def assert_names(path, name, verification_id):
    """The letters of the name, and the verification id, are in the PDF as text."""
    document = pypdfium2.PdfDocument(path)
    text = document[0].get_textpage().get_text_bounded()
    document.close()
    assert verification_id in text
    # Letters without marks: readers order marks and right-to-left runs in ways of their own.
    letters = {letter for letter in unicodedata.normalize("NFKD", name) if unicodedata.category(letter)[0] == "L"}
    there = set(unicodedata.normalize("NFKD", text))
    assert len(letters - there) <= 0.2 * len(letters), (name, letters - there)


def test_a_directory_without_a_demo(site):
    done = site("demo", "--directory", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: nowhere/credentials.yaml: is not there; run this in a checkout of Conferral")
