"""Options as forms: what pydantic says of a plugin's options, in the dialect of django-jsonform, which draws it.

It only draws: pydantic alone says what is right. A person sees names as fields of a list, shares as percentages and
assets as choices; both ways are here, and where in the form an error belongs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

NAME, VALUE = "name", "value"
JOIN = "§"
"""Of the parts of a place, as react-json-form writes it."""
CALLED = "x-called"
"""What people call one of several alternatives, else it is called by what tells it apart."""
MEANINGFUL = (None, "placeholders")
"""Formats of texts that may be empty; of others an empty one says: the default."""
SCALARS = ("string", "number", "integer", "boolean")
PERCENT = "(%)"
"""How the title of a share ends."""
DEEPEST = 12
LONG = 1000
"""Characters from which a text is written on several lines."""
ACRONYM = 2
"""Letters of the longest name that is written in capitals: X, Y, QR."""
Schema = Mapping[str, Any]
Choices = Callable[[str], Iterable[str]]
"""The slugs of the assets of a kind."""
Told = str | list[tuple[str, "Told"]]
"""A text, or titles with what stands below each."""


class NotDrawn(Exception):
    """Options of a shape that no form has; they are written as JSON."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The form of one options model: its schema as pydantic has it, and the assets to choose from."""

    root: Schema
    choices: Choices

    def schema(self, inherited: Any = None) -> dict[str, Any]:
        """What django-jsonform draws, with what is inherited said of each field; NotDrawn when it cannot."""
        drawn = self._drawn(self.root, 0, inherited)
        return {name: each for name, each in drawn.items() if name not in ("title", "help_text")}

    def shown(self, value: Any) -> Any:
        """A whole value as the form shows it."""
        return self._shown(value, self.root)

    def read(self, value: Any) -> Any:
        """What the form says, as options; what was left empty is left out."""
        return self._read(value, self.root)

    def sparse(self, value: Any) -> Any:
        """The options without what is the default anyway."""
        return self._sparse(value, self._of(self.root, value))

    def place(self, path: Sequence[int | str], value: Any) -> str:
        """Where in the form an error of pydantic's belongs; as near as it can be told."""
        return JOIN.join(map(str, self._place(list(path), value, self.root)))

    def said(self, value: Any) -> Told:
        """A whole value in words, for those who only look: each field's title with its text, or with its own fields."""
        return _said(self.schema(), self.shown(value))

    # The schema

    def _drawn(self, node: Schema, depth: int, inherited: Any = None) -> dict[str, Any]:  # noqa: PLR0911 - a table of kinds
        if depth > DEEPEST:
            raise NotDrawn
        said = self._described(node, inherited)
        node = self._resolved(node)
        if "oneOf" in node:
            key = node.get("discriminator", {}).get("propertyName", "")
            return said | {"oneOf": [self._alternative(each, key, depth) for each in node["oneOf"]]}
        if "const" in node:
            return said | {"type": "string", "const": node["const"], "readonly": True}
        if "enum" in node:
            choices = [{"title": _(str(each)), "value": each} for each in node["enum"]]
            return said | {"type": "string", "choices": [*_none(node), *choices]}
        match self._kind(node):
            case "object":
                return said | {"type": "object", "properties": self._properties(node, depth, inherited)}
            case "names":
                return said | {"type": "array", "items": self._named(node, depth)}
            case "array":
                return said | {"type": "array", "items": self._item(node, depth)}
            case "asset":
                return said | {"type": "string", "choices": [*_none(node), *self.choices(node["asset"])]}
            case "share" | "mixed":  # a browser's number has fewer digits than a share may have
                return said | {"type": "string"}
            case kind:
                return said | {"type": kind} | ({"widget": "textarea"} if node.get("maxLength", 0) >= LONG else {})

    def _alternative(self, node: Schema, key: str, depth: int) -> dict[str, Any]:
        """One of several, called by what tells it apart."""
        drawn = self._drawn(node, depth + 1)
        if key in drawn.get("properties", {}):
            known = self._resolved(node)
            said = self._resolved(known["properties"][key]).get("const", "")
            drawn |= {"title": _(known.get(CALLED) or _title(str(said).title()))}
            drawn["properties"][key] |= {"widget": "hidden"}
        return drawn

    def _properties(self, node: Schema, depth: int, inherited: Any) -> dict[str, Any]:
        wanted, told = node.get("required", ()), inherited if isinstance(inherited, Mapping) else {}
        drawn = {name: self._drawn(each, depth + 1, told.get(name)) for name, each in node["properties"].items()}
        for name in wanted:
            if "const" not in drawn[name]:
                drawn[name]["required"] = True
        return drawn

    def _named(self, node: Schema, depth: int) -> dict[str, Any]:
        value = self._drawn(_values(node), depth + 1)
        name = {"type": "string", "title": _("Name"), "required": True}
        if "oneOf" in value:
            for each in value["oneOf"]:
                each["properties"] = {NAME: dict(name), **each["properties"]}
            return value
        if "properties" in value:
            return value | {"properties": {NAME: name, **value["properties"]}}
        title = self._marked(_("Value"), self._resolved(_values(node)))
        return {"type": "object", "properties": {NAME: name, VALUE: value | {"title": title}}}

    def _item(self, node: Schema, depth: int) -> dict[str, Any]:
        return self._drawn(node.get("items", {}), depth + 1)

    def _described(self, node: Schema, inherited: Any) -> dict[str, Any]:
        inner = self._resolved(node)
        is_object = "properties" in inner
        title = _titled(node) or _titled(inner)
        text = str(node.get("description") or ("" if is_object else inner.get("description") or ""))
        title, text = (_(each) if each else "" for each in (title, " ".join(text.split())))
        default = node.get("default")
        if inherited not in (None, "") and not isinstance(inherited, dict | list):
            text += " " + _("The type has: %s.") % self._said(inherited, inner)
        elif default not in (None, "") and not isinstance(default, dict | list):
            text += " " + _("Default: %s.") % self._said(default, inner)
        said = {"title": self._marked(title, inner)} if title else {}
        return said | ({"help_text": text.strip()} if text.strip() else {})

    def _marked(self, title: str, node: Schema) -> str:
        """The title; of a share it says that it is a percentage."""
        return f"{title} {PERCENT}" if "properties" not in node and self._kind(node) == "share" else title

    def _said(self, value: Any, node: Schema) -> str:
        shown = self._shown(value, node)
        if isinstance(shown, bool):
            return _("yes") if shown else _("no")
        return f"{shown} %" if self._kind(node) == "share" else str(shown)

    # Values

    def _shown(self, value: Any, node: Schema) -> Any:  # noqa: PLR0911 - a table of kinds
        node = self._of(node, value)
        match self._kind(node):
            case "object" if isinstance(value, Mapping):
                return {
                    name: self._shown(value.get(name, self._default(each)), each)
                    for name, each in node["properties"].items()
                }
            case "names" if isinstance(value, Mapping):
                return [self._row(name, each, _values(node)) for name, each in value.items()]
            case "array" if isinstance(value, list):
                return [self._shown(each, node.get("items", {})) for each in value]
            case "share" if value is not None:
                return _shifted(value, 2)
            case "mixed" if value is not None:
                return _percent(value)
            case "boolean":
                return bool(value)
            case "integer" | "number":
                return value
            case "object":
                return {}
            case "names" | "array":
                return []
        return "" if value is None else value

    def _row(self, name: str, value: Any, node: Schema) -> dict[str, Any]:
        drawn = self._shown(value, node)
        return {NAME: name, **drawn} if self._kind(self._of(node, value)) == "object" else {NAME: name, VALUE: drawn}

    def _read(self, value: Any, node: Schema) -> Any:  # noqa: PLR0911 - a table of kinds
        node = self._of(node, value)
        match self._kind(node):
            case "object" if isinstance(value, Mapping):
                found = {
                    name: self._read(value.get(name), each)
                    for name, each in node["properties"].items()
                    if name in value
                }
                said = {name: each for name, each in found.items() if each is not None}
                return None if node.get("null") and not self._sparse(said, node) else said
            case "names" if isinstance(value, list):
                return dict(self._named_value(each, node) for each in value if isinstance(each, Mapping))
            case "array" if isinstance(value, list):
                return [self._read(each, node.get("items", {})) for each in value]
            case "share":
                return _share(value)
            case "mixed":
                return _unpercent(value)
            case "string":
                default = node.keys() & {"pattern", "null", "enum"} or node.get("format") not in MEANINGFUL
                return None if value == "" and default else value
            case "asset" | "integer" | "number":
                return None if value == "" else value
        return value

    def _named_value(self, row: Mapping[str, Any], node: Schema) -> tuple[str, Any]:
        inner = self._of(_values(node), row)
        if self._kind(inner) == "object":
            return str(row.get(NAME, "")), self._read({k: v for k, v in row.items() if k != NAME}, inner)
        return str(row.get(NAME, "")), self._read(row.get(VALUE), inner)

    def _sparse(self, value: Any, node: Schema) -> Any:
        match self._kind(node):
            case "object" if isinstance(value, Mapping):
                found = {}
                for name, each in value.items():
                    inner = node["properties"].get(name, {})
                    kept = self._sparse(each, self._of(inner, each))
                    if kept is None or ("default" in inner and _same(each, inner["default"])):
                        continue
                    found[name] = kept
                return found
            case "names" if isinstance(value, Mapping):
                inner = _values(node)
                return {name: self._sparse(each, self._of(inner, each)) for name, each in value.items()}
            case "array" if isinstance(value, list):
                inner = node.get("items", {})
                return [self._sparse(each, self._of(inner, each)) for each in value]
        return value

    def _place(  # noqa: PLR0911 - a table of kinds
        self, path: list[int | str], value: Any, node: Schema
    ) -> list[int | str]:
        if not path:
            return []
        part, rest = path[0], path[1:]
        mapping = self._resolved(node).get("discriminator", {}).get("mapping", {})
        if part in mapping:
            return self._place(rest, value, {"$ref": mapping[part]})
        node = self._of(node, value)
        within = value.get(part) if isinstance(value, Mapping) else None
        match self._kind(node):
            case "object" if part in node["properties"]:
                return [part, *self._place(rest, within, node["properties"][part])]
            case "names" if isinstance(value, Mapping) and part in value:
                inner = _values(node)
                row: list[int | str] = [list(value).index(part)]
                if self._kind(self._of(inner, within)) != "object":
                    return [*row, VALUE]
                return [*row, *(self._place(rest, within, inner) or [NAME])]
            case "array" if isinstance(part, int) and isinstance(value, list) and part < len(value):
                return [part, *self._place(rest, value[part], node.get("items", {}))]
        return []

    # What a node is

    def _resolved(self, node: Schema) -> Schema:
        """The node that is meant: references followed, null left out of alternatives."""
        while "$ref" in node:
            node = self.root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        alternatives = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
        if len(alternatives) == 1:
            null = len(node["anyOf"]) > 1
            return {**self._resolved(alternatives[0]), **({"null": True} if null else {})}
        return node

    def _of(self, node: Schema, value: Any) -> Schema:
        """The node, and of alternatives told apart by a key that which the value is of; the first when it does not say.

        Of discriminated ones pydantic knows a default that the schema does not tell.
        """
        node = self._resolved(node)
        if "oneOf" not in node:
            return node
        about = node.get("discriminator", {})
        chosen = value.get(about.get("propertyName")) if isinstance(value, Mapping) else None
        reference = about.get("mapping", {}).get(chosen)
        return self._resolved({"$ref": reference} if reference else node["oneOf"][0])

    def _kind(self, node: Schema) -> str:
        if "properties" in node:
            return "object"
        if "anyOf" in node:
            inner = [self._resolved(each) for each in node["anyOf"]]
            if all(each.get("type") in SCALARS or "const" in each for each in inner):
                return "mixed"
            raise NotDrawn
        if node.get("format") in ("asset", "share"):
            return str(node["format"])
        if node.get("type") == "object":
            if not _values(node):
                raise NotDrawn
            return "names"
        if node.get("type") == "array" or node.get("type") in SCALARS:
            return str(node["type"])
        if "const" in node or "enum" in node or "oneOf" in node:
            return "string"
        raise NotDrawn

    def _default(self, node: Schema) -> Any:
        return node.get("default")


