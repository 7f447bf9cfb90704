"""Amounts in the database: whole units, exact, as `int` in Python."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable


class UnitsField(models.DecimalField):
    """`numeric(max_digits, 0)` that reads as `int`. The unit is in the field's name."""

    if TYPE_CHECKING:  # django-stubs reads a field's Python type from here
        _pyi_private_set_type: int | Combinable
        _pyi_private_get_type: int  # type: ignore[assignment]  # the point of this class: not Decimal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 38} | kwargs | {"decimal_places": 0})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("decimal_places", None)
        return name, path, args, kwargs

    def from_db_value(self, value: Decimal | None, expression: object, connection: object) -> int | None:
        return None if value is None else int(value)

    def to_python(self, value: Any) -> int | None:
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, Decimal) and value == value.to_integral_value():
            return int(value)
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        raise ValidationError("an amount is a whole number of units, not %(value)r", params={"value": value})

    def get_prep_value(self, value: Any) -> Decimal | None:
        if hasattr(value, "resolve_expression"):
            return value  # an expression, resolved by the compiler
        number = self.to_python(value)
        return None if number is None else Decimal(number)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_prep_value(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**kwargs)


class EvidenceField(models.JSONField):
    """JSON that is read beside other people's: what Python cannot read is None, and stops nobody else's rows.

    PostgreSQL keeps numbers of any length, Python reads 4,300 digits (`sys.set_int_max_str_digits`), and neither nests
    as deep as the other.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            return super().from_db_value(value, expression, connection)
        except (ValueError, RecursionError):
            return None

    def deconstruct(self) -> Any:
        """A JSONField, as far as migrations are concerned: the column is the same."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
