"""What people have decided, to be looked at: who did what, and what was said of learners beforehand."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from conferral.admin import search
from conferral.admin.base import RecordAdmin, structure
from conferral.admin.site import registered
from conferral.models import Act, Candidate, Reissue


@registered(Act)
class ActAdmin(RecordAdmin):
    """Who did what, when and why."""

    list_display = ("at", "verb", "kind", "object_id", "by_name", "reason")
    sortable_by = ()
    ordering = ("-pk",)
    fields = ("at", "verb", "kind", "object_id", "by_name", "reason", "shown_details")
    shown_details = structure("details", _("Details"))


@registered(Candidate)
class CandidateAdmin(RecordAdmin):
    """Who is always or never issued, and who waits."""

    of = "configuration"
    list_display = ("learner", "configuration", "verdict_in_words", "qualified", "by_name", "said")
    list_select_related = ("learner", "configuration__type")
    sortable_by = ()
    search_fields = ("learner__key",)
    search_help_text = _("Username, e-mail address, or name from its beginning")
    found_by = search.candidates
    ordering = ("-pk",)
    fields = ("learner", "configuration", "verdict_in_words", "reason", "by_name", "said", "qualified")

    @admin.display(description=_("Verdict"))
    def verdict_in_words(self, obj: Any) -> str:
        """What a person said."""
        return str(obj.get_verdict_display())


@registered(Reissue)
class ReissueAdmin(RecordAdmin):
    """What was issued again in the background."""

    of = "configuration"
    list_display = ("asked", "configuration", "status", "total", "reissued", "failed", "by_name", "reason")
    list_select_related = ("configuration__type",)
    sortable_by = ()
    ordering = ("-pk",)
    fields = (
        *("configuration", "status", "asked", "ended", "total", "reissued", "failed", "shown_problems", "error"),
        *("names", "edition", "notify", "by_name", "reason"),
    )
    shown_problems = structure("problems", _("Problems"))
