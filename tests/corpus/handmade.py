"""Templates that are made by hand: everything that designers' programs write, one thing at a time."""

import base64
import io
import zlib

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, Stream

A5 = (420, 298)
SOURCE = b"""#set page(width: 420pt, height: 298pt, margin: 0pt)
#place(top + left, rect(width: 100%, height: 30pt, fill: gradient.linear(red, blue)))
#place(bottom + right, rect(width: 120pt, height: 40pt, fill: green.transparentize(40%)))
#place(center + horizon, dy: 60pt, circle(radius: 30pt, stroke: 3pt + purple))
#place(top + center, dy: 50pt, text(size: 14pt)[Template of the corpus])
"""


def plain(pages=1):
    return typst.compile(
        SOURCE + b"#pagebreak()\n#place(top + left, rect(width: 50%, height: 40pt, fill: aqua))\n" * (pages - 1)
    )


def changed(change, content=None, **saving):
    with pikepdf.open(io.BytesIO(content or plain())) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **saving)
        return out.getvalue()


def page(**entries):
    """The plain page with these entries in its dictionary."""

    def change(pdf):
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = Array(value) if isinstance(value, list) else value

    return changed(change)


def built(build):
    """A file with one page, which `build` fills."""
    with pikepdf.new() as pdf:
        build(pdf, pdf.add_blank_page(page_size=A5))
        out = io.BytesIO()
        pdf.save(out)
        return out.getvalue()


def drawn(content, **resources):
    """A page of these operators."""

    def build(pdf, made):
        made.Contents = (
            Stream(pdf, content) if isinstance(content, bytes) else Array([Stream(pdf, one) for one in content])
        )
        made.Resources = Dictionary({f"/{name}": value for name, value in resources.items()})

    return built(build)


def helvetica():
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)


BOX = b"1 0 0 rg 20 20 100 60 re f 0 0 1 RG 4 w 150 200 m 400 280 l S "


def with_form_field(*, needs_appearance=False):
    def change(pdf):
        appearance = Stream(pdf, b"0.9 0.9 0.2 rg 0 0 100 20 re f 0 g BT /Helv 10 Tf 4 6 Td (field) Tj ET")
        appearance.update(
            Dictionary(
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=Array([0, 0, 100, 20]),
                Resources=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(helvetica()))),
            )
        )
        field = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T="field",
            V="field",
            Rect=Array([20, 200, 120, 220]),
            F=4,
            DA=b"/Helv 10 Tf 0 g",
            P=pdf.pages[0].obj,
        )
        if not needs_appearance:
            field.AP = Dictionary(N=pdf.make_indirect(appearance))
        widget = pdf.make_indirect(field)
        pdf.pages[0].Annots = Array([widget])
        pdf.Root.AcroForm = Dictionary(
            Fields=Array([widget]),
            NeedAppearances=needs_appearance,
            DA=b"/Helv 10 Tf 0 g",
            DR=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(helvetica()))),
        )

    return changed(change)


def with_annotations():
    def change(pdf):
        def note(subtype, flags=4, **entries):
            appearance = Stream(pdf, b"0 0.6 0.6 rg 0 0 40 20 re f")
            appearance.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 40, 20])))
            return pdf.make_indirect(
                Dictionary(
                    Type=Name.Annot,
                    Subtype=Name(f"/{subtype}"),
                    F=flags,
                    AP=Dictionary(N=pdf.make_indirect(appearance)),
                    **entries,
                )
            )

        pdf.pages[0].Annots = Array(
            [
                note("Stamp", Rect=Array([20, 150, 60, 170])),
                note("FreeText", Rect=Array([80, 150, 120, 170])),
                note("Stamp", flags=2, Rect=Array([140, 150, 180, 170])),  # hidden
                pdf.make_indirect(
                    Dictionary(
                        Type=Name.Annot,
                        Subtype=Name.Link,
                        Rect=Array([200, 150, 260, 170]),
                        Border=Array([0, 0, 0]),
                        A=Dictionary(S=Name.URI, URI="https://demo.example/"),
                    )
                ),
            ]
        )

    return changed(change)