def difference(base: Any, value: Any) -> Any:
    """What has to be said over the base for it to become the value, as `plan.merge` reads it: null removes."""
    if not isinstance(base, Mapping) or not isinstance(value, Mapping):
        return value
    said = {name: None for name in base if name not in value and base[name] is not None}
    for name, each in value.items():
        if name in base and _same(base[name], each):
            continue
        said[name] = difference(base.get(name), each)
    return said


def texts(schema: Any) -> Iterator[str]:
    """What a form says of options with that schema, before it is translated."""
    if isinstance(schema, list):
        for each in schema:
            yield from texts(each)
    elif isinstance(schema, Mapping):
        if "properties" not in schema and isinstance(schema.get("description"), str):
            yield " ".join(schema["description"].split())
        yield _titled(schema)
        yield from map(str, schema.get("enum", ()))
        if "const" in schema:
            yield _title(str(schema["const"]).title())
        for name, each in schema.items():
            if name in ("properties", "$defs"):
                yield from texts(list(each.values()))
            elif name not in ("default", "examples"):
                yield from texts(each)


def _said(drawn: Mapping[str, Any], shown: Any) -> Told:
    """What a form of that schema shows; what is empty is left out."""
    match drawn.get("type"):
        case "object" if isinstance(shown, Mapping):
            fields = ((name, each) for name, each in drawn["properties"].items() if name != NAME)
            told = [(str(each.get("title", name)), _said(each, shown.get(name))) for name, each in fields]
            return [(title, text) for title, text in told if text]
        case "array" if isinstance(shown, list):
            rows = [_row_said(drawn["items"], each) for each in shown]
            return ", ".join(map(str, rows)) if all(isinstance(each, str) for each in rows) else rows
        case "boolean":
            return _("yes") if shown else _("no")
    return "" if shown is None else str(shown)


