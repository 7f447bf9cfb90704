"""Statements written out for what is read most: planned once for each connection, rows made into models directly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Model

_new_cursor = cast("Callable[[Any], Any]", ServerBindingCursor)  # the stubs know less of it


def columns_of(model: type[Model], table: str) -> str:
    """Every column of `model`, to be selected from `table` of the statement.

    By name, not `*`: a prepared statement must go on giving the same columns when a migration adds one.
    """
    fields = model._meta.concrete_fields  # noqa: SLF001  # a documented API of Django's, for all its name
    return ", ".join(f'{table}."{field.column}"' for field in fields)


def fetched[M: Model](model: type[M], statement: str, values: Mapping[str, Any]) -> list[tuple[M, tuple[Any, ...]]]:
    """The rows of a statement that selects `columns_of(model)` first: each a model, and the columns after it."""
    fields = model._meta.concrete_fields  # noqa: SLF001  # as above
    names = [field.attname for field in fields]
    converters = [
        (place, convert)
        for place, field in enumerate(fields)
        if (convert := getattr(field, "from_db_value", None)) is not None
    ]
    made = []
    for row in fetch(statement, values):
        own = list(row[: len(names)])
        for place, convert in converters:
            own[place] = convert(own[place], None, connection)
        made.append((model.from_db(connection.alias, names, own), row[len(names) :]))
    return made


def fetch(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement whose parameters the server binds, so that it is planned once, not each time."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    plain: Any = _new_cursor(connection.connection)
    with connection.make_debug_cursor(plain) if connection.queries_logged else connection.make_cursor(plain) as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
