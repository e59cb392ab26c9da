"""Lists narrowed by what an index answers, and choices that are told without reading what they are chosen from."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from conferral import plugins
from conferral.admin.site import admin_of
from conferral.models import CredentialArtifact, CredentialConfiguration, CredentialType, Delivery, Edition, Run

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)  # longer ones no database has


class TypeFilter(admin.SimpleListFilter):
    """Records by credential type; `by` leads to the few records of that type that theirs belong to."""

    title, parameter_name = _("credential type"), "type"
    by: tuple[str, type[Edition] | type[CredentialConfiguration]]

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every type."""
        return [(str(pk), name) for pk, name in CredentialType.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Keys, not a join: the database then knows from its statistics how many rows each has."""
        if not (value := self.value()):
            return queryset
        if not _ID.fullmatch(value):
            return queryset.none()
        field, model = self.by
        found = model._default_manager.filter(type=int(value))  # noqa: SLF001 - Django documents this name
        return queryset.filter(**{f"{field}__in": list(found.order_by("pk").values_list("pk", flat=True))})


class TypeByEdition(TypeFilter):
    """Of what was issued."""

    by = ("edition", Edition)


class TypeByConfiguration(TypeFilter):
    """Of what is configured."""

    by = ("configuration", CredentialConfiguration)


class Chosen(admin.SimpleListFilter):
    """Records of one object, which a link has chosen: it says which one that is, and leads back to all."""

    model: type[CredentialConfiguration] | type[Run]
    by = ""
    """What leads to the object, where it is not called like the parameter."""

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """The chosen one alone, for whoever may see it."""
        value = request.GET.get(self.parameter_name or "", "")
        found = self.model._default_manager.filter(pk=int(value)).first() if _ID.fullmatch(value) else None  # noqa: SLF001 - documented
        its_admin = admin_of(model_admin.admin_site, self.model)
        if found is None or not its_admin.has_view_permission(request, found):
            return []
        return [(value, str(found))]

    def has_output(self) -> bool:
        """Also where nothing may be said of the chosen one: its records are none then, and not all."""
        return self.value() is not None

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Its records."""
        if (value := self.value()) is None:
            return queryset
        by = self.by or self.parameter_name or ""
        return queryset.filter(**{by: int(value)}) if _ID.fullmatch(value) else queryset.none()


class OfConfiguration(Chosen):
    """Of one configuration."""

    title, parameter_name, model = _("configuration"), "configuration__id__exact", CredentialConfiguration


class OfRun(Chosen):
    """Of one issuing run."""

    title, parameter_name, model = _("issuing run"), "run__id__exact", Run


class OfRunByCredential(Chosen):
    """The mails of one issuing run."""

    title, parameter_name, model, by = _("issuing run"), "run", Run, "credential__run"


class Slot(admin.SimpleListFilter):
    """Files by slot, as the credential types have them."""

    title, parameter_name = _("slot"), "slot"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every slot."""
        declared = CredentialType.objects.order_by("pk").values_list("generators", flat=True)
        return [(slot, slot) for slot in sorted({slot for generators in declared for slot in generators})]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """With every state, for the index is by state and slot."""
        if not self.value():
            return queryset
        return queryset.filter(state__in=CredentialArtifact.State.values, slot=self.value())


class Purpose(admin.SimpleListFilter):
    """Mails by what they tell."""

    title, parameter_name = _("purpose"), "purpose"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every purpose."""
        return Delivery.Purpose.choices

    def queryset(self, request: Any, queryset: Any) -> Any:
        """With every state, for the index is by state and purpose."""
        return queryset.filter(state__in=Delivery.State.values, purpose=self.value()) if self.value() else queryset


class Source(admin.SimpleListFilter):
    """Learners by the gateway that knows them."""

    title, parameter_name = _("source"), "gateway"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Every gateway that is installed."""
        return [(name, name) for name in sorted(plugins.offered(plugins.GATEWAYS))]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Those it knows."""
        return queryset.filter(gateway=self.value()) if self.value() else queryset


class Account(admin.SimpleListFilter):
    """Learners by whether they still are one; who is retired is no longer active either."""

    title, parameter_name = _("account"), "account"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Three."""
        return [("active", _("active")), ("inactive", _("inactive")), ("retired", _("retired"))]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Those."""
        match self.value():
            case "active":
                return queryset.filter(active=True)
            case "inactive":
                return queryset.filter(active=False, retired=None)
            case "retired":
                return queryset.filter(active=False).exclude(retired=None)
            case _:
                return queryset
