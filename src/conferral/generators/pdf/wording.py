"""Capitals, as each language has them."""

import unicodedata


def capitals(text: str, locale: str) -> str:
    """The text in capitals: Turkish and Azeri dot their I, Greek drops its accents, Georgian sets no capitals."""
    match locale.replace("_", "-").split("-")[0].lower():
        case "tr" | "az":
            text = text.replace("i", "İ")
        case "el":
            text = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).replace("\u0301", ""))
    return "".join(letter if "\u10d0" <= letter <= "\u10ff" else letter.upper() for letter in text)
