"""A field for options: drawn as a form where scripts run, and always there as JSON; it is stored as what differs."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django_jsonform.widgets import JSONFormWidget
from pydantic import BaseModel
from pydantic import ValidationError as Refused

from conferral import plugins
from conferral.admin.drawn import CALLED, NAME, Drawing, NotDrawn, Told, difference, paths
from conferral.admin.forms import MONOSPACE, StructureField
from conferral.contract import ConferralError
from conferral.contract.options import reason
from conferral.issuance import plan
from conferral.models import CredentialAsset
from conferral.spoken import spoken

FORM, RAW = "form", "raw"
MOST_SAID = 12
BUTTONS = {
    "Add item": _("Add item"),
    "Add new item": _("Add new item"),
    "Remove": _("Remove"),
    "Move up": _("Move up"),
    "Move down": _("Move down"),
    "Collapse": _("Collapse"),
    "Expand": _("Expand"),
}
"""What django-jsonform says in English alone; the script says it in the reader's language."""
"""Differences from the type that are named."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What options may be: their JSON schema, and what makes them whole (with defaults), or a Refused or _Refusals."""

    schema: Mapping[str, Any]
    whole: Callable[[Any], Any]
    taken: Callable[[Any], Any] = lambda value: value
    """What is meant by what the form says."""

    @property
    def drawing(self) -> Drawing:
        """How they are drawn."""
        return Drawing(self.schema, _slugs)


class Refusals(Exception):
    """What is wrong with options: the path of each error, and what it says."""

    def __init__(self, errors: list[tuple[tuple[int | str, ...], str]]) -> None:
        super().__init__(errors)
        self.errors = errors


def of_model(model: type[BaseModel]) -> Shape:
    """The options of one model."""

    def whole(value: Any) -> Any:
        try:
            return model.model_validate(value).model_dump(mode="json")
        except Refused as refused:
            raise Refusals([(error["loc"], _message(error)) for error in refused.errors()]) from None

    return Shape(model.model_json_schema(), whole)


def of_processor(name: str) -> Shape | None:
    """The options of a rule; None when it is not installed."""
    try:
        return of_model(plugins.processor(name).Options)
    except ConferralError:
        return None


def without_people(processor: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A rule's options but those that name people (`format: people` in their schema); none of a rule that is gone."""
    shape = of_processor(processor)
    fields = shape.schema.get("properties", {}) if shape else {}
    known = {name for name, field in fields.items() if field.get("format") != "people"}
    return {name: value for name, value in given.items() if name in known}


def of_slots() -> Shape:
    """Slots, each with a generator and its options."""
    models = {name: generator.Options for name, generator in plugins.generators()}
    definitions: dict[str, Any] = {}
    for name, model in models.items():
        own = model.model_json_schema(ref_template=f"#/$defs/{name}:{{model}}")
        definitions |= {f"{name}:{each}": schema for each, schema in own.pop("$defs", {}).items()}
        definitions[name] = {
            CALLED: plugins.generator(name).label,
            "properties": {
                "generator": {"const": name, "title": _now("Design")},
                "required": {
                    "type": "boolean",
                    "title": _now("Required"),
                    "default": True,
                    "description": _now("The credential is ready only once this is made."),
                },
                "options": own | {"title": _now("Options"), "description": ""},
            },
            "required": ["generator", "options"],
        }
    references = {name: f"#/$defs/{name}" for name in models}
    slot = {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "generator", "mapping": references},
    }
    schema = {"type": "object", "additionalProperties": slot, "$defs": definitions}

    def whole(value: Any) -> Any:
        found, errors = {}, []
        for slot, declared in value.items():
            model = models.get(declared.get("generator") or next(iter(models), ""))
            if model is None:
                raise Refusals([((slot,), _now("Its design is not installed."))])
            try:
                said = plan.SlotDeclaration.model_validate({"generator": "pdf", **declared})
                options = model.model_validate(said.options).model_dump(mode="json")
                found[slot] = {**said.model_dump(mode="json"), "options": options}
            except Refused as refused:
                where = (slot,) if refused.title == plan.SlotDeclaration.__name__ else (slot, "options")
                errors += [((*where, *error["loc"]), _message(error)) for error in refused.errors()]
        if errors:
            raise Refusals(errors)
        return found

    return Shape(schema, whole)


