"""What holds for any text at all; and another typesetter's opinion."""

import io
import json
import unicodedata

import pymupdf_fonts
import pypdfium2
import pytest
import typst
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conferral.contract import PermanentError, sample_request
from conferral.contract.text import check_line, is_visible
from conferral.generators.pdf.fonts import Chain, Sites, read_font
from conferral.generators.pdf.layout import Style, set_text
from conferral.generators.pdf.shaping import shape
from tests.pdf.making import generate, inked, letters, one, plain, prepare, text_of

BUILT_IN = {"fallback_fonts": ["built-in"]}
FIELD = {"x": 40, "width": 320, "y": 120, "height": 60, "size": 30, "min_size": 4, "max_lines": 3}
GENERATOR, DESIGN = prepare(settings=BUILT_IN, **one(**FIELD))

names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), min_size=1, max_size=40)
written = st.text(
    st.sampled_from(
        "abcdefgßñéłőžABCÞĐİı .-’'()12 ΑΒΓαβγάώ АБВабвйї אבגדהוםןץ ابتثجحدرسعكلمنهويىءأإآةپچژگ ًٌٍَُِّْ"
        "कखगघचजतदनपबमयरलवसहािीुूेैोौं्ृ กขคงจชดตนบปพมยรลวสหอะาิีึืุูเแโใไ่้๊๋์ํ"
    ),
    min_size=1,
    max_size=30,
)


def accepted(name):
    """Names that get as far as a certificate."""
    try:
        check_line(name)
    except ValueError:
        return False
    return is_visible(name)


def quickly(count):
    return settings(max_examples=count, deadline=5000, suppress_health_check=[HealthCheck.filter_too_much])


@quickly(300)
@given(st.one_of(names, written))
def test_any_name_is_printed_whole_or_refused_with_the_character(name):
    assume(accepted(name))
    try:
        (made,) = GENERATOR.generate(DESIGN, sample_request(name=name))
    except PermanentError as error:
        told = str(error)
        assert told.startswith(("one: has a character that no font covers: U+", "one: does not fit: "))
        if "no font covers" in told:
            codes = {part.split(" ")[0] for part in told.split("U+")[1:]}
            there = {f"{ord(one):04X}" for one in unicodedata.normalize("NFC", name)}
            assert codes <= there
        return
    with pypdfium2.PdfDocument(made.content) as document:
        assert len(document) == 1
    left, top, right, bottom = inked(made.content, scale=2) or (100, 130, 101, 131)
    assert left >= 37  # letters may lean over the edge by a hair, as letters do
    assert right <= 363
    assert top >= 119
    assert bottom <= 181


@quickly(300)
@given(written)
def test_every_character_stands_in_exactly_one_cluster(name):
    """Nothing is lost, nothing twice, whatever is turned around, joined, or fallen back for."""
    name = unicodedata.normalize("NFC", name)
    line = shape(name, Chain([], Sites(["built-in"]), "en"), "en")
    assume(not line.missing)
    found = [character for run in line.runs for text in run.texts for character in text]
    assert sorted(found) == sorted(name)
    for run in line.runs:
        assert len(run.texts) == len(run.advances) == len(run.starts) == len(run.glyphs or run.drawn)
        assert 0 not in run.glyphs  # no empty box
        assert all(glyph.id for cluster in run.drawn for glyph in cluster)


@quickly(100)
@given(st.text(st.sampled_from("abcdeñéłő -’ABC"), min_size=1, max_size=60).map(str.strip).filter(bool))
def test_latin_names_are_copied_back_in_order(name):
    made = GENERATOR.generate(DESIGN, sample_request(name=name))[0].content
    assert "".join(text_of(made).split()) == "".join(plain(name).split())


@quickly(200)
@given(written, st.floats(20, 600), st.floats(5, 60), st.integers(1, 6), st.none() | st.floats(5, 200))
def test_no_line_is_wider_than_its_box_nor_higher(text, width, size, lines, height):
    style = Style(50, 60, width, height, "center", "middle", size, size / 4, lines, 0, 1.3, 400)
    block = set_text(text, style, Chain([], Sites(["built-in"]), "en"), "en")
    assert block.size <= size + 1e-6
    assert all(line.width <= width + 1e-3 for line in block.lines)
    assert len(block.lines) <= lines
    if not block.problems:
        assert block.size >= size / 4 - 1e-6
    elif all("no font covers" not in problem for problem in block.problems):
        assert block.size < size / 4


