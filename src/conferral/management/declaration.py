"""The YAML file that `apply` reads: its shape, and how it is read."""

from collections.abc import Hashable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from conferral.contract import ConferralError, Kind, Share
from conferral.contract.options import SLUG_PATTERN, parse


class Declared(BaseModel):
    """Part of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    def values(self, *without: str) -> dict[str, Any]:
        """The fields as they are saved: plain JSON, with what was left out at its default."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields if name not in without}


def _instant(value: object) -> object:
    """A bare date means noon UTC of that day, which is that day in nearly every time zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(12), UTC)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


Instant = Annotated[datetime, BeforeValidator(_instant)]
Slug = Annotated[str, Field(pattern=SLUG_PATTERN, max_length=100)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Options = dict[str, Any]


class AssetDeclaration(Declared):
    """A file, relative to the YAML file."""

    slug: Slug
    file: Path
    description: str = Field("", max_length=255)


class IssuerDeclaration(Declared):
    """Who issues; without an organisation it is the site's own issuer."""

    slug: Slug
    name: Name
    organisation: str = Field("", max_length=255)
    url: str = Field("", max_length=200)
    logo: str = ""
    colours: dict[str, str] = Field(default_factory=dict)
    linkedin_id: str = Field("", max_length=50)
    sender: str = Field("", max_length=255)
    reply_to: str = Field("", max_length=254)


class ContextDeclaration(Declared):
    """A course, lesson or pathway that no LMS tells of."""

    key: str
    name: Name
    kind: Literal[Kind.COURSE, Kind.LESSON] | None = None
    organisation: str = Field("", max_length=255)
    language: str = Field("", max_length=35)
    start: Instant | None = None
    end: Instant | None = None
    pass_mark: Share | None = Field(None, decimal_places=4)
    steps: list[str] = Field(default_factory=list)


class WordingDeclaration(Declared):
    """The type's own words in the mail to the learner."""

    subject: str = ""
    body: str = ""


class ValidityDeclaration(Declared):
    """How long a credential holds from the day of issue; all left out: for ever."""

    years: int = Field(0, ge=0)
    months: int = Field(0, ge=0)
    days: int = Field(0, ge=0)


class TypeDeclaration(Declared):
    """A kind of credential."""

    name: Name
    kinds: list[Kind] = Field(default_factory=list)
    processor: str
    processor_options: Options = Field(default_factory=dict)
    generators: dict[Annotated[str, Field(pattern=SLUG_PATTERN, max_length=50)], Options] = Field(default_factory=dict)
    fields: Options = Field(default_factory=dict)
    wording: WordingDeclaration = WordingDeclaration()
    locale: str = Field("", max_length=35)
    printed_date: Literal["issued", "earned", "end"] = "issued"
    validity: ValidityDeclaration = ValidityDeclaration()


class ScheduleDeclaration(Declared):
    """One of: a crontab, a pause between runs, or one instant."""

    crontab: str | None = None
    every: str | None = Field(None, pattern=r"^[1-9]\d* (minute|hour|day|week)s?$")
    at: Instant | None = None


class ConfigurationDeclaration(Declared):
    """A type in a context."""

    context: str
    type: str
    enabled: bool = False
    time_zone: str = "UTC"
    schedule: ScheduleDeclaration = ScheduleDeclaration()
    processor_options: Options = Field(default_factory=dict)
    step_options: dict[str, Options] = Field(default_factory=dict)
    generators: Options = Field(default_factory=dict)
    fields: Options = Field(default_factory=dict)


class Declaration(Declared):
    """The whole file; every section may be left out."""

    issuers: list[IssuerDeclaration] = Field(default_factory=list)
    assets: list[AssetDeclaration] = Field(default_factory=list)
    contexts: list[ContextDeclaration] = Field(default_factory=list)
    types: list[TypeDeclaration] = Field(default_factory=list)
    configurations: list[ConfigurationDeclaration] = Field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path) -> Declaration:
    """The file's declarations; a ConferralError names the file, the field, the value and the way out."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - the loader is a SafeLoader
    except OSError as error:
        raise ConferralError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConferralError(
            f"{path}: byte {error.start} is not UTF-8; save the file with the encoding UTF-8"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConferralError(f"{path}: {line}is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConferralError(f"{path}: is not YAML: {error}") from None
    if data is None:
        raise ConferralError(f"{path}: is empty; it may have issuers, assets, contexts, types and configurations")
    return parse(Declaration, data, f"{path}: ")


def _plain(value: Any) -> Any:
    if isinstance(value, Declared):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
