"""Amounts in the database: whole units, exact, as `int` in Python."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


class UnitsField(models.DecimalField):  # type: ignore[type-arg]  # the stub's parameters are DecimalField's own
    """`numeric(max_digits, 0)` that reads as `int`. The unit is in the field's name."""

    def __init__(self, *args: Any, max_digits: int = 38, **kwargs: Any) -> None:
        kwargs["decimal_places"] = 0
        super().__init__(*args, max_digits=max_digits, **kwargs)

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
            return value  # type: ignore[no-any-return]  # an expression, resolved by the compiler
        number = self.to_python(value)
        return None if number is None else Decimal(number)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return self.get_prep_value(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**kwargs)
