"""Giving tokens and native coin to an address of a local chain.

By anvil's unlocked accounts; on TRON by the node's control port (EXCHEQUER_TRON_CONTROL).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from eth_utils.address import is_checksum_address, is_hex_address

from devnet.anvil import rpc
from devnet.processes import ServiceError
from devnet.tron.server import ask_node
from treasury.chains.addresses import is_canonical

OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # anvil's first account: deployed the tokens, may mint
COINS = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"  # anvil's last account: gives native coin
MINT = "0x40c10f19"  # mint(address,uint256)
NATIVE_DECIMALS = 18
MOST = {"token": Decimal(10_000_000), "native": Decimal(100)}
TRX_DECIMALS = 6
MOST_ON_TRON = {"token": Decimal(10_000_000), "native": Decimal(100_000)}
MINED_WITHIN_SECONDS = 15.0


class CannotGive(ValueError):
    """What was asked for is wrong, or the chain refused; the message is for people."""


@dataclass(frozen=True)
class Given:
    """A mined gift."""

    network: str
    asset: str
    address: str
    amount: str
    hash: str
    block: int


def give(networks: Mapping[str, Mapping[str, Any]], *, network: str, asset: str, address: str, amount: str) -> Given:
    """Sends `amount` (decimal text in whole units) of the network's token, or its coin when `asset` is "native".

    `networks` is the parsed networks file. Returns once it is mined. Raises `CannotGive`.
    """
    if network not in networks:
        raise CannotGive(f"there is no network {network!r}; there are {', '.join(networks)}")
    facts = networks[network]
    kind = "native" if asset.lower() in {"native", str(facts["native_symbol"]).lower()} else "token"
    address = address.strip()
    if facts["family"] == "tron":
        return _give_on_tron(network, facts, kind, address, amount)
    _check_address(address)
    decimals = NATIVE_DECIMALS if kind == "native" else int(facts["token_decimals"])
    raw = _to_raw(amount, decimals, most=MOST[kind])
    url = facts["rpc_urls"][0]
    price = hex(2 * int(rpc(url, "eth_gasPrice"), 16) or 10**9)
    if kind == "native":
        order = {"from": COINS, "to": address, "value": hex(raw), "gasPrice": price}
        _keep_full(url)
    else:
        data = MINT + address[2:].lower().zfill(64) + f"{raw:064x}"
        order = {"from": OWNER, "to": facts["token_contract"], "data": data, "gasPrice": price, "gas": hex(200_000)}
    receipt = _send(url, order)
    return Given(
        network=network,
        asset=str(facts["native_symbol"] if kind == "native" else facts["asset"]),
        address=address,
        amount=amount.strip(),
        hash=receipt["transactionHash"],
        block=int(receipt["blockNumber"], 16),
    )


def _give_on_tron(network: str, facts: Mapping[str, Any], kind: str, address: str, amount: str) -> Given:
    control = os.environ.get("EXCHEQUER_TRON_CONTROL")
    if not control:
        raise CannotGive("nobody said where the local TRON node is controlled")
    if not is_canonical("tron", address):
        raise CannotGive("an address on TRON begins with T and has 34 characters; this one is mistyped, or none")
    raw = _to_raw(amount, int(facts["token_decimals"]) if kind == "token" else TRX_DECIMALS, most=MOST_ON_TRON[kind])
    try:
        done = ask_node(f"{control}/{'mint' if kind == 'token' else 'fund'}", {"address": address, "amount": raw})
    except ServiceError as error:
        raise CannotGive(f"the chain refused: {error}") from error
    except OSError as error:
        raise CannotGive(f"the chain does not answer: {error}") from error
    return Given(
        network=network,
        asset=str(facts["native_symbol"] if kind == "native" else facts["asset"]),
        address=address,
        amount=amount.strip(),
        hash=str(done["txids"][-1]),
        block=int(done["height"]),
    )


def _check_address(address: str) -> None:
    if not is_hex_address(address) or not address.startswith("0x"):
        raise CannotGive("an address is 0x and 40 hexadecimal digits")
    digits = address[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(address):
        raise CannotGive("the address's checksum is wrong: a character was changed")


def _to_raw(amount: str, decimals: int, *, most: Decimal) -> int:
    try:
        value = Decimal(amount.strip().replace(",", "."))
    except InvalidOperation:
        raise CannotGive(f"{amount!r} is not an amount") from None
    if not value.is_finite() or value <= 0:
        raise CannotGive("the amount must be more than zero")
    if value > most:
        raise CannotGive(f"at most {most} at a time")
    raw = value.scaleb(decimals)
    if raw != raw.to_integral_value():
        raise CannotGive(f"at most {decimals} digits after the point")
    return int(raw)


def _keep_full(url: str) -> None:
    rpc(url, "anvil_setBalance", COINS, hex(10**24))


def _send(url: str, order: dict[str, str]) -> dict[str, Any]:
    try:
        sent = rpc(url, "eth_sendTransaction", order)
        rpc(url, "evm_mine")
        deadline = time.monotonic() + MINED_WITHIN_SECONDS
        while (receipt := rpc(url, "eth_getTransactionReceipt", sent)) is None:
            if time.monotonic() > deadline:
                raise CannotGive(f"the chain took {sent} but did not mine it")
            time.sleep(0.05)
    except ServiceError as error:
        raise CannotGive(f"the chain refused: {error}") from error
    except OSError as error:
        raise CannotGive(f"the chain does not answer: {error}") from error
    if int(receipt["status"], 16) != 1:
        raise CannotGive(f"{sent} was reverted by the contract")
    return dict(receipt)
