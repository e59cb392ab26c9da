"""What the pages of the admin have in common: some only show, the others save and delete through the use cases."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from celery.exceptions import OperationalError
from django.contrib import admin, messages
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from conferral.admin.forms import UseCaseForm
from conferral.contract import ConferralError

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:  # Django's own classes take no type parameters
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

PER_PAGE = 50
Text = str | Promise


class RecordAdmin(ModelAdmin):
    """Shows records, and changes none."""

    list_per_page = PER_PAGE
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one here."""
        return False


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


class UseCaseAdmin(ModelAdmin):
    """Saves by its form's use case, and deletes by `remove`; who may only look sees `view_fields`."""

    list_per_page = PER_PAGE
    view_fields: ClassVar[Sequence[str]] = ()
    form: type[UseCaseForm]

    def remove(self, obj: Any) -> None:
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
        form.perform()
        obj.pk = self.model._default_manager.get(**form.identity()).pk  # noqa: SLF001 - Django documents this name
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Deletes by the use case."""
        self.remove(obj)

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
            self.message_user(request, str(error), messages.ERROR)
        except IntegrityError:
            self.message_user(request, _("Somebody else saved at the same time; look at it again."), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """The page that asks whether to delete; the reason to stay is told on the object's own page."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except ConferralError as error:
            self.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(change_url(self.model, object_id))


def change_url(model: type[models.Model], pk: object) -> str:
    """The address of an object's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])  # noqa: SLF001 - documented


def link_to(obj: models.Model | None, text: str = "") -> str:
    """A link to an object's page; `-` for none."""
    if obj is None:
        return "-"
    return format_html('<a href="{}">{}</a>', change_url(type(obj), obj.pk), text or str(obj))


def structure(name: str, label: Any) -> Callable[[Any, Any], str]:
    """A method of an admin that shows a JSON field as one reads it."""

    @admin.display(description=label)
    def shown(self: Any, obj: Any) -> str:
        value = getattr(obj, name)
        return preformatted(json.dumps(value, indent=2, ensure_ascii=False)) if value else "-"

    return shown


def named(name: str, label: Any) -> Callable[[Any, Any], Any]:
    """A method of an admin that shows a field under the reader's name for it."""

    @admin.display(description=label, ordering=name)
    def shown(self: Any, obj: Any) -> Any:
        value = getattr(obj, name)
        return "-" if value in (None, "") else value

    return shown


def preformatted(text: str) -> SafeString:
    """Text with its own lines and spaces."""
    return format_html('<pre style="margin: 0; white-space: pre-wrap">{}</pre>', text)


def told(admin_: Any, request: HttpRequest, error: Exception) -> None:
    """Tells what went wrong."""
    admin_.message_user(request, capfirst(str(error)), messages.ERROR)


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
