"""Issuing runs: how far they are, what came of them, and what a person decides about them."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferral import tasks
from conferral.admin import filters, search, words
from conferral.admin.asks import Ask, AskedAdmin, Done, ReasonForm
from conferral.admin.base import named, recorded
from conferral.admin.followed import GOING_ON, FollowedAdmin
from conferral.admin.site import registered
from conferral.issuance import correct, release
from conferral.issuance import run as runs
from conferral.models import Credential, CredentialArtifact, Run
from conferral.spoken import spoken

BROKEN_OFF = (Run.Status.FAILED, Run.Status.LOST, Run.Status.CANCELLED)
FIRST = 10
"""Failures that a run's page names."""
AT_ONCE = 1000
"""Failed credentials that are tried again while somebody waits."""
MAKERS = ((tasks.generate,), (tasks.deliver,))


class CancelForm(ReasonForm):
    """Why, if somebody wants to say."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["reason"].required = False


class ReleaseForm(forms.Form):
    """Whether the learners are written to."""

    notify = forms.BooleanField(label=_("Write to the learners"), required=False, initial=True)


def _cancel(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    runs.cancel(run, by=request.user, reason=values["reason"])
    return Done(_now("The run was cancelled; nothing was issued by it."))


def _release(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    count = release.release(run, by=request.user, notify=values["notify"])
    said = ngettext("%d credential was released.", "%d credentials were released.", count) % count
    return Done(said, nudges=MAKERS)


def _refuse(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    count = release.refuse(run, by=request.user, reason=values["reason"])
    return Done(ngettext("%d credential was refused.", "%d credentials were refused.", count) % count)


def _retry(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    files, mails = correct.retry(list(failed_of(run)[:AT_ONCE]), by=request.user)
    said = _now("Tried again: %(files)d files, %(mails)d mails.") % {"files": files, "mails": mails}
    return Done(said, nudges=MAKERS)


def _again(admin_: Any, request: HttpRequest, run: Run, values: dict[str, Any]) -> Done:
    asked = runs.ask(run.configuration, by=request.user, notify=run.notify)
    to = admin_.address("change", asked.pk)
    return Done(_now("A run was asked for."), to, [(tasks.run_asked, asked.pk)])


def failed_of(run: Run) -> Any:
    """The credentials of the run that could not be made."""
    return Credential.objects.filter(run=run, state=Credential.State.FAILED, current=True).order_by("pk")


@registered(Run)
class RunAdmin(AskedAdmin, FollowedAdmin):
    """Issuing runs."""

    change_form_template = "conferral/admin/run.html"
    of = "configuration"
    list_display = ("pk", "configuration", "begun_by", "outcome", "started", "lasted", "evaluated", "issued", "failed")
    list_filter = (words.RunStatus, words.RunTrigger, filters.OfConfiguration, filters.TypeByConfiguration)
    list_select_related = ("configuration__type", "by")
    sortable_by = ()
    search_fields = ("configuration__context_key", "configuration__type__name")
    search_help_text = _("Key of a course, lesson or pathway, or name of a credential type")
    found_by = search.runs
    ordering = ("-pk",)
    fields = (
        *("of_configuration", "begun_by", "outcome", "what_went_wrong", "to_be_looked_at", "began", "lasted"),
        *("written_to", "looked_at", "qualify", "have_one", "were_issued", "are_held", "not_made", "wait"),
        *("are_refused", "undecided", "tried", "tried_next", "other_runs"),
    )
    what_went_wrong = recorded("error", _("What went wrong"))
    to_be_looked_at = recorded("remarks", _("To be looked at"))
    looked_at = named("evaluated", _("Learners looked at"))
    qualify = named("eligible", _("Of them qualify"))
    have_one = named("already", _("Have one already"))
    wait = named("waiting", _("Qualify and wait"))
    are_refused = named("refused", _("Are refused"))
    undecided = named("failed", _("Cannot be decided about"))
    tried = named("attempts", _("attempts"))
    asks: ClassVar = {
        "release": Ask(
            title=_("Release what it holds"),
            explain=lambda run: (
                ngettext(
                    "%d credential is issued today, and its learner gets it.",
                    "%d credentials are issued today, and their learners get them.",
                    run.held,
                )
                % run.held
            ),
            button=_("Release"),
            form=ReleaseForm,
            sensible=lambda run: run.status == Run.Status.HELD,
            perform=_release,
        ),
        "refuse": Ask(
            title=_("Refuse what it holds"),
            explain=lambda run: (
                ngettext(
                    "%d credential is deleted; nobody has seen it. The next run decides about the learner anew.",
                    "%d credentials are deleted; nobody has seen them. The next run decides about the learners anew.",
                    run.held,
                )
                % run.held
            ),
            button=_("Refuse"),
            form=ReasonForm,
            sensible=lambda run: run.status == Run.Status.HELD,
            perform=_refuse,
            grave=True,
        ),
        "cancel": Ask(
            title=_("Cancel the run"),
            explain=lambda _run: _now("It stops at its next page of learners. Nothing that it has found is issued."),
            button=_("Cancel the run"),
            form=CancelForm,
            sensible=lambda run: run.status in GOING_ON,
            perform=_cancel,
            grave=True,
        ),
        "retry": Ask(
            title=_("Try again what failed"),
            explain=lambda run: (
                ngettext(
                    "%d credential could not be made. It is tried again now.",
                    "%d credentials could not be made. They are tried again now.",
                    count := failed_of(run).count(),
                )
                % count
            ),
            button=_("Try again"),
            sensible=lambda run: failed_of(run).exists(),
            perform=_retry,
        ),
        "again": Ask(
            title=_("Run again"),
            explain=lambda _run: _now("A new run looks at everybody again. Nobody gets a second credential."),
            button=_("Run"),
            sensible=lambda run: run.status in BROKEN_OFF and run.configuration.enabled,
            perform=_again,
        ),
    }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With how far it is, and its first failures."""
        run = self.get_object(request, object_id)
        content: dict[str, Any] = {}
        credentials: Any = self.admin_site._registry[Credential]  # noqa: SLF001 - `get_model_admin` came with Django 5.0
        if run is not None:
            may_correct = credentials.may(request, None, "change")
            broken = CredentialArtifact.objects.filter(
                credential__in=failed_of(run), state=CredentialArtifact.State.FAILED
            )
            content = {
                **self.followed(run),
                "subtitle": _now("Run of %s") % words.local(run.started, run.configuration.time_zone),
                "failures": [
                    (
                        self.link_to(one.credential, one.credential.recipient_name or one.credential.learner.key),
                        spoken(one.last_error),
                        self.address("ask", one.credential_id, "name", model=Credential) if may_correct else "",
                    )
                    for one in broken.select_related("credential__learner").order_by("pk")[:FIRST]
                ],
                "all_failures": self._listed(run, is_=Credential.State.FAILED) if broken.count() > FIRST else "",
            }
        return super().change_view(request, object_id, form_url, {**content, **(extra_context or {})})

    @admin.display(description=_("Outcome"))
    def outcome(self, obj: Run) -> str:
        """How far it came."""
        return words.word(words.RUN, obj.status)

    @admin.display(description=_("Begun by"))
    def begun_by(self, obj: Run) -> str:
        """What or who began it."""
        return str(obj.by) if obj.by else words.word(words.TRIGGER, obj.trigger)

    @admin.display(description=_("Configuration"))
    def of_configuration(self, obj: Run) -> str:
        """The way to its page."""
        return self.link_to(obj.configuration)

    @admin.display(description=_("Began"))
    def began(self, obj: Run) -> str:
        """In the configuration's time zone."""
        return words.local(obj.started, obj.configuration.time_zone)

    @admin.display(description=_("Learners are written to"), boolean=True)
    def written_to(self, obj: Run) -> bool:
        """Once theirs is ready."""
        return obj.notify

    @admin.display(description=_("Issued"))
    def were_issued(self, obj: Run) -> str:
        """How many, and which."""
        return self._which(obj, obj.issued)

    @admin.display(description=_("Held back"))
    def are_held(self, obj: Run) -> str:
        """How many wait for a person, and which."""
        return self._which(obj, obj.held, is_=Credential.State.HELD)

    @admin.display(description=_("Of them could not be made"))
    def not_made(self, obj: Run) -> str:
        """How many of those that were issued, and which."""
        return self._which(obj, failed_of(obj).count(), is_=Credential.State.FAILED)

    @admin.display(description=_("Other runs"))
    def other_runs(self, obj: Run) -> str:
        """All of the configuration."""
        address = f"{self.address('changelist')}?configuration__id__exact={obj.configuration_id}"
        return format_html('<a href="{}">{}</a>', address, _now("All runs of this configuration"))

    def _which(self, run: Run, count: int, is_: str = "") -> str:
        return format_html('<a href="{}">{}</a>', self._listed(run, is_=is_), count) if count else "0"

    def _listed(self, run: Run, is_: str = "") -> str:
        """Where the run's credentials are listed, those in that state."""
        query = {"run__id__exact": run.pk} | ({"is": is_} if is_ else {})
        return f"{self.address('changelist', model=Credential)}?{urlencode(query)}"

    @admin.display(description=_("next attempt"))
    def tried_next(self, obj: Run) -> str:
        """When it is tried again by itself, on the clock of the configuration."""
        return words.local(obj.next_try, obj.configuration.time_zone)

    @admin.display(description=_("Took"))
    def lasted(self, obj: Run) -> str:
        """From beginning to end."""
        return words.duration((obj.ended - obj.started).total_seconds()) if obj.ended else "-"
