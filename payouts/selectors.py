"""What pages read about withdrawals and a customer's money: few queries, frozen results, nothing changes."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone

from treasury import ledger
from treasury.chains import registry
from treasury.chains.errors import ConfigurationError
from treasury.models import Deposit
from treasury.selectors import DepositView, deposits_of, latest_and_waiting_deposits_of
from treasury.statements import columns_of, fetch, fetched

from .errors import WithdrawalNotFound
from .models import WithdrawalEvent, WithdrawalRequest
from .postings import available, reserved
from .states import CANCELLABLE, FINAL, State

COUNTED_AT_MOST = 1000
_ON_THEIR_WAY = [state.value for state in State if state not in FINAL]
_STATE_LABELS = dict(WithdrawalRequest.State.choices)  # Django's own display makes this anew for each row
VOID_DEPOSITS = frozenset({Deposit.State.ORPHANED, Deposit.State.REVERSED, Deposit.State.BELOW_MINIMUM})


# --- withdrawals, as their customer sees them -----------------------------------------------------------------------


def withdrawal_detail(*, customer_id: int, public_id: UUID) -> WithdrawalRequest:
    """The customer's withdrawal with its `events`, oldest first, in two queries.

    Raises WithdrawalNotFound, also for somebody else's.
    """
    row = (
        WithdrawalRequest.objects.filter(public_id=public_id, customer_id=customer_id)
        .prefetch_related(Prefetch("events", WithdrawalEvent.objects.order_by("id")))
        .first()
    )
    if row is None:
        raise WithdrawalNotFound
    return row


def withdrawals_of(
    customer_id: int, *, network: str = "", before_id: int | None = None, limit: int = 20
) -> list[WithdrawalRequest]:
    """The customer's withdrawals, newest first. `before_id`: the last id of the page before."""
    rows = WithdrawalRequest.objects.filter(customer_id=customer_id).order_by("-id")
    if network:
        rows = rows.filter(network=network)
    return list((rows if before_id is None else rows.filter(pk__lt=before_id))[:limit])


def open_withdrawals_of(customer_id: int, *, limit: int = 20) -> list[WithdrawalRequest]:
    """Those that are still on their way, newest first."""
    return list(
        WithdrawalRequest.objects.filter(customer_id=customer_id, state__in=_ON_THEIR_WAY).order_by("-id")[:limit]
    )


# What `open_withdrawals_of` and `withdrawals_of` read, in one statement: see the deposits' one.
_LATEST_AND_OPEN = f"""
SELECT {columns_of(WithdrawalRequest, "w")} FROM payouts_withdrawalrequest w WHERE id IN (
    (SELECT id FROM payouts_withdrawalrequest WHERE customer_id = %(customer)s ORDER BY id DESC LIMIT %(latest)s)
    UNION ALL
    (SELECT id FROM payouts_withdrawalrequest WHERE customer_id = %(customer)s AND state = ANY(%(on_their_way)s)
      ORDER BY id DESC LIMIT %(open)s)
) ORDER BY id DESC
"""  # noqa: S608  # the names of our own columns


def latest_and_open_withdrawals_of(
    customer_id: int, *, latest: int = 20, still_open: int = 20
) -> tuple[list[WithdrawalRequest], list[WithdrawalRequest]]:
    """The `latest` newest withdrawals, and the `still_open` newest of those on their way, together in one query."""
    found = fetched(
        WithdrawalRequest,
        _LATEST_AND_OPEN,
        {"customer": customer_id, "latest": latest, "on_their_way": _ON_THEIR_WAY, "open": still_open},
    )
    rows = [row for row, _more in found]
    return rows[:latest], [row for row in rows if row.state not in FINAL][:still_open]


def can_cancel(row: WithdrawalRequest) -> bool:
    """Whether its customer may still take the request back."""
    return row.state in CANCELLABLE


