"""Templates out of the programs that designers use, as far as they are installed, and re-written by others."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.corpus import handmade

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="420pt" height="298pt" viewBox="0 0 420 298">
<linearGradient id="g"><stop offset="0" stop-color="#f80"/><stop offset="1" stop-color="#08f"/></linearGradient>
<rect width="420" height="40" fill="url(#g)"/>
<circle cx="360" cy="240" r="40" fill="#00aa55" fill-opacity="0.5"/>
<path d="M20 280 C120 200 200 290 300 260" stroke="#334455" stroke-width="3" fill="none"/>
<text x="30" y="80" font-family="DejaVu Sans" font-size="18" fill="#222">Certificate of nothing</text></svg>"""
HTML = """<style>@page { size: 420pt 298pt; margin: 0 } body { margin: 20pt; background: linear-gradient(#fff, #def);
font-family: DejaVu Serif } h1 { color: #a33; border-bottom: 2pt solid #a33 }</style><h1>Certificate of nothing</h1>
<p>by the corpus <a href="https://demo.example/">of templates</a>"""
FLAT_ODT = """<?xml version="1.0" encoding="UTF-8"?><office:document office:version="1.2"
 office:mimetype="application/vnd.oasis.opendocument.text"
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>
 <text:h text:outline-level="1">Certificate of nothing</text:h><text:p>Written by a word processor.</text:p>
</office:text></office:body></office:document>"""
REPORTLAB = """import sys
from reportlab.pdfgen.canvas import Canvas
c = Canvas(sys.argv[1], pagesize=(420, 298)); c.setFillColorRGB(.9, .8, .2); c.rect(0, 250, 420, 48, fill=1, stroke=0)
c.setFont("Helvetica", 20); c.setFillColorRGB(0, 0, 0); c.drawString(30, 200, "Certificate of nothing")
c.showPage(); c.save()"""
SERVICES = Path(__file__).parents[2] / ".venv-services" / "bin" / "python"


def missing(what):
    """A program that is not there: a reason to skip, and in CI to fail."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not installed")


def run(folder, *command, **options):
    if not shutil.which(command[0]):
        missing(command[0])
    environment = os.environ | {"HOME": str(folder)}
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment, timeout=180, **options)


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@cache
def kept(name):
    """Made once for all tests of a process."""
    return {}


def once(make):
    def made(folder):
        store = kept(make.__name__)
        if "content" not in store:
            target = folder / "made.pdf"
            make(folder, str(target))
            store["content"] = target.read_bytes()
        return store["content"]

    return made


@once
def libreoffice(folder, target):
    run(folder, "libreoffice", "--headless", "--convert-to", "pdf", written(folder, "made.fodt", FLAT_ODT))


@once
def inkscape(folder, target):
    run(folder, "inkscape", written(folder, "made.svg", SVG), "--export-type=pdf", f"--export-filename={target}")


@once
def cairo(folder, target):
    run(folder, "rsvg-convert", "-f", "pdf", "-o", target, written(folder, "made.svg", SVG))


def _python(folder, target, module, script):
    if (
        not SERVICES.exists()
        or subprocess.run([SERVICES, "-c", f"import {module}"], check=False, capture_output=True).returncode
    ):
        missing(f"{module} (make .venv-services)")
    subprocess.run([SERVICES, written(folder, "made.py", script), target], check=True, capture_output=True)


@once
def reportlab(folder, target):
    _python(folder, target, "reportlab", REPORTLAB)


@once
def weasyprint(folder, target):
    script = f"import sys, weasyprint\nweasyprint.HTML(string={HTML!r}).write_pdf(sys.argv[1])"
    _python(folder, target, "weasyprint", script)


def typst(folder):
    return handmade.plain(2)


def through(first, *command):
    """What the first makes, re-written by another program."""

    def made(folder):
        source, target = folder / "source.pdf", folder / "rewritten.pdf"
        source.write_bytes(first(folder))
        run(folder, *(part.format(source=source, target=target) for part in command))
        return target.read_bytes()

    return made


FIRST = {
    "LibreOffice": libreoffice,
    "Inkscape": inkscape,
    "cairo": cairo,
    "reportlab": reportlab,
    "WeasyPrint": weasyprint,
    "typst": typst,
}
REWRITTEN = {
    "Ghostscript": ("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-o", "{target}", "{source}"),
    "qpdf, linearised": ("qpdf", "--linearize", "{source}", "{target}"),
    "qpdf, object streams": ("qpdf", "--object-streams=generate", "{source}", "{target}"),
    "qpdf, plain": ("qpdf", "--qdf", "--object-streams=disable", "{source}", "{target}"),
    "MuPDF": ("mutool", "clean", "-gggg", "{source}", "{target}"),
}
PRODUCERS = FIRST | {
    f"{name} through {program}": through(make, *command)
    for name, make in FIRST.items()
    for program, command in REWRITTEN.items()
}
"""Every program, and everything that it makes through every other."""