def _row_said(drawn: Mapping[str, Any], shown: Any) -> Any:
    """Of named things the name, with what stands below it."""
    if not isinstance(shown, Mapping):
        return _said(drawn, shown)
    name, value = str(shown.get(NAME, "")), drawn.get("properties", {}).get(VALUE)
    if value is None or VALUE not in shown:
        return name, _said(drawn, shown)
    text = _said(value, shown[VALUE])
    return name, f"{text} %" if value["title"].endswith(PERCENT) else text


def paths(said: Any) -> Iterable[str]:
    """The names of all that is said, `elements.name.size` and so on."""
    return (path for path, _value in differences(said))


def differences(said: Any, before: str = "") -> Iterable[tuple[str, Any]]:
    """All that is said under such names."""
    if isinstance(said, Mapping) and said:
        for name, each in said.items():
            yield from differences(each, f"{before}.{name}" if before else str(name))
    elif before:
        yield before, said


def _values(node: Schema) -> Schema:
    """The schema of a mapping's values, under a pattern when its keys have one."""
    values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return values[0] if isinstance(values[0], Mapping) else {}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        present = {name for name in (*one, *other) if one.get(name) is not None or other.get(name) is not None}
        return all(_same(one.get(name), other.get(name)) for name in present)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    try:
        return one == other or Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _none(node: Schema) -> list[dict[str, str]]:
    return [{"title": _("none"), "value": ""}] if node.get("null") else []


