"""Texts: every script, copied back by two readers; fitted into boxes; told when they do not fit."""

import shutil

import pymupdf_fonts
import pytest

from conferral.contract import PermanentError, sample_request
from conferral.generators.pdf.fonts import Sites, read_font
from tests.pdf.making import artifact, generate, inked, letters, one, plain, poppler_text, prepare, text_of

NAMES = {
    "Latin": "Ana Ñandú Łukaszewska-Þórðardóttir Őrsi",
    "decomposed": "Zoe\u0308 D’Arcy",
    "ligatures": "Office Raffaella fjord",
    "Vietnamese": "Nguyễn Thị Ánh",
    "marks without a letter of their own": "à̂b̃ q̃",
    "Greek": "Γιάννης Παπαδόπουλος",
    "Cyrillic": "Надежда Їжакевич",
    "Hebrew": "נועה לוי",
    "pointed Hebrew": "שָׁלוֹם דָּוִד",
    "Arabic": "محمد بن سعيد",
    "Arabic ligatures": "عبد الله بن محمد علاء",
    "vowelled Arabic": "مُحَمَّد علاء",
    "Persian": "میر خواهم",
    "Urdu": "احمد نستعلیق",
    "Devanagari": "क्षितिज शर्मा",
    "Thai": "สมชาย ใจดี",
    "stacked Thai": "น้ำทิพย์ กุ้ง",
    "Georgian": "გიორგი",
}
WITH_NOTO = {
    "Armenian": "Աննա Հակոբյան",
    "Bengali": "রবীন্দ্রনাথ ঠাকুর",
    "Bengali abbreviated": "মো. শফিকুল",
    "Tamil": "கௌரி ஸ்ரீநிவாசன்",
    "Khmer": "សុខ ចាន់ធូ",
    "Chinese": "王小明",
    "Japanese": "さくら 山田",
    "Korean": "김민준",
}


def has(name):
    """Whether a font for it is installed."""
    letters = frozenset(map(ord, name.replace(" ", "")))
    return any(letters <= font.covered for font in Sites(["system"]).fonts("en"))


@pytest.fixture(params=["pdfium", "poppler"])
def read(request):
    """A reader out of which text is copied."""
    if request.param == "poppler" and not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed (poppler-utils)")
    return {"pdfium": text_of, "poppler": poppler_text}[request.param]


@pytest.mark.parametrize("name", [pytest.param(name, id=script) for script, name in NAMES.items()])
def test_copying_gives_the_name_back(name, read):
    assert read(generate(request=sample_request(name=name), **one(size=30))) == plain(name)


@pytest.mark.parametrize("name", [pytest.param(name, id=script) for script, name in WITH_NOTO.items()])
def test_copying_gives_the_name_back_with_installed_fonts(name, read):
    if not has(name):
        pytest.skip("no Noto font for it is installed (fonts-noto-core, fonts-noto-cjk)")
    assert read(generate(request=sample_request(name=name), **one(size=30))) == plain(name)


@pytest.mark.parametrize("font", ["figo", "ubuntu", "cascadia", "notos"])
def test_a_font_gives_the_same_text_whatever_its_format(font):
    made = generate(assets={"own": bytes(pymupdf_fonts.myfont(font))}, font="own", **one("Affe Žižek – 100 %"))
    assert text_of(made) == "Affe Žižek – 100 %"


def test_japanese_and_chinese_names_are_drawn_as_their_readers_expect():
    if not has("王小明"):
        pytest.skip("no Noto font for it is installed (fonts-noto-cjk)")
    made = {locale: generate(request=sample_request(name="直角", locale=locale), **one()) for locale in ("ja", "zh-CN")}
    assert b"+NotoSansCJKjp" in made["ja"] or b"+NotoSerifCJKjp" in made["ja"]
    assert b"CJKsc" in made["zh-CN"]


def test_a_name_with_two_directions_stands_in_the_order_of_each():
    """From the left: Sara, then the Arabic word, whose first letter is its rightmost."""
    made = generate(request=sample_request(name="Sara محمد"), **one(size=30, align="left"))
    assert text_of(made) == "Sara محمد"


def test_every_letter_without_a_font_is_named_with_its_script():
    name = "Ana \U0001e030\U0001e030 \U00011da0"
    with pytest.raises(PermanentError, match=r"U\+1E030 \(Cyrillic\), U\+11DA0 \(Gunjala Gondi\); upload a font"):
        generate(request=sample_request(name=name), settings={"fallback_fonts": ["built-in"]}, **one())


def test_colour_emoji_are_refused_with_the_reason():
    with pytest.raises(PermanentError, match=r"U\+1F9D1 \(adult; colour emoji cannot be printed\); leave it"):
        generate(request=sample_request(name="Sam \U0001f9d1"), settings={"fallback_fonts": ["built-in"]}, **one())


def test_a_site_can_have_problems_flagged_instead():
    made = artifact(
        request=sample_request(name="Ana \U0001e030"), settings={"problems": "flag"}, **one("{name} is here", size=20)
    )
    assert made.problems[0].startswith("one: has a character that no font covers: U+1E030 (Cyrillic)")
    assert text_of(made.content) == "Ana is here"


def test_what_does_not_fit_can_be_flagged_and_is_never_cut_off():
    made = artifact(settings={"problems": "flag"}, **one("W" * 200, width=300, x=50, min_size=10, size=20))
    assert made.problems[0].startswith("one: does not fit: 'WWW")
    left, _, right, _ = inked(made.content, scale=2)
    assert left >= 49
    assert right <= 351


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_to_say_draws_nothing(text):
    assert inked(generate(**one(text))) is None


# --- Fit --------------------------------------------------------------------------------------------------------------

FIELD = {"x": 50, "width": 300, "y": 100, "size": 24, "min_size": 8}


