"""Pages that show rows of record. They have no form: nobody adds, changes or deletes by them, whatever their rights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from accounts.staff.keyset import KeysetChangeList

LARGEST_KEY = 2**63


class ReadOnlyAdmin(ModelAdmin):
    """A list in key order and a page per row, both for reading. Acting happens in dialogs (see `dialogs.py`)."""

    actions = None
    sortable_by = ()
    show_full_result_count = False
    list_max_show_all = 0
    list_per_page = 25
    list_select_related: tuple[str, ...] | bool = False
    list_filter_submit = True
    search_fields: Sequence[str] = ()
    exact_lookups: tuple[str, ...] = ()
    """Fields that links may filter by (`?customer=7`), beyond the filters in sight."""
    newest_first_by_default = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Form, change: Any) -> None:
        raise PermissionDenied

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        raise PermissionDenied

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        raise PermissionDenied

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A list is read; what Django would do with a POST here (actions, inline editing) does not exist."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        title = capfirst(str(self.opts.verbose_name_plural))  # Django's "Select … to view" has no cases in Russian
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The activity log is the history. Django's own table is empty here, and would say that nothing happened."""
        raise Http404

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return list(flatten_fieldsets(self.get_fieldsets(request, obj)))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def newest_first(self, request: HttpRequest) -> bool:
        """Which end of the list comes first when the page does not ask for one."""
        return self.newest_first_by_default

    def row_title(self, row: Any) -> str:
        """What the page of a row is called."""
        return str(row)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row with what its page shows beyond it, and its title."""
        row = super().get_object(request, object_id, from_field) if is_key(self.model, object_id) else None
        if row is not None:
            row.staff_title = self.row_title(row)
            self.prepare_row(request, row)
        return row

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = context.get("original")
        if row is not None:
            context |= {"title": self.row_title(row), "subtitle": None}
        return super().render_change_form(request, context, *args, **kwargs)

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up for a whole page what its columns show beyond the row: a fixed number of queries, here."""

    def prepare_row(self, request: HttpRequest, row: Any) -> None:
        """The same for a single row's page, within Django's transaction: no cache, no network."""
        self.prepare_page(request, [row])

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Our filters and links only: no lookup of the visitor's own invention runs over the whole table."""
        filters = (getattr(each, "parameter_names", None) or (each.parameter_name,) for each in self.list_filter)
        return lookup in {*self.exact_lookups, *(name for names in filters for name in names)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact values only, each by its index: see `find`."""
        term = search_term.strip()
        return (self.find(request, queryset, term) if term else queryset), False

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """The rows that `term` names exactly. Without a search box there is nothing to find."""
        return queryset.none()


def is_key(model: type[Model], text: str) -> bool:
    """Whether `text` can be a key of `model`: a number larger than the column holds is an error to PostgreSQL."""
    try:
        key = model._meta.pk.to_python(text)  # noqa: SLF001  # documented model API
    except ValidationError:
        return False
    return not isinstance(key, int) or abs(key) < LARGEST_KEY
