"""A manager for which a key that is None is a key that is empty."""

from django.db import models


class NoneToEmptyQuerySet(models.QuerySet):
    def _filter_or_exclude(self, negate, args, kwargs):
        empty = {
            name + suffix: field.Empty
            for field in self.model._meta.concrete_fields
            if hasattr(field, "Empty")
            for name in (field.name,)
            for suffix in ("", "__exact")
            if kwargs.get(name + suffix, ...) is None
        }
        return super()._filter_or_exclude(negate, args, kwargs | empty)


class NoneToEmptyManager(models.Manager.from_queryset(NoneToEmptyQuerySet)):
    pass
