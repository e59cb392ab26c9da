"""Lists of records of which there may be millions: what a page of them costs does not depend on how many there are.

Databases read what a list is narrowed to by its index, and sort it; or they walk through the table in the order of the
list until they have met a page of it; or they read whole tables to join them. Which is cheapest they guess, as if rows
were spread evenly. The rows of a course are not, and a guess costs a million rows. So here the newest are walked
through, and no others; what is not met there is read by its index, and sorted by what no index sorts.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import F
from django.db.models.lookups import Exact
from django.http import HttpRequest

if TYPE_CHECKING:
    RecordPaginator = Paginator[Any]
else:  # Django's own class takes no type parameters
    RecordPaginator = Paginator

COUNTED = 10_000
"""As far as rows are counted, and pages are there; whoever has as many looks for one, and does not turn pages."""
NEAR = 20_000
"""So many of a table's newest rows are walked through for the first page of a list that is narrowed."""


class BoundedPaginator(RecordPaginator):
    """Counts as far as COUNTED, and has no page behind that.

    Of rows that are narrowed by what they belong to, `led` are the same, looked up from there, where that is little.
    `walked`: they may be most of the table, so that as many as are counted are met among the newest.
    """

    led: Any = None
    walked = False

    @cached_property
    def more(self) -> bool:
        """Whether there are more than were counted."""
        return self._counted > COUNTED

    @cached_property
    def count(self) -> int:
        """How many there are, at most COUNTED."""
        return min(self._counted, COUNTED)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list if self.led is None else self.led
        if self.walked and rows.query.where and (found := _count(_near(rows, COUNTED))) > COUNTED:
            return found
        return _count(rows)

    def page(self, number: Any) -> Page[Any]:
        """The rows of a page: their keys first, so that what is joined to them is read for one page alone."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        return Page(rows.filter(pk__in=self._keys(first, min(first + self.per_page, self.count))), number, self)

    def _keys(self, first: int, last: int) -> list[Any]:
        """Those of a page; of many that are sorted by another column than their age, an index of it tells them soon."""
        rows: Any = self.object_list
        narrowed, from_newest = bool(rows.query.where), set(rows.query.order_by) == {"-pk"}
        if narrowed and self.more and from_newest:
            found = _page(_near(rows, last), first, last)
            if len(found) == last - first:
                return found
        if self.led is not None:
            rows = sorted_alone(self.led)
        elif narrowed and not self.more:
            rows = sorted_alone(few(rows))
        elif narrowed and from_newest:
            rows = sorted_alone(rows)
        return _page(rows, first, last)


def _count(rows: Any) -> int:
    return int(rows.order_by()[: COUNTED + 1].count())


def _page(rows: Any, first: int, last: int) -> list[Any]:
    return list(rows.values_list("pk", flat=True)[first:last])


def _near(rows: Any, last: int) -> Any:
    """Those that are among the newest of the table."""
    everything, behind = rows.model._default_manager.order_by("-pk"), NEAR + last * 3 // 2  # noqa: SLF001 - documented
    since = _page(everything, behind, behind + 1)
    return few(rows.filter(pk__gte=since[0]) if since else rows)


def sorted_alone(rows: Any) -> Any:
    """The same, in an order that no index has: what the rows are narrowed to is read, and nothing else."""
    return rows.order_by(F("pk") * 0, *rows.query.order_by)


def few(rows: Any, field: str = "pk") -> Any:
    """The same, but taken for few: what belongs to each is then looked up by an index, and no table read whole.

    What always is nought narrows nothing, but PostgreSQL thinks that it is so of one row in 200. Of what is known to be
    few: of many, to read whole tables may be right.
    """
    return rows.filter(Exact(F(field) * 0, 0))


class RecordList(ChangeList):
    """A list of the admin that tells no number where none was counted, and reads no table whole for those it shows."""

    def get_results(self, request: HttpRequest) -> None:
        """Beside the search box Django would tell the bound as the number of results, and offer to show all of all."""
        super().get_results(request)
        if getattr(self.paginator, "more", False) or not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count
        if self.can_show_all:  # Django then asks for all of them, without their keys
            self.result_list = few(self.result_list)
