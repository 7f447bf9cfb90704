"""What pages read of the treasury: few queries, frozen results, no request to a chain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from treasury.chains import registry
from treasury.chains.network import Finality, Network
from treasury.models import Deposit, DepositAddress, NetworkState
from treasury.statements import columns_of, fetched

WAITING = (Deposit.State.SEEN, Deposit.State.CONFIRMED)
_STATE_LABELS = dict(Deposit.State.choices)  # Django's own display makes this anew for each row
WAITING_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class DepositProgress:
    """How far a deposit is on its way to being credited. `eta_seconds` is 0 once the chain has done its part."""

    confirmations_needed: int
    confirmations_seen: int
    eta_seconds: int

    @property
    def percent(self) -> int:
        return 100 * self.confirmations_seen // self.confirmations_needed if self.confirmations_needed else 100

    @property
    def is_complete(self) -> bool:
        return self.confirmations_seen >= self.confirmations_needed


@dataclass(frozen=True, slots=True)
class DepositView:
    """One deposit as its customer sees it."""

    id: int
    network: str
    network_name: str
    asset: str
    address: str
    tx_hash: str
    explorer_url: str
    amount_micro: int
    state: str
    state_label: str
    is_below_minimum: bool
    block_number: int
    seen_at: datetime
    credited_at: datetime | None
    progress: DepositProgress

    @property
    def is_waiting(self) -> bool:
        """Whether it will change by itself: a page showing it should refresh."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """How well we follow one network. `lag_blocks`: blocks to be scanned that are not yet; None before any scan."""

    code: str
    name: str
    head_number: int | None
    head_seen_at: datetime | None
    scanned_number: int | None
    finalized_number: int | None
    lag_blocks: int | None
    seconds_since_head: float | None
    halted_at: datetime | None
    halt_reason: str

    @property
    def is_halted(self) -> bool:
        return self.halted_at is not None


def deposits_of(
    customer_id: int, *, network: str = "", before_id: int | None = None, limit: int = 20
) -> list[DepositView]:
    """The customer's deposits, newest first, in two queries. `before_id`: the last id of the page before."""
    theirs = Deposit.objects.filter(deposit_address__customer_id=customer_id).values("pk")
    given_by_staff = Deposit.objects.filter(credited_to_id=customer_id).values("pk")
    # A union of two index scans; an OR over both would read the whole table.
    found = Deposit.objects.filter(pk__in=theirs.union(given_by_staff)).exclude(state=Deposit.State.ORPHANED)
    if network:
        found = found.filter(network=network)
    if before_id is not None:
        found = found.filter(id__lt=before_id)
    return deposit_views(list(found.select_related("deposit_address").order_by("-id")[:limit]))


def waiting_deposits_of(customer_id: int, *, network: str = "") -> list[DepositView]:
    """The customer's deposits that are not credited yet but will be, newest first."""
    found = Deposit.objects.filter(deposit_address__customer_id=customer_id, state__in=WAITING)
    if network:
        found = found.filter(network=network)
    return deposit_views(list(found.select_related("deposit_address").order_by("-id")[:WAITING_AT_MOST]))


# What `deposits_of` and `waiting_deposits_of` read, in one statement; a deposit that is both comes twice. Written out
# because it is on the first page: composing it anew each time took longer than running it.
_LATEST_AND_WAITING = f"""
WITH own AS (
    SELECT d.id, d.state FROM treasury_deposit d JOIN treasury_depositaddress a ON a.id = d.deposit_address_id
     WHERE a.customer_id = %(customer)s
), shown AS (
    (SELECT id, false AS as_waiting
       FROM (SELECT id, state FROM own
             UNION SELECT id, state FROM treasury_deposit WHERE credited_to_id = %(customer)s) AS theirs
      WHERE state <> %(orphaned)s ORDER BY id DESC LIMIT %(latest)s)
    UNION ALL
    (SELECT id, true FROM own WHERE state = ANY(%(waiting)s) ORDER BY id DESC LIMIT %(waiting_at_most)s)
)
SELECT {columns_of(Deposit, "d")}, a.address, shown.as_waiting
  FROM shown JOIN treasury_deposit d ON d.id = shown.id JOIN treasury_depositaddress a ON a.id = d.deposit_address_id
 ORDER BY d.id DESC
"""  # noqa: S608  # the names of our own columns


