"""`make bench-pdf`: certificates against the reference implementation, and against the physical floor.

The reference (learning-credentials 0.5.3) is installed into `.venv-reference/` and runs in the same process, its
packages behind ours on the path; certificates of both are made in turn, and medians are compared: those of a Latin
name, as nine of ten are here. A batch is timed as a whole, the tenth in other scripts included. Where the reference
cannot be installed, a plain overlay with reportlab and pypdf takes its place, and the table says so. `--json` prints a
list of `{figure, measured, limit, holds}`.
"""

import argparse
import contextlib
import gc
import io
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import psutil
import pymupdf_fonts
import typst
from PIL import Image
from table import Row, show

from conferral.contract import sample_request
from conferral.contract.options import parse
from conferral.contract.testing import MemoryAssets
from conferral.generators.pdf import PDF

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".venv-reference"
PACKAGES = ("learning-credentials==0.5.3", "pypdf<7")
PLAIN = ("reportlab", "pypdf<7")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FIRST = [
    "Ana",
    "Łukasz",
    "Zoë",
    "Jürgen",
    "Şebnem",
    "François",
    "Agnieszka",
    "Søren",
    "Márta",
    "Ioana",
    "Niamh",
    "Tomáš",
    "Beatriz",
    "Ümit",
    "Þóra",
    "Amélie",
    "Kwame",
]
LAST = [
    "Wiśniewski",
    "Ñandú",
    "Öztürk",
    "O’Brien",
    "Nováková",
    "García",
    "Björnsdóttir",
    "Kovács",
    "Lefèvre",
    "Smith",
    "Ferreira",
    "Papadopoulos",
]
ELSEWHERE = [
    "Nguyễn Thị Ánh",
    "Σοφία Παπαδάκη",
    "Иван Кузнецов",
    "محمد بن سعيد",
    "נועה לוי",
    "क्षितिज शर्मा",
    "Trần Văn Đức",
    "Γιάννης Οικονόμου",
    "Надежда Їжакевич",
    "عائشة بنت خالد",
    "אברהם כהן",
    "प्रिया वर्मा",
    "Phạm Thị Hương",
    "Ελένη Ζαχαρίου",
    "Олександр Шевченко",
    "يوسف الحلواني",
    "שרה מזרחי",
    "श्रीनिवास कुलकर्णी",
    "สมชาย ใจดี",
    "გიორგი ბერიძე",
]
"""Every tenth name has letters beyond those that a design's fonts bring."""
FONT = "notos"
TEXTS = {
    "title": ("{type}", 140, 34),
    "name": ("{name}", 265, 40),
    "context": ("{context}", 340, 24),
    "date": ("{issued}", 400, 15),
    "id": ("{verification_id}", 540, 12),
}
ROUNDS = 300


# --- What is drawn ----------------------------------------------------------------------------------------------------


