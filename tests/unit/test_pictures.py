"""Pictures of pages: in each format, of the size asked for, and never larger than memory allows."""

import io
from concurrent.futures import ThreadPoolExecutor

import pikepdf
import pytest
from PIL import Image

from conferral import pictures
from conferral.pictures import PictureError, draw, encoded, read


def pages(*sizes):
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for width, height in sizes:
            pdf.add_blank_page().mediabox = [0, 0, width, height]
        pdf.save(out)
    return out.getvalue()


def test_a_page_at_a_resolution_or_in_a_frame():
    content = pages((720, 360), (144, 72))
    assert draw(content).size == (1500, 750)
    assert draw(content, dpi=72).size == (720, 360)
    assert draw(content, page=2, dpi=72).size == (144, 72)
    assert draw(content, width=1400).size == (1400, 700)
    assert draw(content, width=1400, height=100).size == (200, 100)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_each_format_shows_the_page(template, name):
    with Image.open(io.BytesIO(encoded(draw(template, dpi=72), name))) as image:
        assert (image.format, image.mode, image.size) == (name, "RGB", (842, 596))
        assert min(image.getpixel((5, 5))) > 250  # white paper
        assert image.convert("L").getextrema()[0] < 100  # and the frame on it


@pytest.mark.parametrize("size", [(14400, 14400), (14400, 3), (3, 14400), (1e7, 1e7), (0.01, 0.01)])
def test_a_page_of_any_size_takes_a_bounded_picture(size):
    content = pages(size)
    for asked in ({}, {"dpi": pictures.MOST_DPI}, {"width": 1400}):
        image = draw(content, **asked)
        assert image.width * image.height <= pictures.MOST_PIXELS
        assert max(image.size) <= pictures.LONGEST_SIDE


@pytest.mark.parametrize(
    ("content", "page", "says"),
    [
        (pages((100, 100)), 2, "page: 2: the file ends with page 1$"),
        (pages((100, 100), (100, 100)), 0, "page: 0: the file ends with page 2$"),
        (b"no PDF at all", 1, "the file is not a PDF, or is damaged or encrypted"),
        (b"", 1, "the file is not a PDF"),
    ],
)
def test_what_cannot_be_drawn_is_said(content, page, says):
    with pytest.raises(PictureError, match=says):
        draw(content, page=page)


def test_a_picture_is_taken_as_it_is_on_white():
    out = io.BytesIO()
    Image.new("RGBA", (30, 20), (0, 0, 0, 0)).save(out, "PNG")
    image = read(out.getvalue(), "image/png")
    assert (image.size, image.getpixel((0, 0))) == ((30, 20), (255, 255, 255))
    with pytest.raises(PictureError, match="not a JPEG picture, or is damaged"):
        read(out.getvalue(), "image/jpeg")


def test_threads_take_turns(template):
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: draw(template, width=200).tobytes(), range(12)))
    assert len(set(drawn)) == 1
