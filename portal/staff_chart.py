"""A fortnight of deposits and payments as bars: plain SVG made here, with the same numbers in a table beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from treasury.admin.display import usdt

WIDTH, HEIGHT, FLOOR, ROOF = 700, 180, 160, 12
BAR_SHARE = 0.36  # of a day's width, twice: one bar each way


def flow_chart(days: Sequence[tuple[dt.date, int, int]]) -> dict[str, Any]:
    """What the template draws: bars in whole pixels, and rows of the table."""
    highest = max((max(came, went) for _day, came, went in days), default=0)
    step = WIDTH // max(len(days), 1)
    bar = int(step * BAR_SHARE)
    columns = []
    for place, (day, came, went) in enumerate(days):
        left = place * step + (step - 2 * bar - 2) // 2
        columns.append(
            {
                "day": day.strftime("%d.%m"),
                "label_x": place * step + step // 2,
                "in": _bar(left, bar, came, highest),
                "out": _bar(left + bar + 2, bar, went, highest),
                "came": usdt(came),
                "went": usdt(went),
            }
        )
    return {
        "columns": columns,
        "width": step * len(days),
        "height": HEIGHT,
        "floor": FLOOR,
        "empty": highest == 0,
        "highest": usdt(highest),
        "came": usdt(sum(came for _day, came, _went in days)),
        "went": usdt(sum(went for _day, _came, went in days)),
    }


def _bar(left: int, width: int, amount: int, highest: int) -> dict[str, int]:
    height = (FLOOR - ROOF) * amount // highest if highest else 0
    height = max(height, 2) if amount else 0
    return {"x": left, "y": FLOOR - height, "width": width, "height": height}
