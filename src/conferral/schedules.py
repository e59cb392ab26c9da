"""Times of runs: when a configuration is due next, and its periodic task. The only door to django-celery-beat.

`next_run_at` is the truth. The periodic task is a crontab that wakes somebody to look at it; the minute's sweep looks
too. So a restart of beat, daylight saving and a week's downtime cost nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from django.core.exceptions import ValidationError
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from conferral.contract import OptionsError
from conferral.models import CredentialConfiguration

RUN_IF_DUE = "conferral.run_if_due"
SWEEP, DAILY = "conferral.sweep", "conferral.daily"
SCHEDULER = "conferral.beat:Scheduler"
"""Names of the tasks and of the periodic tasks of the sweep and of what is done once a day; and beat's scheduler."""
CRONTAB_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
MINUTE = timedelta(minutes=1)
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
"""When a configuration opens whose course has not been given the date on which it depends."""
UNITS = {"minute": MINUTE, "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
HORIZON = 366 * 41
"""Days. After 40 years without a day in a crontab there will be none: 29 February was every weekday by then."""


def check(schedule: Mapping[str, str], time_zone: str) -> None:
    """An OptionsError for a crontab that nobody understands or that never fires."""
    if "crontab" not in schedule:
        return
    text = schedule["crontab"]
    try:
        _parsed(text)
        CrontabSchedule(**dict(zip(CRONTAB_FIELDS, text.split(), strict=True))).clean_fields()
    except (ValueError, TypeError, ParseException, ValidationError) as error:
        said = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise OptionsError(
            "%(text)r is not accepted: write minute, hour, day of month, month, day of week, like 0 3 * * 1 (%(said)s)",
            where="schedule.crontab",
            text=text,
            said=said,
        ) from None
    if next_after(schedule, time_zone, after=datetime.now(UTC), since=None) is None:
        raise OptionsError(
            "%(text)r never fires: there is no such day; correct day and month", where="schedule.crontab", text=text
        )


def next_after(
    schedule: Mapping[str, str], time_zone: str, *, after: datetime, since: datetime | None
) -> datetime | None:
    """The first time of the schedule after that instant, in UTC and whole minutes; None when there is none (any more).

    `since` is when the schedule was given, from which `every` counts. Times are the wall clock's of the time zone: one
    that daylight saving skips is made up for after the gap, one that comes twice counts once.
    """
    match schedule:
        case {"crontab": text}:
            return _next_of_crontab(_parsed(text), ZoneInfo(time_zone), after)
        case {"every": text}:
            return _next_of_every(text, ZoneInfo(time_zone), after, since or after)
        case {"at": text}:
            at = _whole_minute(datetime.fromisoformat(text))
            return at if at > after else None
        case _:
            return None


def upcoming(configuration: CredentialConfiguration, count: int) -> Iterator[datetime]:
    """Its next runs, at most so many."""
    instant = configuration.next_run_at
    for _ in range(count):
        if instant is None:
            return
        yield instant
        if configuration.closes_at and instant >= configuration.closes_at:
            return  # the first one after the closing is the last
        instant = next_after(
            configuration.schedule, configuration.time_zone, after=instant, since=configuration.schedule_since
        )


def foreseen(configuration: CredentialConfiguration, count: int, now: datetime) -> Iterator[datetime]:
    """The next runs of one that is not saved, by its schedule and by when it opens and closes."""
    configuration.next_run_at = _following(configuration, now)
    return upcoming(configuration, count)


def keep(configuration: CredentialConfiguration, now: datetime, *, changed: bool, moved: bool = False) -> None:
    """Saves when it runs next, and makes its periodic task agree; within the transaction that saved the configuration.

    `changed` starts its times anew: they are counted from now. What is switched on again never runs at once. `moved`:
    it opens at another time than before.
    """
    if changed:
        configuration.schedule_since = now
    planned = configuration.next_run_at
    if not configuration.enabled or configuration.archived or configuration.closed:
        configuration.next_run_at = None
    elif changed or planned is None:
        configuration.next_run_at = _following(configuration, now)
    elif moved:
        kept = planned if configuration.opens_at is None or planned >= configuration.opens_at else None
        configuration.next_run_at = min(filter(None, (kept, _following(configuration, now))), default=None)
    _keep_task(configuration)
    configuration.save(update_fields=["schedule_since", "next_run_at", "periodic_task"])


def take_turn(configuration: CredentialConfiguration, now: datetime) -> bool:
    """Moves a due configuration on to its next time; False when somebody else was faster. Within a transaction."""
    due = CredentialConfiguration.objects.filter(
        pk=configuration.pk, enabled=True, archived=None, next_run_at=configuration.next_run_at
    )
    following = _following(configuration, now)
    if not due.update(next_run_at=following):
        return False
    configuration.next_run_at = following
    _keep_task(configuration)
    configuration.save(update_fields=["periodic_task"])
    return True


def bring_forward(configuration: CredentialConfiguration, to: datetime) -> None:
    """Runs it again at that instant, if its regular time is later: the last run failed."""
    running = CredentialConfiguration.objects.filter(pk=configuration.pk, enabled=True, archived=None, closed=None)
    running.exclude(next_run_at__lt=to).update(next_run_at=to)


def remove(configuration: CredentialConfiguration) -> None:
    """Deletes its periodic task."""
    task = configuration.periodic_task
    configuration.periodic_task = None
    if task is not None:
        times = task.crontab
        task.delete()
        _drop(times)


def last_tick() -> datetime | None:
    """When beat last sent the sweep, as far as it has told the database."""
    found: datetime | None = (
        PeriodicTask.objects.filter(task=SWEEP).order_by("-last_run_at").values_list("last_run_at", flat=True).first()
    )
    return found


def in_words(schedule: Mapping[str, str], time_zone: str) -> str:
    """The schedule as a person writes it: `every 7 days`, `0 3 * * 1 Europe/Paris`, or `by hand`."""
    match schedule:
        case {"crontab": text}:
            return f"{text} {time_zone}"
        case {"every": text}:
            return f"every {text}"
        case {"at": text}:
            return f"at {text}"
        case _:
            return "by hand"


def _following(configuration: CredentialConfiguration, now: datetime) -> datetime | None:
    if configuration.closed or configuration.opens_at == NEVER:
        return None
    if configuration.opens_at:
        now = max(now, configuration.opens_at - timedelta(microseconds=1))
    return next_after(configuration.schedule, configuration.time_zone, after=now, since=configuration.schedule_since)


def _keep_task(configuration: CredentialConfiguration) -> None:
    if not configuration.schedule:
        remove(configuration)
        return
    name = f"conferral:{configuration.pk}"
    task = configuration.periodic_task or PeriodicTask.objects.filter(name=name).first() or PeriodicTask(name=name)
    before, old = task.pk and (task.crontab_id, task.enabled, task.description), task.crontab
    # A row of crontabs may be shared with tasks of others, beat's own among them: it is never changed.
    spec = _wake_ups(configuration)
    task.crontab = CrontabSchedule.objects.filter(**spec).first() or CrontabSchedule.objects.create(**spec)
    task.task, task.args = RUN_IF_DUE, f"[{configuration.pk}]"
    task.enabled = configuration.next_run_at is not None
    task.description = (
        f"{configuration}: wakes Conferral, which looks whether this is due. "
        "Switch it on and off, and change its times, in its credential configuration."
    )
    configuration.periodic_task = task
    if before == (task.crontab_id, task.enabled, task.description):
        return  # saving would make every beat read its whole schedule again
    task.save()
    if old != task.crontab:
        _drop(old)


def _drop(times: CrontabSchedule | None) -> None:
    if times is not None and not PeriodicTask.objects.filter(crontab=times).exists():
        times.delete()


def _wake_ups(configuration: CredentialConfiguration) -> dict[str, str]:
    """The crontab of the periodic task: the configuration's own; else its next time, as a minute of the year."""
    if "crontab" in configuration.schedule:
        fields = configuration.schedule["crontab"].split()
        return dict(zip(CRONTAB_FIELDS, fields, strict=True)) | {"timezone": configuration.time_zone}
    at = (configuration.next_run_at or datetime.now(UTC)).astimezone(UTC)
    fields = [str(at.minute), str(at.hour), str(at.day), str(at.month), "*"]
    return dict(zip(CRONTAB_FIELDS, fields, strict=True)) | {"timezone": "UTC"}


def _parsed(text: str) -> crontab:
    return crontab.from_string(text)


def _next_of_crontab(times: crontab, zone: ZoneInfo, after: datetime) -> datetime | None:
    """As Celery reads a crontab: day of month and day of week have to agree both."""
    today = after.astimezone(zone).date()
    for offset in range(HORIZON):
        day = today + timedelta(days=offset)
        if _is_day(times, day):
            clock = (time(hour, minute) for hour in sorted(times.hour) for minute in sorted(times.minute))
            instants = (_instant(datetime.combine(day, at), zone) for at in clock)
            found = next((instant for instant in instants if instant > after), None)
            if found:
                return _or_repeated_hour(times, zone, after, found)
    return None


def _or_repeated_hour(times: crontab, zone: ZoneInfo, after: datetime, found: datetime) -> datetime:
    """When clocks go back an hour comes twice; what runs in every hour runs in both."""
    if len(times.hour) < 24:  # noqa: PLR2004 - hours of a day
        return found
    step = _whole_minute(after + timedelta(microseconds=1))
    while step < found:
        local = step.astimezone(zone)
        if local.minute in times.minute and _is_day(times, local.date()):
            return step
        step += MINUTE
        if step > after + timedelta(hours=2):
            break
    return found


def _is_day(times: crontab, day: Any) -> bool:
    return (
        day.month in times.month_of_year and day.day in times.day_of_month and day.isoweekday() % 7 in times.day_of_week
    )


def _next_of_every(text: str, zone: ZoneInfo, after: datetime, since: datetime) -> datetime:
    number, unit = text.split()
    step = int(number) * UNITS[unit.rstrip("s")]
    begin = _whole_minute(since)
    if step < UNITS["day"] or unit.startswith("hour"):
        return begin + max((after - begin) // step + 1, 1) * step
    # Days are the wall clock's: what runs at three in the morning does so in summer and in winter.
    wall, now = begin.astimezone(zone).replace(tzinfo=None), after.astimezone(zone).replace(tzinfo=None)
    count = max((now - wall) // step, 1)
    while (instant := _instant(wall + count * step, zone)) <= after:
        count += 1
    return instant


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall clock's time: of two the first; in a gap, as far after it as was asked for."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _whole_minute(instant: datetime) -> datetime:
    """That instant in UTC, or the next whole minute."""
    floor = instant.astimezone(UTC).replace(second=0, microsecond=0)
    return floor if floor == instant else floor + MINUTE
