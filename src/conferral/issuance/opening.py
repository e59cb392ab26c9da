"""Opening and closing by the course's dates, which may move; the first run after the closing is the last."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from pydantic import Field, model_validator

from conferral import journal, plugins, schedules
from conferral.contract import LearningContext, Options, Phrase, TransientError
from conferral.contract.options import parse
from conferral.issuance import history
from conferral.issuance.source import describing, keep_name
from conferral.models import CredentialConfiguration

logger = logging.getLogger(__name__)

MOST_DAYS = 3660
ENOUGH = 3
"""Courses in a row of which the source does not tell in time, or cannot: it will not of the next one."""
NO_START = Phrase("without a start date it does not open: give the course one")
NO_END = Phrase("without an end date it does not open: give the course one")
NEVER_CLOSES = Phrase("without an end date it never closes by itself")
CLOSES_FIRST = Phrase("it closes on %(closes)s, before it opens on %(opens)s")
CLOSED = Phrase("closed on %(day)s: %(why)s")
NO_DATE = Phrase("not open yet: the course has not been given the date on which it depends")
NOT_YET = Phrase("not open yet: it opens on %(at)s")
CLOSES_NOW = Phrase("it closes on %(day)s now")
NO_CLOSING = Phrase("it has no closing date now")
TIME_ENDED = Phrase("its time ended on %(day)s, %(days)s days after the end of the course")


class Opening(Options):
    """When a configuration issues, by the dates of its course; all left out: always."""

    after_start: int | None = Field(
        None, ge=0, le=MOST_DAYS, description="Days after the start of the course at which it opens."
    )
    after_end: int | None = Field(
        None, ge=0, le=MOST_DAYS, description="Days after the end of the course at which it opens; 0: at the end."
    )
    stop: int | None = Field(
        None,
        ge=0,
        le=MOST_DAYS,
        description="Days after the end of the course from which the next run is the last: it issues, then the "
        "schedule is off.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.after_start is not None and self.after_end is not None:
            raise ValueError("give one of after_start and after_end")
        if self.after_end is not None and self.stop is not None and self.stop < self.after_end:
            raise ValueError("it stops before it opens: give a stop that is later than after_end")
        return self


@dataclass(frozen=True, slots=True)
class Dates:
    """When it opens (None: it is open), when it closes (None: never by itself), and what a person should know of it."""

    opens: datetime | None
    closes: datetime | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Whether it issues now, why not, and whether the run at hand is its last."""

    open: bool
    why: str = ""
    last: bool = False


def of(configuration: CredentialConfiguration) -> Opening:
    """Its rules; an OptionsError names what is wrong in them."""
    return parse(Opening, configuration.opening, "opening")


def dates_of(rules: Opening, context: LearningContext) -> Dates:
    """What the rules come to with the dates of that course, lesson or pathway."""
    opens = closes = None
    remarks: list[str] = []
    for days, date, without in ((rules.after_start, context.start, NO_START), (rules.after_end, context.end, NO_END)):
        if days is None:
            continue
        opens = _days_after(date, days) if date else schedules.NEVER
        if date is None:
            remarks.append(without)
    if rules.stop is not None:
        closes = _days_after(context.end, rules.stop) if context.end else None
        if closes is None:
            remarks.append(NEVER_CLOSES)
    if opens and closes and closes < opens and opens != schedules.NEVER:
        remarks.append(CLOSES_FIRST % {"closes": history.on(closes), "opens": history.on(opens)})
    return Dates(opens, closes, tuple(remarks))


def state_of(configuration: CredentialConfiguration, now: datetime) -> State:
    """Whether it issues now, by the dates that were last read."""
    if configuration.closed:
        told = {"day": history.on(configuration.closed), "why": configuration.closed_why}
        return State(open=False, why=CLOSED % told)
    opens, closes = configuration.opens_at, configuration.closes_at
    if opens == schedules.NEVER:
        return State(open=False, why=NO_DATE)
    if opens and now < opens:
        return State(open=False, why=NOT_YET % {"at": history.at(opens, configuration.time_zone)})
    return State(open=True, last=closes is not None and now >= closes)


