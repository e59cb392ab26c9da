"""The words of people's names, by which one is found: by the surname, or whichever word somebody remembers."""

import re
import unicodedata

from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST = 40
"""Letters of a word that are kept: enough to tell people apart."""
_WORD = re.compile(r"\w+")


def words_of(name: str) -> list[str]:
    """The words of a name, each once, without case and accents: `María O'Neil-García` is maria, o, neil, garcia."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    plain = "".join(each for each in apart if not unicodedata.category(each).startswith("M"))
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(plain)))


class NameWord(models.Model):
    """One word of a name: of the one that a learner has, or of one that is printed on a credential of theirs.

    .. pii: A word of a learner's name.
    .. pii_types: name
    .. pii_retirement: local_api
    """

    word = models.CharField(_("word"), max_length=LONGEST)
    learner = models.ForeignKey(
        "conferral.Learner", on_delete=models.CASCADE, related_name="+", verbose_name=_("learner")
    )

    class Meta:
        verbose_name = _("word of a name")
        verbose_name_plural = _("words of names")
        indexes = [
            # PostgreSQL finds the beginnings of words by these classes alone; the others don't know them.
            models.Index(
                fields=["word", "learner"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="conferral_nameword_beginning",
            )
        ]

    def __str__(self) -> str:
        return self.word
