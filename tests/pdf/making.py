"""Certificates for tests: made by the generator, and looked at with other programs."""

import io
import subprocess
import unicodedata

import pikepdf
import pypdfium2
import typst
from PIL import ImageChops

from conferral.contract import sample_request
from conferral.contract.options import parse
from conferral.contract.testing import MemoryAssets
from conferral.generators.pdf import PDF

BLANK = typst.compile(b"#set page(width: 400pt, height: 300pt)\n")
# Each edge and the page's number look different, so that a page that is turned, moved or mistaken does not match.
MARKED = typst.compile(
    b"#set page(width: 400pt, height: 300pt, margin: 0pt)\n"
    b"#for number in range(3) { page({ place(top, rect(width: 100%, height: 80pt, fill: red))\n"
    b"place(bottom, rect(width: 50%, height: 60pt, fill: blue))\n"
    b"place(center + horizon, circle(radius: 20pt * (number + 1), fill: green)) }) }"
)
NOTHING = {"nothing": {"text": "", "y": "50%"}}
_MARKS = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u200e\u200f"))
"""Direction marks that readers add."""


def prepare(template=BLANK, assets=(), settings=None, **options):
    generator = PDF()
    if settings is not None:
        generator.settings = parse(PDF.Settings, settings, "settings")
    contents = MemoryAssets({"template": template, **dict(assets)})
    return generator, generator.prepare(parse(PDF.Options, {"template": "template", **options}, "options"), contents)


def artifact(template=BLANK, assets=(), request=None, settings=None, **options):
    generator, prepared = prepare(template, assets, settings, **options)
    (made,) = generator.generate(prepared, request or sample_request())
    return made


def generate(template=BLANK, assets=(), request=None, **options):
    return artifact(template, assets, request, **options).content


def one(text="{name}", **fields):
    """Options with one text."""
    return {"elements": {"one": {"text": text, "y": "50%", **fields}}}


def opened(content):
    return pypdfium2.PdfDocument(content)


def pike(content):
    return pikepdf.open(io.BytesIO(content))


def text_of(content, page=0):
    """What copying gives in pdfium."""
    return plain(opened(content)[page].get_textpage().get_text_bounded())


def poppler_text(content):
    """What copying gives in poppler."""
    done = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    assert not done.stderr, done.stderr.decode()
    return plain(done.stdout.decode())


def plain(text):
    return unicodedata.normalize("NFC", text.translate(_MARKS)).replace("\f", "").replace("\r\n", "\n").strip()


def letters(content, page=0):
    """The boxes of the letters: left, bottom, right, top."""
    found = opened(content)[page].get_textpage()
    boxes = [found.get_charbox(index) for index in range(found.count_chars())]
    return [box for box in boxes if box[2] > box[0]]


def picture(content, page=0, scale=1.0):
    with pypdfium2.PdfDocument(content) as document:
        return document[page].render(scale=scale).to_pil().convert("RGB")


def inked(content, page=0, scale=1.0):
    """The box of everything that is not white, in points from the page's left top."""
    box = (
        ImageChops.invert(picture(content, page, scale).convert("L")).point(lambda value: 255 * (value > 24)).getbbox()
    )
    return box and tuple(edge / scale for edge in box)


def content_of(content, page=0):
    """The operators of a page."""
    with pike(content) as pdf:
        return pdf.pages[page].Contents.read_bytes().decode()
