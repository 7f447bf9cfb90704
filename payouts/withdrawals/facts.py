"""Gathers what `policy` decides on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from accounts import holds
from accounts.models import User
from accounts.settings_lock import is_locked
from payouts import known_addresses, policy
from payouts.models import WithdrawalApproval, WithdrawalRequest
from payouts.policy import PaymentFacts, Saved, WithdrawalFacts, Yes
from payouts.postings import available
from treasury import halts, ledger
from treasury.approver_keys import known_keys_of, revoked_keys_of
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
    resemblance_accepted: bool = False,
) -> WithdrawalFacts:
    """The facts about `customer` (with its profile) being paid. `reserved_already_micro` counts as available.

    `resemblance_accepted`: they were told of the address that the recipient is like, and mean it all the same.
    """
    if type(amount_micro) is not int:
        raise TypeError(f"an amount is a whole number of micro-USDT, not {amount_micro!r}")
    saved, active_from = _saved(customer.pk, network, address)
    return WithdrawalFacts(
        customer_active=customer.is_active,
        frozen=customer.profile.withdrawals_frozen_at is not None,
        held_until=holds.held_until(customer.pk),
        only_saved=only_saved_addresses(customer),
        saved=saved,
        active_from=active_from,
        resembles="" if saved is Saved.ACTIVE else _resembled(customer.pk, network.family, address),
        resemblance_accepted=resemblance_accepted,
        network_halted=halts.is_halted(network.code),
        family=network.family,
        address=address,
        own_addresses=own_addresses(network.family, address),
        token_contracts=token_contracts(network.family),
        amount_micro=amount_micro,
        fee_micro=fee_micro,
        minimum_micro=network.min_withdrawal_micro,
        maximum_micro=network.max_withdrawal_micro,
        available_micro=ledger.balance(available(customer.pk)) + reserved_already_micro,
        four_eyes_from_micro=settings.WITHDRAWAL_FOUR_EYES_FROM_MICRO,
    )


def only_saved_addresses(customer: User) -> bool:
    """Whether `customer` (with its profile) is paid to saved addresses only, as things are now."""
    now, chosen = timezone.now(), customer.profile.any_address_from
    return policy.only_saved(chosen, now) or policy.only_saved(chosen, now, settings_locked=is_locked(customer.pk))


def _saved(customer_id: int, network: Network, address: str) -> tuple[Saved, datetime | None]:
    read = policy.read_address(network.family, address)
    entry = known_addresses.entry_of(customer_id, network.code, read) if isinstance(read, str) else None
    if entry is None:
        return Saved.NO, None
    return policy.saved_as(entry.state, entry.active_from, timezone.now()), entry.active_from


def _resembled(customer_id: int, family: str, address: str) -> str:
    read = policy.read_address(family, address)
    return known_addresses.resembled_by(customer_id, read) if isinstance(read, str) else ""


def token_contracts(family: str) -> frozenset[str]:
    """The addresses of the token on the networks of the family."""
    return frozenset(each.token_contract for each in registry.networks().values() if each.family == family)


def own_addresses(family: str, address: str) -> frozenset[str]:
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


@dataclass(frozen=True, slots=True)
class Doubts:
    """Ids of approvals that the signer would not pay on.

    `unproven`: without evidence, or of a factor that the signer never knew for that approver. `revoked`: of one that it
    knew once; a factor is known when the approval is given (`approve_withdrawal`).
    """

    unproven: frozenset[int] = frozenset()
    revoked: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.unproven or self.revoked)


NO_DOUBTS = Doubts()


def doubts_about(approvals: Iterable[WithdrawalApproval]) -> Doubts:
    """Which of them are worth nothing. Whatever a forger wrote there in place of evidence stops nothing else."""
    given = list(approvals)
    known = known_keys_of(each.approver_id for each in given)
    strange = [each for each in given if _key_in(each.evidence) not in known.get(each.approver_id, ())]
    if not strange:
        return NO_DOUBTS
    once_known = revoked_keys_of(each.approver_id for each in strange)
    revoked = frozenset(each.pk for each in strange if _key_in(each.evidence) in once_known.get(each.approver_id, ()))
    return Doubts(frozenset(each.pk for each in strange) - revoked, revoked)


def _key_in(evidence: object) -> str:
    key = evidence.get("key") if isinstance(evidence, dict) else None
    return key if isinstance(key, str) else ""


def payment_facts(
    row: WithdrawalRequest,
    approvals: Iterable[WithdrawalApproval] = (),
    reserved_micro: int | None = None,
    *,
    doubts: Doubts = NO_DOUBTS,
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
        approvals=tuple(
            Yes(
                each.approver_id,
                each.revision,
                each.digest,
                proven=each.pk not in doubts.unproven | doubts.revoked,
                revoked=each.pk in doubts.revoked,
            )
            for each in approvals
        ),
        reserved_micro=reserved_micro,
    )
