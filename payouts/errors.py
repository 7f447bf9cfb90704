"""What can be wrong with a wish or a decision, as types. `message` is for the person; callers never parse it.

`field` names the form's field that the error belongs to, or is "".
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from treasury.chains.addresses import AddressFault

Message = str | Promise


def shown(at: datetime) -> str:
    """A time in UTC, as the reader's language writes it."""
    return date_format(at, "j E Y, H:i")


class WithdrawalError(Exception):
    """Base of all of them."""

    message: Message = _("This withdrawal is not possible.")
    field = ""

    def __str__(self) -> str:
        return str(self.message)


# --- the wish is refused --------------------------------------------------------------------------------------------


class WithdrawalRefused(WithdrawalError):
    """Base of what `policy.decide_withdrawal` refuses."""


class CustomerInactive(WithdrawalRefused):
    message = _("This account is closed.")


class WithdrawalsFrozen(WithdrawalRefused):
    message = _("Withdrawals from this account are stopped for now. Please write to support.")


class WithdrawalsHeld(WithdrawalRefused):
    """Something that a thief would change first was changed a short while ago, or the account was frozen until then.

    `until`: when withdrawals go on.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
        self.message = _("Withdrawals from this account wait until %(until)s UTC, for your protection.") % {
            "until": shown(until)
        }


class UnknownNetwork(WithdrawalRefused):
    message = _("There is no such network here.")
    field = "network"


class NetworkHalted(WithdrawalRefused):
    message = _("This network is paused at the moment. Please try again later.")
    field = "network"


class FeeNotKnown(WithdrawalRefused):
    message = _("What this network charges is not known at the moment. Please try again in a minute.")
    field = "network"


class FeeChanged(WithdrawalRefused):
    """The fee is higher than the one that the customer was shown."""

    message = _("The network's fee has changed since you checked. Please look at the new sum.")


FAMILIES = {"evm": "Ethereum", "tron": "TRON", "bitcoin": "Bitcoin", "solana": "Solana", "ton": "TON"}

ADDRESS_FAULTS: dict[str, Message] = {
    AddressFault.EMPTY: _("Enter the address to pay to."),
    AddressFault.TOO_SHORT: _("This address is too short: some characters are missing."),
    AddressFault.TOO_LONG: _("This address is too long."),
    AddressFault.MISSING_PREFIX: _("This address must start with 0x."),
    AddressFault.WRONG_CHECKSUM: _("The checksum of this address is wrong: there is probably a typing error in it."),
    AddressFault.TRANSACTION_HASH: _("This is the hash of a transaction, not an address."),
    AddressFault.ZERO_ADDRESS: _("This is the zero address: whatever is sent there is lost."),
    AddressFault.RESERVED_ADDRESS: _("Nobody holds the keys of this address: whatever is sent there is lost."),
    AddressFault.NOT_AN_ADDRESS: _("This is not an address of the chosen network."),
}


class BadAddress(WithdrawalRefused):
    """`reason` is an `AddressFault`; `belongs_to` the family of another network whose address it is, or ""."""

    field = "address"

    def __init__(self, reason: str, *, belongs_to: str = "", network_name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.belongs_to = belongs_to
        self.message = self._told(network_name)

    def _told(self, network_name: str) -> Message:
        if self.reason != AddressFault.OTHER_NETWORK:
            return ADDRESS_FAULTS.get(self.reason, ADDRESS_FAULTS[AddressFault.NOT_AN_ADDRESS])
        words = {"theirs": FAMILIES.get(self.belongs_to, self.belongs_to), "ours": network_name}
        return _("This is an address of %(theirs)s, but the chosen network is %(ours)s.") % words


class OwnAddress(WithdrawalRefused):
    message = _("This is a deposit address of this site. Choose an address outside it.")
    field = "address"


class TokenContractAddress(WithdrawalRefused):
    message = _("This is the address of the token itself: whatever is sent there is lost.")
    field = "address"


class AddressNotSaved(WithdrawalRefused):
    message = _("Withdrawals go to saved addresses only. Save this address first.")
    field = "address"


class AddressNotConfirmed(WithdrawalRefused):
    message = _("This address is not confirmed yet. Open the link in the mail that we have sent you.")
    field = "address"


class AddressOnHold(WithdrawalRefused):
    """The address is saved; `until` is when it can be paid to."""

    field = "address"

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
        self.message = _("This address is new: it can be paid to from %(until)s UTC on.") % {"until": shown(until)}


class LooksAlike(WithdrawalRefused):
    """A new address is like a known one, `resembles`, at both ends: the customer has to say that they mean it."""

    message = _("This address begins and ends like one that you know, and is another. Compare all of it.")
    field = "resemblance"

    def __init__(self, resembles: str) -> None:
        super().__init__(resembles)
        self.resembles = resembles


class AmountNotPositive(WithdrawalRefused):
    message = _("Enter an amount above zero.")
    field = "amount"


class BelowMinimum(WithdrawalRefused):
    field = "amount"

    def __init__(self, minimum: str) -> None:
        super().__init__(minimum)
        self.message = _("The smallest amount on this network is %(minimum)s USDT.") % {"minimum": minimum}


class AboveMaximum(WithdrawalRefused):
    field = "amount"

    def __init__(self, maximum: str) -> None:
        super().__init__(maximum)
        self.message = _("The largest amount on this network is %(maximum)s USDT.") % {"maximum": maximum}


class NotEnoughMoney(WithdrawalRefused):
    message = _("This is more than you have available, fee included.")
    field = "amount"


class BadIdempotencyKey(WithdrawalError):
    message = _("This form is broken. Please open it again.")


class IdempotencyKeyReused(WithdrawalError):
    """The same form was sent before with other contents; nothing was done. `public_id` is the request it made."""

    message = _("This form was sent before with other contents. Nothing was done now: please open the form anew.")

    def __init__(self, public_id: UUID) -> None:
        super().__init__(public_id)
        self.public_id = public_id


# --- the link in the mail -------------------------------------------------------------------------------------------


class LinkError(WithdrawalError):
    """Base of what can be wrong with a confirmation link. `public_id`: the request it is for, where that is known."""

    def __init__(self, public_id: UUID | None = None) -> None:
        super().__init__(public_id)
        self.public_id = public_id


class LinkInvalid(LinkError):
    message = _("This link is not valid. Please open it from the mail again, signed in as the one who asked for it.")


class LinkExpired(LinkError):
    message = _("This link has expired, and the money is back in your balance. Please ask for the withdrawal again.")


class AlreadyConfirmed(LinkError):
    message = _("This withdrawal was confirmed already. There is nothing more to do.")


class AlreadyCancelled(LinkError):
    message = _("This withdrawal was cancelled, and the money is back in your balance.")


# --- the address book -----------------------------------------------------------------------------------------------


class AddressBookError(WithdrawalError):
    """Base of what stops a change of the address book. Addresses themselves are refused as for a withdrawal."""

    message = _("This change of the address book is not possible.")


class LabelMissing(AddressBookError):
    message = _("Give the address a name, so that you know it again.")
    field = "label"


class LabelTooLong(AddressBookError):
    message = _("This name is too long: 40 characters at most.")
    field = "label"


class BadLabel(AddressBookError):
    message = _("This name has characters that cannot be shown.")
    field = "label"


class AddressSavedAlready(AddressBookError):
    message = _("This address is in your address book already.")
    field = "address"


class AddressBookFull(AddressBookError):
    message = _("Your address book is full. Remove an address that you no longer use.")


class SavedAddressNotFound(AddressBookError):
    message = _("There is no such address in your address book.")


class AddressLinkError(AddressBookError):
    """Base of what can be wrong with the link that confirms an address."""


class AddressLinkInvalid(AddressLinkError):
    message = _("This link is not valid. Please open it from the mail again, signed in as the one who asked for it.")


class AddressLinkExpired(AddressLinkError):
    message = _("This link has expired. Please save the address again.")


class AddressConfirmedAlready(AddressLinkError):
    message = _("This address was confirmed already. There is nothing more to do.")


class AddressRemovedAlready(AddressLinkError):
    message = _("This address was removed from your address book.")


# --- a decision is refused ------------------------------------------------------------------------------------------


class DecisionRefused(WithdrawalError):
    """Base of what stops a step on an existing request."""


class WithdrawalNotFound(DecisionRefused):
    message = _("There is no such withdrawal.")


class WrongState(DecisionRefused):
    """The request moved on meanwhile; `state` is where it is now."""

    message = _("This withdrawal has moved on meanwhile. Please look at it again.")

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class StaleRevision(DecisionRefused):
    message = _("This withdrawal was changed after you opened it. Please look at it again.")


class NotPermitted(DecisionRefused):
    message = _("You may not decide this.")


class OwnRequest(DecisionRefused):
    message = _("Nobody may decide about their own withdrawal.")


class AlreadyApprovedByYou(DecisionRefused):
    message = _("You have approved this withdrawal already. Someone else must approve it too.")


class UnknownToSigner(DecisionRefused):
    message = _(
        "The signer does not know this second factor of yours yet, and would not pay on it. Ask an operator to"
        " introduce it; until then somebody else can approve."
    )


class ApprovalsVoid(DecisionRefused):
    """An earlier approval was by a second factor that the signer does not know (any more); they begin again."""

    message = _(
        "The signer does not know (any more) a second factor that this was approved with before. All its approvals are"
        " void now: please open it anew and approve it."
    )


class ClaimedByAnother(DecisionRefused):
    """A colleague holds the lease; `label` is who."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label
        self.message = _("%(colleague)s is working on this withdrawal at the moment.") % {"colleague": label}


class CustomerFrozen(DecisionRefused):
    message = _("Withdrawals of this customer are frozen.")


class CustomerHeld(DecisionRefused):
    """Something holds the customer's withdrawals (`accounts.holds`); `until` is when decisions go on."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until
        self.message = _("Withdrawals of this customer are held until %(until)s UTC.") % {"until": shown(until)}


class ReasonMissing(DecisionRefused):
    message = _("Please give a reason.")
    field = "reason"


class HoldInThePast(DecisionRefused):
    message = _("The hold must end in the future.")
    field = "until"


class PaymentNotDead(DecisionRefused):
    message = _("The payment is not proven dead: it may still arrive. Nothing was changed.")
