"""Lists of records of which there may be millions: what a page of them costs does not depend on how many there are."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import EmptyPage, Page, Paginator
from django.http import HttpRequest

if TYPE_CHECKING:
    RecordPaginator = Paginator[Any]
else:  # Django's own class takes no type parameters
    RecordPaginator = Paginator

COUNTED = 10_000
"""As far as rows are counted; whoever has as many looks for one, and does not turn pages."""


class BoundedPaginator(RecordPaginator):
    """Counts as far as COUNTED. Pages behind it are there for whoever goes on, each leading to the next.

    `by` are the keys of the rows as another table has them, perhaps several times, when that is read faster.
    """

    by: Any = None

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
        if self.by is not None:
            keys = list(self.by.order_by()[: 2 * COUNTED])
            found = len(set(keys))
            if len(keys) < 2 * COUNTED or found > COUNTED:
                return found
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())

    def validate_number(self, number: Any) -> int:
        """Of a page behind what was counted nobody knows before it is read."""
        try:
            return super().validate_number(number)
        except EmptyPage:
            if self.more and int(number) > 0:
                return int(number)
            raise

    def page(self, number: Any) -> Page[Any]:
        """The rows of a page: their keys first, so that what is joined to them is read for one page alone."""
        number = self.validate_number(number)
        rows: Any = self.object_list
        first = (number - 1) * self.per_page
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page + 1])
        if number > 1 and not keys:
            raise EmptyPage(f"page {number} contains no rows")
        if self.more:
            self.num_pages = max(self.num_pages, number + (len(keys) > self.per_page))
        return Page(rows.filter(pk__in=keys[: self.per_page]), number, self)


class RecordList(ChangeList):
    """A list of the admin that tells no number where none was counted."""

    def get_results(self, request: HttpRequest) -> None:
        """Beside the search box Django would tell the bound as the number of results."""
        super().get_results(request)
        if getattr(self.paginator, "more", False):
            self.full_result_count = self.result_count
