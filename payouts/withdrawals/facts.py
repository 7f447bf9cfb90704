"""Gathers what `policy` decides on."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User
from payouts import policy
from payouts.models import WithdrawalApproval, WithdrawalRequest
from payouts.policy import PaymentFacts, WithdrawalFacts, Yes
from payouts.postings import available
from treasury import halts, ledger
from treasury.chains import registry
from treasury.chains.network import Network
from treasury.models import DepositAddress, Wallet


def withdrawal_facts(
    *,
    customer: User,
    network: Network,
    address: str,
    amount_micro: int,
    fee_micro: int,
    reserved_already_micro: int = 0,
) -> WithdrawalFacts:
    """The facts about `customer` (with its profile) being paid. `reserved_already_micro` counts as available."""
    if type(amount_micro) is not int:
        raise TypeError(f"an amount is a whole number of micro-USDT, not {amount_micro!r}")
    return WithdrawalFacts(
        customer_active=customer.is_active,
        frozen=customer.profile.withdrawals_frozen_at is not None,
        network_halted=halts.is_halted(network.code),
        family=network.family,
        address=address,
        own_addresses=_own_addresses(network.family, address),
        token_contracts=frozenset(
            each.token_contract for each in registry.networks().values() if each.family == network.family
        ),
        amount_micro=amount_micro,
        fee_micro=fee_micro,
        minimum_micro=network.min_withdrawal_micro,
        maximum_micro=network.max_withdrawal_micro,
        available_micro=ledger.balance(available(customer.pk)) + reserved_already_micro,
        four_eyes_from_micro=settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO,
    )


def _own_addresses(family: str, address: str) -> frozenset[str]:
    """The recipient, if we hold its keys on any network of the family: a deposit address of anybody, or a wallet."""
    read = policy.read_address(family, address)
    if not isinstance(read, str):
        return frozenset()
    networks = [code for code, network in registry.networks().items() if network.family == family]
    ours = (
        DepositAddress.objects.filter(family=family, address=read).exists()
        or Wallet.objects.filter(network__in=networks, address=read).exists()
    )
    return frozenset({read}) if ours else frozenset()


def payment_facts(
    row: WithdrawalRequest, approvals: list[WithdrawalApproval], reserved_micro: int | None
) -> PaymentFacts:
    """What `policy.evidence_fault` looks at, for one request."""
    return PaymentFacts(
        reference=row.reference,
        customer_id=row.customer_id,
        network=row.network,
        address=row.address,
        amount_micro=row.amount_micro,
        fee_micro=row.fee_micro,
        revision=row.revision,
        approvals_required=row.approvals_required,
        four_eyes_from_micro=settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO,
        approvals=tuple(Yes(each.approver_id, each.revision, each.digest) for each in approvals),
        reserved_micro=reserved_micro,
    )
