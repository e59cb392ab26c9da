"""What people have decided, to be looked at: who did what, and what was said of learners beforehand."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from conferral.admin import search, words
from conferral.admin.base import RecordAdmin, recorded, structure
from conferral.admin.site import registered
from conferral.models import Act, Candidate, Reissue


@registered(Act)
class ActAdmin(RecordAdmin):
    """Who did what, when and why."""

    list_display = ("at", "done", "about", "object_id", "who", "reason")
    sortable_by = ()
    ordering = ("-pk",)
    fields = ("at", "done", "about", "object_id", "who", "reason", "shown_details")
    shown_details = structure("details", _("Details"))
    who = recorded("by_name", _("By"))

    @admin.display(description=_("What was done"))
    def done(self, obj: Act) -> str:
        """In a word or two."""
        return words.word(words.ACT, obj.verb)

    @admin.display(description=_("About"))
    def about(self, obj: Act) -> str:
        """What it was done to."""
        try:
            return str(capfirst(apps.get_model(self.opts.app_label, obj.kind)._meta.verbose_name))  # noqa: SLF001 - documented
        except LookupError:  # one that a later version had
            return obj.kind


@registered(Candidate)
class CandidateAdmin(RecordAdmin):
    """Who is always or never issued, and who waits."""

    of = "configuration"
    list_display = ("learner", "configuration", "verdict_in_words", "qualified", "who", "said")
    list_select_related = ("learner", "configuration__type")
    sortable_by = ()
    search_fields = ("learner__key",)
    search_help_text = _("Username, e-mail address, or name from its beginning")
    found_by = search.candidates
    ordering = ("-pk",)
    fields = ("learner", "configuration", "verdict_in_words", "reason", "who", "said", "qualified")
    who = recorded("by_name", _("By"))

    @admin.display(description=_("Verdict"))
    def verdict_in_words(self, obj: Any) -> str:
        """What a person said."""
        return str(obj.get_verdict_display())


@registered(Reissue)
class ReissueAdmin(RecordAdmin):
    """What was issued again in the background."""

    of = "configuration"
    list_display = ("asked", "configuration", "state", "total", "reissued", "failed", "who", "reason")
    list_select_related = ("configuration__type",)
    sortable_by = ()
    ordering = ("-pk",)
    fields = (
        *("configuration", "state", "asked", "ended", "total", "reissued", "failed", "shown_problems", "went_wrong"),
        *("names", "edition", "notify", "who", "reason"),
    )
    shown_problems = structure("problems", _("Problems"))
    who = recorded("by_name", _("By"))
    went_wrong = recorded("error", _("What went wrong"))

    @admin.display(description=_("State"))
    def state(self, obj: Reissue) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)
