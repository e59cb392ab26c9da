"""Reading a designer's PDF: the reasons to refuse it, and its pages as drawings that can be put on pages of ours.

Each page becomes one form: its own resources, its own graphics state. So nothing that a template leaves open or names
can reach what is drawn on it, and its pixels are what they were.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pikepdf
from pikepdf import Annotation, Array, Dictionary, Name, Stream

from conferral.contract import PermanentError, Phrase
from conferral.generators.pdf import effort, weight

MAX_PAGES = 20
MAX_POINTS = 14_400
"""The longest side of a page that PDF readers agree on: 200 inches."""

_DAMAGED = Phrase("is not a PDF, or is damaged; export it again as PDF")
_ENCRYPTED = Phrase("is encrypted; save it without a password")
_SIGNED = Phrase("is signed, and putting a name on it would break the signature; export it unsigned")
_HARMLESS = frozenset(
    {"/URI", "/GoTo", "/GoToR", "/Named", "/Hide", "/SetOCGState", "/Thread", "/ResetForm", "/GoToDp"}
)
"""Actions that run nothing, fetch nothing and send nothing by themselves."""
_ADDRESSES = ("http://", "https://", "mailto:", "tel:")
_LEADING = frozenset({"/P", "/Parent", "/Popup", "/IRT", "/A", "/AA", "/Dest", "/StructParent"})
_MEDIA = frozenset({"/Movie", "/Sound", "/Screen", "/RichMedia", "/3D", "/FileAttachment"})
_HIDDEN, _PRINTED, _NO_VIEW = 2, 4, 32
"""Flags of annotations."""
_DEEP = 64
"""Levels of a page tree; damaged files have circles."""
_DIRECT = (0, 0)
"""The number of an object that has none."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page's visible size in points (1/72 inch), as a reader shows it: cropped and rotated.

    `matrix` leads from there (the left bottom corner the origin, y upwards) to the coordinates of the PDF page.
    """

    width: float
    height: float
    matrix: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Art:
    """A page, and the dictionary that draws it: `Form`, `Group`, `Annots` and boxes, as far as it has them."""

    page: Page
    drawn: Dictionary


@contextmanager
def blaming_damage() -> Iterator[None]:
    """One reason for all that a damaged file has in the wrong place: pikepdf tells it with whatever Python has."""
    try:
        yield
    except pikepdf.PasswordError:
        raise PermanentError(_ENCRYPTED) from None
    except _DAMAGES:
        raise PermanentError(_DAMAGED) from None


_DAMAGES = (
    pikepdf.PdfError,
    pikepdf.ForeignObjectError,
    pikepdf.DataDecodingError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,
)


def opened(content: bytes) -> pikepdf.Pdf:
    """The file, read and checked as a whole; a PermanentError says why it is refused."""
    weight.check_file(content)
    with blaming_damage():
        pdf = pikepdf.open(io.BytesIO(content))
        if pdf.is_encrypted:
            raise PermanentError(_ENCRYPTED)
        weight.check_objects(pdf)
        count = len(pdf.pages)
        if not count:
            raise PermanentError("has no page; export it again with the page of the design")
        if count > MAX_PAGES:
            raise PermanentError("has %(count)s pages; at most %(most)s are accepted", count=count, most=MAX_PAGES)
        _check_harmless(pdf)
        _check_whole(pdf)
        effort.check(pdf)
    return pdf


def arts(pdf: pikepdf.Pdf, *, keep_fields: bool) -> list[Art]:
    """The pages as drawings, made in the file itself; a PermanentError for a page that cannot be one."""
    with blaming_damage():
        form = pdf.Root.get("/AcroForm")
        if isinstance(form, Dictionary) and form.get("/NeedAppearances"):
            pdf.generate_appearance_streams()
        return [_art(pdf, page.obj, keep_fields=keep_fields) for page in pdf.pages]


def _art(pdf: pikepdf.Pdf, page: Any, *, keep_fields: bool) -> Art:
    geometry, media = _geometry(page)
    resources = _copied(_inherited(page, "/Resources"))
    form = _form(pdf, weight.operators(page.get("/Contents")), media, resources)
    around = Dictionary(XObject=Dictionary(Page=form), Properties=Dictionary())
    annotations, flattened = _sorted(pdf, page, around, keep_fields=keep_fields)
    if flattened:
        # Around the page, not behind its operators: those may have left a state open, and have names of their own.
        form = _form(pdf, b"\n".join([b"/Page Do", *flattened]), media, around)
    drawn = Dictionary(Form=form, MediaBox=Array(media))
    for key in ("/Group", "/UserUnit", "/BleedBox", "/TrimBox", "/ArtBox"):
        if key in page:
            drawn[key] = page[key]
    for key in ("/CropBox", "/Rotate"):
        if (value := _inherited(page, key)) is not None:
            drawn[key] = value
    if len(annotations):
        drawn.Annots = annotations
    return Art(geometry, drawn)


def _form(pdf: pikepdf.Pdf, content: bytes, box: list[float], resources: Any) -> Any:
    form = Stream(pdf, content)
    form.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array(box), Resources=resources))
    return pdf.make_indirect(form)


def _sorted(pdf: pikepdf.Pdf, page: Any, resources: Any, *, keep_fields: bool) -> tuple[Array, list[bytes]]:
    """The annotations that stay, and the operators of those that become a part of the page."""
    kept, flattened = Array(), []
    for position, annotation in enumerate(_annotations(page)):
        subtype = str(annotation.get("/Subtype"))
        if subtype == "/Link":
            if (link := _link(annotation)) is not None:
                kept.append(pdf.make_indirect(link))
        elif subtype == "/Widget" and keep_fields:
            if "/P" in annotation:
                del annotation["/P"]  # the page that it was on is none of ours
            kept.append(annotation)
        elif subtype == "/Popup" or int(annotation.get("/F", 0)) & (_HIDDEN | _NO_VIEW):
            continue
        elif "/AP" not in annotation and subtype != "/Widget":
            kept.append(pdf.make_indirect(_alone(annotation)))  # readers have looks of their own for it
        else:
            flattened += _flattened(annotation, resources, f"Annotation{position}")
    return kept, flattened


def _copied(found: Any) -> Any:
    """A dictionary of our own with the same entries; an empty one when there is none."""
    return Dictionary(dict(found.items())) if isinstance(found, Dictionary) else Dictionary()


def _annotations(page: Any) -> Iterator[Any]:
    found = page.get("/Annots")
    return (one for one in (found if isinstance(found, Array) else ()) if isinstance(one, Dictionary))


def _link(annotation: Any) -> Dictionary | None:
    """A link to an address, as we would write it; links within the file lose their aim and are left out.

    So are those that would run something or open a file of whoever clicks.
    """
    action = annotation.get("/A")
    if not isinstance(action, Dictionary) or action.get("/S") != Name.URI:
        return None
    if not str(action.get("/URI", "")).strip().lower().startswith(_ADDRESSES):
        return None
    link = Dictionary(
        Type=Name.Annot,
        Subtype=Name.Link,
        Rect=annotation.Rect,
        A=Dictionary(S=Name.URI, URI=action.URI),
        F=int(annotation.get("/F", 0)) | _PRINTED,
    )
    for key in ("/Border", "/BS", "/C", "/QuadPoints", "/H", "/OC"):
        if key in annotation:
            link[key] = annotation[key]
    return link


def _alone(annotation: Any) -> Dictionary:
    """The annotation without what leads to pages and to other annotations, which are none of ours."""
    return Dictionary({key: value for key, value in annotation.items() if key not in _LEADING})


def _flattened(annotation: Any, resources: Any, name: str) -> list[bytes]:
    """What the annotation looks like, as a part of the page; on its layer, if it has one."""
    appearance = Annotation(annotation).get_appearance_stream(Name.N)
    if not isinstance(appearance, Stream):
        return []
    resources.XObject[f"/{name}"] = appearance
    operators = Annotation(annotation).get_page_content_for_appearance(Name(f"/{name}"), 0)
    if "/OC" in annotation:
        resources.Properties[f"/{name}"] = annotation.OC
        return [b"/OC /%s BDC" % name.encode(), operators, b"EMC"]
    return [operators]


def _inherited(page: Any, key: str) -> Any:
    """An entry of the page, or of the nearest node above it in the page tree that has it."""
    node = page
    for _ in range(_DEEP):
        if key in node:
            return node[key]
        node = node.get("/Parent")
        if not isinstance(node, Dictionary):
            return None
    return None


def _sides(box: Any) -> tuple[list[float], list[float]]:
    """A box's extent, left to right and bottom to top; the file may name any two opposite corners."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return sorted((x1, x2)), sorted((y1, y2))


