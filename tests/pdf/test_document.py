"""The file: what it says of itself, its structure, its bytes; and that every reader opens it without a word."""

import shutil
import subprocess

import pikepdf
import pymupdf_fonts
import pytest

from conferral.contract import sample_request
from tests.pdf.making import BLANK, MARKED, NOTHING, generate, one, pike, poppler_text, prepare, text_of
from tests.pdf.test_elements import SVG, photo

EVERYTHING = {
    "title": {"text": "{type}", "y": "20%", "size": 24},
    "name": {"text": "{name}", "y": "40%", "size": 30},
    "id": {"text": "{verification_id}", "y": "90%"},
    "code": {"type": "qr", "x": 10, "y": 10, "width": 80},
    "seal": {"type": "image", "image": "seal", "x": 300, "y": 10, "width": 50, "alt": "The seal of {issuer}"},
    "drawing": {"type": "image", "image": "drawing", "x": 300, "y": 200, "width": 50},
    "rule": {"type": "line", "y": "50%", "opacity": 0.5},
    "frame": {"type": "rectangle", "x": 5, "y": 5, "width": 390, "height": 290, "colour": "#000000"},
    "second": {"text": "x", "y": "50%", "page": 2},
}
ASSETS = {"seal": photo(), "drawing": SVG}
NAMES = ("Ana Ñandú", "Надежда", "محمد بن سعيد", "مُحَمَّد", "क्षितिज शर्मा", "น้ำทิพย์", "שָׁלוֹם", "Nguyễn")


def everything(**changes):
    return generate(MARKED, ASSETS, sample_request(**changes), elements=EVERYTHING)


def test_it_says_what_it_is():
    with pike(everything(locale="pt-BR")) as pdf:
        assert str(pdf.docinfo.Title) == "Certificate of Completion · Introduction to Computing"
        assert str(pdf.docinfo.Author) == "Demo University"
        assert str(pdf.docinfo.CreationDate) == str(pdf.docinfo.ModDate) == "D:20260512120000Z"
        assert str(pdf.Root.Lang) == "pt-BR"
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Certificate of Completion · Introduction to Computing"
            assert metadata["dc:identifier"] == "https://credentials.example/c/K7QF-2M9X-4TBD-HW33"
            assert metadata["{urn:x-conferral:1}verificationId"] == "K7QF-2M9X-4TBD-HW33"
            assert metadata["xmp:CreateDate"] == "2026-05-12T12:00:00Z"
        assert not pdf.is_encrypted


def test_titles_with_markup_stay_text():
    with pike(everything(context="<b>A & B</b> (1\\2)")) as pdf:
        assert str(pdf.docinfo.Title) == "Certificate of Completion · <b>A & B</b> (1\\2)"
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Certificate of Completion · <b>A & B</b> (1\\2)"


@pytest.mark.parametrize("locale", ["ar", "fa", "he", "ur"])
def test_in_languages_from_the_right_ids_and_addresses_are_copied_as_they_are(locale):
    elements = {
        "name": {"text": "{name}", "y": 100},
        "id": {"text": "{verification_id}", "y": 200},
        "url": {"text": "{verification_url}", "y": 250},
    }
    made = generate(request=sample_request(locale=locale, name="نوال"), elements=elements)
    for read in (text_of, poppler_text) if shutil.which("pdftotext") else (text_of,):
        lines = {line for line in read(made).splitlines() if line}
        assert lines == {"نوال", "K7QF-2M9X-4TBD-HW33", "https://credentials.example/c/K7QF-2M9X-4TBD-HW33"}


def tree(pdf):
    """The structure as screen readers have it: tag, alternative text, page and mark of its content."""
    pages = {page.objgen: number for number, page in enumerate(pdf.pages)}

    def read(element):
        kids = element.get("/K", [])
        found = {"tag": str(element.S)[1:], "alt": str(element.get("/Alt", ""))}
        if isinstance(kids, pikepdf.Array):
            found["kids"] = [read(kid) for kid in kids if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]
        return found | ({"page": pages[element.Pg.objgen]} if "/Pg" in element else {})

    (document,) = pdf.Root.StructTreeRoot.K
    return read(document)


