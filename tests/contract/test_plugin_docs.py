"""The page that explains the example package quotes it as it is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "conferral-example"
PAGE = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
FILES = {
    language: [path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob(pattern))]
    for language, pattern in {"python": "*.py", "toml": "pyproject.toml", "yaml": "README.md"}.items()
}


def quoted(language):
    """The blocks of that language, without their fences."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("language", FILES)
def test_what_the_page_quotes_is_in_the_package(language):
    blocks = quoted(language)
    assert blocks
    for block in blocks:
        # A quotation begins and ends with whole lines.
        assert any(f"\n{block}" in f"\n{file}" for file in FILES[language]), f"not in the package:\n{block}"


def test_every_block_of_code_says_its_language():
    fences = re.findall(r"^```(.*)$", PAGE, re.MULTILINE)
    assert set(fences[::2]) == set(FILES)
    assert set(fences[1::2]) == {""}
