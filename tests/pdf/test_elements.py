"""Elements other than plain texts; and what all have: turned, see-through, conditional, by language."""

import base64
import io

import pikepdf
import pymupdf_fonts
import pytest
import segno
import zxingcpp
from PIL import Image

from conferral.contract import Fact, OptionsError, PermanentError, sample_request
from conferral.generators.pdf import PDF, qr
from tests.pdf.making import BLANK, MARKED, artifact, content_of, generate, inked, one, opened, picture, pike, text_of

RED = (255, 0, 0)


def drawn(**fields):
    return {"elements": {"one": fields}}


def photo(mode="RGB", size=(40, 20), colour="red", kind="PNG", **saving):
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **saving)
    return out.getvalue()


def colour_at(content, x, y, page=0):
    return picture(content, page).getpixel((x, y))


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">'
    b'<rect width="20" height="20" fill="#ff0000"/><rect x="20" width="20" height="20" fill="#0000ff"/></svg>'
)


# --- Pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [photo(), photo(kind="JPEG", quality=100), photo("P", colour=0), photo("1", colour=0), photo("L", colour=0)],
)
def test_a_picture_keeps_its_proportions_in_its_box(content):
    made = generate(assets={"seal": content}, **drawn(type="image", image="seal", x=100, y=50, width=200, height=200))
    assert inked(made) == pytest.approx((100, 100, 300, 200), abs=1)


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ({"align": "left"}, (100, 100, 200, 150)),
        ({"align": "right"}, (200, 100, 300, 150)),
        ({"vertical_align": "top"}, (150, 100, 250, 150)),
        ({"vertical_align": "bottom"}, (150, 100, 250, 150)),
    ],
)
def test_a_picture_stands_where_it_is_told(place, box):
    made = generate(
        assets={"seal": photo()}, **drawn(type="image", image="seal", x=100, y=100, width=200, height=50, **place)
    )
    assert inked(made) == pytest.approx(box, abs=1)


def test_without_a_height_the_width_decides():
    made = generate(assets={"seal": photo()}, **drawn(type="image", image="seal", x=100, y=100, width=100))
    assert inked(made) == pytest.approx((100, 100, 200, 150), abs=1)


def test_what_is_transparent_stays_so():
    half = Image.new("RGBA", (20, 20), (255, 0, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 10, 20))
    out = io.BytesIO()
    half.save(out, "PNG")
    made = generate(assets={"seal": out.getvalue()}, **drawn(type="image", image="seal", x=100, y=100, width=100))
    assert inked(made) == pytest.approx((150, 100, 200, 200), abs=2)


def test_a_photograph_goes_in_byte_for_byte():
    content = photo(kind="JPEG", quality=90)
    made = generate(assets={"photo": content}, **drawn(type="image", image="photo", x=10, y=10))
    assert content in made


def test_a_photograph_that_lies_on_its_side_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = photo(kind="JPEG", exif=exif)
    made = generate(assets={"photo": content}, **drawn(type="image", image="photo", x=100, y=50, width=50))
    assert inked(made) == pytest.approx((100, 50, 150, 150), abs=1)


@pytest.mark.parametrize("key", ["image", "pdf"])
def test_drawings_are_drawn_as_vectors(key):
    content = SVG if key == "image" else generate(template=MARKED, elements={"x": {"text": "", "y": 1}})
    made = generate(assets={"seal": content}, **drawn(type="image", **{key: "seal"}, x=100, y=50, width=100))
    height = 50 if key == "image" else 75
    assert inked(made) == pytest.approx((100, 50, 200, 50 + height), abs=1)
    with pike(made) as pdf:
        assert str(pdf.pages[0].Resources.XObject["/I-one"].Subtype) == "/Form"
    assert colour_at(made, 110, 60) == pytest.approx(RED if key == "image" else (255, 65, 54), abs=3)


def turned_drawing():
    with pike(MARKED) as pdf:
        for page in pdf.pages:
            page.obj.Rotate, page.obj.CropBox = 90, pikepdf.Array([50, 30, 350, 280])
        out = io.BytesIO()
        pdf.save(out)
        return out.getvalue()


