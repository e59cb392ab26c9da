"""Fonts of unusual sorts."""

import io

import pymupdf_fonts
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont


def _box(height):
    pen = TTGlyphPen(None)
    pen.moveTo((50, 0))
    for point in ((50, height), (550, height), (550, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


@pytest.fixture(scope="session")
def variable_font():
    """Boxes for H and x, which an axis makes taller."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "H", "x"])
    builder.setupCharacterMap({ord("H"): "H", ord("x"): "x"})
    builder.setupGlyf({".notdef": _box(500), "H": _box(700), "x": _box(500)})
    builder.setupHorizontalMetrics(dict.fromkeys((".notdef", "H", "x"), (600, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular", "psName": "Boxes-Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.setupFvar([("wght", 100, 400, 900, "Weight")], [])
    builder.setupGvar({})
    return _saved(builder.font)


@pytest.fixture(scope="session")
def restricted_font():
    font = TTFont(io.BytesIO(bytes(pymupdf_fonts.myfont("ubuntu"))))
    font["OS/2"].fsType = 2
    return _saved(font)


def _saved(font):
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
