"""The YAML file that `apply` reads: its shape, and how it is read."""

import math
from collections.abc import Hashable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from conferral.contract import ConferralError, Kind, Share
from conferral.contract.options import SLUG_PATTERN, parse
from conferral.contract.text import check_line, check_storable
from conferral.issuance.plan import SlotName

T = TypeVar("T", bound="Declared")


class Declared(BaseModel):
    """Part of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")
    names: ClassVar[tuple[str, ...]] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from others of its section."""
        return tuple(getattr(self, name) for name in self.names)

    def values(self, *without: str) -> dict[str, Any]:
        """The fields as they are saved: plain JSON, with what was left out at its default."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields if name not in without}


def _instant(value: object) -> object:
    """A bare date means noon UTC of that day, which is that day in nearly every time zone."""
    local = _local_instant(value)
    return local if local.tzinfo else local.replace(tzinfo=UTC)


def _local_instant(value: object) -> datetime:
    """As it is written; a bare date means noon."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > len("2026-01-10") else date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(12))
    if not isinstance(value, datetime):
        # pydantic makes field errors of ValueErrors, and of no TypeErrors: so too below.
        raise ValueError("write a date like 2026-01-10, or an instant like 2026-01-10T09:00:00Z")  # noqa: TRY004
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"years from {FIRST_YEAR} to {LAST_YEAR} are accepted")
    return value


def _json(value: object) -> object:
    """Options are stored as JSON, which has fewer values than YAML."""
    match value:
        case dict():
            return {_json_key(key): _json(item) for key, item in value.items()}
        case list():
            return [_json(item) for item in value]
        case str():
            return check_storable(value)
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is no number")
        case None | bool() | int() | float():
            return value
        case _:
            raise ValueError(f"{value!r} is not accepted; put it in quotes to make it a text")


def _json_key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is no text; put it in quotes")  # noqa: TRY004 - as above
    return check_storable(key)


