"""What the hot wallet holds on the day it goes into use, entered into the ledger once."""

from __future__ import annotations

from treasury import ledger
from treasury.chains import registry
from treasury.models import Wallet
from treasury.models.ledger import LedgerTransfer


def book_opening_balances(*, network: str) -> tuple[int, int]:
    """Book what the chain says the hot wallet holds, against equity; returns (micro-USDT, native units) as it has it.

    Run it once the wallet is funded and before it pays: a second call books nothing, whatever the chain says by then.
    Raises Wallet.DoesNotExist before the signer has made the wallet known, ChainError if the chain cannot be asked.
    """
    settings, chain = registry.network(network), registry.adapter(network)
    wallet = Wallet.objects.get(network=network, role=Wallet.Role.HOT)
    usdt_code, gas_code = f"asset:{network}:hot", f"gas:{network}:hot"
    micro, _ = settings.raw_to_micro(chain.token_balance(wallet.address))
    native = chain.native_balance(wallet.address)
    openings = (
        (f"opening:{network}:hot", usdt_code, "equity:opening", micro),
        (f"opening:{network}:gas", gas_code, f"equity:opening:{settings.native_symbol}", native),
    )
    booked = []
    for key, debit, credit, amount in openings:
        if amount > 0 and not LedgerTransfer.objects.filter(key=key).exists():
            ledger.post(ledger.Posting(key=key, debit=debit, credit=credit, amount=amount, kind="opening"))
        booked.append(amount)
    return booked[0], booked[1]