def photograph() -> bytes:
    """A landscape out of noise, as large as a photograph."""
    source = random.Random(7)
    small = Image.frombytes("RGB", (96, 64), source.randbytes(96 * 64 * 3))
    large = small.resize((720, 480), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    large.save(out, "JPEG", quality=96)
    return out.getvalue()


def template() -> bytes:
    """A4 landscape: guilloches, a photograph, and words in two fonts. About 200 KB; the same bytes each time."""
    rings = []
    for strand in range(6):
        points = []
        for step in range(360):
            angle = math.tau * step / 360
            radius = 120 + 60 * math.sin(18 * angle + strand)
            points.append(f"{421 + 1.9 * radius * math.cos(angle):.1f} {297 + radius * math.sin(angle):.1f}")
        rings.append(f'<path d="M{"L".join(points)}Z" fill="none" stroke="#d9c596" stroke-width="0.4"/>')
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 842 595">{"".join(rings)}</svg>'
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as folder:
        Path(folder, "photo.jpg").write_bytes(photograph())
        Path(folder, "art.svg").write_text(svg)
        Path(folder, "main.typ").write_text(
            '#set page(width: 841.89pt, height: 595.28pt, margin: 0pt, background: image("art.svg", width: 100%))\n'
            '#place(top + left, dx: 60pt, dy: 440pt, image("photo.jpg", width: 120pt))\n'
            '#place(top + center, dy: 60pt, text(font: "Libertinus Serif", size: 20pt)[Demo University of the Bench])\n'
            '#place(bottom + right, dx: -60pt, dy: -60pt, text(font: "DejaVu Sans Mono", size: 9pt)[Registrar])\n'
        )
        made = typst.compile(str(Path(folder, "main.typ")), timestamp=0)
    assert isinstance(made, bytes)
    return made


def requests(count: int) -> list:
    source = random.Random(11)
    made = []
    for number in range(count):
        name = f"{FIRST[number % len(FIRST)]} {LAST[number // 3 % len(LAST)]}"
        if number % 10 == 9:
            name = ELSEWHERE[number // 10 % len(ELSEWHERE)]
        identifier = "-".join("".join(source.choices(ALPHABET, k=4)) for _ in range(4))
        made.append(
            sample_request(
                name=name, verification_id=identifier, page_url=f"https://credentials.example/c/{identifier}"
            )
        )
    return made


# --- Ours -------------------------------------------------------------------------------------------------------------


class Ours:
    def __init__(self, content: bytes, *, code: bool) -> None:
        elements = {
            name: {"text": text, "y": y, "size": size, "x": 60, "width": 722, "font": "font"}
            for name, (text, y, size) in TEXTS.items()
        }
        if code:
            elements["code"] = {"type": "qr", "x": 700, "y": 460, "width": "25mm"}
        self.generator = PDF()
        self.options = parse(PDF.Options, {"template": "template", "elements": elements}, "options")
        self.assets = MemoryAssets({"template": content, "font": bytes(pymupdf_fonts.myfont(FONT))})

    def prepare(self):
        return self.generator.prepare(self.options, self.assets)

    def one(self, request) -> bytes:
        """A certificate by itself: options that are equal to the last ones, and not the same object."""
        prepared = self.generator.prepare(self.options.model_copy(), self.assets)
        (artifact,) = self.generator.generate(prepared, request)
        return artifact.content


# --- The reference ----------------------------------------------------------------------------------------------------


def install() -> tuple[Path | None, bool]:
    """Where the packages of the reference are, and whether it is the reference itself."""
    for packages, is_reference in ((PACKAGES, True), (PLAIN, False)):
        environment = ENVIRONMENT if is_reference else ENVIRONMENT.with_name(".venv-overlay")
        ready = environment / ".ready"
        if not ready.exists():
            print(f"installing {' '.join(packages)} into {environment.name}/ …", file=sys.stderr)
            try:
                subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, stdout=sys.stderr)
                pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
                subprocess.run(pip, check=True, stdout=sys.stderr)
            except (OSError, subprocess.CalledProcessError):
                print("it could not be installed", file=sys.stderr)
                continue
            ready.touch()
        (found,) = (environment / "lib").glob("python*/site-packages")
        return found, is_reference
    return None, False


class Reference:
    """learning-credentials, with its date and URL helpers replaced; assets and results in memory or in a folder."""

    name = "learning-credentials 0.5.3"

    def __init__(self, packages: Path, content: bytes, folder: Path) -> None:
        sys.path.append(str(packages))
        os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        import django
        from django.conf import settings

        settings.configure(
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django.contrib.auth",
                "django_celery_beat",
                "learning_paths",
                "learning_credentials",
            ],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            STORAGES={
                "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
                "staticfiles": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            },
            MEDIA_ROOT=str(folder / "media"),
            SECRET_KEY="bench",
            USE_TZ=True,
        )
        django.setup()
        from django.core.files.base import ContentFile
        from django.core.files.storage import FileSystemStorage, default_storage
        from django.db import connection
        from learning_credentials import generators
        from learning_credentials.models import CredentialAsset

        with connection.schema_editor() as editor:
            editor.create_model(CredentialAsset)
        for slug, name, data in (
            ("template", "template.pdf", content),
            ("font", "font.ttf", bytes(pymupdf_fonts.myfont(FONT))),
        ):
            asset = CredentialAsset(asset_slug=slug, description=slug)
            asset.save()
            asset.asset.save(name, ContentFile(data))
        generators.get_localized_credential_date = lambda created: f"{created:%B %d, %Y}"
        generators.get_default_storage_url = lambda: "https://credentials.example/"
        self._generators = generators
        self._storages = {"bytes": default_storage, "files": FileSystemStorage(folder / "reference")}
        self._encrypt = generators.PdfWriter.encrypt
        self._options = {
            "template": "template",
            "defaults": {"font": "font"},
            "text_elements": {
                "name": {"y": 330, "size": 40},
                "context": {"y": 255, "size": 24},
                "date": {"y": 195, "size": 15},
                "title": {"text": "Certificate of Completion", "y": 455, "size": 34},
                "id": {"text": "{verify_uuid}", "y": 55, "size": 12},
            },
        }

    def one(self, request, to: str = "bytes", *, encrypted: bool = True) -> None:
        self._generators.default_storage = self._storages[to]
        self._generators.PdfWriter.encrypt = self._encrypt if encrypted else lambda *_, **__: None
        credential = SimpleNamespace(
            uuid=uuid.uuid4(),
            verify_uuid=request.snapshot.verification_id,
            user=SimpleNamespace(id=1),
            user_full_name=request.snapshot.name,
            learning_context_name=request.snapshot.context,
            created=datetime(2026, 5, 12, tzinfo=UTC),
        )
        self._generators.generate_pdf_credential(credential, self._options)


