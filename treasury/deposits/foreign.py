"""Other tokens that were sent to our addresses: look-alikes and mistakes. Shown to staff, never credited.

A pass asks for a stretch of final blocks, 500 addresses at a time; each run makes a few such requests and goes on where
the last one stopped. A node may drop logs and a pass may miss an address that is given out during it: nothing is owed
for what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from treasury.chains import registry
from treasury.chains.errors import RangeRefused
from treasury.chains.ports import MAX_FOREIGN_RECIPIENTS
from treasury.chains.ports import ForeignTransfer as Found
from treasury.models import DepositAddress, ForeignTransfer, NetworkState

REQUESTS_PER_RUN = 10


@dataclass(frozen=True, slots=True)
class _Pass:
    """Blocks `first` to `last`, and the last address that was asked for in them."""

    first: int
    last: int
    address_id: int


def scan_foreign_tokens(network_code: str) -> int:
    """Note transfers of other tokens to the addresses that were given out; returns how many were new.

    Raises the chain's errors; what was noted before stays.
    """
    network, chain = registry.network(network_code), registry.adapter(network_code)
    found = 0
    for _ in range(REQUESTS_PER_RUN):
        now = _current(network_code, widest=network.scan_max_blocks)
        if now is None:
            break
        addresses = _next_addresses(network.family, now.address_id)
        try:
            transfers = chain.foreign_transfers(now.first, now.last, list(addresses)) if addresses else ()
        except RangeRefused:
            if now.first == now.last:
                raise
            _save(network_code, _Pass(now.first, (now.first + now.last) // 2, 0))
            continue
        found += _note(network_code, transfers, addresses)
        if len(addresses) < MAX_FOREIGN_RECIPIENTS:
            _save(network_code, _Pass(now.last + 1, 0, 0))
        else:
            _save(network_code, _Pass(now.first, now.last, max(addresses.values())))
    return found


def _current(network_code: str, *, widest: int) -> _Pass | None:
    """The stretch being read; the next one if none is; None if there is nothing final to read."""
    state = NetworkState.objects.filter(network=network_code).exclude(scanned_hash="").first()
    if state is None:
        return None
    first, last = state.foreign_number + 1, state.foreign_last_number
    if last < first:
        last = min(state.finalized_number, state.scanned_number, first + widest - 1)
    return _Pass(first, last, state.foreign_address_id) if last >= first else None


def _save(network_code: str, to: _Pass) -> None:
    NetworkState.objects.filter(network=network_code).update(
        foreign_number=to.first - 1, foreign_last_number=to.last, foreign_address_id=to.address_id
    )


def _next_addresses(family: str, after_id: int) -> dict[str, int]:
    rows = DepositAddress.objects.filter(family=family, customer__isnull=False, pk__gt=after_id).order_by("pk")
    return dict(rows.values_list("address", "pk")[:MAX_FOREIGN_RECIPIENTS])


def _note(network_code: str, transfers: Sequence[Found], addresses: Mapping[str, int]) -> int:
    """Store what is not stored yet; transfers of nothing are advertising, and left out."""
    known = set(
        ForeignTransfer.objects.filter(
            network=network_code, tx_hash__in={transfer.tx_hash for transfer in transfers}
        ).values_list("tx_hash", "log_index")
    )
    new = [
        ForeignTransfer(
            network=network_code,
            tx_hash=transfer.tx_hash,
            log_index=transfer.log_index,
            block_number=transfer.block_number,
            contract=transfer.contract,
            deposit_address_id=addresses[transfer.recipient],
            sender=transfer.sender,
            amount_raw=transfer.amount_raw,
        )
        for transfer in transfers
        if transfer.amount_raw > 0 and (transfer.tx_hash, transfer.log_index) not in known
    ]
    ForeignTransfer.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