def with_layers():
    def build(pdf, made):
        layers = [pdf.make_indirect(Dictionary(Type=Name.OCG, Name=name)) for name in ("on", "off")]
        made.Contents = Stream(
            pdf, b"/OC /L0 BDC 1 0 0 rg 20 20 90 90 re f EMC /OC /L1 BDC 0 0 1 rg 200 20 90 90 re f EMC"
        )
        made.Resources = Dictionary(Properties=Dictionary(L0=layers[0], L1=layers[1]))
        pdf.Root.OCProperties = Dictionary(
            OCGs=Array(layers), D=Dictionary(ON=Array([layers[0]]), OFF=Array([layers[1]]), Order=Array(layers))
        )

    return built(build)


def inherited():
    """Resources, boxes and rotation stand once, for all pages, and a level above at that."""

    def change(pdf):
        pages = pdf.Root.Pages
        first = pages.Kids[0]
        pages.Resources, pages.MediaBox, pages.Rotate = first.Resources, first.MediaBox, 90
        pages.CropBox = Array([10, 20, 400, 280])
        for kid in pages.Kids:
            del kid.Resources
            del kid.MediaBox
        between = pdf.make_indirect(Dictionary(Type=Name.Pages, Kids=pages.Kids, Count=len(pages.Kids), Parent=pages))
        for kid in between.Kids:
            kid.Parent = between
        pages.Kids = Array([between])

    return changed(change, plain(2))


def soft_mask():
    def build(pdf, made):
        mask = Stream(pdf, b"0.5 g 0 0 420 298 re f")
        mask.update(
            Dictionary(
                Type=Name.XObject,
                Subtype=Name.Form,
                BBox=Array([0, 0, 420, 298]),
                Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray),
            )
        )
        made.Contents = Stream(pdf, b"/G gs 1 0 0 rg 20 20 200 200 re f /M gs 0 0 1 rg 100 100 200 150 re f")
        made.Resources = Dictionary(
            ExtGState=Dictionary(
                G=Dictionary(SMask=Dictionary(S=Name.Luminosity, G=pdf.make_indirect(mask))),
                M=Dictionary(SMask=Name("/None"), BM=Name.Multiply),
            )
        )
        made.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB, I=True)

    return built(build)


def type3_font():
    def build(pdf, made):
        font = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type3,
            FontBBox=Array([0, 0, 1000, 1000]),
            FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
            CharProcs=Dictionary(a=pdf.make_indirect(Stream(pdf, b"1000 0 0 0 750 750 d1 0 0 750 750 re f"))),
            Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a])),
            FirstChar=97,
            LastChar=97,
            Widths=Array([1000]),
            Resources=Dictionary(),
        )
        made.Contents = Stream(pdf, b"BT /E0 40 Tf 50 100 Td (aaa) Tj ET")
        made.Resources = Dictionary(Font=Dictionary(E0=pdf.make_indirect(font)))

    return built(build)


def saying(**entries):
    """The plain file with these entries in its catalog."""

    def change(pdf):
        for name, value in entries.items():
            pdf.Root[f"/{name}"] = value

    return changed(change)


def annotated(**entries):
    def change(pdf):
        pdf.pages[0].Annots = Array(
            [pdf.make_indirect(Dictionary(Type=Name.Annot, Rect=Array([9, 9, 20, 20]), **entries))]
        )

    return changed(change)


def with_picture(width, height):
    def change(pdf):
        image = Stream(pdf, b"\0")
        image.update(
            Dictionary(
                Type=Name.XObject,
                Subtype=Name.Image,
                Width=width,
                Height=height,
                ColorSpace=Name.DeviceGray,
                BitsPerComponent=8,
            )
        )
        pdf.pages[0].Resources.XObject = Dictionary(Huge=pdf.make_indirect(image))

    return changed(change)