class Overlay:
    """A plain overlay with reportlab and pypdf, where the reference is not to be had."""

    name = "a plain reportlab + pypdf overlay (the reference could not be installed)"

    def __init__(self, packages: Path, content: bytes, folder: Path) -> None:
        sys.path.append(str(packages))
        self._content, self._folder = content, folder / "overlay"
        self._folder.mkdir()

    def one(self, request, to: str = "bytes", *, encrypted: bool = True) -> None:
        from pypdf import PdfReader, PdfWriter
        from reportlab.pdfbase.pdfmetrics import registerFont
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas

        registerFont(TTFont("bench", io.BytesIO(bytes(pymupdf_fonts.myfont(FONT)))))
        canvas = Canvas(io.BytesIO(), pagesize=(841.89, 595.28))
        snapshot = request.snapshot
        said = (snapshot.type, snapshot.name, snapshot.context, "May 12, 2026", snapshot.verification_id)
        for text, (_, y, size) in zip(said, TEXTS.values(), strict=True):
            canvas.setFont("bench", size)
            canvas.drawCentredString(421, 595 - y, text)
        page = PdfReader(io.BytesIO(self._content)).pages[0]
        page.merge_page(PdfReader(io.BytesIO(canvas.getpdfdata())).pages[0])
        writer = PdfWriter()
        writer.add_page(page)
        out = io.BytesIO()
        writer.write(out)
        if to == "files":
            (self._folder / f"{uuid.uuid4()}.pdf").write_bytes(out.getvalue())


# --- Measuring --------------------------------------------------------------------------------------------------------


def medians(rounds: int, *ways: Callable) -> list[float]:
    """The median seconds of each, done in turn, on requests of their own."""
    taken = [[] for _ in ways]
    made = cycle(requests(997))
    for way in ways:
        for _ in range(20):
            way(next(made))
    for _ in range(rounds):
        for times, way in zip(taken, ways, strict=True):
            request = next(made)
            begun = time.perf_counter()
            way(request)
            times.append(time.perf_counter() - begun)
    return [statistics.median(times) for times in taken]


def batches(reference: "Reference | Overlay", ours: Ours) -> tuple[float, float]:
    """The median seconds of a certificate, of batches in turn: ten by the reference, a thousand by ours."""
    made = requests(1000)
    times: tuple[list, list] = [], []
    for _ in range(7):
        begun = time.perf_counter()
        for request in made[:10]:
            reference.one(request)
        times[0].append((time.perf_counter() - begun) / 10)
        begun = time.perf_counter()
        prepared = ours.prepare()
        for request in made:
            ours.generator.generate(prepared, request)
        times[1].append((time.perf_counter() - begun) / len(made))
    return statistics.median(times[0]), statistics.median(times[1])


def floor(content: bytes) -> Callable:
    """One copy of the template in memory with a content stream of five lines behind it."""

    def one(request) -> bytes:
        snapshot = request.snapshot
        said = (snapshot.type, snapshot.name, snapshot.context, "May 12, 2026", snapshot.verification_id)
        lines = "".join(
            f"BT /F0 {size} Tf 1 0 0 1 60 {595 - y} Tm ({text}) Tj ET\n"
            for text, (_, y, size) in zip(said, TEXTS.values(), strict=True)
        ).encode()
        length = len(content)
        written = b"9 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n" % (len(lines), lines)
        end = b"xref\n9 1\n%010d 00000 n \ntrailer\n<</Size 10/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        return b"".join((content, written, end % (length, length - 100, length + len(written))))

    return one


def to_files(ours: Ours, folder: Path) -> Callable:
    from django.core.files.base import ContentFile
    from django.core.files.storage import FileSystemStorage

    storage = FileSystemStorage(folder)
    return lambda request: storage.save(f"{uuid.uuid4()}.pdf", ContentFile(ours.one(request)))


def growth(path: Path) -> float:
    """Megabytes that 19,000 certificates add to what a fresh process had after 1,000."""
    process, ours = psutil.Process(), Ours(path.read_bytes(), code=True)
    prepared = ours.prepare()
    made = requests(20_000)
    for request in made[:1000]:
        ours.generator.generate(prepared, request)
    gc.collect()
    before = process.memory_info().rss
    for request in made[1000:]:
        ours.generator.generate(prepared, request)
    gc.collect()
    return (process.memory_info().rss - before) / 1024**2


def picture(content: bytes) -> tuple[float, str]:
    """Milliseconds from a file to a picture of its page at 150 dpi, and the faster of two formats."""
    from conferral import pictures

    def drawn(kind: str) -> float:
        times = []
        for _ in range(25):
            begun = time.perf_counter()
            pictures.encoded(pictures.draw(content, dpi=150), kind)
            times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1000

    return min((drawn("JPEG"), "JPEG"), (drawn("WEBP"), "WebP"))