# --- all movements, the balance, the dashboard ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the history. `amount_micro` is what the account was credited or debited, without a sign.

    `is_void`: the money did not move after all. `public_id` and `number` belong to withdrawals.
    """

    kind: str  # "deposit" or "withdrawal"
    id: int
    at: datetime
    amount_micro: int
    network: str
    address: str
    state: str
    state_label: str
    is_void: bool
    tx_hash: str
    explorer_url: str
    public_id: UUID | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Movements:
    """A page of the history; `before` asks for the next one, None when this is the last."""

    rows: tuple[Movement, ...]
    before: str | None


def movements_of(
    customer_id: int, *, kind: str = "", network: str = "", before: str | None = None, limit: int = 20
) -> Movements:
    """Deposits and withdrawals in one list, newest first, keyset-paged. Raises ValueError for a broken `before`.

    `kind`: "deposits" or "withdrawals" alone, "" for both. `network`: one network alone, "" for all.
    """
    deposit_id, withdrawal_id = _read_cursor(before)
    deposits: list[Movement] = []
    withdrawals: list[Movement] = []
    if kind != "withdrawals":
        found = deposits_of(customer_id, network=network, before_id=deposit_id, limit=limit + 1)
        deposits = [_of_deposit(each) for each in found]
    if kind != "deposits":
        rows = withdrawals_of(customer_id, network=network, before_id=withdrawal_id, limit=limit + 1)
        withdrawals = [_of_withdrawal(each) for each in rows]
    merged = _merged(deposits, withdrawals)
    page = merged[:limit]
    for each in page:
        if each.kind == "deposit":
            deposit_id = each.id
        else:
            withdrawal_id = each.id
    more = len(merged) > limit
    return Movements(tuple(page), f"{deposit_id or 0}.{withdrawal_id or 0}" if more else None)


def _merged(deposits: list[Movement], withdrawals: list[Movement]) -> list[Movement]:
    return list(heapq.merge(deposits, withdrawals, key=lambda each: each.at, reverse=True))


def _read_cursor(before: str | None) -> tuple[int | None, int | None]:
    if not before:
        return None, None
    deposit_id, withdrawal_id = (int(part) for part in before.split("."))
    return deposit_id or None, withdrawal_id or None


def _of_deposit(view: DepositView) -> Movement:
    return Movement(
        kind="deposit",
        id=view.id,
        at=view.seen_at,
        amount_micro=view.amount_micro,
        network=view.network,
        address=view.address,
        state=view.state,
        state_label=view.state_label,
        is_void=view.state in VOID_DEPOSITS,
        tx_hash=view.tx_hash,
        explorer_url=view.explorer_url,
    )


def _of_withdrawal(row: WithdrawalRequest) -> Movement:
    return Movement(
        kind="withdrawal",
        id=row.pk,
        at=row.requested_at,
        amount_micro=row.debit_micro,
        network=row.network,
        address=row.address,
        state=row.state,
        state_label=str(_STATE_LABELS[row.state]),
        is_void=row.state in FINAL and row.state != State.PAID,
        tx_hash=row.tx_hash,
        explorer_url=explorer_url(row),
        public_id=row.public_id,
        number=str(row),
    )


def explorer_url(row: WithdrawalRequest) -> str:
    """Where people look its transaction up, "" while there is none."""
    try:
        return registry.network(row.network).explorer_url(row.tx_hash) if row.tx_hash else ""
    except ConfigurationError:  # a network that was taken out of the settings
        return ""


@dataclass(frozen=True, slots=True)
class Funds:
    """Micro-USDT: what may be spent, and what is held back for open withdrawals."""

    available_micro: int
    reserved_micro: int

    @property
    def total_micro(self) -> int:
        return self.available_micro + self.reserved_micro


def funds_of(customer_id: int) -> Funds:
    """The customer's money now, in one query."""
    codes = available(customer_id), reserved(customer_id)
    found = ledger.balances(codes)
    return Funds(found[codes[0]], found[codes[1]])


# The balances now, each day's change since, whether withdrawals are stopped or held: one statement, one moment.
_ACCOUNT = """
WITH own AS (SELECT id, code FROM treasury_ledgeraccount WHERE code = ANY(%(codes)s)), legs AS (
    SELECT posted_at, amount FROM treasury_ledgertransfer WHERE credit_id IN (SELECT id FROM own)
    UNION ALL
    SELECT posted_at, -amount FROM treasury_ledgertransfer WHERE debit_id IN (SELECT id FROM own)
)
SELECT code, NULL AS day, sum(balance) FROM own JOIN treasury_ledgerbalance ON account_id = own.id GROUP BY code
UNION ALL
SELECT 'change', (posted_at AT TIME ZONE 'UTC')::date AS day, sum(amount)
  FROM legs WHERE posted_at >= %(since)s GROUP BY day
UNION ALL
SELECT 'frozen', NULL, 1 FROM accounts_userprofile
 WHERE user_id = %(customer)s AND withdrawals_frozen_at IS NOT NULL
UNION ALL
SELECT 'held', NULL, ceil(extract(epoch FROM max(held_until))) FROM accounts_withdrawalhold
 WHERE user_id = %(customer)s AND held_until > %(now)s HAVING count(*) > 0
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's money now, the whole balance at the end of each day (UTC), and whether withdrawals are stopped.

    `held_until`: when they go on, where a hold runs.
    """

    funds: Funds
    series: list[tuple[date, int]]
    is_frozen: bool
    held_until: datetime | None


