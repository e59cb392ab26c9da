"""The PDF generator: in the suite that every generator has to pass, and looked at with another PDF reader."""

import io

import pikepdf
import pymupdf_fonts
import pytest
from PIL import ImageChops

from conferral.contract import OptionsError, PermanentError, sample_request
from conferral.contract.testing import GeneratorSuite
from conferral.generators.pdf import PDF
from conferral.generators.pdf.wording import capitals
from tests.pdf.making import BLANK, MARKED, NOTHING, generate, letters, opened, text_of

LANDSCAPE = BLANK


def changed(change, template=MARKED, **saving):
    with pikepdf.open(io.BytesIO(template)) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **saving)
        return out.getvalue()


def untouched(pdf):
    pass


def without_pages(pdf):
    del pdf.pages[:]


def with_18_more_pages(pdf):
    pdf.pages.extend([pdf.pages[0]] * 18)


def with_inherited_boxes(pdf):
    """The boxes and the rotation stand once, for all pages."""
    pages = pdf.Root.Pages
    pages.Rotate, pages.CropBox = 90, pikepdf.Array([10, 10, 390, 200])
    pages.MediaBox = pikepdf.Array([0, 0, 400, 300])
    for page in pages.Kids:
        del page.MediaBox


def each_page(**entries):
    """MARKED with these entries in the dictionary of each page."""

    def change(pdf):
        for page in pdf.pages:
            for name, value in entries.items():
                page.obj[f"/{name}"] = pikepdf.Array(value) if isinstance(value, list) else value

    return changed(change)


class TestPDF(GeneratorSuite):
    generator = PDF()
    options = {
        "template": "landscape",
        "font": "own",
        "elements": {
            "name": {"text": "{name}", "y": "50%", "size": "7%"},
            "more": {"text": "{context}, {evidence.completion}, {field.hours} h", "y": "60%", "upper_case": True},
            "link": {"text": "{verification_url}", "y": "90%", "size": 6, "align": "right", "colour": "#aA0000"},
        },
    }
    assets = {"landscape": LANDSCAPE, "own": bytes(pymupdf_fonts.myfont("cascadia"))}

    def check_opens(self, artifact):
        assert len(opened(artifact.content)) == 1
        assert text_of(artifact.content)

    def test_the_texts_are_filled_in(self):
        (artifact,) = self.generator.generate(self.prepare(), sample_request(slot="badge"))
        assert (artifact.filename, artifact.media_type) == ("badge.pdf", "application/pdf")
        text = text_of(artifact.content)
        assert "Ana Ñandú" in text
        assert "INTRODUCTION TO COMPUTING, 95%, 40 H" in text
        assert "https://credentials.example/c/K7QF-2M9X-4TBD-HW33" in text

    def test_readers_are_told_what_it_is(self):
        (artifact,) = self.generator.generate(self.prepare(), sample_request(locale="de-AT"))
        described = opened(artifact.content).get_metadata_dict()
        assert described["Title"] == "Certificate of Completion · Introduction to Computing"
        assert described["Author"] == "Demo University"
        assert described["CreationDate"].startswith("D:20260512120000")
        with pikepdf.open(io.BytesIO(artifact.content)) as pdf:
            assert str(pdf.Root.Lang) == "de-AT"


def test_a_character_that_no_font_has_is_named():
    with pytest.raises(PermanentError, match=r"^name: has a character that no font covers: U\+1E030 \(Cyrillic\); "):
        generate(request=sample_request(name="Ana \U0001e030"))


def fonts_in(content):
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return {str(font.BaseFont) for font in pdf.pages[0].Resources.Font.values()}


def test_an_uploaded_font_is_used_before_those_that_come_with_conferral():
    own = generate(assets={"own": bytes(pymupdf_fonts.myfont("cascadia"))}, font="own")
    assert len(fonts_in(own)) == 1
    assert not fonts_in(own) & fonts_in(generate())
    assert "Ana Ñandú" in text_of(own)


def test_two_uploads_of_one_family_are_two_fonts():
    regular, bold = (bytes(pymupdf_fonts.myfont(name)) for name in ("ubuntu", "ubuntubo"))
    elements = {slug: {"text": "x", "y": "50%", "font": slug} for slug in ("regular", "bold")}
    assert len(fonts_in(generate(assets={"regular": regular, "bold": bold}, elements=elements))) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a PDF, or is damaged"),
        (b"GIF89a", "is not a PDF, or is damaged"),
        (LANDSCAPE[: len(LANDSCAPE) // 2], "is not a PDF, or is damaged"),
        (changed(untouched, encryption=pikepdf.Encryption(owner="o", user="u")), "is encrypted"),
        (changed(untouched, encryption=pikepdf.Encryption(owner="o", user="")), "is encrypted"),
        (changed(without_pages), "has no page"),
        (changed(with_18_more_pages), "has 21 pages; at most 20"),
        (each_page(MediaBox=[0, 0, 0, 0], CropBox=[0, 0, 0, 0]), "has a page of 0 × 0 points"),
        (each_page(MediaBox=[0, 0, 14401, 100]), "has a page of 14401 × 100 points; at most 14400"),
    ],
)
def test_what_is_no_template_is_refused_with_the_reason(content, reason):
    with pytest.raises(PermanentError, match=f"^{reason}"):
        PDF().check_asset("pdf", content)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"\0\1\0\0 nothing", bytes(pymupdf_fonts.myfont("figo"))[:5000]])