def cold(path: Path) -> float:
    """Seconds from the start of an interpreter to the first certificate, the median of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        apart("--first", path)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def apart(what: str, path: Path) -> str:
    """What this script says of the template when it is run in a process of its own."""
    return subprocess.run(
        [sys.executable, __file__, what, str(path)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def measure(reference: "Reference | Overlay | None", content: bytes, folder: Path) -> list[Row]:
    rows: list[Row] = []
    for code in (False, True):
        column = "five lines and a QR code" if code else "five lines"
        ours = Ours(content, code=code)
        rows += [(f"{column}: {figure}", *row) for figure, *row in against(reference, ours, content, folder)]
    path = folder / "template.pdf"
    path.write_bytes(content)
    grown = float(apart("--growth", path))
    rows.append(("20,000 certificates: memory after the first 1,000", f"{grown:+.1f} MB", "< 10 MB", grown < 10))
    taken, kind = picture(Ours(content, code=True).one(requests(1)[0]))
    rows.append((f"a page as a picture, 150 dpi, {kind}", f"{taken:.0f} ms", "≤ 40 ms", taken <= 40))
    first = cold(path)
    rows.append(("first certificate of a cold process", f"{first:.2f} s", "< 1 s", first < 1))
    return rows


def against(reference: "Reference | Overlay | None", ours: Ours, content: bytes, folder: Path):
    prepared = ours.prepare()

    def batched(request) -> None:
        ours.generator.generate(prepared, request)

    # The certificates that a batch of 1,000 makes, and the floor, in turn.
    bottom, single, batch = medians(1000, floor(content), ours.one, batched)
    yield "the floor", f"{bottom * 1e6:.0f} µs", "", None
    yield "ours, single", f"{single * 1e6:.0f} µs", "", None
    yield "ours, of a batch of 1,000", f"{batch * 1e6:.0f} µs", "", None
    if reference is None:
        for figure, limit in (
            ("both to local storage", 20),
            ("both to bytes", 40),
            ("not encrypted", 25),
            ("a batch of 1,000, prepared once, to bytes", 100),
        ):
            yield f"against the reference, {figure}", "not measured", f"≥ {limit}×", None
    else:
        where = folder / uuid.uuid4().hex
        ways = (
            lambda request: reference.one(request, "files"),
            to_files(ours, where) if isinstance(reference, Reference) else lambda request: _write(where, ours, request),
            reference.one,
            ours.one,
            lambda request: reference.one(request, encrypted=False),
        )
        files, ours_files, plain, ours_bytes, open_ = medians(ROUNDS, *ways)
        yield "the reference, to bytes", f"{plain * 1e3:.1f} ms", "", None
        for figure, theirs, mine, limit in (
            ("both to local storage", files, ours_files, 20),
            ("both to bytes", plain, ours_bytes, 40),
            ("its encryption switched off", open_, ours_bytes, 25),
            ("a batch of 1,000, prepared once, to bytes", *batches(reference, ours), 100),
        ):
            ratio = theirs / mine
            yield f"against the reference, {figure}", f"{ratio:.0f}×", f"≥ {limit}×", ratio >= limit
    for figure, mine, limit in (("single", single, 40), ("batched", batch, 12)):
        ratio = mine / bottom
        yield f"against the floor, {figure}", f"{ratio:.1f}×", f"≤ {limit}×", ratio <= limit


def _write(folder: Path, ours: Ours, request) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{uuid.uuid4()}.pdf").write_bytes(ours.one(request))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--first", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--growth", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.first:
        Ours(arguments.first.read_bytes(), code=True).one(requests(1)[0])
        return
    if arguments.growth:
        print(growth(arguments.growth))
        return
    try:
        reference, rows, size = compared()
    except Exception:
        traceback.print_exc()
        sys.exit(2)
    said = reference.name if reference else "not to be had here"
    rows = [("the reference", said, "", None), ("the template", f"{size / 1000:.0f} KB", "", None), *rows]
    show(rows, as_json=arguments.json)


def compared() -> tuple["Reference | Overlay | None", list[Row], int]:
    """What was compared with, the figures, and the size of the template in bytes."""
    content = template()
    packages, is_reference = install()
    reference = None
    with tempfile.TemporaryDirectory(prefix="conferral-bench-") as home:
        folder = Path(home)
        if packages:
            reference = (Reference if is_reference else Overlay)(packages, content, folder)
        with contextlib.redirect_stderr(io.StringIO()):
            rows = measure(reference, content, folder)
    return reference, rows, len(content)


if __name__ == "__main__":
    main()
