"""Makes the README's picture from certificates of the demo: run `make demo` first."""

from pathlib import Path

from conferral.management.contact_sheet import contact_sheet

DEMO = Path("var/demo")
CHOSEN = (
    "cs101-certificate-of-completion/maria.fernanda.pdf",
    "cs101-certificate-of-achievement/badr.halwani.pdf",
    "dev-pathway-diploma/priyamvada.k.pdf",
    "cs101-certificate-of-achievement/asa.bjorkqvist.pdf",
    "dev-pathway-diploma/jingyi.ouyang.pdf",
    "cs101-certificate-of-achievement/gulsah.yildizoglu.pdf",
)

contact_sheet([DEMO / name for name in CHOSEN], Path(__file__).parent / "certificates.png", columns=3)