def of_printable(stored: Mapping[str, Any]) -> Shape:
    """What is printed, by name: texts; what reads as a number is one, which each language writes in its own way.

    What was stored as a text stays one.
    """

    def taken(value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: text if stored.get(name) == text else _number(text) for name, text in value.items()}

    def whole(value: Mapping[str, Any]) -> Mapping[str, Any]:
        if "" in value:
            raise Refusals([(("",), _now("Write a name."))])
        return value

    return Shape({"type": "object", "additionalProperties": {"type": "string"}}, whole, taken)


def in_words(shape: Shape | None, value: Any) -> Told:
    """Options for those who only look; NotDrawn when there are no words for them."""
    if shape is None:
        raise NotDrawn
    try:
        return shape.drawing.said(shape.whole(value))
    except (Refusals, AttributeError, TypeError):
        raise NotDrawn from None


class OptionsWidget(forms.Textarea):
    """The JSON, and beside it the form; which of the two is meant is said by a third field."""

    template_name = "conferral/admin/options.html"
    field: "OptionsField"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__({**MONOSPACE, **(attrs or {})})
        self.error_map: dict[str, list[str]] = {}

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With the form, when it can be drawn."""
        state = self.field.state(value)
        context = super().get_context(name, state.text, attrs)
        identifier = context["widget"]["attrs"].get("id", name)
        mode = RAW if state.mode == RAW else FORM
        context["widget"] |= {"mode": mode, "differences": state.differences, "of": self.field.of}
        if state.schema:
            widget = JSONFormWidget(schema=state.schema)
            if self.error_map:
                widget.add_error(self.error_map)
            context["widget"]["buttons"] = json.dumps({english: str(word) for english, word in BUTTONS.items()})
            context["widget"]["drawn"] = widget.render(
                f"{name}_form", json.dumps(state.shown), {"id": f"{identifier}_form"}
            )
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The JSON as it was typed; of the form, what it says, unless it was drawn for another rule or type."""
        if data.get(f"{name}_mode") == FORM and f"{name}_form" in data:
            is_stale = data.get(f"{name}_of", self.field.of) != self.field.of
            return self.field.prepare_value(self.field.stored) if is_stale else Drawn(data[f"{name}_form"])
        return data.get(name)

    @property
    def media(self) -> forms.Media:
        """django-jsonform's own."""
        own: forms.Media = JSONFormWidget(schema={}).media
        return own


