"""What a withdrawal would cost, and whether it would be accepted, before anybody asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language

from accounts.models import User
from payouts import errors, policy
from payouts.policy import Decision, Refusal
from treasury.chains import registry
from treasury.chains.errors import ConfigurationError
from treasury.chains.network import Network
from treasury.money import format_usdt
from treasury.network_fees import FeeUnknown, NetworkFee, withdrawal_fee

from .facts import withdrawal_facts


@dataclass(frozen=True, slots=True)
class Quote:
    """Micro-USDT: the recipient gets `amount_micro`, the account is debited `debit_micro`; between them is the fee.

    `is_least`: the fee may be higher, as long as the recipient is not known.
    """

    amount_micro: int
    fee_micro: int
    debit_micro: int
    is_least: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a review page shows. `address` is canonical; `resembles` a known one that it is like at both ends, or ""."""

    quote: Quote
    address: str
    approvals_required: int
    resembles: str


def known_network(code: str) -> Network:
    """The network. Raises UnknownNetwork."""
    try:
        return registry.network(code)
    except ConfigurationError as error:
        raise errors.UnknownNetwork from error


def fee_of(network: Network, address: str = "") -> NetworkFee:
    """The fee to `address` as typed; the least that it can be where that is no address. Raises FeeNotKnown.

    May ask a node: not within a transaction.
    """
    read = policy.read_address(network.family, address)
    try:
        return withdrawal_fee(network, read if isinstance(read, str) else "")
    except FeeUnknown as error:
        raise errors.FeeNotKnown from error


def quote_withdrawal(network: str, amount_micro: int, *, address: str = "") -> Quote:
    """What a withdrawal of this amount costs. Raises UnknownNetwork, FeeNotKnown."""
    return _quote(amount_micro, fee_of(known_network(network), address))


def _quote(amount_micro: int, fee: NetworkFee) -> Quote:
    return Quote(
        amount_micro=amount_micro,
        fee_micro=fee.fee_micro,
        debit_micro=amount_micro + fee.fee_micro,
        is_least=fee.is_least,
    )


def preview_withdrawal(*, customer_id: int, network: str, address: str, amount_micro: int) -> Preview:
    """What the request would be, if it were made now. Changes nothing, promises nothing.

    Raises the WithdrawalRefused that `request_withdrawal` would raise; but a resemblance is for the page to show.
    """
    chosen = known_network(network)
    customer = User.objects.select_related("profile").get(pk=customer_id)
    fee = fee_of(chosen, address)
    decision = policy.decide_withdrawal(
        withdrawal_facts(
            customer=customer,
            network=chosen,
            address=address,
            amount_micro=amount_micro,
            fee_micro=fee.fee_micro,
            resemblance_accepted=True,
        )
    )
    raise_refusal(decision, chosen)
    return Preview(
        _quote(amount_micro, fee), decision.address, decision.approvals_required, resembles=decision.resembles
    )


def raise_refusal(decision: Decision, network: Network) -> None:
    """Raise the first refusal of `decision` as its typed error; return if there is none."""
    if decision.allowed:
        return
    refusal, fault = decision.refusals[0], decision.address_fault
    if refusal is Refusal.BAD_ADDRESS and fault is not None:
        raise errors.BadAddress(fault.reason, belongs_to=fault.belongs_to, network_name=network.name) from fault
    if refusal is Refusal.HELD and decision.held_until is not None:
        raise errors.WithdrawalsHeld(decision.held_until)
    if refusal is Refusal.ADDRESS_ON_HOLD and decision.active_from is not None:
        raise errors.AddressOnHold(decision.active_from)
    if refusal is Refusal.LOOK_ALIKE:
        raise errors.LooksAlike(decision.resembles)
    if refusal is Refusal.BELOW_MINIMUM:
        raise errors.BelowMinimum(_shown(network.min_withdrawal_micro))
    if refusal is Refusal.ABOVE_MAXIMUM:
        raise errors.AboveMaximum(_shown(network.max_withdrawal_micro))
    raise _PLAIN[refusal]


def _shown(amount_micro: int) -> str:
    return format_usdt(amount_micro, get_language() or "en")


_PLAIN: dict[Refusal, type[errors.WithdrawalRefused]] = {
    Refusal.INACTIVE: errors.CustomerInactive,
    Refusal.FROZEN: errors.WithdrawalsFrozen,
    Refusal.NETWORK_HALTED: errors.NetworkHalted,
    Refusal.OWN_ADDRESS: errors.OwnAddress,
    Refusal.TOKEN_CONTRACT: errors.TokenContractAddress,
    Refusal.NOT_SAVED: errors.AddressNotSaved,
    Refusal.NOT_CONFIRMED: errors.AddressNotConfirmed,
    Refusal.NOT_POSITIVE: errors.AmountNotPositive,
    Refusal.NOT_ENOUGH_MONEY: errors.NotEnoughMoney,
}