def test_a_drawing_shows_what_its_page_shows():
    """Cropped and turned, as a reader shows it."""
    content = turned_drawing()
    made = generate(assets={"seal": content}, **drawn(type="image", pdf="seal", x=75, y=0, width=250, height=300))
    shown = picture(made).crop((75, 0, 325, 300))
    expected = picture(content)
    for place in [(20, 20), (230, 20), (20, 280), (230, 280), (125, 150)]:
        assert shown.getpixel(place) == pytest.approx(expected.getpixel(place), abs=4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a PNG, JPEG or SVG picture, or is damaged"),
        (photo()[:60], "is not a PNG, JPEG or SVG picture, or is damaged"),
        (photo(kind="JPEG", size=(400, 400))[:700], "is not a PNG, JPEG or SVG picture, or is damaged"),
        (photo(kind="GIF"), "is not a PNG, JPEG or SVG picture, or is damaged"),
        (photo("1", (20_000, 20_000), 1), "has (too many|20000 × 20000) pixels"),
        (b"<svg", "is not a PNG, JPEG or SVG picture|is not an SVG drawing, or is damaged"),
        (SVG.replace(b"<rect", b'<filter id="f"/><rect', 1), "has a filter"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="a0"><rect width="1" height="1"/></g>'
            + b"".join(b'<g id="a%d">%s</g>' % (n, b'<use href="#a%d"/>' % (n - 1) * 10) for n in range(1, 9))
            + b"</svg>",
            "has more than 100,000 shapes",
        ),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><g id="a"><use href="#a"/></g></svg>', "is nested too deeply"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/png;base64,%s"/></svg>'
            % base64.b64encode(photo("1", (8_000, 8_000), 1)),
            "has a picture of 8000 × 8000 pixels",
        ),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content, reason):
    with pytest.raises(PermanentError, match=f"^({reason})"):
        PDF().check_asset("image", content)


# --- Codes, lines, rectangles -----------------------------------------------------------------------------------------


def scanned(content, scale=4.0):
    found = zxingcpp.read_barcodes(picture(content, scale=scale))
    return [code.text for code in found]


