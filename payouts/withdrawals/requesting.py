"""A customer asks to be paid: the money is held back at once, and a mail asks for their confirmation."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.activity import Origin
from accounts.models import User, UserProfile
from accounts.profiles import ensure_profile
from accounts.second_factor import StepUp, verify_step_up
from payouts import emails, errors, policy
from payouts.models import WithdrawalRequest
from payouts.postings import reserve
from payouts.transitions import opened
from treasury import ledger
from treasury.chains.network import Network

from .facts import withdrawal_facts
from .quotes import fee_of, known_network, raise_refusal

KEY_MAX = 64


def request_withdrawal(
    *,
    customer_id: int,
    network: str,
    address: str,
    amount_micro: int,
    idempotency_key: str,
    step_up: StepUp,
    origin: Origin | None = None,
    most_fee_micro: int | None = None,
    resemblance_accepted: bool = False,
) -> WithdrawalRequest:
    """Reserve `amount_micro` (what the recipient gets, in micro-USDT) and the fee, and ask for confirmation by mail.

    `most_fee_micro` is the fee that the customer was shown: a higher one raises FeeChanged. `resemblance_accepted`:
    they were warned that the address looks like one they know, and mean it; otherwise LooksAlike is raised.

    `idempotency_key` is the form's: sent again with equal contents it returns the request that it made before.
    Raises StepUpFailed, WithdrawalRefused (one subclass per reason), BadIdempotencyKey, IdempotencyKeyReused.
    """
    if not 1 <= len(idempotency_key) <= KEY_MAX:
        raise errors.BadIdempotencyKey
    chosen = known_network(network)
    customer = User.objects.get(pk=customer_id)
    verify_step_up(user=customer, credential=step_up, origin=origin)
    ensure_profile(customer)
    fee_micro = fee_of(chosen, address).fee_micro  # may ask a node, so before the transaction
    shown_micro = fee_micro if most_fee_micro is None else most_fee_micro
    try:
        with transaction.atomic(durable=True):
            return _request(
                customer_id,
                chosen,
                address,
                amount_micro,
                (fee_micro, shown_micro),
                idempotency_key,
                origin,
                resemblance_accepted=resemblance_accepted,
            )
    except ledger.InsufficientFunds as error:
        # the policy saw enough, and something else spent it before our posting: a deposit taken back by the chain
        raise errors.NotEnoughMoney from error


def _request(
    customer_id: int,
    network: Network,
    address: str,
    amount_micro: int,
    fees_micro: tuple[int, int],
    key: str,
    origin: Origin | None,
    *,
    resemblance_accepted: bool,
) -> WithdrawalRequest:
    # One request of a customer at a time: the second tab waits here, and then finds what the first one made.
    profile = UserProfile.objects.select_for_update(of=("self",)).select_related("user").get(user_id=customer_id)
    customer = profile.user
    earlier = WithdrawalRequest.objects.filter(customer_id=customer_id, idempotency_key=key).first()
    if earlier is not None:
        return _same_or_raise(earlier, network, address, amount_micro)
    fee_micro, shown_micro = fees_micro
    if fee_micro > shown_micro:
        raise errors.FeeChanged
    decision = policy.decide_withdrawal(
        withdrawal_facts(
            customer=customer,
            network=network,
            address=address,
            amount_micro=amount_micro,
            fee_micro=fee_micro,
            resemblance_accepted=resemblance_accepted,
        )
    )
    raise_refusal(decision, network)
    row = WithdrawalRequest.objects.create(
        customer=customer,
        idempotency_key=key,
        network=network.code,
        address=decision.address,
        amount_micro=amount_micro,
        fee_micro=fee_micro,
        approvals_required=decision.approvals_required,
        resembles=decision.resembles,
        confirm_by=timezone.now() + timedelta(seconds=settings.WITHDRAWAL_CONFIRMATION_SECONDS),
    )
    ledger.post(reserve(row))
    event = opened(row, actor=customer, origin=origin)
    emails.tell_customer("confirm", row, event)
    return row


def _same_or_raise(earlier: WithdrawalRequest, network: Network, address: str, amount_micro: int) -> WithdrawalRequest:
    same = (earlier.network, earlier.amount_micro, earlier.address) == (
        network.code,
        amount_micro,
        policy.read_address(network.family, address),
    )
    if not same:
        raise errors.IdempotencyKeyReused(earlier.public_id)
    return earlier