def ended(configuration: CredentialConfiguration, now: datetime) -> datetime | None:
    """When its time was over, by the dates that were last read; None while it is not, or when it has closed since."""
    return configuration.closes_at if state_of(configuration, now).last else None


def state_by(dates: Dates, configuration: CredentialConfiguration, now: datetime) -> State:
    """Whether it would issue now, by those dates; nothing is written."""
    closed = configuration.closed if dates.closes and now >= dates.closes else None
    there = {"closed": closed, "closed_why": configuration.closed_why, "time_zone": configuration.time_zone}
    return state_of(CredentialConfiguration(opens_at=dates.opens, closes_at=dates.closes, **there), now)


def follow(configuration: CredentialConfiguration, context: LearningContext, now: datetime) -> State:
    """Takes over the course's dates as they are by now, opening again what they had closed; whether it issues now.

    What a person switched off stays off.
    """
    if not (configuration.opening or configuration.opens_at or configuration.closes_at or configuration.closed):
        return State(open=True)
    dates = dates_of(of(configuration), context)
    if (dates.opens, dates.closes) != (configuration.opens_at, configuration.closes_at):
        with transaction.atomic():
            row = CredentialConfiguration.objects.select_for_update().get(pk=configuration.pk)
            take(row, dates, now)
        configuration.refresh_from_db(fields=["opens_at", "closes_at", "closed", "closed_why", "next_run_at"])
    return state_of(configuration, now)


def take(row: CredentialConfiguration, dates: Dates, now: datetime, *, changed: bool = False) -> None:
    """Writes the dates, opening again what closed by earlier ones; within a transaction that has locked the row.

    `changed`: its schedule was given anew.
    """
    moved = (row.opens_at, row.closes_at) != (dates.opens, dates.closes)
    row.opens_at, row.closes_at = dates.opens, dates.closes
    if row.closed and (dates.closes is None or now < dates.closes):
        row.closed, row.closed_why = None, ""
        until = CLOSES_NOW % {"day": history.on(dates.closes)} if dates.closes else NO_CLOSING
        history.record("opened again", row, reason=until)
    if moved:
        row.save(update_fields=["opens_at", "closes_at", "closed", "closed_why"])
    schedules.keep(row, now, changed=changed, moved=moved)


def close(configuration: CredentialConfiguration, now: datetime) -> None:
    """Switches the schedule off after the last run, and says why; within the transaction that closes the run."""
    row = CredentialConfiguration.objects.select_for_update().get(pk=configuration.pk)
    if row.closed or row.closes_at is None:
        return
    row.closed = now
    row.closed_why = TIME_ENDED % {"day": history.on(row.closes_at), "days": of(row).stop}
    row.save(update_fields=["closed", "closed_why"])
    schedules.keep(row, now, changed=False)
    history.record("closed", row, reason=row.closed_why)


def follow_all(now: datetime | None = None) -> int:
    """Each day: follows the dates of all courses on which a configuration depends; how many have moved.

    Of those, and of whatever is listed without a name, it learns what the source calls it now.
    """
    now = now or timezone.now()
    lms = plugins.gateway()
    moved = away = 0
    asked = Q(context_name="") | ~Q(opening={})
    # In another order each day: those that hang hold up the same ones behind them no two days.
    for one in CredentialConfiguration.objects.filter(asked, archived=None).order_by("?"):
        before = (one.opens_at, one.closes_at)
        try:
            with describing():
                context = lms.describe(one.context_key)
            away = 0
            if context is not None:
                keep_name(one, context)
                follow(one, context, now)
        except Exception as error:  # one course that cannot be read keeps no other from being followed
            away += isinstance(error, TransientError)
            journal.breakdown(logger, "the dates of a course could not be followed", error, configuration=one.pk)
        moved += before != (one.opens_at, one.closes_at)
        if away >= ENOUGH:
            journal.event(logger, "the source is away: the other courses are followed tomorrow", level=logging.WARNING)
            break
    return moved


def _days_after(date: datetime, days: int) -> datetime:
    return date.astimezone(UTC) + timedelta(days=days)