def test_it_is_tagged_in_reading_order():
    with pike(everything()) as pdf:
        assert bool(pdf.Root.MarkInfo.Marked)
        document = tree(pdf)
    assert document["tag"] == "Document"
    assert [(kid["tag"], kid["alt"]) for kid in document["kids"]] == [
        ("Figure", "Certificate of Completion, Demo University"),
        ("Figure", "The seal of Demo University"),
        ("H1", ""),
        ("Figure", "https://credentials.example/c/K7QF-2M9X-4TBD-HW33"),
        ("P", ""),
        ("P", ""),
        ("P", ""),
    ]
    assert document["kids"][5]["kids"][0]["tag"] == "Link"
    assert document["kids"][6]["page"] == 1


def test_every_mark_leads_to_its_element_and_back():
    with pike(everything()) as pdf:
        numbers = pdf.Root.StructTreeRoot.ParentTree.Nums
        parents = {int(numbers[index]): numbers[index + 1] for index in range(0, len(numbers), 2)}
        for page in pdf.pages[:2]:
            content = page.Contents.read_bytes().decode()
            marks = [int(part.split(">>")[0]) for part in content.split("<</MCID ")[1:]]
            of_page = parents[int(page.StructParents)]
            for mark in marks:
                kids = of_page[mark].K
                assert mark == (int(kids) if not isinstance(kids, pikepdf.Array) else int(kids[0]))
            for annotation in page.get("/Annots", ()):
                assert parents[int(annotation.StructParent)].K[1].Obj.objgen == annotation.objgen


def test_what_is_not_there_is_not_read_out():
    options = {"elements": {"note": {"text": "x", "y": 50, "when": "not expires"}, "name": {"text": "{name}", "y": 99}}}
    with pike(generate(**options, alt="")) as pdf:
        assert [kid["tag"] for kid in tree(pdf)["kids"]] == ["H1"]


@pytest.mark.parametrize(
    ("chosen", "heading"), [({}, "large"), ({"small": "heading"}, "small"), ({"large": "text"}, "small")]
)
def test_the_heading_is_the_title_the_largest_or_whichever_the_author_says(chosen, heading):
    elements = {
        "large": {"text": "{name}", "y": 100, "size": 30},
        "small": {"text": "small", "y": 200, "size": 10},
    }
    for name, role in chosen.items():
        elements[name]["role"] = role
    with pike(generate(elements=elements, alt="")) as pdf:
        tags = [kid["tag"] for kid in tree(pdf)["kids"]]
    assert tags == (["H1", "P"] if heading == "large" else ["P", "H1"])


# --- Bytes ------------------------------------------------------------------------------------------------------------


def test_a_batch_does_not_change_anybodys_bytes():
    generator, prepared = prepare(MARKED, ASSETS, elements=EVERYTHING)
    asked = [sample_request(name=name) for name in NAMES]
    together = [generator.generate(prepared, request)[0].content for request in asked]
    alone = [prepare(MARKED, ASSETS, elements=EVERYTHING)[1].make(request).content for request in reversed(asked)]
    assert together == alone[::-1]


def test_another_certificate_has_another_identifier():
    identifiers = set()
    for name in NAMES:
        with pike(everything(name=name)) as pdf:
            identifiers.add(bytes(pdf.trailer.ID[0]))
    assert len(identifiers) == len(NAMES)


def test_what_is_written_once_is_shared():
    """Two Latin names differ in the file's end alone: its beginning, template and fonts, is the same."""
    first, second = everything(name="Ana Ñandú"), everything(name="Łukasz Wiśniewski")
    same = next(place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    assert same > len(first) - 20_000


def test_fonts_are_subsets():
    assert len(bytes(pymupdf_fonts.myfont("figo"))) > 700_000
    assert len(everything(name="क्षितिज शर्मा")) < 60_000


# --- Every reader -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["qpdf", "--check", "--warning-exit-0"],
        ["pdftotext"],
        ["pdfinfo", "-struct-text"],
        ["mutool", "info"],
        ["mutool", "draw", "-q", "-F", "text", "-o", "/dev/null"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
@pytest.mark.parametrize("name", NAMES)
def test_it_opens_without_a_warning(command, name, tmp_path):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed (qpdf, poppler-utils, mupdf-tools)")
    path = tmp_path / "certificate.pdf"
    path.write_bytes(everything(name=name))
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    said = [line for line in done.stderr.splitlines() if "ICC support is not available" not in line]
    assert not said
    assert "WARNING" not in done.stdout


def test_the_template_is_not_changed_by_what_nobody_sees():
    assert len(generate(BLANK, **one("x"))) > len(BLANK)
    with pike(generate(MARKED, elements=NOTHING)) as pdf:
        assert len(pdf.pages) == 3
