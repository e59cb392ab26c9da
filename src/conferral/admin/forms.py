"""Forms whose values go to a use case: it is tried first and taken back, so that its errors stand at their fields."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from conferral import storage
from conferral.contract import ConferralError
from conferral.contract.text import check_line, check_storable
from conferral.spoken import spoken, without_place

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:  # Django's own class takes no type parameters
    ModelForm = forms.ModelForm

_TOLD = re.compile(r"(?P<where>[a-z][a-z_ ]*(?:\.[^\s:]+|\[\d+\])*): (?P<text>.*)", re.DOTALL)
TRY = "_try"
"""Name of the button that shows what would come of a form."""
MONOSPACE = {"cols": 80, "style": "font-family: monospace", "spellcheck": "false"}


class UseCaseForm(ModelForm):
    """A form that is valid when its use case would accept it.

    `places` has the form's fields for the names that the use case has for them (`schedule` → `when`).
    """

    places: ClassVar[Mapping[str, str]] = {}
    limits: ClassVar[Collection[str] | None] = None
    """The contexts in which the person may save; None for all."""

    by: ClassVar[Any] = None
    """The person."""
    rehearses = True
    """Whether the use case is tried; parts of a page that answer while it is filled in ask for less."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.instance.pk:
            self.initial.update(self.present(self.instance))
        for field in self.fields.values():
            if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.Textarea):
                field.validators = [*field.validators, _one_line]
                field.widget.attrs.setdefault("style", "width: 30em")
            if isinstance(field, forms.SplitDateTimeField) and isinstance(field.widget, forms.MultiWidget):
                for part, name in zip(field.widget.widgets, (_("date"), _("time")), strict=True):
                    part.attrs["aria-label"] = f"{field.label}: {name}"

    def shape(  # noqa: PLR0913 - what a field of options has to know
        self, name: str, shape: Any, given: Any = None, *, of: str = "", stored: Any = None, hidden: Any = None
    ) -> None:
        """Tells a field of options what they may be, of what they are the difference, and what of that is not shown.

        What was drawn for another rule or type than `of` counts as `stored`.
        """
        if name in self.fields:
            field: Any = self.fields[name]
            field.shape, field.given, field.of = shape, given, of
            field.stored, field.hidden = stored or {}, hidden or {}

    def present(self, instance: Any) -> dict[str, Any]:
        """Initial values of the fields that the model does not have."""
        return {}

    def read(self, cleaned: dict[str, Any]) -> None:
        """Turns what the person wrote into what is saved; a ValidationError names the field."""

    def identity(self) -> dict[str, Any]:
        """By what the object is found once it is saved."""
        raise NotImplementedError

    def perform(self) -> Any:
        """Calls the use case with the cleaned values."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Tries the use case when every field is right by itself."""
        super().clean()
        cleaned = self.cleaned_data
        if not self.errors:
            self.read(cleaned)
        if not self.errors and self.rehearses:
            try:
                rehearse(self.perform)
            except ConferralError as error:
                self.put(error)
        return cleaned

    def is_trial(self) -> bool:
        """Whether it was sent to see what would come of it."""
        return TRY in self.data

    def is_valid(self) -> bool:
        """A trial is never saved."""
        return super().is_valid() and not self.is_trial()

    def told(self, *names: str) -> list[str]:
        """What is wrong with those fields (all, when none are named), each line with the name of its field."""
        return [
            f"{self.fields[name].label}: {message}" if name in self.fields else str(message)
            for name, messages in self.errors.items()
            for message in messages
            if not names or name in names
        ]

    def put(self, error: ConferralError) -> None:
        """Puts what a use case said at the field that it is about, else above the form."""
        where, text = error.where, without_place(error)
        if not where and (told := _TOLD.fullmatch(text)):
            where, text = told["where"], told["text"]
        head = where.partition(".")[0].partition("[")[0]
        name = self.places.get(where) or self.places.get(head, head)
        if name not in self.fields:
            self.add_error(None, spoken(error))
        elif name != head or where == head:
            self.add_error(name, text)  # the name is the field's, which stands right there
        else:
            self.add_error(name, f"{where}: {text}")

    def kept(self, name: str) -> Any:
        """The value of a field that cannot be changed once it is saved."""
        return self.cleaned_data[name] if name in self.fields else getattr(self.instance, name)


def rehearse(perform: Callable[[], Any]) -> None:
    """Does it, and takes it back: rows and files."""
    with storage.provisional(), transaction.atomic():
        perform()
        transaction.set_rollback(True)


class StructureField(forms.JSONField):
    """JSON in a text area, indented; left empty it is an empty mapping. `check` refuses what has another shape."""

    def __init__(self, *, check: Callable[[Any], None], rows: int = 4, **named: Any) -> None:
        self._check = check
        widget = forms.Textarea(attrs={**MONOSPACE, "rows": rows})
        super().__init__(required=False, widget=widget, decoder=_Decoder, **named)

    def to_python(self, value: Any) -> Any:
        """The value, or a ValidationError that says what to write."""
        found = self._parsed(value)
        self._check(found)
        return found

    def _parsed(self, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value.strip()):
            return {}
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise ValidationError(_("This is not accepted as JSON; correct it.")) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed."""
        return initial if self.disabled else data

    def prepare_value(self, value: Any) -> Any:
        """The text in the text area."""
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def mapping(value: Any) -> None:
    """Names with values."""
    if not isinstance(value, dict):
        raise ValidationError(_('Write names with values in curly brackets, like {"hours": 40}.'))


def mapping_of_mappings(value: Any) -> None:
    """Names with names and values."""
    mapping(value)
    if not all(isinstance(inner, dict) for inner in value.values()):
        raise ValidationError(_('Write names with curly brackets each, like {"certificate": {"required": true}}.'))


def printable(value: Any) -> None:
    """Names with what can be printed."""
    _printable(value, or_null=False)


def printable_or_removed(value: Any) -> None:
    """Names with what can be printed, or null, which removes the type's."""
    _printable(value, or_null=True)


def _printable(value: Any, *, or_null: bool) -> None:
    mapping(value)
    for name, item in value.items():
        if isinstance(item, bool | list | dict) or (item is None and not or_null):
            raise ValidationError(
                _("%(name)s: this cannot be printed; write a text or a number."), params={"name": name}
            )


class _Decoder(json.JSONDecoder):
    """JSON that databases store as it was written: no key twice, no NaN, no NUL."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**{**named, "object_pairs_hook": _each_once, "parse_constant": _no_number})


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        for text in (name, *(value if isinstance(value, list) else [value])):
            if isinstance(text, str):
                _storable(text)
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValidationError(_("%(name)s is there twice; name it once."), params={"name": twice})
    return found


def _no_number(text: str) -> None:
    raise ValidationError(_("%(text)s is no number that can be stored."), params={"text": text})


def _storable(text: str) -> None:
    try:
        check_storable(text)
    except ValueError as error:
        raise ValidationError(spoken(error)) from None


def _one_line(text: str) -> None:
    try:
        check_line(text)
    except ValueError as error:
        raise ValidationError(_("This is not accepted: %(error)s."), params={"error": spoken(error)}) from None
