"""What the pages of the admin have in common: some only show, the others save and delete through the use cases."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from celery.exceptions import OperationalError
from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from conferral import access
from conferral.admin import search, words
from conferral.admin.drawn import NotDrawn
from conferral.admin.forms import UseCaseForm
from conferral.admin.links import LinkedAdmin
from conferral.admin.lists import BoundedPaginator, RecordList, few
from conferral.contract import ConferralError
from conferral.issuance import history
from conferral.spoken import spoken

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:  # Django's own class takes no type parameters
    TabularInline = admin.TabularInline

PER_PAGE = 50
SHORT = 10_000
"""Records that may be read one by one for somebody who searches."""
ACTS = 100
"""Rows on a page of an object's history."""
Text = str | Promise
_WITHIN = "_conferral_within"
"""Of a request, what was found of records: a page asks the same for each thing that it offers."""


class LimitedAdmin(LinkedAdmin):
    """Whoever has a right of Django's has it everywhere; whoever teaches, in what they teach: see `access.limits`.

    `of` leads from a record to its configuration; None: the records belong to no course, and may be seen by all who
    teach, if by any.
    """

    of: ClassVar[str | None] = None
    change_takes: ClassVar[frozenset[str]] = frozenset()
    """Where it is not the right to change these records: one of those that let somebody change, and so see, them."""
    object_history_template = "conferral/admin/history.html"

    class Media:
        css: ClassVar[Any] = {"all": ["conferral/admin.css"]}

    @property
    def media(self) -> forms.Media:
        """And how the site looks where it is shown."""
        sheet = getattr(self.admin_site, "sheet", None)
        return super().media + forms.Media(css={"all": [sheet]} if sheet else {})

    def limits(self, request: HttpRequest, *verbs: str) -> frozenset[str] | None:
        """The contexts in which this person may do one of those things; None for everywhere.

        `change` is about these records; a right of another kind of record is named whole: `revoke_credential`.
        """
        rights = {verb if "_" in verb else f"{verb}_{self.opts.model_name}" for verb in verbs}
        if "change" in verbs and self.change_takes:
            rights = rights - {f"change_{self.opts.model_name}"} | self.change_takes
        return access.limits(request.user, *rights)

    def within(self, request: HttpRequest, queryset: Any, *verbs: str) -> Any:
        """The records with which this person may do one of those things."""
        keys = self.limits(request, *verbs)
        if keys is None:
            return queryset
        return self.narrowed(queryset, keys) if keys else queryset.none()

    def narrowed(self, queryset: Any, keys: frozenset[str]) -> Any:
        """The records of those contexts."""
        return queryset.filter(**{f"{self.of}__in": search.configured(keys)}) if self.of else queryset

    def may(self, request: HttpRequest, obj: Any, *verbs: str) -> bool:
        """Whether this person may do one of those things: with that record, or with any when there is none."""
        keys = self.limits(request, *verbs)
        if keys is None or not keys or obj is None or obj.pk is None:
            return keys is None or bool(keys)
        known = request.__dict__.setdefault(_WITHIN, {})
        asked = (self.model, obj.pk, keys)
        if asked not in known:
            known[asked] = self.narrowed(self.model._default_manager.filter(pk=obj.pk), keys).exists()  # noqa: SLF001 - documented
        return bool(known[asked])

    def get_queryset(self, request: HttpRequest) -> Any:
        """What this person may see; all that any page, list, suggestion or action shows goes through here."""
        return self.within(request, super().get_queryset(request), "view", "change")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the app is shown at all."""
        return access.works_here(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change one may see it."""
        return self.may(request, obj, "view", "change")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """In some context at least; the form minds in which."""
        return self.may(request, None, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As above."""
        return self.may(request, obj, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As above."""
        return self.may(request, obj, "delete")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Who did what, when and why, as the use cases wrote it down; then what Django did, of itself."""
        obj = self.get_object(request, object_id)
        content: dict[str, Any] = {"media": self.media}
        if obj is not None:
            page = Paginator(history.of(obj), ACTS).get_page(request.GET.get("acts"))
            content |= {"acts": page, "told": [(act, words.verb(act.verb), list(words.details(act))) for act in page]}
        return super().history_view(request, object_id, {**content, **(extra_context or {})})


def keyed(configuration: Any, name: str) -> str:
    """The name of a course, or what else it is called, and its key beneath."""
    key = format_html('<span class="conferral-key">{}</span>', configuration.context_key)
    return format_html("{}<br>{}", name, key) if name else key


def course_and_type(configuration: Any) -> str:
    """What a page about it is headed by."""
    return f"{configuration.context_name or configuration.context_key} · {configuration.type}"


class RecordAdmin(LimitedAdmin):
    """Shows records, and changes none. There may be millions: `found_by` says what an index finds by what is typed."""

    list_per_page = PER_PAGE
    show_full_result_count = False
    paginator = BoundedPaginator
    # Numbers beside each choice of a filter would count every row; Django 4.2 has none.
    show_facets: ClassVar[Any] = getattr(getattr(admin, "ShowFacets", None), "NEVER", None)
    found_by: ClassVar[Callable[[str, search.Limits], models.Q] | None] = None
    contains = ""
    """The field of a name, which is looked through whole where the list is that of a course or two, and is short."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """How it was made is for operators: a link that is refused leads nobody on."""
        found = super().get_fieldsets(request, obj)
        if access.limits(request.user, "view_edition") is None:
            return found
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "edition"]})
            for title, options in found
        ]

    @admin.display(description=_lazy("Configuration"))
    def configured(self, obj: Any) -> str:
        """In a list of what belongs to configurations: the course and the type, and the key beneath."""
        configuration = obj.configuration
        return keyed(configuration, " · ".join(filter(None, (configuration.context_name, str(configuration.type)))))

    def get_changelist(self, request: HttpRequest, **named: Any) -> type[RecordList]:
        """One that counts up to a bound."""
        return RecordList

    def get_paginator(self, request: HttpRequest, queryset: Any, *arguments: Any, **named: Any) -> Any:
        """What belongs to credentials is read by way of them, for whoever teaches so little that they are few."""
        found: Any = super().get_paginator(request, queryset, *arguments, **named)
        if queryset.model is not self.model:  # of an object's history
            return found
        of, keys = self.of or "", self.limits(request, "view", "change")
        found.walked = keys is None
        if keys and of.startswith("credential__"):
            found.walked = not search.is_little(keys)
            found.led = None if found.walked else few(queryset, of)
        return found

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The rows that `found_by` finds; without it, as Django searches, which is for tables that stay small."""
        find, text = type(self).found_by, " ".join(search_term.replace("\0", "").split())
        if find is None or not text:
            return super().get_search_results(request, queryset, text)
        found = queryset.filter(find(text, self.limits(request, "view", "change")))
        if self.contains and search.is_name(text) and not found.exists() and _is_short(queryset):
            words_ = (models.Q(**{f"{self.contains}__icontains": word}) for word in text.split())
            return few(queryset).filter(*words_), False
        return found, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one here."""
        return False


def _is_short(rows: Any) -> bool:
    """Whether there are few enough to be read; what is counted are keys, and no more than that."""
    return bool(rows.order_by()[: SHORT + 1].count() <= SHORT)


class RecordInline(TabularInline):
    """Rows that belong to a record: shown with it, and never changed."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds one here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one here."""
        return False


class UseCaseAdmin(LimitedAdmin):
    """Saves by its form's use case, and deletes by `remove`; who may only look sees `view_fields`."""

    list_per_page = PER_PAGE
    view_fields: ClassVar[Sequence[str]] = ()
    form: type[UseCaseForm]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **named: Any) -> Any:
        """The form, which knows where this person may save."""
        found: Any = super().get_form(request, obj, change=change, **named)
        found.limits, found.by = self.limits(request, "change" if obj else "add"), request.user
        return found

    def remove(self, obj: Any, by: Any) -> None:
        """Deletes it; a ConferralError says why it has to stay."""
        raise NotImplementedError

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form's, or what is to be seen without it."""
        if obj is not None and not self.has_change_permission(request, obj):
            return ((None, {"fields": self.view_fields}),)
        return super().get_fieldsets(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Deleting is done one at a time: each may have a reason to stay."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saves what the form has tried out; the object is then as it was saved, for the log and the message."""
        for remark in getattr(form.perform(), "remarks", ()):
            self.message_user(request, capfirst(remark), messages.WARNING)
        obj.pk = self.model._default_manager.get(**form.identity()).pk  # noqa: SLF001 - Django documents this name
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Deletes by the use case."""
        self.remove(obj, request.user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The object alone: the use case knows what goes with it, and what has to stay."""
        return [str(obj) for obj in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The page of the form; what another person has changed since it was tried out is told, and nothing saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ConferralError as error:
            self.message_user(request, spoken(error), messages.ERROR)
        except IntegrityError:
            self.message_user(request, _("Somebody else saved at the same time; look at it again."), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The page that asks whether to delete; the reason to stay is told on the object's own page."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except ConferralError as error:
            self.message_user(request, spoken(error), messages.ERROR)
        return HttpResponseRedirect(self.address("change", object_id))


def structure(name: str, label: Any) -> Callable[[Any, Any], str]:
    """A method of an admin that shows a JSON field as one reads it."""

    @admin.display(description=label)
    def shown(self: Any, obj: Any) -> str:
        value = getattr(obj, name)
        return preformatted(json.dumps(value, indent=2, ensure_ascii=False)) if value else "-"

    return shown


def told_by(name: str, label: Any, said: Callable[[Any], Any]) -> Callable[[Any, Any], str]:
    """A method of an admin that shows a JSON field in words, as `said` finds them; as it is where it raises."""

    @admin.display(description=label)
    def shown(self: Any, obj: Any) -> str:
        value = getattr(obj, name)
        if not value:
            return "-"
        try:
            return _listed(said(obj)) or "-"
        except NotDrawn:
            return preformatted(json.dumps(value, indent=2, ensure_ascii=False))

    return shown


def _listed(told: Any) -> str:
    """Titles with what stands below each, as a list."""
    if isinstance(told, str):
        return format_html("{}", told)
    rows = [(title, _listed(text)) for title, text in told]
    return (
        format_html('<ul class="conferral-told">{}</ul>', format_html_join("", "<li>{}: {}</li>", rows)) if rows else ""
    )


def named(name: str, label: Any) -> Callable[[Any, Any], Any]:
    """A method of an admin that shows a field under the reader's name for it."""

    @admin.display(description=label, ordering=name)
    def shown(self: Any, obj: Any) -> Any:
        value = getattr(obj, name)
        return "-" if value in (None, "") else value

    return shown


def recorded(name: str, label: Any) -> Callable[[Any, Any], str]:
    """A method of an admin that shows a reason, which is recorded in English, in the reader's language."""

    @admin.display(description=label)
    def shown(self: Any, obj: Any) -> str:
        return spoken(getattr(obj, name) or "-")

    return shown


def preformatted(text: str) -> SafeString:
    """Text with its own lines and spaces."""
    return format_html('<pre style="margin: 0; white-space: pre-wrap">{}</pre>', text)


def told(admin_: Any, request: HttpRequest, error: Exception) -> None:
    """Tells what went wrong."""
    admin_.message_user(request, capfirst(spoken(error)), messages.ERROR)


def nudge(request: HttpRequest, *wanted: tuple[Any, ...], lost: Text) -> None:
    """Wakes workers once all is saved: each of `wanted` is a task and its arguments.

    Where the broker cannot be reached, the person is told `lost`.
    """
    transaction.on_commit(partial(_nudge, request, wanted, lost))


def _nudge(request: HttpRequest, wanted: Sequence[tuple[Any, ...]], lost: Text) -> None:
    try:
        for task, *arguments in wanted:
            task.delay(*arguments)
    except OperationalError:
        messages.warning(request, str(lost))