def account_of(customer_id: int, *, days: int = 30) -> Account:
    """The customer's account over the last `days` days, today the last, in one query."""
    now = timezone.now()
    today = now.astimezone(UTC).date()
    since = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), tzinfo=UTC)
    codes = available(customer_id), reserved(customer_id)
    rows = fetch(_ACCOUNT, {"codes": list(codes), "since": since, "customer": customer_id, "now": now})
    found = {(what, day): int(micro) for what, day, micro in rows}
    funds = Funds(*(found.get((code, None), 0) for code in codes))
    balance, series = funds.total_micro, []
    for back in range(days):  # worked backwards from the balance now
        day = today - timedelta(days=back)
        series.append((day, balance))
        balance -= found.get(("change", day), 0)
    held = found.get(("held", None))
    return Account(
        funds,
        series[::-1],
        is_frozen=("frozen", None) in found,
        held_until=None if held is None else datetime.fromtimestamp(held, UTC),
    )


def balance_series(customer_id: int, days: int = 30) -> list[tuple[date, int]]:
    """The customer's whole balance at the end of each of the last `days` days (UTC), today's last, in micro-USDT."""
    return account_of(customer_id, days=days).series


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on a customer's first page."""

    funds: Funds
    series: list[tuple[date, int]]
    open_withdrawals: list[WithdrawalRequest]
    waiting_deposits: list[DepositView]
    movements: tuple[Movement, ...]
    is_frozen: bool
    held_until: datetime | None

    @property
    def available_micro(self) -> int:
        return self.funds.available_micro

    @property
    def reserved_micro(self) -> int:
        return self.funds.reserved_micro


def dashboard(customer_id: int, *, days: int = 30, recent: int = 6) -> Dashboard:
    """The customer's first page, in four queries however long the history is."""
    account = account_of(customer_id, days=days)
    deposits, waiting_deposits = latest_and_waiting_deposits_of(customer_id, latest=recent)
    withdrawals, open_withdrawals = latest_and_open_withdrawals_of(customer_id, latest=recent, still_open=5)
    movements = _merged([_of_deposit(each) for each in deposits], [_of_withdrawal(each) for each in withdrawals])
    return Dashboard(
        funds=account.funds,
        series=account.series,
        open_withdrawals=open_withdrawals,
        waiting_deposits=waiting_deposits,
        movements=tuple(movements[:recent]),
        is_frozen=account.is_frozen,
        held_until=account.held_until,
    )


# --- the staff's queue ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Rows behind each tab, counted up to COUNTED_AT_MOST: a queue that long is no longer a number."""

    to_review: int
    second_approval: int
    mine: int
    on_hold: int
    under_way: int
    failed: int


def queue_counts(staff_id: int) -> QueueCounts:
    """What waits for the staff, at a cost that does not grow with the table."""
    rows = WithdrawalRequest.objects.all()
    counted = {
        "to_review": rows.filter(state=State.IN_REVIEW),
        "second_approval": rows.filter(
            state=State.IN_REVIEW, approvals_required__gt=1, approvals__revision=F("revision")
        ).distinct(),
        "mine": rows.filter(
            state__in=[State.IN_REVIEW, State.ON_HOLD], claimed_by_id=staff_id, claimed_until__gt=timezone.now()
        ),
        "on_hold": rows.filter(state=State.ON_HOLD),
        "under_way": rows.filter(state__in=[State.APPROVED, State.ORDERED, State.SENT]),
        "failed": rows.filter(state=State.FAILED),
    }
    return QueueCounts(**{name: _capped(found) for name, found in counted.items()})


def _capped(rows: QuerySet[WithdrawalRequest]) -> int:
    return len(list(itertools.islice(rows.order_by().values_list("pk", flat=True)[:COUNTED_AT_MOST], COUNTED_AT_MOST)))