def bomb(levels=1, size=400_000_000):
    """A page whose contents unpack to more than memory should hold."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"0 " * 500_000) for _ in range(size // 1_000_000)) + packer.flush()
    for _ in range(levels - 1):
        packed = zlib.compress(packed, 9)
    filters = b"[" + b"/FlateDecode" * levels + b"]"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]/Contents 4 0 R/Resources<<>>>>",
        b"<</Filter%s/Length %d>>stream\n%s\nendstream" % (filters, len(packed), packed),
    ]
    return raw(objects)


def wrapped(filters, wrap):
    """The same through another filter."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"0 " * 500_000) for _ in range(300)) + packer.flush()
    return drawn_as(filters, wrap(packed))


def drawn_as(filters, content):
    """A page whose contents are packed like that."""
    return raw(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]/Contents 4 0 R/Resources<<>>>>",
            b"<</Filter%s/Length %d>>stream\n%s\nendstream" % (filters, len(content), content),
        ]
    )


def lzw_bomb():
    """Each code stands for one letter more than the last."""
    bits, length = 0, 0
    for block in range(60):
        width = 12 if block else 9
        bits, length = bits << width | 256, length + width
        bits, length = bits << 9 | 48, length + 9
        for code in range(258, 4094):
            width = max(9, min((code + 1).bit_length(), 12))
            bits, length = bits << width | code, length + width
    padding = -length % 8
    return (bits << padding).to_bytes((length + padding) // 8, "big")


def raw(objects):
    """A file of these objects, the first the catalog."""
    out, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        len(out),
    )


