"""The words of the mail to learners, as fields: the type's own, and those in each language that we write in."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from conferral.issuance.letter import TRANSLATED
from conferral.mail import TRANSLATIONS
from conferral.models import Delivery

WORDS = {"subject": _("Subject of the mail"), "body": _("Words in the mail")}
PLACES = {f"wording.{word}": word for word in WORDS} | {
    f"wording.{TRANSLATED}.{code}.{word}": f"{word}_{code}" for code in TRANSLATIONS for word in WORDS
}
"""Of each word the field, by where a use case puts what is wrong with it."""


def language_name(code: str) -> str:
    """In the reader's language, as far as Django knows it; else its code."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def _field(word: str, label: Any, help_text: Any = "") -> forms.CharField:
    if word == "subject":
        return forms.CharField(label=label, required=False, max_length=255, help_text=help_text)
    area = forms.Textarea(attrs={"rows": 6, "cols": 80, "dir": "auto"})
    return forms.CharField(label=label, required=False, widget=area, help_text=help_text)


def _languages() -> list[tuple[str, str]]:
    return [("", _now("The credential's")), *((code, language_name(code)) for code in TRANSLATIONS)]


class _Shown(forms.Form):
    subject = _field("subject", WORDS["subject"], _("Left empty: Conferral's own words."))
    body = _field("body", WORDS["body"], _("With placeholders like {name} and {context}."))
    mail_purpose = forms.ChoiceField(
        label=_("Mail that is shown"),
        required=False,
        choices=Delivery.Purpose.choices,
        help_text=_("It is not saved. Words of yours are in the first of them."),
    )
    mail_language = forms.ChoiceField(
        label=_("Language of its reader"), required=False, choices=_languages, help_text=_("It is not saved.")
    )


_translated = {
    f"{word}_{code}": _field(word, format_lazy("{} ({})", label, lazy(language_name, str)(code)))
    for code in TRANSLATIONS
    for word, label in WORDS.items()
}
MailWords: type[forms.Form] = type("MailWords", (_Shown,), {**_translated})  # Django adds to what it is given
"""The fields, and those that say what mail is shown; of a form that saves a type."""
FIELDSETS: Any = (
    (_("Mail to the learner"), {"fields": tuple(WORDS)}),
    (
        _("The mail in other languages"),
        {
            "fields": tuple(_translated),
            "classes": ("collapse",),
            "description": _(
                "Who reads one of these languages gets its words. Once there are some, the words above are for those "
                "who read the credential's own language, and everybody else gets Conferral's own."
            ),
        },
    ),
    (_("How the mail looks"), {"fields": (("mail_purpose", "mail_language"),)}),
)


def present(wording: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the fields."""
    others = wording.get(TRANSLATED, {})
    own = {word: wording.get(word, "") for word in WORDS}
    return own | {f"{word}_{code}": others.get(code, {}).get(word, "") for code in TRANSLATIONS for word in WORDS}


def read(cleaned: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The wording that the fields say; words in a language without fields stay as they are stored.

    Browsers end lines with two characters; where a paragraph ends, one empty line says.
    """

    def said(ending: str = "") -> dict[str, str]:
        texts = {word: cleaned[f"{word}{ending}"].replace("\r\n", "\n") for word in WORDS}
        return {word: text for word, text in texts.items() if text}

    others = {code: words for code, words in stored.get(TRANSLATED, {}).items() if code not in TRANSLATIONS}
    others |= {code: words for code in TRANSLATIONS if (words := said(f"_{code}"))}
    return said() | ({TRANSLATED: others} if others else {})


def in_words(wording: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """For those who only look."""
    for word, label in WORDS.items():
        if wording.get(word):
            yield str(label), wording[word]
    for code, words in wording.get(TRANSLATED, {}).items():
        yield language_name(code), list(in_words(words))
