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
            [pdf.make_indirect(Dictionary(**{"Type": Name.Annot, "Rect": Array([9, 9, 20, 20])} | entries))]
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


def packed(size):
    """That many bytes of operators, a thousandth of it packed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b"0 " * 500_000) for _ in range(size // 1_000_000)) + packer.flush()


def bomb(levels=1, size=400_000_000):
    """A page whose contents unpack to more than memory should hold."""
    content = packed(size)
    for _ in range(levels - 1):
        content = zlib.compress(content, 9)
    return drawn_as(b"[" + b"/FlateDecode" * levels + b"]", content)


def drawn_as(filters, content, contents=b"4 0 R", line=b"\n", entries=b""):
    """A page whose contents are packed like that."""
    return raw(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]/Contents %s/Resources<<>>>>" % contents,
            b"<</Filter%s/Length %d%s>>stream%s%s\nendstream" % (filters, len(content), entries, line, content),
        ]
    )


def lzw_bomb():
    """Each code stands for one letter more than the last."""
    codes = [(256, 9)]
    for _ in range(60):
        codes += [(48, 9), *((code, max(9, min((code + 1).bit_length(), 12))) for code in range(258, 4094)), (256, 12)]
    bits = "".join(f"{code:0{width}b}" for code, width in codes)
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big")


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


def form(pdf, content, width, height, **entries):
    """A form in the file."""
    made = Stream(pdf, content)
    made.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, width, height]), **entries))
    return pdf.make_indirect(made)


def stamped(content=None, **entries):
    """A page with a stamp on it, red and blue."""

    def change(pdf):
        look = Dictionary(N=form(pdf, b"1 0 0 rg 0 0 40 20 re f 0 0 1 rg 0 0 5 5 re f", 40, 20))
        annotation = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, F=4, Rect=Array([120, 150, 160, 170]), AP=look)
        pdf.pages[0].Annots = Array([pdf.make_indirect(annotation)])
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = value

    return changed(change, content)


def stamp_on_hidden_layer():
    def change(pdf):
        layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="off"))
        pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
        pdf.pages[0].Annots[0].OC = layer

    return changed(change, stamped())


def our_names():
    """The names that the engine gives to what it puts on a page."""

    def build(pdf, made):
        names = ("/Art", "/Page", "/I-code", "/Annotation0")
        box = form(pdf, b"0 1 0 rg 0 0 50 50 re f", 50, 50)
        made.Contents = Stream(pdf, b" ".join(b"%s Do 1 0 0 1 60 0 cm" % name.encode() for name in names))
        made.Resources = Dictionary(XObject=Dictionary(dict.fromkeys(names, box)))

    return stamped(built(build))


def patterns():
    def build(pdf, made):
        tile = Stream(pdf, b"1 0 0 rg 0 0 5 5 re f 0 0 1 rg 5 5 5 5 re f")
        tile.update(tiles(10))
        colours = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1, 0, 0]), C1=Array([0, 0, 1]), N=1)
        shading = Dictionary(ShadingType=2, ColorSpace=Name.DeviceRGB, Coords=Array([200, 0, 400, 0]), Function=colours)
        made.Contents = Stream(pdf, b"/Pattern cs /P0 scn 20 20 150 200 re f /P1 scn 200 20 200 200 re f")
        shaded = Dictionary(Type=Name.Pattern, PatternType=2, Shading=shading)
        made.Resources = Dictionary(Pattern=Dictionary(P0=pdf.make_indirect(tile), P1=pdf.make_indirect(shaded)))

    return built(build)


def tiles(step):
    return Dictionary(
        Type=Name.Pattern,
        PatternType=1,
        PaintType=1,
        TilingType=1,
        BBox=Array([0, 0, 10, 10]),
        XStep=step,
        YStep=step,
        Resources=Dictionary(),
    )


def too_fine_a_pattern():
    def change(pdf):
        for found in pdf.objects:
            if isinstance(found, Stream) and found.get("/PatternType") == 1:
                found.XStep = found.YStep = 0.001

    return changed(change, patterns())


def form_without_resources():
    """As PDF 1.1 had it: a form takes the resources of the page."""

    def build(pdf, made):
        made.Contents = Stream(pdf, b"/X Do")
        old = form(pdf, b"BT /F0 30 Tf 40 100 Td (Old form) Tj ET", *A5)
        made.Resources = Dictionary(XObject=Dictionary(X=old), Font=Dictionary(F0=pdf.make_indirect(helvetica())))

    return built(build)


def described():
    def change(pdf):
        with pdf.open_metadata() as metadata:
            metadata["dc:title"] = "A template"
        intent = Dictionary(Type=Name.OutputIntent, S=Name.GTS_PDFA1, OutputConditionIdentifier="sRGB")
        pdf.Root.OutputIntents = Array([intent])

    return changed(change)


def marked(subtype, **entries):
    """A note that says how it looks by its kind alone; readers have looks of their own for those."""
    return annotated(
        Subtype=Name(f"/{subtype}"), F=4, C=Array([1, 0, 0]), **entries | {"Rect": Array([40, 140, 140, 180])}
    )


def script_on_field():
    """It stands on the field, not on what is seen of it on the page."""

    def change(pdf):
        field = pdf.pages[0].Annots[0]
        parent = pdf.make_indirect(
            Dictionary(FT=Name.Tx, T="parent", Kids=Array([field]), AA=Dictionary(K=Dictionary(SCRIPT)))
        )
        field.Parent = parent
        pdf.Root.AcroForm.Fields = Array([parent])

    return changed(change, with_form_field())


def tree(levels):
    nodes = [b"<</Type/Pages/Kids[%d 0 R]/Count 1/MediaBox[0 0 420 298]>>" % (number + 3) for number in range(levels)]
    return raw([b"<</Type/Catalog/Pages 2 0 R>>", *nodes, b"<</Type/Page/Parent %d 0 R>>" % (levels + 1)])


def fields_in_a_circle():
    return raw(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]>>",
            b"<</FT/Tx/T(x)/Kids[4 0 R 4 0 R]>>",
        ]
    )


def object_stream_bomb():
    """It unpacks when the file is opened."""
    data = packed(400_000_000)
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]/X 5 0 R>>",
        4: b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(data), data),
    }
    out, rows = b"%PDF-1.7\n", b"\0\0\0\0\0\0\xff"
    for number, one in objects.items():
        rows += b"\1" + len(out).to_bytes(4, "big") + b"\0\0"
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    rows += b"\2" + (4).to_bytes(4, "big") + b"\0\0" + b"\1" + len(out).to_bytes(4, "big") + b"\0\0"
    table = b"<</Type/XRef/Size 7/W[1 4 2]/Root 1 0 R/Length %d>>stream\n%s\nendstream" % (len(rows), rows)
    return out + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (table, len(out))


def stream(entries, content):
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


def drawing(resources, content, *objects):
    """A page with these resources, and the objects that it needs, from number 5 on."""
    return raw(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 298]/Contents 4 0 R/Resources<<%s>>>>" % resources,
            stream(b"", content),
            *objects,
        ]
    )


def forms(levels, times):
    """Forms that draw forms; the last draws a line."""
    return drawing(
        b"/XObject<</X 5 0 R>>",
        b"/X Do",
        *[
            stream(
                b"/Subtype/Form/BBox[0 0 420 298]/Resources<</XObject<</X %d 0 R>>>>" % (number + 1), b"/X Do " * times
            )
            for number in range(5, 4 + levels)
        ],
        stream(b"/Subtype/Form/BBox[0 0 420 298]", b"0 0 m 9 9 l S"),
    )


TILES = b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 50 50]/XStep 50/YStep 50"


def patterns_in_patterns(levels, times):
    return drawing(
        b"/Pattern<</P 5 0 R>>",
        b"/Pattern cs /P scn 0 0 400 200 re f",
        *[
            stream(
                TILES + b"/Resources<</Pattern<</P %d 0 R>>>>" % (number + 1),
                b"/Pattern cs /P scn " + b"0 0 40 40 re f " * times,
            )
            for number in range(5, 4 + levels)
        ],
        stream(TILES, b"0 0 m 9 9 l S"),
    )


def fonts_in_fonts(levels, times):
    """Glyphs that show texts in fonts whose glyphs show texts …"""
    objects = []
    for number in range(5, 5 + 2 * levels, 2):
        within = b"/Font<</F %d 0 R>>" % (number + 2) if number < 3 + 2 * levels else b""
        objects += [
            b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1000 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 97/LastChar 97"
            b"/Widths[1000]/Encoding<</Differences[97/a]>>/CharProcs<</a %d 0 R>>/Resources<<%s>>>>"
            % (number + 1, within),
            stream(b"", b"1000 0 d0 BT /F 400 Tf (%s) Tj ET" % (b"a" * times) if within else b"1000 0 d0 0 0 9 9 re f"),
        ]
    return drawing(b"/Font<</F 5 0 R>>", b"BT /F 40 Tf 50 100 Td (aaa) Tj ET", *objects)


def drawing_itself(kind, within, content, entries=b"/Subtype/Form/BBox[0 0 420 298]"):
    """Something among the resources that has itself among its own."""
    return drawing(
        b"/%s<</X %s>>" % (kind, within),
        content,
        stream(entries + b"/Resources<</%s<</X %s>>>>" % (kind, within), content),
    )


MASK = b"<</SMask<</S/Luminosity/G 5 0 R>>>>"


def name_of_bytes():
    """Names are bytes, not always text: older programs wrote them in Latin-1."""
    return drawing(
        b"/XObject<</F\xe9 5 0 R/G#e9 5 0 R>>",
        b"/F\xe9 Do 1 0 0 1 50 0 cm /G\xe9 Do",
        stream(b"/Subtype/Form/BBox[0 0 420 298]", b"1 0 0 rg 20 20 40 60 re f"),
    )


def picture_again_and_again(times):
    image = b"/Subtype/Image/Width 7900/Height 7900/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    return drawing(
        b"/XObject<</I 5 0 R>>",
        b"400 0 0 200 9 9 cm " + b"/I Do " * times,
        stream(image, zlib.compress(bytes(7900 * 7900), 9)),
    )


def stamp_of_forms():
    """What an annotation looks like is drawn as well."""

    def change(pdf):
        look = Dictionary(N=pdf.pages[0].Resources.XObject.X)
        annotation = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([9, 9, 99, 99]), AP=look)
        pdf.pages[0].Annots = Array([pdf.make_indirect(annotation)])
        pdf.pages[0].Contents = Stream(pdf, BOX)

    return changed(change, forms(9, 10))


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
        lambda: drawn_as(b"[/ASCII85Decode/FlateDecode]", base64.a85encode(packed(300_000_000)) + b"~>"),
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
    "a script after a link": (
        lambda: annotated(
            Subtype=Name.Link, A=Dictionary(S=Name.URI, URI="https://x.example/", Next=Dictionary(SCRIPT))
        ),
        r"has a script or an action \(JavaScript\)",
    ),
    "a script among what comes after a link": (
        lambda: annotated(
            Subtype=Name.Link, A=Dictionary(S=Name.URI, URI="https://x.example/", Next=Array([Dictionary(SCRIPT)]))
        ),
        r"has a script or an action \(JavaScript\)",
    ),
    "a script on a field": (script_on_field, r"has a script or an action \(JavaScript\)"),
    "a form that draws itself": (
        lambda: drawing_itself(b"XObject", b"5 0 R", b"/X Do " * 3),
        "has a drawing that draws itself",
    ),
    "a pattern that is painted with itself": (
        lambda: drawing_itself(b"Pattern", b"5 0 R", b"/Pattern cs /X scn 0 0 40 40 re f", TILES),
        "has a drawing that draws itself",
    ),
    "a mask that is masked by itself": (
        lambda: drawing_itself(b"ExtGState", MASK, b"/X gs 0 0 40 40 re f"),
        "has a drawing that draws itself",
    ),
    "LZW that counts otherwise": (
        lambda: drawn_as(b"/LZWDecode", lzw_bomb(), entries=b"/DecodeParms<</EarlyChange 0>>"),
        "is packed in an unusual way",
    ),
}
"""What is refused, and why."""

WITHOUT_END = (
    "a page that unpacks without end",
    "one that does so twice",
    "one that does so as text",
    "one that does so by LZW",
    "one that does so by runs",
    "a picture without end",
    "a form that draws itself",
)
BOMBS = {name: REFUSED[name] for name in WITHOUT_END} | {
    "packed seven times": (lambda: bomb(7), "has something packed 7 times|unpacks to more than 256 MB"),
    "a stream of which the line ends otherwise": (
        lambda: drawn_as(b"/FlateDecode", packed(400_000_000), line=b"  \r"),
        "unpacks to more than 256 MB",
    ),
    "hexadecimal text, by short names": (
        lambda: drawn_as(b"[/AHx/Fl]", packed(400_000_000).hex().encode() + b">"),
        "unpacks to more than 256 MB",
    ),
    "packed repetitions": (
        lambda: drawn_as(b"[/FlateDecode/RunLengthDecode]", zlib.compress(b"\x81\x20" * 10_000_000 + b"\x80")),
        "unpacks to more than [0-9]+ MB",
    ),
    "the same contents fifty times": (
        lambda: drawn_as(b"/FlateDecode", packed(50_000_000), b"[" + b"4 0 R " * 50 + b"]"),
        "unpacks to more than [0-9]+ MB",
    ),
    "an object stream": (object_stream_bomb, "unpacks to more than 256 MB"),
    "an object stream by another name": (
        lambda: raw([b"<</Type/Obj#53tm/Filter[/A85/Fl]/N 1/First 4/Length 2>>stream\n~>\nendstream"]),
        "is packed in an unusual way",
    ),
    "thousands of streams in one another": (
        lambda: raw([stream(b"", b"stream\nx\x01" * 2000 + b"\0\0\0\xff\xff" * 3_000_000)]),
        "is not a PDF, or is damaged|unpacks to more",
    ),
    "forms in forms": (lambda: forms(9, 10), "draws too much"),
    "a picture again and again": (lambda: picture_again_and_again(10_000), "draws too much"),
    "patterns in patterns": (lambda: patterns_in_patterns(12, 8), "draws too much"),
    "fonts in fonts": (lambda: fonts_in_fonts(10, 10), "draws too much"),
    "a stamp of forms in forms": (stamp_of_forms, "draws too much"),
    "a pattern of a million tiles a point": (too_fine_a_pattern, "has a pattern too fine to be drawn"),
    "a deep page tree": (lambda: tree(2000), "is not a PDF, or is damaged"),
}
"""Small files that ask for more than a computer should give."""

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
    "a stamp on a turned page": lambda: stamped(Rotate=90),
    "a stamp after a state left open": lambda: stamped(drawn(b"q 0.5 0 0 0.5 0 0 cm " + BOX)),
    "the engine's names": our_names,
    "a link with a border": lambda: annotated(
        Subtype=Name.Link,
        Rect=Array([40, 140, 140, 180]),
        Border=Array([0, 0, 3]),
        C=Array([1, 0, 0]),
        A=Dictionary(S=Name.URI, URI="https://demo.example/"),
    ),
    "a link with the usual border": lambda: marked("Link", A=Dictionary(S=Name.URI, URI="https://demo.example/")),
    "a square": lambda: marked("Square", IC=Array([1, 1, 0])),
    "a highlight": lambda: marked("Highlight", QuadPoints=Array([40, 180, 140, 180, 40, 140, 140, 140])),
    "a note": lambda: marked("Text", Contents="x"),
    "patterns": patterns,
    "a form without resources": form_without_resources,
    "described": described,
    "large units, cropped and turned": lambda: page(UserUnit=2, Rotate=90, CropBox=[30, 40, 400, 250]),
    "forms in forms": lambda: forms(4, 3),
    "a large picture": lambda: picture_again_and_again(1),
    "patterns in patterns": lambda: patterns_in_patterns(3, 3),
    "fonts in fonts": lambda: fonts_in_fonts(2, 3),
    "a name in Latin-1": name_of_bytes,
    "fields in a circle": fields_in_a_circle,
    "a page tree of sixty levels": lambda: tree(60),
    "layers": with_layers,
    "soft masks": soft_mask,
    "a font of drawings": type3_font,
}
"""Templates by what is unusual about them."""
