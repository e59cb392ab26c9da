"""Colours that can be read."""

import pytest

from conferral.colours import contrast, ink_on, is_colour, readable

COLOURS = ["#1b2a4e", "#ffcc00", "#ff0000", "#ffffff", "#000000", "#7f7f7f"]


def test_contrast_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == 21
    assert contrast("#ffcc00", "#ffffff") == pytest.approx(1.51, abs=0.01)


@pytest.mark.parametrize("colour", COLOURS)
def test_what_is_written_on_it_can_be_read(colour):
    assert contrast(ink_on(colour), colour) >= 4.5


@pytest.mark.parametrize("ground", ["#fffefb", "#1d2027"])
@pytest.mark.parametrize("colour", COLOURS)
def test_it_can_be_read(colour, ground):
    assert contrast(readable(colour, ground), ground) >= 4.5


def test_what_can_be_read_stays():
    assert readable("#1b2a4e", "#fffefb") == "#1b2a4e"


@pytest.mark.parametrize("text", ["", "red", "#fff", "#gggggg", "#1b2a4e;"])
def test_what_is_no_colour(text):
    assert not is_colour(text)
