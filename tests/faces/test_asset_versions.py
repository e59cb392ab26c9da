"""Files in versions: what is told of one that waits for its date, and pictures whose name ends like another's."""

import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from PIL import Image

from conferral.issuance import configure, versions
from conferral.models import CredentialAsset
from tests.faces.test_admin import text_of

pytestmark = pytest.mark.usefixtures("silent_broker")

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="10"><rect width="10" height="10"/></svg>'
DATE = datetime(2100, 1, 15, 9, tzinfo=UTC)
STILL = "Version 2 still begins by itself on 15 Jan. 2100, 09:00 UTC."


def at(name, *args):
    return reverse(f"conferral-staff:conferral_credentialasset_{name}", args=args)


def activation(version):
    return at("ask", CredentialAsset.objects.get(version=version).pk, "activate")


def said(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def planned(course, settings):
    """Three versions, of which the second is to begin on a date."""
    settings.TIME_ZONE = "UTC"
    for width in (10, 20, 30):
        configure.save_asset("logo", "logo.svg", LOGO % width, active=False)
    versions.activate("logo", 2, by=None, on=DATE)


def test_whoever_activates_one_is_told_of_another_that_still_begins_on_a_date(planned, operator):
    page = text_of(operator.get(activation(3)))
    assert f"{STILL} A date for this version replaces that one." in page
    assert "still begins" not in text_of(operator.get(activation(2)))
    told = said(operator.post(activation(3), {"on": ""}, follow=True))
    assert told == [STILL, "New credentials are made with version 3."]


def test_a_date_for_one_is_no_reason_to_tell_of_another_any_more(planned, operator):
    told = said(operator.post(activation(3), {"on": "2100-02-01T09:00"}, follow=True))
    assert told == ["Version 3 begins on 1 Feb. 2100, 09:00 UTC."]
    assert "Version 2 still begins" not in text_of(operator.get(activation(3)))


def test_the_list_says_when_a_version_begins(planned, operator):
    listed = operator.get(at("changelist"))
    assert "begins" in listed.context["cl"].list_display
    assert text_of(listed).count("15 Jan. 2100, 09:00 UTC") == 1


def picture(name):
    written = io.BytesIO()
    Image.new("RGB", (20, 10), "#ffcc00").save(written, name)
    return written.getvalue()


PNG, SVG, JPEG = picture("PNG"), b"\xef\xbb\xbf\n" + LOGO % 10, picture("JPEG")


@pytest.mark.parametrize("content", [PNG, SVG, JPEG], ids=["png", "svg", "jpeg"])
@pytest.mark.parametrize("filename", ["logo.svg", "logo.png", "logo.jpg"])
def test_a_picture_is_what_its_bytes_say_whatever_its_name_ends_in(course, operator, client, filename, content):
    configure.save_asset("logo", filename, content)
    configure.save_issuer("site", name="Test", logo="logo")
    for _ in range(2):  # made, and kept
        logo = client.get("/logo/")
        assert (logo.status_code, logo["Content-Type"]) == (200, "image/svg+xml" if content is SVG else "image/png")
    if content is SVG:
        assert logo.content == SVG
    else:
        with Image.open(io.BytesIO(logo.content)) as shown:
            assert shown.format == "PNG"
    page = text_of(operator.get(at("change", CredentialAsset.objects.get().pk)))
    assert "conferral-problem" not in page
    assert f"data:image/{'svg+xml' if content is SVG else 'webp'};base64" in page
