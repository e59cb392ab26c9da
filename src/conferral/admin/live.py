"""Forms that answer while they are filled in: what is wrong with a key, when it would run, for whom, how it looks.

A small script asks for a part of the page with the form as it stands. Without scripts, a button shows all parts at
once, and saves nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from conferral.admin.base import UseCaseAdmin
from conferral.admin.options import OptionsField
from conferral.contract import ConferralError
from conferral.spoken import spoken

NEW = "new"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: after which field it stands, on which it depends (by how their names begin), and its button.

    `shown` makes it: the admin's method of that name gets the request and the form, bound to what was typed.
    """

    after: str
    watches: tuple[str, ...]
    shown: str
    title: str | Promise
    button: str | Promise = ""
    beside: bool = False


class LiveAdmin(UseCaseAdmin):
    """A form with such parts."""

    change_form_template = "conferral/admin/form.html"
    live: ClassVar[Mapping[str, Part]] = {}
    shaping: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The fields that the shape of options depends on: the fields of options whose shape each decides."""

    def get_urls(self) -> list[URLPattern]:
        """With the address of the parts."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_live"
        live = path("<str:key>/live/<str:part>/", self.admin_site.admin_view(self.live_view), name=name)
        drawn = f"{self.opts.app_label}_{self.opts.model_name}_draw"
        draw = path("<str:key>/draw/<str:field>/", self.admin_site.admin_view(self.draw_view), name=drawn)
        return [live, draw, *super().get_urls()]

    def live_view(self, request: HttpRequest, key: str, part: str) -> HttpResponse:
        """One part, for the form as it was sent."""
        form = self._sent(request, key)
        if part not in self.live:
            raise Http404
        return HttpResponse(self.part(request, part, form))

    def draw_view(self, request: HttpRequest, key: str, field: str) -> HttpResponse:
        """A field of options as it was sent, both as a form and as JSON; what is wrong with it stands above it."""
        form = self._sent(request, key)
        options = form.fields.get(field)
        if not isinstance(options, OptionsField):
            raise Http404
        sent = options.widget.value_from_datadict(form.data, form.files, field)
        problems: list[str] = []
        try:
            sent = options.clean(sent)
        except ValidationError as error:
            problems = error.messages
        drawn = options.widget.render(field, sent, {"id": f"id_{field}", "problems": problems})
        return HttpResponse(drawn)

    def _sent(self, request: HttpRequest, key: str) -> Any:
        """The form as it was sent by somebody who may save it."""
        if request.method != "POST":
            raise Http404
        obj = None if key == NEW else self.get_object(request, key)
        allowed = self.has_add_permission(request) if key == NEW else self.has_change_permission(request, obj)
        if not allowed or (key != NEW and obj is None):
            raise PermissionDenied
        form = self.get_form(request, obj, change=obj is not None)(request.POST, request.FILES, instance=obj)
        form.rehearses = False
        return form

    def part(self, request: HttpRequest, name: str, form: Any) -> str:
        """A part as HTML; what could not be done is told in its place."""
        show: Callable[[HttpRequest, Any], tuple[str, dict[str, Any]]] = getattr(self, self.live[name].shown)
        try:
            template, content = show(request, form)
        except ConferralError as error:
            template, content = "problem", {"problems": [capfirst(spoken(error))]}
        return render_to_string(f"conferral/admin/live/{template}.html", content, request)

    def render_change_form(self, request: HttpRequest, context: Any, *arguments: Any, **named: Any) -> HttpResponse:
        """With what the script has to know; and with all parts, when they were asked for without one."""
        obj, form = named.get("obj"), context["adminform"].form
        if form.fields:
            address = self.address("draw", obj.pk if obj else NEW, "field").removesuffix("field/")
            failed = str(_("This could not be looked up; try again."))
            context["draw"] = {"url": address, "watches": self.shaping, "failed": failed}
            keyed = {name: self.address("live", obj.pk if obj else NEW, name) for name in self.live}
            context["live"] = [
                {
                    "url": keyed[name],
                    "after": part.after,
                    "watches": part.watches,
                    "title": str(part.title),
                    "button": str(part.button),
                    "beside": part.beside,
                    "waiting": str(_("Looking …")),
                    "failed": failed,
                }
                for name, part in self.live.items()
            ]
            if form.is_bound and form.is_trial():
                context["tried"] = [(part.title, self.part(request, name, form)) for name, part in self.live.items()]
        return super().render_change_form(request, context, *arguments, **named)
