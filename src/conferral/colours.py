"""Colours that can be read: an issuer's own, made lighter or darker as far as eyes need it."""

import colorsys
import re

LEAST = 4.5
"""The contrast that text needs (WCAG 2.2, 1.4.3)."""
STEPS = 50
WHITE, BLACK = "#ffffff", "#000000"
Rgb = tuple[int, int, int]


def is_colour(text: str) -> bool:
    """Whether it is written like #1b2a4e."""
    return re.fullmatch("#[0-9a-fA-F]{6}", text) is not None


def contrast(one: str, other: str) -> float:
    """How well one is read on the other: from 1, not at all, to 21."""
    lighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(ground: str) -> str:
    """Black or white, whichever is read better there."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


def readable(colour: str, *grounds: str, least: float = LEAST) -> str:
    """The colour, as much lighter or darker as it takes to be read on all those grounds."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(each / 255 for each in _rgb(colour)))
    end = 1.0 if ink_on(grounds[0]) == WHITE else 0.0
    for step in range(STEPS):
        mixed = _hex(colorsys.hls_to_rgb(hue, lightness + (end - lightness) * step / STEPS, saturation))
        if all(contrast(mixed, ground) >= least for ground in grounds):
            return mixed
    return ink_on(grounds[0])


def _luminance(rgb: Rgb) -> float:
    """Of WCAG 2.2."""
    red, green, blue = (_linear(each / 255) for each in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - as sRGB has it


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(shares: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(each * 255):02x}" for each in shares)
