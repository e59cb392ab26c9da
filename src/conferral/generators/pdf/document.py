"""What a file says about itself: its title, its language, what it proves, and its structure for screen readers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from xml.sax.saxutils import escape

from conferral.contract import GenerationRequest
from conferral.generators.pdf import writer

PRODUCER = "Conferral"

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:conferral="urn:x-conferral:1">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<dc:identifier>{url}</dc:identifier>
<xmp:CreateDate>{date}</xmp:CreateDate>
<xmp:ModifyDate>{date}</xmp:ModifyDate>
<pdf:Producer>{producer}</pdf:Producer>
<conferral:verificationId>{id}</conferral:verificationId>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def title(request: GenerationRequest) -> str:
    """What a window that shows the file is called."""
    return f"{request.snapshot.type} · {request.snapshot.context}"


def info(request: GenerationRequest) -> bytes:
    """The document information dictionary: created when the credential was issued."""
    return _info(title(request), request.snapshot.issuer.name, request.snapshot.issued)


@lru_cache(maxsize=256)
def _info(named: str, author: str, issued: datetime) -> bytes:
    created = writer.date(issued)
    return b"<</Title%s/Author%s/Producer%s/CreationDate%s/ModDate%s>>" % (
        writer.string(named),
        writer.string(author),
        writer.string(PRODUCER),
        created,
        created,
    )


def metadata(request: GenerationRequest, language: str) -> bytes:
    """The same as XMP, with the verification id and the address of the credential page."""
    snapshot = request.snapshot
    parts = _packet(title(request), snapshot.issuer.name, snapshot.issued, language)
    url, identifier = escape(request.page_url), escape(snapshot.verification_id)
    return writer.stream(f"{parts[0]}{url}{parts[1]}{identifier}{parts[2]}".encode(), b"/Type/Metadata/Subtype/XML")


@lru_cache(maxsize=256)
def _packet(named: str, author: str, issued: datetime, language: str) -> Sequence[str]:
    """What a batch has in common, around the address and the verification id."""
    packet = _XMP.format(
        title=escape(named),
        author=escape(author),
        language=escape(language),
        url="\0",
        date=f"{issued.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        producer=PRODUCER,
        id="\0",
    )
    return packet.split("\0")


@dataclass(frozen=True, slots=True)
class Part:
    """One element in the structure: its tag, and the marked content on its page that it stands for.

    `number` is its object; `figure` has an alternative text, and is written with each certificate; `link` is the object
    of the annotation that a click on it meets, under the key `link_key` of the parent tree.
    """

    number: int
    tag: str
    page: int
    """Number of the page's object."""
    page_index: int
    mark: int
    figure: bool = False
    link: int = 0
    link_number: int = 0
    link_key: int = 0


def figure(part: Part, document: int, alt: str) -> bytes:
    """The structure element of a picture."""
    return b"<</Type/StructElem/S/Figure/P %d 0 R/Pg %d 0 R/K %d/Alt%s>>" % (
        document,
        part.page,
        part.mark,
        writer.string(alt),
    )


def structure(parts: Sequence[Part], root: int, document: int, tree: int, pages: int) -> Iterable[tuple[int, bytes]]:
    """The structure tree: the parts in reading order, beneath one document. Figures are written elsewhere."""
    kids = writer.references(part.number for part in parts)
    yield (
        root,
        b"<</Type/StructTreeRoot/K[%d 0 R]/ParentTree %d 0 R/ParentTreeNextKey %d>>"
        % (
            document,
            tree,
            max([pages, *(part.link_key + 1 for part in parts)]),
        ),
    )
    yield document, b"<</Type/StructElem/S/Document/P %d 0 R/K%s>>" % (root, kids)
    for part in parts:
        if part.figure:
            continue
        if part.link:
            yield (
                part.number,
                b"<</Type/StructElem/S/%s/P %d 0 R/Pg %d 0 R/K[%d 0 R]>>"
                % (part.tag.encode(), document, part.page, part.link_number),
            )
            yield (
                part.link_number,
                b"<</Type/StructElem/S/Link/P %d 0 R/Pg %d 0 R/K[%d<</Type/OBJR/Obj %d 0 R/Pg %d 0 R>>]>>"
                % (part.number, part.page, part.mark, part.link, part.page),
            )
        else:
            yield (
                part.number,
                b"<</Type/StructElem/S/%s/P %d 0 R/Pg %d 0 R/K %d>>"
                % (part.tag.encode(), document, part.page, part.mark),
            )
    yield tree, b"<</Nums[%s]>>" % b"".join(_parents(parts, pages))


def _parents(parts: Sequence[Part], pages: int) -> Iterable[bytes]:
    """From marked content, by page, and from annotations to their structure elements (ISO 32000-1, 14.7.4.4)."""
    for index in range(pages):
        marks = {part.mark: part.link_number or part.number for part in parts if part.page_index == index}
        if marks:
            yield b"%d%s" % (index, writer.references(marks.get(mark, 0) for mark in range(max(marks) + 1)))
    for part in sorted((part for part in parts if part.link), key=lambda part: part.link_key):
        yield b" %d %d 0 R" % (part.link_key, part.link_number)


def catalog(pages: int, metadata: int, structure: int, language: str, kept: bytes) -> bytes:
    """The root of the file; `kept` are entries that come from the template.

    It never says `/Direction/R2L`: PDFium then turns around lines of Latin letters too, verification ids among them.
    """
    return (
        b"<</Type/Catalog/Pages %d 0 R/Metadata %d 0 R/StructTreeRoot %d 0 R/MarkInfo<</Marked true>>/Lang%s"
        b"/ViewerPreferences<</DisplayDocTitle true>>%s>>" % (pages, metadata, structure, writer.string(language), kept)
    )