@pytest.mark.parametrize("correction", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("rotate", [0, 90, 17])
def test_a_code_leads_to_the_credential_page(correction, rotate):
    made = generate(**drawn(type="qr", x=150, y=100, width=100, correction=correction, rotate=rotate))
    assert scanned(made) == ["https://credentials.example/c/K7QF-2M9X-4TBD-HW33"]


def test_a_code_has_its_quiet_zone_inside_its_box():
    left, top, right, _ = inked(generate(**drawn(type="qr", x=150, y=100, width=100)), scale=4)
    module = (right - left) / 33
    assert (left, top) == pytest.approx((150 + 4 * module, 100 + 4 * module), abs=0.5)
    assert right + 4 * module == pytest.approx(250, abs=0.5)


def test_a_code_on_a_dark_template_can_have_a_ground():
    made = generate(template=MARKED, **drawn(type="qr", x=150, y=0, width=80, background="#ffffff"))
    assert scanned(made) == ["https://credentials.example/c/K7QF-2M9X-4TBD-HW33"]


@pytest.mark.parametrize("text", ["x", "Größe {name}", "https://example.org/" + "y" * 300])
def test_a_code_says_any_text(text):
    made = generate(**drawn(type="qr", x=50, y=10, width=250, text=text))
    assert scanned(made) == [text.replace("{name}", "Ana Ñandú")]


def test_what_no_code_can_hold_is_a_reason():
    with pytest.raises(PermanentError, match="a QR code cannot hold 4000 bytes"):
        generate(**drawn(type="qr", x=50, y=10, width=250, text="x" * 4000))


@pytest.mark.parametrize("end", ["0000-1111-ZZZZ-9A8B", "K7QF-2M9X-4TBD-HW33", "\0" * 19, "ÿÿÿÿÿÿÿÿÿ~"])
def test_a_code_out_of_sums_is_the_code_that_segno_makes(end):
    said = f"https://credentials.example/c/{end}".encode()
    expected = segno.make(said, error="M", mode="byte", mask=3, micro=False, boost_error=False).matrix
    modules = set()
    for line in qr.shape(said, "M").operators(said).splitlines():
        column, row, length, *_ = (int(part) for part in line.split()[:-1])
        modules |= {(-row - 1, place) for place in range(column, column + length)}
    assert modules == {
        (row, column) for row, line in enumerate(expected) for column, dark in enumerate(line) if dark & 1
    }


def test_lines_and_rectangles_are_where_they_are_told():
    made = generate(
        elements={
            "rule": {"type": "line", "x": 50, "y": 100, "width": 300, "thickness": 2, "colour": "#ff0000"},
            "frame": {"type": "rectangle", "x": 100, "y": 150, "width": 200, "height": 50, "fill": "#ff0000"},
        }
    )
    assert colour_at(made, 60, 100) == RED
    assert colour_at(made, 60, 104) == (255, 255, 255)
    assert colour_at(made, 101, 151) == colour_at(made, 298, 198) == RED
    assert inked(made) == pytest.approx((50, 99, 350, 200), abs=1)


def test_a_rectangle_lies_under_everything_and_texts_above():
    made = generate(
        assets={"seal": photo(colour="blue")},
        elements={
            "a-text": {"text": "H", "y": 160, "size": 100, "colour": "#00ff00", "x": 100, "width": 100},
            "b-ground": {"type": "rectangle", "x": 100, "y": 50, "width": 200, "height": 200, "fill": "#ff0000"},
            "c-seal": {"type": "image", "image": "seal", "x": 200, "y": 100, "width": 80},
        },
    )
    assert colour_at(made, 240, 120) == (0, 0, 255)
    assert (0, 255, 0) in {colour_at(made, x, 120) for x in range(100, 200)}


# --- What all elements have -------------------------------------------------------------------------------------------


def test_ink_for_print_is_named_as_ink():
    made = content_of(generate(**one("H", colour="cmyk(0%, 50%, 100%, 25%)")))
    assert "0 0.5 1 0.25 k" in made


def test_opacity_lets_the_template_through():
    box = {"type": "rectangle", "x": 100, "y": 100, "width": 100, "height": 100, "fill": "#000000"}
    assert colour_at(generate(**drawn(**box, opacity=0.5)), 150, 150) == pytest.approx((127, 127, 127), abs=2)


@pytest.mark.parametrize(
    ("degrees", "box"), [(90, (180, 130, 220, 170)), (45, (171.7, 121.7, 228.3, 178.3)), (-90, (180, 130, 220, 170))]
)
def test_elements_turn_about_the_middle_of_their_box(degrees, box):
    square = {"type": "rectangle", "x": 180, "y": 130, "width": 40, "height": 40, "fill": "#000000"}
    assert inked(generate(**drawn(**square, rotate=degrees)), scale=4) == pytest.approx(box, abs=1)


def test_a_text_turned_clockwise_reads_downwards():
    found = inked(generate(**one("HHHHHHHH", x=100, width=200, y=150, size=20, rotate=90)), scale=4)
    left, top, right, bottom = found
    assert bottom - top > 3 * (right - left)
    assert (top + bottom) / 2 == pytest.approx(150, abs=3)
    assert left == pytest.approx(200, abs=1.5)  # the baseline is at the left now, the letters' heads at the right


@pytest.mark.parametrize("element", [{"text": "x", "y": 150, "rotate": 90, "x": 0, "width": 400}])
def test_what_turns_out_of_the_page_is_refused(element):
    with pytest.raises(
        OptionsError, match=r"elements\.one: its box from y 150(pt)?, turned by 90 degrees, does not lie"
    ):
        generate(elements={"one": element})


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({"type": "rectangle", "y": 290, "height": 20, "fill": "#000000"}, "does not lie on the page"),
        ({"type": "qr", "x": 350, "y": 10, "width": 60}, "does not lie on the page"),
        ({"text": "x", "y": 280, "height": 30}, "does not lie on the page"),
        ({"text": "x", "y": 301}, "is not on the page, which is 400 × 300 points"),
        ({"type": "rectangle", "y": 1, "height": 2}, "write `fill`"),
        ({"type": "image", "y": 1}, "write `image`"),
        ({"type": "circle", "y": 1}, r"elements\.one\.type: 'circle' is not accepted; known: 'text', 'image'"),
        ({"text": "x", "y": 1, "colour": "cmyk(0%, 0%, 0%, 101%)"}, "an ink has 100% at most"),
        ({"text": "x", "y": 1, "locales": {"xx-nowhere": {"text": "y"}}}, "write a language tag"),
    ],
)
def test_elements_that_make_no_sense_are_refused(element, reason):
    with pytest.raises(OptionsError, match=reason):
        generate(elements={"one": element})


def test_a_language_has_its_own_text_font_and_side():
    element = {
        "text": "has completed",
        "y": 100,
        "size": 20,
        "locales": {
            "de": {"text": "hat abgeschlossen"},
            "de-AT": {"font": "own"},
            "ar": {"text": "أكمل", "align": "right"},
        },
    }
    assets = {"own": bytes(pymupdf_fonts.myfont("cascadia"))}
    made = {
        locale: generate(assets=assets, request=sample_request(locale=locale), elements={"one": element})
        for locale in ("en", "de", "de-CH", "de-AT", "ar")
    }
    assert {locale: text_of(content) for locale, content in made.items()} == {
        "en": "has completed",
        "de": "hat abgeschlossen",
        "de-CH": "hat abgeschlossen",
        "de-AT": "has completed",
        "ar": "أكمل",
    }
    assert inked(made["ar"])[2] > inked(made["en"])[2]