def size_of(name, **fields):
    made = artifact(request=sample_request(name=name, draft=True), **one(**{**FIELD, **fields}))
    return made.receipt["sizes"]["one"], text_of(made.content).split("\n"), letters(made.content)


def test_what_fits_keeps_its_size():
    assert size_of("Ana Ñandú")[:2] == (24, ["Ana Ñandú"])


def test_a_long_name_shrinks_until_it_fills_its_line():
    size, lines, boxes = size_of("Anastasia Alexandra Konstantinopoulou")
    assert lines == ["Anastasia Alexandra Konstantinopoulou"]
    assert 8 < size < 24
    assert min(box[0] for box in boxes) == pytest.approx(50, abs=2)
    assert max(box[2] for box in boxes) == pytest.approx(350, abs=2)


def test_a_longer_one_wraps_evenly_and_larger_than_it_had_to_be_on_one_line():
    name = "Maximiliana Theodora Alexandrina Wilhelmina Konstantinopoulou von und zu Hohenzollern Sigmaringen"
    size, lines, boxes = size_of(name)
    assert " ".join(lines) == name
    assert len(lines) == 2
    assert 8 < size < 24
    widths = [len(line) for line in lines]
    assert max(widths) - min(widths) < 15
    assert min(box[0] for box in boxes) >= 49
    assert max(box[2] for box in boxes) <= 351


def test_one_that_is_too_long_for_all_its_lines_is_a_problem():
    with pytest.raises(PermanentError, match=r"^one: does not fit: .*pt on 2 lines, and 8.0 pt is the least; give it"):
        size_of("Maximiliana " * 20)
    assert len(size_of("Maximiliana " * 20, max_lines=5)[1]) > 2


def test_a_word_is_never_broken():
    with pytest.raises(PermanentError, match="does not fit"):
        size_of("W" * 100)


def test_ideographs_wrap_between_any_two():
    if not has("王"):
        pytest.skip("no Noto font for it is installed (fonts-noto-cjk)")
    _, lines, _ = size_of("王" * 60)
    assert [len(line) for line in lines] == [30, 30]


def test_lines_that_the_author_wrote_stay():
    assert size_of("x", text="one\ntwo\nthree")[1] == ["one", "two", "three"]


def test_a_line_at_the_foot_of_the_page_does_not_leave_it():
    _, _, boxes = size_of("gypsum", y=299, min_size=1)
    assert min(box[1] for box in boxes) >= 0


@pytest.mark.parametrize("name", ["Ana", "Ångström Ǻ", "gypsy", "Ñandú " * 9, "น้ำทิพย์ กุ้ง"])
@pytest.mark.parametrize("place", ["top", "middle", "bottom"])
def test_a_text_in_a_box_stays_in_it(name, place):
    box = {"x": 100, "width": 200, "y": 80, "height": 40, "size": 30, "min_size": 4, "vertical_align": place}
    left, top, right, bottom = inked(generate(request=sample_request(name=name.strip()), **one(**box)), scale=4)
    assert left >= 99
    assert right <= 301
    assert top >= 79.5
    assert bottom <= 120.5


def test_names_with_and_without_descenders_stand_alike_in_their_boxes():
    box = {"x": 100, "width": 200, "y": 80, "height": 60, "size": 30}
    bottoms = [inked(generate(request=sample_request(name=name), **one(**box)), scale=4)[3] for name in ("HHH", "HHÅ")]
    assert bottoms[0] == pytest.approx(bottoms[1], abs=0.3)
    assert sum(inked(generate(request=sample_request(name="HHH"), **one(**box)), scale=4)[1::2]) / 2 == pytest.approx(
        110, abs=0.5
    )


@pytest.mark.parametrize(("align", "edge"), [("left", 0), ("right", 2)])
def test_lines_stand_at_the_edge_of_the_box(align, edge):
    found = inked(generate(**one("HHH", x=100, width=200, size=20, align=align)), scale=4)
    assert found[edge] == pytest.approx(100 if align == "left" else 300, abs=2.5)


def test_letter_spacing_widens_and_does_not_tear_joined_letters():
    def width(text, **fields):
        found = inked(generate(**one(text, size=20, **fields)), scale=4)
        return found[2] - found[0]

    assert width("HHHH", letter_spacing=10) == pytest.approx(width("HHHH") + 30, abs=1)
    assert width("محمد", letter_spacing=10) == pytest.approx(width("محمد"), abs=1)


def test_letter_spacing_separates_ligatures(read):
    assert read(generate(**one("office", letter_spacing=1.5))) == "office"


# --- Fonts ------------------------------------------------------------------------------------------------------------


def test_a_variable_font_is_printed_as_it_is_without_settings(variable_font):
    font = read_font(variable_font)
    assert "fvar" not in font.tables
    assert text_of(generate(assets={"own": variable_font}, font="own", **one("Hx"))) == "Hx"


def test_a_font_that_forbids_embedding_is_refused(restricted_font):
    with pytest.raises(PermanentError, match=r"^forbids to be embedded in documents \(fsType 2\)"):
        read_font(restricted_font)


def test_a_font_of_the_sites_is_used_after_the_designs(tmp_path):
    path = tmp_path / "own.ttf"
    path.write_bytes(bytes(pymupdf_fonts.myfont("cascadia")))
    made = generate(settings={"fallback_fonts": [str(path)]}, **one("Hx"))
    assert b"+Cascadia" in made


def test_a_font_of_the_sites_that_is_missing_is_told():
    with pytest.raises(Exception, match=r"CONFERRAL_PLUGINS: pdf.fallback_fonts: /nowhere.ttf: No such file"):
        prepare(settings={"fallback_fonts": ["/nowhere.ttf"]}, **one("Hx"))
