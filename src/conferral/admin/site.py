"""The staff's own site: Django's admin for whoever teaches, whom Django need not call staff."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from conferral import access

A = TypeVar("A", bound=type[Any])
GROUPS = (
    (_("Set up"), ("CredentialConfiguration", "CredentialType", "CredentialAsset", "Issuer", "Context", "RosterEntry")),
    (_("Issuing"), ("Run", "DryRun", "Candidate", "Reissue", "Standstill")),
    (
        _("What was issued"),
        ("Credential", "NameRequest", "Learner", "Delivery", "CredentialArtifact", "Edition", "Act"),
    ),
)
"""What the staff's pages are about, in the order in which somebody meets it."""


class StaffSite(admin.AdminSite):
    """Who may come in is asked of the gateway; what each list, action and page shows is limited as `base` says."""

    site_header = site_title = _("Conferral credentials")
    index_title = _("What would you like to do?")
    index_template = "conferral/admin/index.html"
    app_index_template = "conferral/admin/app_index.html"
    sheet = "conferral/staff.css"
    """How it looks: as our other pages do. The ordinary admin looks as its site does."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Ours in groups; other apps, if somebody registers them here, as Django lists them."""
        listed: list[dict[str, Any]] = []
        for app in super().get_app_list(request, app_label):
            found = {each["object_name"]: each for each in app["models"]}
            groups = [(name, [found.pop(model) for model in models if model in found]) for name, models in GROUPS]
            groups.append((app["name"], list(found.values())))
            listed += [app | {"name": name, "models": models} for name, models in groups if models]
        return listed

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> TemplateResponse:
        """The same as the first page, and not named after the first of its groups."""
        return super().app_index(request, app_label, {"title": self.index_title, **(extra_context or {})})

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever has some right of ours, or teaches."""
        return access.works_here(request.user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The site's own way to sign in; who has done so, and may not come in, is told why."""
        if not request.user.is_authenticated:
            path = request.GET.get("next") or self._index()
            return redirect_to_login(path, settings.LOGIN_URL)
        content = {**self.each_context(request), "title": _("This is for course staff"), "person": request.user}
        return TemplateResponse(request, "conferral/admin/not_staff.html", content, status=403)

    def _index(self) -> str:
        return reverse("admin:index", current_app=self.name)


staff = StaffSite(name="conferral-staff")


def admin_of(site: admin.AdminSite, model: type[Model]) -> Any:
    """What shows those records there; None for nothing."""
    return site._registry.get(model)  # noqa: SLF001 - `get_model_admin` came with Django 5.0


def registered(model: type[Model]) -> Callable[[A], A]:
    """Registers the class with both: the ordinary admin, and the staff's."""

    def both(of: A) -> A:
        for site in (admin.site, staff):
            site.register(model, of)
        return of

    return both
