"""Installed plugins by name: entry points → processors, generators, gateways."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from conferral import journal
from conferral.contract import LMS, ConferralError, Generator, Processor
from conferral.contract.errors import Phrase
from conferral.contract.options import parse
from conferral.contract.pathways import PathwaySource
from conferral.settings import current

logger = logging.getLogger(__name__)

PROCESSORS = "conferral.processors"
GENERATORS = "conferral.generators"
GATEWAYS = "conferral.gateways"
PATHWAYS = "conferral.pathways"
"""The last one is followed by a dot and the name of the gateway beside which a pathway source works."""
_NOUN = {PROCESSORS: Phrase("processor"), GENERATORS: Phrase("generator"), GATEWAYS: Phrase("gateway")}
_PORT: dict[str, type[Any]] = {PROCESSORS: Processor, GENERATORS: Generator, GATEWAYS: LMS}
_WITH_OPTIONS = (PROCESSORS, GENERATORS)


class PluginError(ConferralError):
    """A plugin that is not installed, offered twice, or cannot be loaded."""


@cache
def offered(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise PluginError(
                f"{_noun(group)} {point.name!r}: offered by {other.value} and by {point.value}; uninstall one of them"
            )
    return dict(sorted(found.items()))


def processor(name: str) -> Processor[Any]:
    """The processor of that name."""
    found: Processor[Any] = load(PROCESSORS, name)
    return found


def generator(name: str) -> Generator[Any]:
    """The generator of that name."""
    found: Generator[Any] = load(GENERATORS, name)
    return found


def generators() -> Iterator[tuple[str, Generator[Any]]]:
    """Every generator that loads, by name; one that does not is told of where it is used or listed."""
    for name in offered(GENERATORS):
        try:
            yield name, generator(name)
        except PluginError as error:
            journal.breakdown(logger, "a generator is left out", error, generator=name)


def gateway() -> LMS:
    """The gateway that CONFERRAL_LMS names."""
    found: LMS = load(GATEWAYS, current().lms)
    return found


def pathway_sources(gateway: str) -> Iterator[PathwaySource]:
    """Those that work beside that gateway."""
    group = f"{PATHWAYS}.{gateway}"
    for name in offered(group):
        source: PathwaySource = load(group, name)
        yield source


def pathway_source(gateway: str, key: str) -> PathwaySource | None:
    """The source beside that gateway whose keys are of that form; None for a course, or when there is none."""
    return next((source for source in pathway_sources(gateway) if source.knows(key)), None)


@contextmanager
def blamed(group: str, name: str) -> Iterator[None]:
    """What a plugin raises by mistake becomes a PluginError that names it; the traceback is logged without its words.

    They are for whoever reads the error: nobody knows here whom they are about.
    """
    try:
        yield
    except ConferralError:
        raise
    except Exception as error:  # other people's code
        journal.breakdown(logger, f"{_noun(group)} {name!r} raised", error)
        raise PluginError(
            "%(noun)s %(name)r: raised %(error)s; the log has its traceback",
            noun=_noun(group),
            name=name,
            error=repr(error),
        ) from error


@cache
def load(group: str, name: str) -> Any:
    """The plugin of that name, made once, with its settings; a PluginError when there is none or it cannot be made."""
    shape = load_class(group, name)
    try:
        made = shape()
    except Exception as error:  # as for the class
        raise _cannot_be_loaded(group, name, error) from error
    if isinstance(getattr(made, "Settings", None), type):
        given = current().plugins.get(name, {})
        made.settings = parse(made.Settings, given, f"CONFERRAL_PLUGINS: {name}", quote=_secret)
    return made


def load_class(group: str, name: str) -> type[Any]:
    """The class of that plugin, which tells of it without any settings; a PluginError as above."""
    point = offered(group).get(name)
    if point is None:
        raise PluginError(
            "%(noun)s: %(name)r is not installed; installed: %(known)s",
            noun=_noun(group),
            name=name,
            known=", ".join(offered(group)) or Phrase("none"),
        )
    try:
        shape = point.load()
    except Exception as error:  # other people's code: whatever it raises, say which plugin it was
        raise _cannot_be_loaded(group, name, error) from error
    port = _PORT.get(group, PathwaySource)
    if not (isinstance(shape, type) and issubclass(shape, port)):
        raise PluginError(f"{_noun(group)} {name!r} ({point.value}) is no {port.__module__}.{port.__name__}")
    if not isinstance(getattr(shape, "label", None), str):
        raise PluginError(f"{_noun(group)} {name!r} ({point.value}) has no label")
    if group in _WITH_OPTIONS and not isinstance(getattr(shape, "Options", None), type):
        raise PluginError(f"{_noun(group)} {name!r} ({point.value}) has no Options")
    return shape


def _cannot_be_loaded(group: str, name: str, error: Exception) -> PluginError:
    return PluginError(
        "%(noun)s %(name)r (%(place)s) cannot be loaded: %(error)s",
        noun=_noun(group),
        name=name,
        place=offered(group)[name].value,
        error=error if isinstance(error, ConferralError) else repr(error),
    )


def _secret(_: object) -> str:
    """What settings have in them is not repeated: it may be a password, in whatever field it was put."""
    return Phrase("its value")


def _noun(group: str) -> str:
    return _NOUN.get(group, Phrase("pathway source"))
