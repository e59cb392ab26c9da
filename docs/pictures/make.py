"""Makes the README's pictures: run `make demo` first, and `make serve` beside it for the page (it takes Chromium)."""

import sqlite3
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from conferral.management.contact_sheet import contact_sheet

HERE = Path(__file__).parent
DEMO = Path("var/demo")
CHOSEN = (
    "cs101-certificate-of-completion/maria.fernanda.pdf",
    "cs101-certificate-of-achievement/badr.halwani.pdf",
    "dev-pathway-diploma/priyamvada.k.pdf",
    "cs101-certificate-of-achievement/asa.bjorkqvist.pdf",
    "dev-pathway-diploma/jingyi.ouyang.pdf",
    "cs101-certificate-of-achievement/gulsah.yildizoglu.pdf",
)
HOLDER = "amelie.novak"


def page() -> None:
    """The credential page of one learner of the demo."""
    with sqlite3.connect("var/conferral.sqlite3") as database:
        ((verification_id,),) = database.execute(
            "select verification_id from conferral_credential c join conferral_learner l on l.id = c.learner_id"
            " where l.key = ? order by c.id limit 1",
            [HOLDER],
        )
    with TemporaryDirectory() as profile:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = ["--window-size=1280,760", f"--screenshot={HERE / 'page.png'}"]
        address = f"http://localhost:8000/c/{verification_id}"
        subprocess.run(["chromium", *arguments, *size, address], check=True)  # noqa: S603, S607 - our own page


contact_sheet([DEMO / name for name in CHOSEN], HERE / "certificates.png", columns=3)
page()