def _titled(node: Schema) -> str:
    """What it is called; the name of a class is none for people."""
    title = str(node.get("title") or "")
    return "" if "properties" in node and " " not in title else _title(title)


def _title(title: str) -> str:
    words = title.replace("_", " ").strip()
    words = words[:1].upper() + words[1:].lower() if words.istitle() else words
    return words.upper() if len(words) <= ACRONYM else words


def _shifted(value: Any, places: int) -> str:
    """The number with its point moved, to its last digit: a product would be rounded."""
    sign, digits, exponent = Decimal(str(value)).as_tuple()
    if not isinstance(exponent, int):
        raise InvalidOperation
    moved = f"{Decimal((sign, digits, exponent + places)):f}"
    return moved.rstrip("0").rstrip(".") if "." in moved else moved


def _share(value: Any) -> Any:
    """A percentage as a share; what is none stays, and pydantic says what is wrong with it."""
    text = str("" if value is None else value).strip().removesuffix("%").strip().replace(",", ".")
    if not text:
        return None
    try:
        found = _shifted(text, -2)
    except InvalidOperation:
        return value
    return float(found) if Decimal(repr(float(found))) == Decimal(found) else found


def _percent(value: Any) -> str:
    try:
        return f"{_shifted(value, 2)} %"
    except InvalidOperation:
        return str(value)


def _unpercent(value: Any) -> Any:
    found = _share(value)
    return found.strip() or None if isinstance(found, str) else found
