"""Lists that stay as fast at ten million rows as at ten: pages by key, never OFFSET, never count(*).

A page is "the rows after this key" in the order of the primary key, which grows with time; its links carry the key of
the last (or first) row shown. A list is filtered by indexed columns and searched by exact values.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

AFTER, BEFORE, ORDER = "after", "before", "order"
OLDEST, NEWEST = "oldest", "newest"
CAP = 100
"""Counts stop here: beyond it a person only needs to know "many"."""


def capped_count(queryset: QuerySet[Any]) -> int:
    """How many rows `queryset` has, at most `CAP`: reads no more than that many index entries."""
    return queryset.order_by().values_list("pk", flat=True)[:CAP].count()


def shown_count(count: int) -> str:
    """`capped_count`'s answer as a badge shows it: "7", "99+"."""
    return f"{CAP - 1}+" if count >= CAP else str(count)


class KeysetPages:
    """Stands where Django expects a paginator, and knows nothing but the two neighbouring pages."""

    template_name = "admin/keyset_pagination.html"
    num_pages = 1

    def __init__(self, *, per_page: int, count: int, previous: str, following: str, flipped: str, newest: bool) -> None:
        self.per_page = per_page
        self.count = count
        self.previous = previous
        self.following = following
        self.flipped = flipped
        self.newest = newest


class KeysetChangeList(ChangeList):
    """A page of rows in key order. The admin says which end comes first by `newest_first(request)`."""

    own_parameters: frozenset[str] = frozenset()
    """Parameters of the query string that a subclass understands itself."""

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Django asks this for the lookups of the query string; ours are no lookups."""
        lookups = super().get_filters_params(params)
        ours = {AFTER, BEFORE, ORDER} | self.own_parameters
        return {name: value for name, value in lookups.items() if name not in ours}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["-pk" if self._newest_first(request) else "pk"]

    def get_ordering_field_columns(self) -> dict[int, str]:
        return {}  # no column sorts: the order is the key's

    def get_results(self, request: HttpRequest) -> None:
        newest = self._newest_first(request)
        after, before = self._key(AFTER), self._key(BEFORE)
        backwards = before is not None and after is None
        rows = list(self._ordered(newest, after, before, backwards)[: self.list_per_page + 1])
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        if backwards:
            rows.reverse()
        has_previous = more if backwards else after is not None
        has_following = True if backwards else more
        self.paginator = KeysetPages(
            per_page=self.list_per_page,
            count=len(rows),
            previous=self._link({BEFORE: rows[0].pk}) if rows and has_previous else "",
            following=self._link({AFTER: rows[-1].pk}) if rows and has_following else "",
            flipped=self._link({ORDER: OLDEST if newest else NEWEST}),
            newest=newest,
        )
        self.model_admin.prepare_page(request, rows)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)  # of this page; the list is never counted
        self.show_full_result_count = False
        self.show_admin_actions = False
        self.can_show_all = False
        self.multi_page = False

    def _newest_first(self, request: HttpRequest) -> bool:
        chosen = self.params.get(ORDER)
        return chosen == NEWEST if chosen in {OLDEST, NEWEST} else bool(self.model_admin.newest_first(request))

    def _ordered(self, newest: bool, after: Any, before: Any, backwards: bool) -> QuerySet[Any]:
        if backwards:
            limit = {"pk__gt" if newest else "pk__lt": before}
            return self.queryset.filter(**limit).order_by("pk" if newest else "-pk")
        if after is not None:
            return self.queryset.filter(**{"pk__lt" if newest else "pk__gt": after})
        return self.queryset

    def _key(self, name: str) -> Any:
        """The key in the query string, or None for what is none."""
        given = self.params.get(name)
        if not given or "\0" in given:
            return None
        try:
            key = self.lookup_opts.pk.to_python(given)
        except ValidationError:
            return None
        return None if isinstance(key, int) and abs(key) >= 2**63 else key

    def _link(self, new: dict[str, Any]) -> str:
        cleared: dict[str, Any] = dict.fromkeys((AFTER, BEFORE), None)
        return str(self.get_query_string(cleared | new))