def latest_and_waiting_deposits_of(
    customer_id: int, *, latest: int = 20
) -> tuple[list[DepositView], list[DepositView]]:
    """The `latest` newest of `deposits_of`, and all of `waiting_deposits_of`, together in two queries."""
    found = fetched(
        Deposit,
        _LATEST_AND_WAITING,
        {
            "customer": customer_id,
            "orphaned": Deposit.State.ORPHANED.value,
            "latest": latest,
            "waiting": [state.value for state in WAITING],
            "waiting_at_most": WAITING_AT_MOST,
        },
    )
    for row, (address, _as_waiting) in found:
        row.deposit_address = DepositAddress(pk=row.deposit_address_id, address=address)
    views = deposit_views([row for row, _more in found])
    sorted_out: dict[bool, list[DepositView]] = {False: [], True: []}
    for view, (_row, (_address, as_waiting)) in zip(views, found, strict=True):
        sorted_out[as_waiting].append(view)
    return sorted_out[False], sorted_out[True]


def deposit_views(deposits: Sequence[Deposit]) -> list[DepositView]:
    """Views of rows already read with their `deposit_address`."""
    states = _states({deposit.network for deposit in deposits})
    views = []
    for deposit in deposits:
        network = registry.network(deposit.network)
        views.append(
            DepositView(
                id=deposit.pk,
                network=deposit.network,
                network_name=network.name,
                asset=network.asset,
                address=deposit.deposit_address.address,
                tx_hash=deposit.tx_hash,
                explorer_url=network.explorer_url(deposit.tx_hash),
                amount_micro=deposit.amount_micro,
                state=deposit.state,
                state_label=str(_STATE_LABELS[deposit.state]),
                is_below_minimum=deposit.amount_micro < network.min_deposit_micro,
                block_number=deposit.block_number,
                seen_at=deposit.seen_at,
                credited_at=deposit.credited_at,
                progress=deposit_progress(
                    network, states.get(deposit.network), block_number=deposit.block_number, deposit_state=deposit.state
                ),
            )
        )
    return views


def deposit_progress(
    network: Network, state: NetworkState | None, *, block_number: int, deposit_state: str
) -> DepositProgress:
    """Confirmations seen and needed, and the time left, from the heights that the last scan recorded.

    Where the node's finality tag decides, "needed" is how far the final block is behind the head at present.
    """
    needed = network.confirmations
    if network.finality is Finality.TAG and state is not None:
        needed = max(state.head_number - state.finalized_number, 1)
    if deposit_state != Deposit.State.SEEN:
        return DepositProgress(needed, needed, 0)
    if state is None:
        return DepositProgress(needed, 0, math.ceil(needed * network.block_seconds))
    if network.finality is Finality.TAG:
        left = block_number - state.finalized_number
    else:
        left = block_number + needed - state.head_number
    left = min(max(left, 0), needed)
    return DepositProgress(needed, needed - left, math.ceil(left * network.block_seconds))


def network_statuses() -> list[NetworkStatus]:
    """Every configured network, in the order of the settings, in one query."""
    networks = registry.networks()
    states = _states(set(networks))
    now = timezone.now()
    return [_status(network, states.get(code), now) for code, network in networks.items()]


def _status(network: Network, state: NetworkState | None, now: datetime) -> NetworkStatus:
    if state is None:
        return NetworkStatus(network.code, network.name, None, None, None, None, None, None, None, "")
    seen = state.head_seen_at
    newest = state.finalized_number if network.reads_ahead else state.head_number
    return NetworkStatus(
        code=network.code,
        name=network.name,
        head_number=state.head_number,
        head_seen_at=seen,
        scanned_number=state.scanned_number,
        finalized_number=state.finalized_number,
        lag_blocks=max(newest - state.scanned_number, 0),
        seconds_since_head=(now - seen).total_seconds() if seen else None,
        halted_at=state.halted_at,
        halt_reason=state.halt_reason,
    )


def _states(codes: set[str]) -> Mapping[str, NetworkState]:
    return {state.network: state for state in NetworkState.objects.filter(network__in=codes)} if codes else {}