def _geometry(page: Any) -> tuple[Page, list[float]]:
    try:
        media = _sides(_inherited(page, "/MediaBox"))
        crop = _inherited(page, "/CropBox")
        # What lies outside the media box is not shown, whatever the crop box says.
        (left, right), (bottom, top) = (
            (max(inner[0], outer[0]), min(inner[1], outer[1]))
            for inner, outer in zip(_sides(crop) if crop is not None else media, media, strict=True)
        )
        turned = int(_inherited(page, "/Rotate") or 0) % 360
        unit = float(page.get("/UserUnit", 1))
    except (TypeError, ValueError, AttributeError):
        raise PermanentError("has a page without a usable size; export it again as PDF") from None
    width, height = (right - left) * unit, (top - bottom) * unit
    if not (0 < width <= MAX_POINTS and 0 < height <= MAX_POINTS):
        raise PermanentError(
            "has a page of %(width)s × %(height)s points; at most %(most)s each way are accepted",
            width=f"{width:g}",
            height=f"{height:g}",
            most=MAX_POINTS,
        )
    if turned % 90:
        raise PermanentError("has a page turned by %(turned)s degrees; quarter turns are accepted", turned=turned)
    scale = 1 / unit
    matrix = {
        0: (scale, 0, 0, scale, left, bottom),
        90: (0, scale, -scale, 0, right, bottom),
        180: (-scale, 0, 0, -scale, right, top),
        270: (0, -scale, scale, 0, left, top),
    }[turned]
    size = (height, width) if turned % 180 else (width, height)
    return Page(*size, matrix), [media[0][0], media[1][0], media[0][1], media[1][1]]