def signed():
    def change(pdf):
        field = Dictionary(FT=Name.Sig, T="signature", V=Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite")))
        pdf.Root.AcroForm = Dictionary(Fields=Array([pdf.make_indirect(field)]), SigFlags=3)

    return changed(change)


SCRIPT = {"/S": Name.JavaScript, "/JS": "app.alert(1)"}
CIRCLE = [
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2/Parent 2 0 R>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
]

REFUSED = {
    "nothing": (lambda: b"", "is not a PDF, or is damaged"),
    "a picture": (lambda: b"GIF89a" * 100, "is not a PDF, or is damaged"),
    "half": (lambda: plain()[: len(plain()) // 2], "is not a PDF, or is damaged"),
    "encrypted": (
        lambda: changed(lambda pdf: None, encryption=pikepdf.Encryption(owner="o", user="u")),
        "is encrypted",
    ),
    "encrypted for changes": (
        lambda: changed(lambda pdf: None, encryption=pikepdf.Encryption(owner="o", user="")),
        "is encrypted",
    ),
    "no page": (lambda: changed(lambda pdf: pdf.pages.__delitem__(slice(None))), "has no page"),
    "21 pages": (lambda: plain(21), "has 21 pages; at most 20"),
    "no size": (lambda: page(MediaBox=[0, 0, 0, 0], CropBox=[0, 0, 0, 0]), "has a page of 0 × 0 points"),
    "too large": (lambda: page(MediaBox=[0, 0, 14401, 100]), "has a page of 14401 × 100 points"),
    "turned by 45 degrees": (lambda: page(Rotate=45), "has a page turned by 45 degrees"),
    "signed": (signed, "is signed"),
    "certified": (lambda: saying(Perms=Dictionary(DocMDP=Dictionary())), "is signed"),
    "a dynamic form": (lambda: saying(AcroForm=Dictionary(XFA=b"x")), r"is a dynamic form \(XFA\)"),
    "a script when opened": (
        lambda: saying(OpenAction=Dictionary(SCRIPT)),
        r"has a script or an action \(JavaScript\)",
    ),
    "a script by name": (
        lambda: saying(Names=Dictionary(JavaScript=Dictionary(Names=Array(["x", Dictionary(SCRIPT)])))),
        "has a script",
    ),
    "a script when closed": (lambda: saying(AA=Dictionary(WC=Dictionary(SCRIPT))), "has a script or an action"),
    "a script on a page": (lambda: page(AA=Dictionary(O=Dictionary(SCRIPT))), "has a script or an action"),
    "a script on a link": (
        lambda: annotated(Subtype=Name.Link, A=Dictionary(SCRIPT)),
        "has a script or an action",
    ),
    "a program on a link": (
        lambda: annotated(Subtype=Name.Link, A=Dictionary(S=Name.Launch, F="calc.exe")),
        r"has a script or an action \(Launch\)",
    ),
    "a film": (lambda: annotated(Subtype=Name.RichMedia), "has sound, video or an attachment"),
    "an attachment": (lambda: annotated(Subtype=Name.FileAttachment), "has sound, video or an attachment"),
    "pages in a circle": (lambda: raw(CIRCLE), "is not a PDF, or is damaged"),
    "a page that unpacks without end": (bomb, "unpacks to more than 256 MB"),
    "one that does so twice": (lambda: bomb(2), "unpacks to more than 256 MB"),
    "one that does so as text": (
        lambda: wrapped(b"[/ASCII85Decode/FlateDecode]", lambda packed: base64.a85encode(packed) + b"~>"),
        "unpacks to more than [0-9]+ MB",
    ),
    "one that does so by LZW": (
        lambda: drawn_as(b"/LZWDecode", lzw_bomb()),
        "unpacks to more than [0-9]+ MB",
    ),
    "one that does so by runs": (
        lambda: drawn_as(b"/RunLengthDecode", b"\x81 " * 2_500_000 + b"\x80"),
        "unpacks to more than [0-9]+ MB",
    ),
    "a table of contents that is packed as text": (
        lambda: raw([b"<</Type/ObjStm/Filter[/ASCII85Decode/FlateDecode]/N 1/First 4/Length 2>>stream\n~>\nendstream"]),
        "is packed in an unusual way",
    ),
    "a picture without end": (lambda: with_picture(100_000, 100_000), "has a picture of 100000 × 100000 pixels"),
}
"""What is refused, and why."""

ACCEPTED = {
    "plain": plain,
    "20 pages": lambda: plain(20),
    "turned right": lambda: page(Rotate=90),
    "upside down": lambda: page(Rotate=180),
    "turned left": lambda: page(Rotate=-90),
    "cropped": lambda: page(CropBox=[30, 40, 400, 250]),
    "cropped and turned": lambda: page(CropBox=[30, 40, 400, 250], Rotate=270),
    "away from zero": lambda: page(MediaBox=[-100, -50, 320, 248]),
    "large units": lambda: page(UserUnit=2),
    "bleed": lambda: page(MediaBox=[-9, -9, 429, 307], TrimBox=[0, 0, 420, 298], BleedBox=[-9, -9, 429, 307]),
    "inherited": inherited,
    "object streams": lambda: changed(lambda pdf: None, object_stream_mode=pikepdf.ObjectStreamMode.generate),
    "linearised": lambda: changed(lambda pdf: None, linearize=True),
    "uncompressed": lambda: changed(
        lambda pdf: None, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized
    ),
    "1.3": lambda: changed(lambda pdf: None, drawn(BOX), force_version="1.3"),
    "2.0": lambda: changed(lambda pdf: None, force_version="2.0"),
    "states left open": lambda: drawn(b"q q 0.3 0 0 0.3 40 40 cm 10 w q " + BOX),
    "states closed too often": lambda: drawn(b"q Q Q Q " + BOX + b" Q Q"),
    "a scaled page": lambda: drawn(b"0.1 0 0 0.1 0 0 cm 1 0 0 rg 200 200 1000 600 re f"),
    "in pieces": lambda: drawn([b"1 0 0", b"rg 20 20", b"100 60 re", b"f q 5 0 0 5 0 0 cm"]),
    "no contents": lambda: drawn([]),
    "clashing names": lambda: drawn(
        BOX + b"BT /F0 20 Tf 40 120 Td (F0) Tj ET BT /E0 20 Tf 40 160 Td (E0) Tj ET",
        Font=Dictionary(F0=helvetica(), E0=helvetica()),
        XObject=Dictionary(),
    ),
    "an inline picture": lambda: drawn(
        b"q 90 0 0 90 40 40 cm BI /W 2 /H 2 /CS /RGB /BPC 8 ID \xff\0\0\0\xff\0\0\0\xff\xff\xff\0 EI Q"
    ),
    "annotations": with_annotations,
    "layers": with_layers,
    "soft masks": soft_mask,
    "a font of drawings": type3_font,
}
"""Templates by what is unusual about them."""
