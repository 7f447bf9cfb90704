"""What the node does with its own keys, by real transactions: giving TRX, and everything the token's owner may do."""

from __future__ import annotations

from collections.abc import Sequence

from devnet.tron import protocol
from devnet.tron.addresses import Key, keccak256, on_wire, sha256
from devnet.tron.chain import Chain
from devnet.tron.genesis import Actors, token_address
from devnet.tron.protocol import Message

FEE_LIMIT_SUN = 1_000_000_000
LIFE_MS = 3_600_000


def word(value: int | bytes | bool) -> bytes:
    """One 32-byte word: a number, an address of 20 bytes, a truth."""
    return (value.rjust(32, b"\0")) if isinstance(value, bytes) else int(value).to_bytes(32)


def call_data(signature: str, *values: int | bytes | bool) -> bytes:
    return keccak256(signature.encode())[:4] + b"".join(word(value) for value in values)


def signed(chain: Chain, key: Key, kind: str, parameter: Message, *, fee_limit: int = 0) -> Message:
    """A signed transaction that refers to the head."""
    made = protocol.Transaction()
    raw = made.raw_data
    raw.contract.append(protocol.pack(kind, parameter))
    raw.ref_block_bytes, raw.ref_block_hash = chain.head.id[6:8], chain.head.id[8:16]
    raw.expiration = chain.head.time_ms + LIFE_MS
    raw.timestamp = chain.next_timestamp()
    raw.fee_limit = fee_limit
    made.signature.append(key.sign(sha256(made.raw_data.SerializeToString())))
    return made


def give_trx(chain: Chain, to: bytes, amount_sun: int) -> bytes:
    """Sends TRX of the faucet; returns the transaction's id."""
    faucet = Actors.of(chain.settings.seed).faucet
    parameter = protocol.CONTRACTS["TransferContract"](
        owner_address=on_wire(faucet.address), to_address=on_wire(to), amount=amount_sun
    )
    return chain.broadcast(signed(chain, faucet, "TransferContract", parameter)).txid


def call_token(chain: Chain, signature: str, *values: int | bytes | bool, contract: bytes | None = None) -> bytes:
    """A call of the token by its owner; returns the transaction's id."""
    owner = Actors.of(chain.settings.seed).token_owner
    parameter = protocol.CONTRACTS["TriggerSmartContract"](
        owner_address=on_wire(owner.address),
        contract_address=on_wire(contract or token_address(chain.settings.seed)),
        data=call_data(signature, *values),
    )
    return chain.broadcast(signed(chain, owner, "TriggerSmartContract", parameter, fee_limit=FEE_LIMIT_SUN)).txid


def mint(chain: Chain, to: bytes, amount_units: int) -> Sequence[bytes]:
    """New tokens: issued to the owner, as the real one does it, and sent on. Returns both transactions' ids."""
    issued = call_token(chain, "issue(uint256)", amount_units)
    return [issued, call_token(chain, "transfer(address,uint256)", to, amount_units)]