def _printable(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if isinstance(value, bool | list | dict):
            raise ValueError(f"{name}: {value!r} cannot be printed; write a text or a number")  # noqa: TRY004 - as above
    return fields


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if value is None:
            raise ValueError(f"{name} is empty; write a text or a number, or leave it out")
    return fields


FIRST_YEAR, LAST_YEAR = 1900, 9000
Instant = Annotated[datetime, BeforeValidator(_instant)]
LocalInstant = Annotated[datetime, BeforeValidator(_local_instant)]
Slug = Annotated[str, Field(pattern=SLUG_PATTERN, max_length=100)]
Line = Annotated[str, AfterValidator(check_line)]
Words = Annotated[Line, Field(max_length=255)]
Body = Annotated[str, AfterValidator(check_storable)]
Name = Annotated[Words, Field(min_length=1)]
Options = Annotated[dict[str, Any], BeforeValidator(_json)]
Overrides = Annotated[Options, AfterValidator(_printable)]
Fields = Annotated[Overrides, AfterValidator(_given)]


class AssetDeclaration(Declared):
    """A file, relative to the YAML file."""

    names = ("slug",)
    slug: Slug
    file: Line
    description: Words = ""


class IssuerDeclaration(Declared):
    """Who issues; without an organisation it is the site's own issuer."""

    names = ("slug",)
    slug: Slug
    name: Name
    organisation: Words = ""
    url: Words = ""
    logo: Words = ""
    colours: dict[Words, Words] = Field(default_factory=dict)
    linkedin_id: Words = ""
    sender: Words = ""
    reply_to: Words = ""


class ContextDeclaration(Declared):
    """A course, lesson or pathway that no LMS tells of."""

    names = ("key",)
    key: Line
    name: Name
    kind: Literal[Kind.COURSE, Kind.LESSON] | None = None
    organisation: Words = ""
    language: Words = ""
    start: Instant | None = None
    end: Instant | None = None
    pass_mark: Share | None = Field(None, decimal_places=4)
    steps: list[Line] = Field(default_factory=list)


class WordsDeclaration(Declared):
    """The words of the mail in one language."""

    subject: Words = ""
    body: Body = ""


class WordingDeclaration(WordsDeclaration):
    """The type's own words in the mail to the learner; those of `translations` by their languages' tags."""

    translations: dict[Line, WordsDeclaration] = Field(default_factory=dict)


class ValidityDeclaration(Declared):
    """How long a credential holds from the day of issue; all left out: for ever."""

    years: int = Field(0, ge=0, le=100)
    months: int = Field(0, ge=0, le=1200)
    days: int = Field(0, ge=0, le=36500)


class TypeDeclaration(Declared):
    """A kind of credential."""

    names = ("name",)
    name: Name
    kinds: list[Kind] = Field(default_factory=list)
    processor: str
    processor_options: Options = Field(default_factory=dict)
    audience: Options = Field(default_factory=dict)
    generators: dict[SlotName, Options] = Field(default_factory=dict)
    fields: Fields = Field(default_factory=dict)
    wording: WordingDeclaration = WordingDeclaration()
    publish: Options = Field(default_factory=dict)
    locale: Words = ""
    printed_date: Literal["issued", "earned", "end"] = "issued"
    validity: ValidityDeclaration = ValidityDeclaration()


class ScheduleDeclaration(Declared):
    """When it runs, in the configuration's time zone: one of a crontab, a pause between runs, or one instant."""

    crontab: Line | None = None
    every: str | None = Field(None, pattern=r"^[1-9]\d{0,3} (minute|hour|day|week)s?$")
    at: LocalInstant | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("give one of crontab, every and at")
        return self


class ConfigurationDeclaration(Declared):
    """A type in a context."""

    names = ("context", "type")
    context: Line
    type: Line
    enabled: bool = False
    time_zone: str = "UTC"
    schedule: ScheduleDeclaration = ScheduleDeclaration()
    processor_options: Options = Field(default_factory=dict)
    audience: Options = Field(default_factory=dict)
    step_options: dict[str, Options] = Field(default_factory=dict)
    generators: Options = Field(default_factory=dict)
    fields: Overrides = Field(default_factory=dict)
    opening: Options = Field(default_factory=dict)
    guards: Options = Field(default_factory=dict)

    @model_validator(mode="after")
    def _at_in_its_time_zone(self) -> Self:
        at = self.schedule.at
        if at and not at.tzinfo and self.time_zone in available_timezones():
            self.schedule.at = at.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)
        return self


def _each_once(section: list[T]) -> list[T]:
    seen = set()
    for one in section:
        key = one.identity
        if key in seen:
            raise ValueError(f"{' · '.join(key)} is declared twice")
        seen.add(key)
    return section


class Declaration(Declared):
    """The whole file; every section may be left out."""

    issuers: Annotated[list[IssuerDeclaration], AfterValidator(_each_once)] = Field(default_factory=list)
    assets: Annotated[list[AssetDeclaration], AfterValidator(_each_once)] = Field(default_factory=list)
    contexts: Annotated[list[ContextDeclaration], AfterValidator(_each_once)] = Field(default_factory=list)
    types: Annotated[list[TypeDeclaration], AfterValidator(_each_once)] = Field(default_factory=list)
    configurations: Annotated[list[ConfigurationDeclaration], AfterValidator(_each_once)] = Field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which the second would silently win.

    Dates stay texts, so that a wrong one is told by the field that it is in.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path) -> Declaration:
    """The file's declarations; a ConferralError names the file, the field, the value and the way out."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - the loader is a SafeLoader  # nosec B506
    except OSError as error:
        raise ConferralError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConferralError(
            f"{path}: byte {error.start} is not UTF-8; save the file with the encoding UTF-8"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConferralError(f"{path}: {line}is not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise ConferralError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        raise ConferralError(f"{path}: is empty; it may have issuers, assets, contexts, types and configurations")
    try:
        return parse(Declaration, data, f"{path}: ")
    except RecursionError:
        raise ConferralError(f"{path}: an anchor (&) contains itself (*); write it out") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Declared):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
