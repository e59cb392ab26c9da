"""The template and the pictures as objects of our file, out of whatever files they came in."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Stream

from conferral.generators.pdf import template, writer
from conferral.generators.pdf.images import Picture
from conferral.generators.pdf.template import Art

ART = "Art"
"""Name of the template's form among the resources of a page."""


class Imported:
    """Objects by number, as they are written; and by page what leads to them."""

    def __init__(
        self, source: pikepdf.Pdf, out: pikepdf.Pdf, arts: Sequence[Art], pictures: Mapping[str, Picture]
    ) -> None:
        """`arts` are of `source`, the pictures of `out` already."""
        with template.blaming_damage():
            out.Root.Conferral = _held(source, out, arts, pictures)
            file = io.BytesIO()
            # Once through a file: what nothing refers to is left out, and what is not packed gets packed.
            out.save(file, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=True, static_id=True)
            with pikepdf.open(file) as saved:
                self._read(saved)

    def _read(self, saved: pikepdf.Pdf) -> None:
        held = saved.Root.Conferral
        arts: list[Any] = list(held.Arts)
        left_out = {one.objgen[0] for one in (saved.Root, saved.Root.Pages, *arts) if one.is_indirect}
        numbered = enumerate(saved.objects, 1)  # the file was just written, without gaps
        self.objects = {number: _unparsed(found) for number, found in numbered if number not in left_out}
        self.catalog = _entries(held.Catalog)  # type: ignore[arg-type]
        pictures = {key[1:]: value.objgen[0] for key, value in held.Pictures.items()}
        named = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in pictures.items())
        self.forms = [b"/%s %d 0 R%s" % (ART.encode(), art.Form.objgen[0], named) for art in arts]
        """By page: the entries of its resources for the art and the pictures."""
        self.annotations = [[one.objgen[0] for one in art.get("/Annots", ())] for art in arts]
        """By page: the numbers of the annotations that come from the template."""
        self.pages = [_entries(art, "/Form", "/Annots") for art in arts]
        """By page: its boxes and whatever else is said of it."""


def check(content: bytes) -> None:
    """A PermanentError says why a file cannot be a template."""
    with template.opened(content) as source, pikepdf.new() as out:
        Imported(source, out, template.arts(source, keep_fields=False), {})


def _held(source: pikepdf.Pdf, out: pikepdf.Pdf, arts: Sequence[Art], pictures: Mapping[str, Picture]) -> Dictionary:
    def copied(found: pikepdf.Object) -> pikepdf.Object:
        return out.copy_foreign(found if found.is_indirect else source.make_indirect(found))

    held = Dictionary(
        Arts=Array([copied(art.drawn) for art in arts]),
        Pictures=Dictionary({f"/{name}": picture.drawn for name, picture in pictures.items()}),
        Catalog=Dictionary(),
    )
    has_fields = any("/Annots" in art.drawn for art in arts)
    for key in ("/OCProperties", "/AcroForm"):
        if key in source.Root and (key != "/AcroForm" or has_fields):
            held.Catalog[key] = copied(source.Root[key])
    return held


def _unparsed(found: Any) -> bytes:
    """An object as it is written, its streams as they are packed."""
    if isinstance(found, Stream):
        content = found.read_raw_bytes()
        # qpdf says of nothing, too, that it is packed; readers complain that its end is missing.
        without = ("/Length",) if content else ("/Length", "/Filter", "/DecodeParms")
        return writer.stream(content, _entries(found.stream_dict, *without))
    if isinstance(found, pikepdf.Object):
        return found.unparse(resolved=True)
    # pikepdf has Python's own for numbers, truth and nothing.
    return Array([found]).unparse().strip()[1:-1].strip()


def _entries(found: Dictionary, *without: str) -> bytes:
    """What is written between the brackets of a dictionary."""
    left = Dictionary({key: value for key, value in found.items() if key not in without})
    return left.unparse(resolved=True).strip().removeprefix(b"<<").removesuffix(b">>")
