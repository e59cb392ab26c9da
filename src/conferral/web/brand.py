"""Whose pages they are: an issuer's name, logo and colour, as they are shown to everybody."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typst
from django.urls import reverse
from PIL import Image

from conferral import assets, colours, storage
from conferral.issuance.plan import issuer_content
from conferral.models import Credential, CredentialAsset
from conferral.models.verification import shown
from conferral.pictures import PictureError
from conferral.web.pictures import kept_or_made

LOGO = (160, 40)
"""Pixels: in the head of a page it is as high, and a little less wide."""
DENSITIES = (4, 3, 2, 1)
"""How dense screens are: a logo is for the first of them at which it has no more than MOST_BYTES, as at 1 all have."""
MOST_BYTES = 40_000
"""Of a logo: with it a page is there, but for the credential's own picture, before 100 KB are loaded."""
DRAWING = b"""#set page(width: auto, height: auto, margin: 0pt, fill: none)
#context {
  let drawing = image(bytes(sys.inputs.svg), format: "svg")
  let size = measure(drawing)
  let by = calc.min(640pt / size.width, 160pt / size.height)
  image(bytes(sys.inputs.svg), format: "svg", width: size.width * by, height: size.height * by)
}"""
SHEETS = {"light": ("#fffefb", "#f4f2ec"), "dark": ("#1d2027", "#14161b")}
"""What the accent is read on, and what is read on it: the colours of conferral.css."""
BY_NIGHT = 7.0
"""The contrast at night: a deep colour that is just light enough to be read looks switched off."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A name, and the addresses of a logo and of a style sheet; each may be empty."""

    name: str
    logo: str
    look: str


def of_site() -> Brand:
    """The site's own issuer."""
    return _brand(issuer_content(""), reverse("conferral:logo"))


def of_credential(credential: Credential) -> Brand:
    """Who issued it, as its edition says; the site's own as long as it is not ready, which is shown to nobody."""
    if credential.state != Credential.State.AVAILABLE:
        return of_site()
    address = reverse("conferral:issuer-logo", args=[shown(credential.verification_id)])
    return _brand(credential.edition.content["issuer"], address)


def logo_of_site() -> CredentialAsset | None:
    """The picture of it."""
    return _current(issuer_content("").get("logo", ""))


def logo_of(credential: Credential) -> CredentialAsset | None:
    """The version that its design has, where it has the logo at all; else the current one."""
    content = credential.edition.content
    slug = content["issuer"].get("logo", "")
    frozen = content["assets"].get(slug)
    if frozen:
        return CredentialAsset.objects.filter(slug=slug, version=frozen["version"]).first()
    return _current(slug)


def picture_of_logo(asset: CredentialAsset) -> tuple[bytes, str]:
    """No larger than pages show it, and its media type; a small drawing as it is. Errors as of any picture."""
    content = kept_or_made(f"conferral:logo:{asset.sha256}", lambda: _smaller(asset))
    return content, assets.media_type_of(content)


def look(colour: str) -> str:
    """The style sheet that makes that colour the accent, where it can be read."""
    by_day = colours.readable(colour, *SHEETS["light"])
    by_night = colours.readable(colour, *SHEETS["dark"], least=BY_NIGHT)
    return (
        f"@media screen {{ :root {{ --accent: {by_day}; }} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ --accent: {by_night}; }} }}\n"
    )


def _brand(issuer: Mapping[str, Any], logo: str) -> Brand:
    colour = str(issuer.get("colours", {}).get("primary", ""))
    return Brand(
        name=issuer["name"],
        logo=logo if issuer.get("logo") else "",
        look=reverse("conferral:look", args=[colour[1:].lower()]) if colours.is_colour(colour) else "",
    )


def _current(slug: str) -> CredentialAsset | None:
    return assets.current([slug]).get(slug) if slug else None


def _smaller(asset: CredentialAsset) -> bytes:
    content, written = storage.read(asset.storage_name), io.BytesIO()
    is_drawing = assets.media_type_of(content) == assets.SVG_TYPE
    if is_drawing and len(content) <= MOST_BYTES:
        return content
    try:
        if is_drawing:
            content = _drawn(content)
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            for density in DENSITIES:
                image.thumbnail((LOGO[0] * density, LOGO[1] * density))
                written = io.BytesIO()
                image.convert("RGBA").save(written, "PNG", optimize=True, icc_profile=None)  # a profile may be larger
                if written.tell() <= MOST_BYTES:
                    break
    except (OSError, SyntaxError, ValueError, typst.TypstError, Image.DecompressionBombError):
        raise PictureError(f"{asset}: the file is no picture, or is damaged") from None
    return written.getvalue()


def _drawn(content: bytes) -> bytes:
    """The drawing as a PNG, as a design would print it."""
    sys_inputs = {"svg": content.decode()}
    made = typst.compile(DRAWING, format="png", ppi=72, sys_inputs=sys_inputs, font_paths=[], ignore_system_fonts=True)
    assert isinstance(made, bytes)  # typst returns a list for several pages only
    return made
