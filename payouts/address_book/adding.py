"""A customer saves an address: a mail asks for their confirmation, and after that it waits for its first hours."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import activity
from accounts.activity import Origin
from accounts.models import User
from accounts.profiles import ensure_profile
from accounts.second_factor import StepUp, verify_step_up
from accounts.settings_lock import require_unlocked
from payouts import emails, errors, known_addresses, policy
from payouts.models import SavedAddress
from payouts.withdrawals.facts import own_addresses, token_contracts
from payouts.withdrawals.quotes import known_network
from treasury.chains.errors import InvalidAddress
from treasury.chains.network import Network

from .owners import locked_owner, require_going

LABEL_MAX = 40


def add_address(
    *,
    customer_id: int,
    label: str,
    network: str,
    address: str,
    step_up: StepUp,
    resemblance_accepted: bool = False,
    origin: Origin | None = None,
) -> SavedAddress:
    """Put the address into the book, unconfirmed, and send the mail that asks for its confirmation.

    `resemblance_accepted`: the customer was warned that it looks like one they know, and means it.
    Raises StepUpFailed, SettingsLocked, LabelMissing, LabelTooLong, BadLabel, UnknownNetwork, BadAddress, OwnAddress,
    TokenContractAddress, AddressSavedAlready, AddressBookFull, LooksAlike, CustomerInactive, WithdrawalsFrozen.
    """
    named, chosen = read_label(label), known_network(network)
    read = readable_address(chosen, address)
    customer = User.objects.get(pk=customer_id)
    verify_step_up(user=customer, credential=step_up, origin=origin)
    ensure_profile(customer)
    with transaction.atomic(durable=True):
        owner = locked_owner(customer_id)
        require_unlocked(customer_id)
        require_going(owner)
        if known_addresses.entry_of(customer_id, chosen.code, read) is not None:
            raise errors.AddressSavedAlready
        live = SavedAddress.objects.filter(customer_id=customer_id, state__in=known_addresses.LIVE)
        if live.count() >= settings.ADDRESS_BOOK_LIMIT:
            raise errors.AddressBookFull
        resembles = known_addresses.resembled_by(customer_id, read)
        if resembles and not resemblance_accepted:
            raise errors.LooksAlike(resembles)
        return _add(owner, named, chosen, read, resembles, origin)


def read_label(label: str) -> str:
    """The label, trimmed. Raises LabelMissing, LabelTooLong, BadLabel."""
    named = " ".join(label.split())
    if not named:
        raise errors.LabelMissing
    if len(named) > LABEL_MAX:
        raise errors.LabelTooLong
    if not named.isprintable():  # nor marks that turn the text around it
        raise errors.BadLabel
    return named


def readable_address(network: Network, address: str) -> str:
    """The canonical form of an address that can be paid to. Raises BadAddress, OwnAddress, TokenContractAddress."""
    read = policy.read_address(network.family, address)
    if isinstance(read, InvalidAddress):
        raise errors.BadAddress(read.reason, belongs_to=read.belongs_to, network_name=network.name) from read
    if own_addresses(network.family, read):
        raise errors.OwnAddress
    if read in token_contracts(network.family):
        raise errors.TokenContractAddress
    return read


def _add(
    owner: User, label: str, network: Network, address: str, resembles: str, origin: Origin | None
) -> SavedAddress:
    now = timezone.now()
    entry = SavedAddress.objects.create(
        customer=owner,
        network=network.code,
        address=address,
        label=label,
        resembles=resembles,
        added_at=now,
        confirm_by=now + timedelta(seconds=settings.ADDRESS_CONFIRMATION_SECONDS),
    )
    activity.record(
        actor=owner,
        action="address.added",
        target=entry,
        facts={"network": entry.network, "address": address, "label": label, "resembles": resembles},
        origin=origin,
    )
    emails.tell_of_address("confirm", entry, origin)
    return entry
