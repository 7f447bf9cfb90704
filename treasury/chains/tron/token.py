"""What a TRC-20 token says of itself, by constant calls. The values are a node's word: nothing is signed from them."""

from __future__ import annotations

from typing import Any

from treasury.chains import errors
from treasury.chains.addresses import raw_tron_address
from treasury.chains.ports import TokenFacts
from treasury.chains.tron import answers as read
from treasury.chains.tron.client import HEAD, TronClient

NOBODY = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"
"""The address of twenty zero bytes: asks without having to be anybody."""

_LEAST_TRANSFER_ENERGY = 5_000
_MOST_TRANSFER_ENERGY = 2_000_000
"""Whatever lies outside is not what a token transfer uses: 130,285 today, to somebody who holds none."""


class Token:
    """The token contract of one network."""

    def __init__(self, contract: str, *, stranger: str) -> None:
        """`stranger`: an address that holds nothing, to ask for the cost of a transfer to a new holder."""
        self._contract = contract
        self._stranger = stranger

    def facts(self, client: TronClient) -> TokenFacts:
        """Raises ContractMismatch if there is no such contract."""
        given = client.mapping(f"{HEAD}getcontractinfo", value=self._contract, visible=True)
        contract = read.mapping(given.get("smart_contract"), "contract")
        code_hash = contract.get("code_hash")
        if not given.get("runtimecode") or not code_hash:
            raise errors.ContractMismatch(f"no contract at {self._contract}")
        symbol = self._constant(client, "symbol()", b"")
        return TokenFacts(
            contract=self._contract,
            decimals=_number(self._constant(client, "decimals()", b"")),
            symbol=_text(symbol),
            code_hash=read.hash32(code_hash, "code hash"),
        )

    def balance(self, client: TronClient, address: str) -> int:
        """Raw token units at the head."""
        return _number(self._constant(client, "balanceOf(address)", _word(address)))

    def is_blocked(self, client: TronClient, address: str) -> bool:
        """Whether the token refuses transfers from this address; False where it has no blocklist."""
        try:
            return bool(_number(self._constant(client, "isBlackListed(address)", _word(address))))
        except (errors.WouldRevert, errors.ContractMismatch):
            return False

    def fee_of(self, client: TronClient, amount_raw: int) -> int:
        """What the token keeps of a transfer: `basisPointsRate` of it, at most `maximumFee`. 0 without these."""
        try:
            rate = _number(self._constant(client, "basisPointsRate()", b""))
            most = _number(self._constant(client, "maximumFee()", b""))
        except (errors.WouldRevert, errors.ContractMismatch):
            return 0
        return min(amount_raw * rate // 10_000, most)

    def warnings(self, client: TronClient, address: str) -> tuple[str, ...]:
        """See `ports.ExpiringSender.token_warnings`."""
        found = {
            "deprecated": self._flag(client, "deprecated()"),
            "paused": self._flag(client, "paused()"),
            "fee": self.fee_of(client, 10**12) > 0,
            "blocked": self.is_blocked(client, address),
        }
        return tuple(name for name, holds in found.items() if holds)

    def _flag(self, client: TronClient, function: str) -> bool:
        """A truth that the contract keeps; False where it has no such function."""
        try:
            return bool(_number(self._constant(client, function, b"")))
        except (errors.WouldRevert, errors.ContractMismatch):
            return False

    def transfer_energy(self, client: TronClient, sender: str, amount_raw: int, recipient: str = "") -> int:
        """Energy of a transfer with the contract's dynamic factor. Raises WouldRevert, MalformedAnswer."""
        data = _word(recipient or self._stranger) + amount_raw.to_bytes(32, "big")
        answer = self._trigger(client, "transfer(address,uint256)", data, owner=sender)
        energy = read.integer(answer.get("energy_used"), "energy")
        if not _LEAST_TRANSFER_ENERGY <= energy <= _MOST_TRANSFER_ENERGY:
            raise errors.MalformedAnswer(f"a transfer that uses {energy} energy")
        return energy

    def _constant(self, client: TronClient, function: str, arguments: bytes) -> bytes:
        answer = self._trigger(client, function, arguments, owner=NOBODY)
        results = read.sequence(answer.get("constant_result"), "result")
        if not results or not results[0]:
            raise errors.ContractMismatch(f"{self._contract} has no {function}")
        return read.data(results[0], function)

    def _trigger(self, client: TronClient, function: str, arguments: bytes, *, owner: str) -> dict[str, Any]:
        answer = client.mapping(
            f"{HEAD}triggerconstantcontract",
            owner_address=owner,
            contract_address=self._contract,
            function_selector=function,
            parameter=arguments.hex(),
            visible=True,
        )
        result = read.mapping(answer.get("result"), "result")
        said = _words(result.get("message"))
        if result.get("result") is not True:
            if "No contract" in said or "Smart contract is not exist" in said:
                raise errors.ContractMismatch(f"no contract at {self._contract}")
            raise errors.MethodRefused(f"{function}: {result.get('code', '')} {said}")
        returned = read.sequence(read.mapping(answer.get("transaction"), "transaction").get("ret"), "result")
        if said or any(read.mapping(each, "result").get("ret") == "FAILED" for each in returned):
            raise errors.WouldRevert(f"{function}: {said or 'failed'}", reason=_reason(answer, said))
        return answer


def _word(address: str) -> bytes:
    return raw_tron_address(address)[1:].rjust(32, b"\x00")


def _number(word: bytes) -> int:
    if len(word) < 32:
        raise errors.ContractMismatch("an answer shorter than a word")
    return int.from_bytes(word[:32], "big")


def _text(encoded: bytes) -> str:
    """An ABI string; whatever it is, it is for people to read only."""
    length = int.from_bytes(encoded[32:64], "big") if len(encoded) >= 64 else 0
    return encoded[64 : 64 + min(length, 64)].decode(errors="replace")


def _words(message: Any) -> str:
    try:
        return bytes.fromhex(str(message or "")).decode(errors="replace")
    except ValueError:
        return str(message)


def _reason(answer: dict[str, Any], said: str) -> str:
    """The contract's own message, if it gave one."""
    results = read.sequence(answer.get("constant_result"), "result")
    raw = read.data(results[0], "revert data") if results else b""
    if raw[:4] == bytes.fromhex("08c379a0"):  # Error(string)
        return _text(raw[4:])
    return said
