"""Badges: an SVG picture with the holder's name, a text, and a link to the page that proves it."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from pydantic import Field

from conferral.contract import Artifact, Assets, GenerationRequest, Generator, Options, PermanentError
from conferral.contract.placeholders import Text, fill, values

SVG = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT, MARGIN = 360, 120, 20
LETTER = 0.6
"""Width of a letter in sizes, on the safe side."""

# What XML 1.0 cannot hold, however it is escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SVGBadgeOptions(Options):
    """What the badge says, and its colour."""

    text: Text = Field("{type}", description="Second line; placeholders such as {context} are filled in.")
    colour: str = Field("#1e3a8a", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of the badge as #rrggbb.")


class SVGBadge(Generator[SVGBadgeOptions]):
    """Draws one badge for each credential."""

    label = "SVG badge"
    Options = SVGBadgeOptions

    def prepare(self, options: SVGBadgeOptions, assets: Assets) -> SVGBadgeOptions:
        """There is nothing to read: a badge needs no assets."""
        return options

    def generate(self, prepared: SVGBadgeOptions, request: GenerationRequest) -> Sequence[Artifact]:
        """One picture; a PermanentError when a text has a character that an SVG file cannot hold."""
        lines = [request.snapshot.name, fill(prepared.text, values(request))]
        for line in lines:
            if found := _NO_XML.search(line):
                raise PermanentError(f"{line!r} has a character that SVG cannot hold: U+{ord(found[0]):04X}; remove it")
        content = draw(lines, prepared.colour, request)
        return [Artifact(f"{request.slot}.svg", "image/svg+xml", content)]


def draw(lines: Sequence[str], colour: str, request: GenerationRequest) -> bytes:
    """The picture. ElementTree escapes every text and attribute."""
    root = ET.Element("svg", {"xmlns": SVG, "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "lang": request.locale})
    ET.SubElement(root, "title").text = " · ".join(lines)
    ET.SubElement(root, "desc").text = request.page_url
    link = ET.SubElement(root, "a", {"href": request.page_url})
    ET.SubElement(link, "rect", {"width": f"{WIDTH}", "height": f"{HEIGHT}", "rx": "12", "fill": colour})
    for line, largest, y in zip(lines, (28, 18), (56, 90), strict=True):
        size = min(largest, (WIDTH - 2 * MARGIN) / (LETTER * max(len(line), 1)))
        place = {"x": f"{WIDTH // 2}", "y": f"{y}", "font-size": f"{size:.2f}"}
        style = {"text-anchor": "middle", "font-family": "sans-serif", "fill": "#ffffff"}
        ET.SubElement(link, "text", place | style).text = line
    picture: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return picture