class Drawn(str):
    """What the form said, as JSON in its own dialect."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class State:
    """What the widget shows: the JSON, and the form with what is in it."""

    text: str
    mode: str = FORM
    schema: Any = None
    shown: Any = None
    differences: tuple[str, ...] = ()


class OptionsField(StructureField):
    """Options of the `shape`; with `given` (the type's) they are what differs from these.

    What is `hidden` of the given ones is not shown, and holds as long as nothing is said instead.
    """

    def __init__(self, *, check: Callable[[Any], None], **named: Any) -> None:
        super().__init__(check=check, **named)
        self.widget = OptionsWidget({"rows": named.get("rows", 6)})
        self.widget.field = self
        self.shape: Shape | None = None
        self.given: Any = None
        self.of = ""
        self.stored: dict[str, Any] = {}
        self.hidden: dict[str, Any] = {}

    def __deepcopy__(self, memo: Any) -> "OptionsField":
        copied: OptionsField = super().__deepcopy__(memo)
        copied.widget.field = copied
        copied.widget.error_map = {}
        return copied

    def to_python(self, value: Any) -> Any:
        """The options as they are stored."""
        if not isinstance(value, Drawn):
            return super().to_python(value)
        said = self._parsed(str(value))
        return self._stored(self._read(said))

    def state(self, value: Any) -> State:
        """What the widget shows of a value: stored, or typed."""
        if isinstance(value, Drawn):
            try:
                said = json.loads(value or "{}")
                read = self._drawing().read(said)
                return State(self.prepare_value(read), FORM, self._drawing().schema(self._base()), said)
            except (ValueError, NotDrawn, RecursionError):
                return State(str(value), RAW)
        text = self.prepare_value(value) if not isinstance(value, str) else value
        try:
            stored = json.loads(text or "{}")
            return self._stored_state(stored, text)
        except (ValueError, Refusals, NotDrawn, RecursionError, TypeError, AttributeError):
            return State(text, RAW)

    def _stored_state(self, stored: Any, text: str) -> State:
        if self.shape is None:
            return State(text, RAW)
        merged = stored if self.given is None else plan.merge(self.given, stored)
        try:
            whole = self.shape.whole(merged)
        except Refusals:
            if stored:
                raise
            whole = merged  # nothing was said yet, and something has to be
        if self.hidden:
            whole = whole | {name: [] for name in self.hidden if name not in stored}
        drawing, inherited = self.shape.drawing, self._base()
        different = tuple(paths(stored))[:MOST_SAID] if self.given is not None else ()
        return State(text, FORM, drawing.schema(inherited), drawing.shown(whole), different)

    def _drawing(self) -> Drawing:
        if self.shape is None:
            raise NotDrawn
        return self.shape.drawing

    def _read(self, said: Any) -> Any:
        assert self.shape is not None or not said
        if self.shape is None:
            return {}
        if twice := _twice(said):
            raise ValidationError(_("%(name)s is there twice; name it once."), params={"name": twice})
        return self.shape.taken(self.shape.drawing.read(said))

    def _stored(self, value: Any) -> Any:
        """What is stored of a value that the form says whole."""
        if self.shape is None:
            return {}
        if self.hidden:
            value = value | {name: said for name, said in self.hidden.items() if not value.get(name)}
        try:
            whole = self.shape.whole(value)
        except Refusals as refusals:
            drawing = self.shape.drawing
            for path, message in refusals.errors:
                self.widget.error_map.setdefault(drawing.place(path, value), []).append(message)
            raise ValidationError([_told(path, message) for path, message in refusals.errors]) from None
        if self.given is not None:
            drawing = self.shape.drawing
            base, wanted = (drawing.read(drawing.shown(each)) for each in (self._base(), whole))
            return difference(base, wanted)
        return self._shortest(value, whole)

    def _base(self) -> Any:
        if self.shape is None or self.given is None:
            return None
        try:
            return self.shape.whole(self.given)
        except Refusals:
            return self.given

    def _shortest(self, value: Any, whole: Any) -> Any:
        """Without what is the default; what is empty is left out too, where that means the same."""
        assert self.shape is not None
        said = self.shape.drawing.sparse(value)
        short = _without_empties(said)
        try:
            return short if self.shape.whole(short) == whole else said
        except Refusals:
            return said


def _number(text: Any) -> Any:
    for kind in (int, float):
        try:
            if str(found := kind(text)) == text and isfinite(found):
                return found
        except (TypeError, ValueError, OverflowError):
            continue
    return text


def _slugs(kind: str) -> Iterable[str]:
    found = CredentialAsset.objects.filter(kind=kind, current=True).order_by("slug")
    return list(found.values_list("slug", flat=True))


def _message(error: Any) -> str:
    message = capfirst(spoken(reason(error)))
    return message + ("" if message.endswith((".", "!")) else ".")


def _told(path: Iterable[int | str], message: str) -> str:
    where = " › ".join(str(part).replace("_", " ") for part in path)
    return f"{where}: {message}" if where else message


def _twice(said: Any) -> str:
    """A name that is there twice in a list of named things, at any depth."""
    if isinstance(said, list):
        names = [each[NAME] for each in said if isinstance(each, Mapping) and NAME in each]
        if found := next((name for name in names if names.count(name) > 1), ""):
            return str(found)
    inner = said.values() if isinstance(said, Mapping) else said if isinstance(said, list) else ()
    return next((found for each in inner if (found := _twice(each))), "")


def _without_empties(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_empties(each) for name, each in value.items() if each not in ({}, [])}
    return [_without_empties(each) for each in value] if isinstance(value, list) else value
