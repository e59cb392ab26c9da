"""A plugin's options: a frozen pydantic model whose JSON schema draws the form, and whose errors name the field."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from conferral.contract.errors import NotAccepted, OptionsError, Phrase

T = TypeVar("T")
SLUG_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"


class Options(BaseModel):
    """What a plugin can be told. Unknown keys are refused; every field needs a description; no tuples."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


# At most two digits of exponent: the plain notation of 1e-99999999 would be a hundred megabytes.
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?")
SHARE_DIGITS = 40
"""Characters in the longest share."""


def share(value: object) -> Decimal:
    """The exact share 0..1 that a number or its text is; else a ValueError."""
    text = str(value).strip()
    found = Decimal(text) if len(text) <= SHARE_DIGITS and _NUMBER.fullmatch(text) else None
    if found is None or len(f"{found:f}") > SHARE_DIGITS or not 0 <= found <= 1:
        raise ValueError("write a share from 0 to 1 (0 % to 100 %), for example 0.8 (80 %)")
    return found


Share = Annotated[
    Decimal,
    BeforeValidator(share),
    WithJsonSchema({"type": "number", "format": "share", "minimum": 0, "maximum": 1}),
]
"""An exact share, 0..1; people see it as a percentage."""


class AssetReference(str):
    """The slug of an asset, and the kind of file (`pdf`, `font`, `image`) that it must be."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, slug: str, kind: str) -> Self:
        """A reference is the slug, with the kind beside it."""
        reference = super().__new__(cls, slug)
        reference.kind = kind
        return reference


PDFAsset = Annotated[
    str,
    Field(pattern=SLUG_PATTERN, json_schema_extra={"format": "asset", "asset": "pdf"}),
    AfterValidator(lambda slug: AssetReference(slug, "pdf")),
]
"""The slug of a PDF among the assets."""

FontAsset = Annotated[
    str,
    Field(pattern=SLUG_PATTERN, json_schema_extra={"format": "asset", "asset": "font"}),
    AfterValidator(lambda slug: AssetReference(slug, "font")),
]
"""The slug of a font among the assets."""


ImageAsset = Annotated[
    str,
    Field(pattern=SLUG_PATTERN, json_schema_extra={"format": "asset", "asset": "image"}),
    AfterValidator(lambda slug: AssetReference(slug, "image")),
]
"""The slug of a picture (PNG, JPEG, SVG) among the assets."""


def assets_in(value: object) -> Iterator[AssetReference]:
    """Every asset that validated options refer to, at any depth."""
    if isinstance(value, AssetReference):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from assets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from assets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from assets_in(item)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line stays one line


def parse(shape: type[T], data: object, where: str, *, quote: Callable[[object], str] = _shown) -> T:
    """The data in that shape: a pydantic model or any type it knows.

    Else an OptionsError that names every wrong field, under the name `where`, with its value as `quote` says it.
    """
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        first, *others = (_explain(details, where, shape, quote) for details in error.errors())
        for other in others:
            first = OptionsError("%(one)s; %(other)s", one=first, other=other)
        raise first from None


def reason(details: ErrorDetails) -> NotAccepted | ValueError:
    """Why pydantic refuses a value, in a message that faces can translate; a validator's own error as it is."""
    own = (details.get("ctx") or {}).get("error")
    if isinstance(own, ValueError):
        return own
    message = WORDS.get(details["type"])
    return NotAccepted(message, **details.get("ctx", {})) if message else NotAccepted(details["msg"])


WORDS = {
    "missing": Phrase("is required"),
    "string_type": Phrase("write a text"),
    "string_too_long": Phrase("at most %(max_length)s characters are accepted"),
    "string_too_short": Phrase("at least %(min_length)s characters are needed"),
    "string_pattern_mismatch": Phrase("it should match pattern %(pattern)s"),
    "int_type": Phrase("write a whole number"),
    "int_parsing": Phrase("write a whole number"),
    "int_from_float": Phrase("write a whole number"),
    "float_type": Phrase("write a number"),
    "float_parsing": Phrase("write a number"),
    "finite_number": Phrase("write a number"),
    "bool_type": Phrase("say yes or no"),
    "bool_parsing": Phrase("say yes or no"),
    "list_type": Phrase("write a list"),
    "dict_type": Phrase("write names with values"),
    "model_type": Phrase("write names with values"),
    "model_attributes_type": Phrase("write names with values"),
    "greater_than": Phrase("it has to be more than %(gt)s"),
    "greater_than_equal": Phrase("it has to be at least %(ge)s"),
    "less_than": Phrase("it has to be less than %(lt)s"),
    "less_than_equal": Phrase("it has to be at most %(le)s"),
    "too_short": Phrase("at least %(min_length)s are needed"),
    "too_long": Phrase("at most %(max_length)s are accepted"),
    "literal_error": Phrase("choose one of: %(expected)s"),
    "union_tag_invalid": Phrase("choose one of: %(expected_tags)s"),
}
"""Pydantic's errors by their type, in words of ours."""


def _explain(details: ErrorDetails, where: str, shape: Any, quote: Callable[[object], str]) -> OptionsError:
    schema = TypeAdapter(shape).json_schema()
    named, _ = _follow(schema, details["loc"])
    path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named)
    path = path.replace(": .", ": ").removesuffix(": ")
    match details["type"]:
        case "extra_forbidden":
            _, node = _follow(schema, details["loc"][:-1])
            known = ", ".join(sorted(node.get("properties", {}))) or Phrase("none")
            return OptionsError("unknown key; known here: %(known)s", where=path, known=known)
        case "missing":
            return OptionsError("is required", where=path)
        case "union_tag_invalid":
            known = (details.get("ctx") or {}).get("expected_tags", "")
            value = quote(details["input"].get("type"))
            return OptionsError(
                "%(value)s is not accepted; known: %(known)s", where=f"{path}.type", value=value, known=known
            )
        case _:
            value = quote(details["input"])
            return OptionsError("%(value)s is not accepted: %(why)s", where=path, value=value, why=reason(details))


def _follow(schema: dict[str, Any], path: tuple[int | str, ...]) -> tuple[list[int | str], dict[str, Any]]:
    """The parts of an error's path that a person wrote, and the JSON schema of what is at its end.

    Of alternatives told apart by a key, pydantic also names the one that was chosen: nobody wrote that part.
    """
    named: list[int | str] = []
    node = _resolved(schema, schema)
    for part in path:
        chosen = node.get("discriminator", {}).get("mapping", {}).get(part)
        if chosen is not None:
            node = _resolved(schema, {"$ref": chosen})
            continue
        if isinstance(part, int):
            within = node.get("items", {})
        else:
            # A mapping's values are described together, under a pattern when its keys have one.
            values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
            within = node.get("properties", {}).get(part, values[0])
        node = _resolved(schema, within if isinstance(within, dict) else {})
        named.append(part)
    return named, node


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(schema, choice)
    return node
