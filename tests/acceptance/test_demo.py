"""`conferral demo`: what a newcomer sees first is what it says it is."""

import unicodedata
from pathlib import Path

import pypdfium2
import pytest

from tests.acceptance.conftest import Site

DEMO = Path(__file__).parent.parent.parent / "demo"
FIGURES = {
    ("CS101", "Certificate of Completion"): (60, 41, 0, 40, 1),
    ("CS101", "Certificate of Achievement"): (60, 18, 0, 18, 0),
    ("GIT", "Certificate of Completion"): (60, 25, 0, 25, 0),
    ("DEV", "Pathway Diploma"): (60, 12, 0, 12, 0),
}


def table(output):
    """The figures of each line of the table."""
    found = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) > 6 and all(word.isdecimal() for word in words[-5:]):
            found[words[0], " ".join(words[1:-5])] = tuple(int(word) for word in words[-5:])
    return found


@pytest.fixture
def site(site: Site):
    del site.environment["PYTHONPATH"]
    return site


def test_the_demo_issues_once_and_says_so(site):
    output = site.ok("demo", "--directory", str(DEMO))
    assert table(output) == FIGURES
    assert "U+13E3 (Cherokee)" in output
    assert "95 certificates:" in output
    assert (site.home / "demo" / "contact-sheet.png").stat().st_size > 100_000

    again = site.ok("demo", "--directory", str(DEMO))
    assert "0 changed, 19 as declared already" in again
    assert "Nothing new was issued" in again
    assert all(figures[2:] == (figures[1], 0, 0) for figures in table(again).values())

    issued = site.json("credentials")
    failed = [one for one in issued if one["state"] == "failed"]
    assert [one["username"] for one in failed] == ["john.redfern"]
    assert len(issued) == 96
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
