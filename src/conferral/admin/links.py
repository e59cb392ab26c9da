"""The ways from one record's page to another's: they lead nobody where they may not go."""

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Self

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from conferral.admin.site import admin_of

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's own class takes no type parameters
    ModelAdmin = admin.ModelAdmin


class LinkedAdmin(ModelAdmin):
    """Links what somebody may see, and tells of the rest by its name."""

    looking: HttpRequest | None = None
    """Of the copy that makes one page: who looks. Admins are shared by all requests, and know of none."""

    def seen_by(self, request: HttpRequest) -> Self:
        """The copy that links what this person may see."""
        seen = copy(self)
        seen.looking = request
        return seen

    def address(self, page: str, *args: Any, model: type[models.Model] | None = None) -> str:
        """The address of a page about records, on the site where this person is."""
        opts = model._meta if model else self.opts  # noqa: SLF001 - documented
        name = f"admin:{opts.app_label}_{opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def opens(self, request: HttpRequest, model: type[models.Model]) -> bool:
        """Whether this person may see records of that kind here; it is asked of none of them, which takes no query."""
        its_admin = admin_of(self.admin_site, model)
        return its_admin is not None and bool(its_admin.has_view_permission(request))

    def link_to(self, obj: models.Model | None, text: str = "") -> str:
        """A link to an object's page, or its name alone where that is refused; `-` for none."""
        if obj is None:
            return "-"
        if self.looking and not self.opens(self.looking, type(obj)):
            return text or str(obj)
        return format_html('<a href="{}">{}</a>', self.address("change", obj.pk, model=type(obj)), text or str(obj))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, which knows who looks."""
        if self.looking is None:
            return self.seen_by(request).get_changelist_instance(request)
        return super().get_changelist_instance(request)

    def render_change_form(self, request: HttpRequest, context: Any, *arguments: Any, **named: Any) -> HttpResponse:
        """The page, which knows who looks. Django links whatever has a page, so that the refused are not left to it."""
        page = context["adminform"]
        page.model_admin = self.seen_by(request)
        names = {
            field.name: _name_of(field)
            for field in self.opts.fields
            if field.name in page.readonly_fields and field.related_model
            if not self.opens(request, field.related_model)
        }
        page.fieldsets = [
            (title, {**options, "fields": [names.get(each, each) for each in options["fields"]]})
            for title, options in page.fieldsets
        ]
        page.readonly_fields = [*page.readonly_fields, *names.values()]
        return super().render_change_form(request, context, *arguments, **named)


def _name_of(field: Any) -> Callable[[Any], str]:
    @admin.display(description=field.verbose_name)
    def name(obj: Any) -> str:
        return str(getattr(obj, field.name) or "-")

    name.__name__ = field.name  # by which the page's styles know it
    return name