# --- What is refused --------------------------------------------------------------------------------------------------


def _check_harmless(pdf: pikepdf.Pdf) -> None:
    """Nothing that runs, plays or is signed: a certificate is looked at."""
    root: Any = pdf.Root
    form: Any = root.get("/AcroForm")
    fields: list[Any] = []
    if isinstance(form, Dictionary):
        if "/XFA" in form:
            raise PermanentError("is a dynamic form (XFA); print it to a PDF without form fields")
        fields = list(_fields(form))
        if int(form.get("/SigFlags", 0)) & 1 or any(one.get("/FT") == Name.Sig and "/V" in one for one in fields):
            raise PermanentError(_SIGNED)
    if "/Perms" in root:
        raise PermanentError(_SIGNED)
    names = root.get("/Names")
    if isinstance(names, Dictionary) and "/JavaScript" in names:
        raise PermanentError("has a script; export it without")
    annotations = [annotation for page in pdf.pages for annotation in _annotations(page.obj)]
    if any(str(annotation.get("/Subtype")) in _MEDIA for annotation in annotations):
        raise PermanentError("has sound, video or an attachment; export it without")
    for holder in (root, *(page.obj for page in pdf.pages), *annotations, *fields):
        for action in _actions(holder):
            if str(action.get("/S")) not in _HARMLESS:
                raise PermanentError(
                    "has a script or an action (%(name)s); export it without", name=str(action.get("/S"))[1:]
                )


def _check_whole(pdf: pikepdf.Pdf) -> None:
    """Nothing of it lies elsewhere: a reader that fetched it would tell who opens a certificate."""
    if any(isinstance(found, Stream) and ("/F" in found or "/Ref" in found) for found in pdf.objects):
        raise PermanentError("has a part of it in another file; export it again with everything embedded")


def _actions(holder: Any) -> Iterator[Any]:
    """What happens at a click, when something is opened, and whatever follows on that."""
    additional: Any = holder.get("/AA")
    found = [holder.get("/A"), holder.get("/OpenAction")]
    found += [action for _, action in additional.items()] if isinstance(additional, Dictionary) else []
    seen: set[tuple[int, int]] = set()
    while found:
        action: Any = found.pop()
        if isinstance(action, Dictionary) and (action.objgen == _DIRECT or action.objgen not in seen):
            seen.add(action.objgen)
            yield action
            following: Any = action.get("/Next")
            found += list(following) if isinstance(following, Array) else [following]


def _fields(form: Any) -> Iterator[Any]:
    """All fields of a form, each once: damaged files have circles."""
    found = [form]
    seen: set[tuple[int, int]] = set()
    while found:
        field: Any = found.pop()
        if isinstance(field, Dictionary) and (field.objgen == _DIRECT or field.objgen not in seen):
            seen.add(field.objgen)
            yield field
            kids: Any = field.get("/Fields" if field is form else "/Kids")
            found += list(kids) if isinstance(kids, Array) else []