def test_what_is_no_font_is_refused_with_the_reason(content):
    with pytest.raises(PermanentError, match=r"^is not a font, or is damaged; a TrueType or OpenType file is needed"):
        PDF().check_asset("font", content)


def test_other_kinds_of_assets_are_somebody_elses():
    PDF().check_asset("video", b"anything")


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"text": "{nmae}", "y": 1}, r"options\.elements\.name\.text: .*unknown placeholder \{nmae\}; known: "),
        ({"text": "x"}, r"options\.elements\.name\.y: is required"),
        ({"text": "x", "y": "high"}, r"options\.elements\.name\.y: 'high' is not accepted: write a length"),
        ({"text": "x", "y": 1, "color": "red"}, r"elements\.name\.color: unknown key; known here: align, colour"),
        ({"text": "x", "y": 1, "colour": "red"}, r"options\.elements\.name\.colour: 'red' is not accepted"),
        ({"text": "x", "y": 1, "font": "No Slug"}, r"options\.elements\.name\.font: 'No Slug' is not accepted"),
        ({"text": "x", "y": 1, "page": 2}, r"elements\.name\.page: 2: the template has 1 page"),
    ],
)
def test_elements_that_make_no_sense_are_refused_by_their_field(element, reason):
    with pytest.raises(OptionsError, match=reason):
        generate(elements={"name": element})


def test_a_name_of_an_element_is_a_slug():
    with pytest.raises(OptionsError, match=r"^options\.elements\.My Name"):
        generate(elements={"My Name": {"text": "x", "y": 1}})


@pytest.mark.parametrize("text", ["{evidence.total}", "{field.ects}"])
def test_a_figure_or_field_that_the_credential_does_not_have_is_refused(text):
    with pytest.raises(PermanentError, match=r"it has: (completion|hours)$"):
        generate(elements={"x": {"text": text, "y": "50%"}})


@pytest.mark.parametrize(
    "template",
    [
        each_page(),
        each_page(Rotate=90),
        each_page(Rotate=180),
        each_page(Rotate=-90),
        each_page(CropBox=[50, 30, 350, 280]),
        each_page(CropBox=[50, 30, 350, 280], Rotate=90),
        each_page(MediaBox=[-100, -50, 300, 250]),
        each_page(MediaBox=[400, 300, 0, 0]),
        each_page(CropBox=[-50, 20, 450, 400]),
        changed(with_inherited_boxes),
    ],
    ids=[
        "plain",
        "rotated",
        "upside-down",
        "anticlockwise",
        "cropped",
        "cropped-rotated",
        "moved",
        "corners-swapped",
        "overlapping",
        "inherited",
    ],
)
def test_pages_look_as_in_the_template(template):
    before, after = opened(template), opened(generate(template, elements=NOTHING))
    assert len(after) == len(before) == 3
    for old, new in zip(before, after, strict=True):
        assert new.get_size() == pytest.approx(old.get_size(), abs=0.01)
        pictures = [page.render(scale=1).to_pil().convert("RGB") for page in (old, new)]
        assert ImageChops.difference(*pictures).getbbox() is None  # to the last pixel


def test_elements_are_on_the_page_that_they_name():
    content = generate(
        MARKED, elements={f"on-{page}": {"text": f"page {page}", "y": "50%", "page": page} for page in (1, 3)}
    )
    assert [text_of(content, page).strip() for page in range(3)] == ["page 1", "", "page 3"]


def test_y_is_the_baseline_and_x_and_width_are_the_column():
    element = {"text": "HHH", "x": "100pt", "width": "200pt", "y": "100pt", "size": "20pt"}
    edges = {}
    for align in ("left", "center", "right"):
        boxes = letters(generate(elements={"x": {**element, "align": align}}))
        assert min(bottom for _, bottom, _, _ in boxes) == pytest.approx(300 - 100, abs=0.5)
        edges[align] = (min(box[0] for box in boxes), max(box[2] for box in boxes))
    assert edges["left"][0] == pytest.approx(100, abs=3)
    assert sum(edges["center"]) / 2 == pytest.approx(200, abs=1)
    assert edges["right"][1] == pytest.approx(300, abs=3)


def test_what_fits_is_not_made_smaller():
    element = {"text": "HHH", "y": "100pt", "size": "24pt", "min_size": "40pt"}
    small = letters(generate(elements={"name": {**element, "size": "12pt"}}))
    large = letters(generate(elements={"name": element}))
    assert large[0][3] - large[0][1] == pytest.approx(2 * (small[0][3] - small[0][1]), rel=0.02)


def test_capitals_are_those_of_the_language():
    assert capitals("istanbul", "tr") == "İSTANBUL"
    assert capitals("istanbul", "en") == "ISTANBUL"
    assert capitals("straße", "de") == "STRASSE"
    assert capitals("გიორგი", "ka") == "გიორგი"
