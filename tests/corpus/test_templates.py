"""Templates as programs write them: taken as they are to the last pixel, or refused with the reason."""

import io
import os
import random
import re
import shutil
import subprocess

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageDraw

from conferral.contract import PermanentError
from conferral.generators.pdf import PDF
from tests.corpus import handmade
from tests.corpus.producers import PRODUCERS
from tests.pdf.making import generate, text_of

SCALE = 1.5
NOTHING = {"nothing": {"text": "", "y": "50%"}}
EVERYTHING = {
    "name": {"text": "नाम Ana محمد", "x": "30%", "width": "40%", "y": "45%", "height": "10%", "size": "6%"},
    "code": {"type": "qr", "x": "5%", "y": "60%", "width": 40},
    "box": {"type": "rectangle", "x": "60%", "y": "70%", "width": "20%", "height": "10%", "fill": "#ff8800"},
}


def by_pdfium(content):
    with pypdfium2.PdfDocument(content) as document:
        return [page.render(scale=SCALE).to_pil().convert("RGB") for page in document]


def by_poppler(content, tmp_path):
    (tmp_path / "file.pdf").write_bytes(content)
    for old in tmp_path.glob("page*"):
        old.unlink()
    command = ["pdftoppm", "-cropbox", "-r", str(72 * SCALE), str(tmp_path / "file.pdf"), str(tmp_path / "page")]
    subprocess.run(command, check=True, capture_output=True)
    return [Image.open(path).convert("RGB") for path in sorted(tmp_path.glob("page*"))]


def check(template, tmp_path, looks_like=None, **options):
    """What is promised of every template that is accepted; it looks like itself, if nothing else is given."""
    PDF().check_asset("pdf", template)
    made = generate(template=template, elements=NOTHING, **options)
    with pypdfium2.PdfDocument(template) as before, pypdfium2.PdfDocument(made) as after:
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            assert new.get_size() == pytest.approx(old.get_size(), abs=0.01)
    readers = [by_pdfium] + [lambda content: by_poppler(content, tmp_path)] * bool(shutil.which("pdftoppm"))
    full = generate(template=template, elements=EVERYTHING, **options)
    template = looks_like or template
    for read in readers:
        before, empty, after = read(template), read(made), read(full)
        assert len(before) == len(empty) == len(after)
        for old, new in zip(before, empty, strict=True):
            assert ImageChops.difference(old, new).getbbox() is None  # to the last pixel
        masked = [outside(picture) for picture in (before[0], after[0])]
        assert ImageChops.difference(*masked).getbbox() is None
    assert "Ana" in text_of(full)
    assert complaints(full, tmp_path) <= complaints(template, tmp_path)
    if shutil.which("qpdf"):
        (tmp_path / "file.pdf").write_bytes(full)
        done = subprocess.run(
            ["qpdf", "--check", str(tmp_path / "file.pdf")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
    return made


def complaints(content, tmp_path):
    """What poppler and MuPDF have to say about a file; what they say of a template, they may say of the certificate."""
    (tmp_path / "file.pdf").write_bytes(content)
    found = set()
    for command in (["pdftotext", "file.pdf", "-"], ["mutool", "draw", "-q", "-F", "txt", "file.pdf"]):
        if shutil.which(command[0]):
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            # The last is about how Debian builds MuPDF; the numbers are places in the file.
            found |= {re.sub(r"\d+", "", line) for line in done.stderr.splitlines() if "ICC support" not in line}
    return found


def outside(picture):
    """The picture without what is inside the boxes of EVERYTHING."""
    width, height = picture.size
    covered = picture.copy()
    draw = ImageDraw.Draw(covered)
    code = 40 * SCALE
    for left, top, right, bottom in (
        (0.3 * width, 0.45 * height, 0.7 * width, 0.55 * height),
        (0.05 * width, 0.6 * height, 0.05 * width + code, 0.6 * height + code),
        (0.6 * width, 0.7 * height, 0.8 * width, 0.8 * height),
    ):
        draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill="black")
    return covered


@pytest.mark.parametrize("make", handmade.ACCEPTED.values(), ids=handmade.ACCEPTED.keys())
def test_a_template_is_taken_as_it_is(make, tmp_path):
    check(make(), tmp_path)


@pytest.mark.parametrize(("make", "reason"), handmade.REFUSED.values(), ids=handmade.REFUSED.keys())
def test_what_is_no_template_is_refused_with_the_reason(make, reason):
    with pytest.raises(PermanentError, match=f"^{reason}"):
        PDF().check_asset("pdf", make())


@pytest.mark.parametrize("make", PRODUCERS.values(), ids=PRODUCERS.keys())
def test_what_programs_write_is_taken_as_it_is(make, tmp_path):
    check(make(tmp_path), tmp_path)


@pytest.mark.parametrize("make", PRODUCERS.values(), ids=PRODUCERS.keys())
def test_what_programs_encrypt_is_refused(make, tmp_path):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(make(tmp_path))) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="o", user=""))
    with pytest.raises(PermanentError, match=r"^is encrypted; save it without a password"):
        PDF().check_asset("pdf", out.getvalue())


