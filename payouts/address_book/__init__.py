"""Everything that can be done about an address book; one operation is one sentence and one commit.

Operations open their own outermost transaction: never call them inside one. Each of them takes the lock of the
customer's profile first, as requesting a withdrawal does: what is being asked for sees a change of the book or comes
before it.
"""

from .adding import add_address
from .choosing import allow_any_address, allow_saved_addresses_only
from .confirming import address_of_link, confirm_address
from .removing import expire_addresses, remove_address

__all__ = [
    "add_address",
    "address_of_link",
    "allow_any_address",
    "allow_saved_addresses_only",
    "confirm_address",
    "expire_addresses",
    "remove_address",
]
