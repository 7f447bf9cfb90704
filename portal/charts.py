"""The balance over time as coordinates for an SVG, drawn on the server. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 720, 200
STEPS = (1, 2, 5)
UNIT = 1_000_000  # the axis is labelled in whole USDT at the least


@dataclass(frozen=True)
class Day:
    """The balance at a day's end, and the strip of the chart that belongs to the day. Micro-USDT, SVG units."""

    on: date
    balance_micro: int
    x: str
    width: str


@dataclass(frozen=True)
class Chart:
    """Paths and labels. `top_micro`: the balance that the upper edge stands for."""

    days: list[Day]
    line: str
    area: str
    top_micro: int
    marks: list[date]

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def middle_micro(self) -> int:
        return self.top_micro // 2

    @property
    def middle_y(self) -> int:
        return HEIGHT // 2

    @property
    def lowest_micro(self) -> int:
        return min(day.balance_micro for day in self.days)

    @property
    def highest_micro(self) -> int:
        return max(day.balance_micro for day in self.days)


def balance_chart(series: Sequence[tuple[date, int]]) -> Chart | None:
    """The chart of balances at the end of each day, oldest first; None when there is nothing to draw."""
    if len(series) < 2 or not any(balance for _, balance in series):
        return None
    top = ceiling(max(balance for _, balance in series))
    step = WIDTH / (len(series) - 1)
    points = [(i * step, HEIGHT - HEIGHT * max(balance, 0) / top) for i, (_, balance) in enumerate(series)]
    line = f"M{_n(points[0][0])} {_n(points[0][1])}" + "".join(f"H{_n(x)}V{_n(y)}" for x, y in points[1:])
    days = [
        Day(on, balance, _n(max(i * step - step / 2, 0)), _n(step if 0 < i < len(series) - 1 else step / 2))
        for i, (on, balance) in enumerate(series)
    ]
    return Chart(days, line, f"{line}V{HEIGHT}H0Z", top, _marks([on for on, _ in series]))


def ceiling(highest_micro: int) -> int:
    """The smallest round amount (1, 2 or 5 and zeros) that the chart fits under."""
    size = UNIT
    while True:
        for step in STEPS:
            if step * size >= highest_micro:
                return step * size
        size *= 10


def _marks(days: Sequence[date]) -> list[date]:
    """Days to label: the ends and two between."""
    last = len(days) - 1
    return [days[round(last * part / 3)] for part in range(4)] if last >= 3 else list(days)


def _n(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