@pytest.mark.parametrize("needs_appearance", [False, True])
def test_form_fields_look_as_another_program_flattens_them(needs_appearance, tmp_path):
    """Readers draw fields each in their way; qpdf makes them a part of the page as they say themselves."""
    template = handmade.with_form_field(needs_appearance=needs_appearance)

    def flatten(pdf):
        pdf.generate_appearance_streams()
        pdf.flatten_annotations("all")

    check(template, tmp_path, looks_like=handmade.changed(flatten, template))


def test_form_fields_can_be_left_to_be_filled_in():
    made = generate(template=handmade.with_form_field(), elements=NOTHING, form_fields="keep")
    with pikepdf.open(io.BytesIO(made)) as pdf:
        (field,) = pdf.Root.AcroForm.Fields
        assert str(field.T) == "field"
        assert field.objgen in {one.objgen for one in pdf.pages[0].Annots}


@pytest.mark.skipif(not shutil.which("pdftoppm") and not os.environ.get("CI"), reason="pdftoppm is not installed")
def test_a_stamp_on_a_hidden_layer_stays_hidden(tmp_path):
    """pdfium shows it, in the template as well: poppler looks at layers."""
    template = handmade.stamp_on_hidden_layer()
    made = generate(template=template, elements=NOTHING)
    (old,), (new,) = by_poppler(template, tmp_path), by_poppler(made, tmp_path)
    assert ImageChops.difference(old, new).getbbox() is None
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert [str(layer.Name) for layer in pdf.Root.OCProperties.OCGs] == ["off"]


def test_form_fields_become_a_part_of_the_picture():
    with pikepdf.open(io.BytesIO(generate(template=handmade.with_form_field(), elements=NOTHING))) as pdf:
        assert "/AcroForm" not in pdf.Root
        assert len(pdf.pages[0].Annots) == 0


def test_links_of_the_template_still_lead_where_they_did():
    with pikepdf.open(io.BytesIO(generate(template=handmade.with_annotations(), elements=NOTHING))) as pdf:
        assert [str(one.A.URI) for one in pdf.pages[0].Annots] == ["https://demo.example/"]


def test_layers_can_still_be_switched():
    with pikepdf.open(io.BytesIO(generate(template=handmade.with_layers(), elements=NOTHING))) as pdf:
        assert [str(layer.Name) for layer in pdf.Root.OCProperties.OCGs] == ["on", "off"]
        layers = pdf.pages[0].Resources.XObject.Art.Resources.Properties
        assert layers.L1.objgen == pdf.Root.OCProperties.D.OFF[0].objgen


def test_twenty_megabytes_are_taken():
    """A photograph that does not get any smaller."""
    noise = random.Random(1).randbytes(19_000_000)

    def change(pdf):
        image = pikepdf.Stream(pdf, noise)
        image.update(
            pikepdf.Dictionary(
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=3000,
                Height=2111,
                ColorSpace=pikepdf.Name.DeviceRGB,
                BitsPerComponent=8,
            )
        )
        pdf.pages[0].Resources.XObject = pikepdf.Dictionary(Photo=pdf.make_indirect(image))

    content = handmade.changed(change)
    PDF().check_asset("pdf", content)
    assert len(generate(template=content, elements=NOTHING)) > 19_000_000