@pytest.mark.parametrize(
    ("condition", "is_there"),
    [
        ("evidence.completion >= 0.9", True),
        ("evidence.completion >= 96%", False),
        ("evidence.total >= 0.1", False),
        ("not evidence.total", True),
        ("field.hours == 40", True),
        ("field.hours > 40 or evidence.completion > 0.5", True),
        ("field.hours > 40 and evidence.completion > 0.5", False),
        ("expires", True),
        ("not expires", False),
        ('locale == "en"', True),
        ('locale == "en-GB"', False),
        ('locale != "fr"', True),
        ('type == "Certificate of Completion"', True),
        ('organisation == "Demo" and not field.note', True),
    ],
)
def test_conditions(condition, is_there):
    evidence = (Fact("completion", "0.95", "0.9", met=True),)
    made = generate(request=sample_request(evidence=evidence), **one("here", when=condition))
    assert text_of(made) == ("here" if is_there else "")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("evidence.total >=", "after >= a number"),
        ("total >= 1", "'total' is not known"),
        ("evidence.total >= 0.9 locale", "'locale' was not expected"),
        ("__import__('os')", "was not understood"),
        ("and", "a name was expected and not 'and'"),
        ("not", "a name was expected"),
    ],
)
def test_conditions_that_are_none_are_refused_with_how_they_are_written(condition, reason):
    with pytest.raises(OptionsError, match=rf"elements\.one\.when: .*{reason}.*write like: evidence.total >= 0.9"):
        generate(**one("x", when=condition))


def test_elements_are_on_the_page_that_they_name():
    made = generate(template=MARKED, elements={"second": {"text": "two", "y": 150, "page": 2}})
    assert [text_of(made, page) for page in range(3)] == ["", "two", ""]


def test_boxes_are_drawn_for_previews_alone():
    options = one("x", x=100, width=200, y=100, height=50)
    assert inked(generate(request=sample_request(boxes=True), **options)) == pytest.approx((100, 100, 300, 150), abs=1)
    assert inked(generate(**options))[0] > 150


def test_a_draft_tells_the_sizes_of_its_texts():
    made = artifact(template=BLANK, request=sample_request(draft=True), **one("x", size=20))
    assert made.receipt == {"sizes": {"one": 20}}
    assert artifact(template=BLANK, **one("x", size=20)).receipt == {}


def test_clicking_the_verification_id_opens_the_credential_page():
    made = generate(elements={"id": {"text": "{verification_id}", "y": 100, "size": 20}, "no": {"text": "x", "y": 50}})
    with pike(made) as pdf:
        (link,) = pdf.pages[0].Annots
        assert str(link.A.URI) == "https://credentials.example/c/K7QF-2M9X-4TBD-HW33"
        left, bottom, right, top = (float(edge) for edge in link.Rect)
    found = inked(made.replace(b"(x)", b"( )"))
    assert left == pytest.approx(found[0], abs=3)
    assert right == pytest.approx(found[2], abs=3)
    assert bottom < 200 < top


@pytest.mark.parametrize(
    ("link", "address"), [("https://e.example/ü{name}", "https://e.example/%C3%BCAna%20%C3%91and%C3%BA")]
)
def test_any_text_can_be_a_link(link, address):
    with pike(generate(**one("x", link=link))) as pdf:
        assert [str(one.A.URI) for one in pdf.pages[0].Annots] == [address]


def test_a_link_can_be_left_out():
    with pike(generate(**one("{verification_id}", link=""))) as pdf:
        assert len(pdf.pages[0].Annots) == 0


def test_a_link_on_a_page_that_is_turned_is_where_the_text_is():
    with pike(BLANK) as pdf:
        pdf.pages[0].obj.Rotate = 90
        out = io.BytesIO()
        pdf.save(out)
    made = generate(template=out.getvalue(), **one("{verification_id}", size=20))
    with pike(made) as pdf:
        left, bottom, right, top = (float(edge) for edge in pdf.pages[0].Annots[0].Rect)
    assert top - bottom > 3 * (right - left)
    assert opened(made)[0].get_size() == (300, 400)