# --- Another typesetter's opinion -------------------------------------------------------------------------------------

TEXTS = [
    "Ana Ñandú Łukaszewska",
    "Kerning: AVATAR To. Ty, LTAV",
    "Introduction to the Philosophy of Natural Language and Computing for Beginners",
    "Γιάννης Παπαδόπουλος και Ελένη Γεωργίου στην Αθήνα",
    "Надежда Їжакевич и Александр Кузнецов из Новосибирска",
    "office waffle affluent fjord ffi ffl",
    "क्षितिज शर्मा और प्रिया वर्मा विश्वविद्यालय",
    "สมชาย ใจดี และ สมหญิง รักเรียน",
]


SOURCE = """#set page(width: 1000pt, height: 500pt, margin: 0pt)
#set text(font: "FiraGO", size: 20pt, fallback: false, hyphenate: false, top-edge: "baseline", bottom-edge: "baseline")
#set par(justify: false, leading: 30pt)
#let said = json(bytes(sys.inputs.said))
#context [#metadata((
  widths: said.lines.map(line => measure(text(line)).width.pt()),
  heights: said.beginnings.map(part => measure(block(width: said.width * 1pt, part)).height.pt()),
)) <measured>]
"""


def by_typst(lines, beginnings, width):
    """The widths of our lines in points, and on how many lines it sets each beginning of the text."""
    said = json.dumps({"lines": lines, "beginnings": beginnings, "width": width})
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    given = {"input": str(FONTS / "main.typ"), "font_paths": fonts, "sys_inputs": {"said": said}}
    (measured,) = json.loads(typst.query(selector="<measured>", field="value", **given))
    return measured["widths"], [round(height / 30) + 1 for height in measured["heights"]]


@pytest.fixture(scope="module", autouse=True)
def _font_folder(tmp_path_factory):
    global FONTS  # noqa: PLW0603 - where typst finds the font, for all tests of this module
    FONTS = tmp_path_factory.mktemp("fonts")
    (FONTS / "main.typ").write_text(SOURCE)
    (FONTS / "figo.ttf").write_bytes(bytes(pymupdf_fonts.myfont("figo")))


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_another_typesetter_breaks_the_lines_alike_and_as_wide(text, lines):
    """typst, given our size and the width of our widest line, has the same lines, within a point."""
    font = read_font(bytes(pymupdf_fonts.myfont("figo")))
    chain = Chain([font], Sites([]), "en")
    whole = shape(text, chain, "en").width * 20 / 1000
    longest = max(shape(word, chain, "en").width for word in text.split()) * 20 / 1000
    width = max(whole / lines * 1.25 + 20, longest + 1) if lines > 1 else whole + 10
    style = Style(100, 100, width, None, "left", "top", 20, 20, lines, 0, 1.5, 500)
    block = set_text(text, style, chain, "en")
    assert not block.problems
    ours = [lettering(line.shaped) for line in block.lines]
    assert " ".join(ours) == text
    # Up to a break of ours it needs so many lines, and with the next word one more: it breaks there too.
    ends = [" ".join(ours[:count]) for count in range(1, len(ours) + 1)]
    nexts = [f"{end} {line.split()[0]}" for end, line in zip(ends, ours[1:], strict=False)]
    widths, counts = by_typst(ours, ends + nexts, max(line.width for line in block.lines) + 0.05)
    assert widths == pytest.approx([line.width for line in block.lines], abs=1)
    assert counts == [*range(1, len(ours) + 1), *range(2, len(ours) + 1)]


def lettering(shaped):
    return "".join(text for run in shaped.runs for text in run.texts)


def test_what_is_measured_is_what_is_drawn():
    made = generate(settings=BUILT_IN, **one("Introduction to Computing", x=50, width=300, size=20, align="left"))
    boxes = letters(made)
    font = read_font(bytes(pymupdf_fonts.myfont("figo")))
    width = shape("Introduction to Computing", Chain([font], Sites([]), "en"), "en").width * 20 / 1000
    assert max(box[2] for box in boxes) - min(box[0] for box in boxes) == pytest.approx(width, abs=3)
    assert io.BytesIO(made).getbuffer().nbytes < 60_000
