"""The first page: what there is, how it got there, what is under way."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payouts import selectors
from portal.charts import balance_chart
from portal.people import customer_of
from portal.views.deposits import LiveList

PERIODS = (7, 30, 90)
USUAL_PERIOD = 30


@login_required
@never_cache
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    customer = customer_of(request)
    days = period_of(request)
    board = selectors.dashboard(customer.pk, days=days)
    return render(
        request,
        "portal/dashboard.html",
        {
            "board": board,
            "chart": balance_chart(board.series),
            "days": days,
            "periods": PERIODS,
            "is_new": not board.movements and not board.funds.total_micro,
            "live": LiveList(board.waiting_deposits, "", waiting_only=True),
            "frozen": board.is_frozen,
            "held_until": board.held_until,
        },
    )


def period_of(request: HttpRequest) -> int:
    """The chart's period, in days; the usual one for anything odd."""
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(period) for period in PERIODS} else USUAL_PERIOD
