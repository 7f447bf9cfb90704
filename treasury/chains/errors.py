"""Everything that can go wrong with a chain, as types. Callers decide by type and never parse a string.

Pure: imports neither Django nor an SDK, so that deciders and tests can use it freely.

How to read them, for whoever sends money:

* `EndpointUnavailable`, `RateLimited`: the request had no effect. Ask again later, or elsewhere.
* `UnknownOutcome`: the request may have had an effect. Look the hash up; resend the *same bytes*; sign nothing new.
* `Rejected` and its children: this node refused these bytes. Only `InvalidTransaction` proves that no node ever takes
  them; the others are about the node's state and can change.
"""

from __future__ import annotations


class ChainError(Exception):
    """Base of all chain errors. `network` and `endpoint` say where it happened, as far as that is known."""

    def __init__(self, message: str = "", *, network: str = "", endpoint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.network = network
        self.endpoint = endpoint

    def __str__(self) -> str:
        where = " ".join(part for part in (self.network, self.endpoint) if part)
        return f"{self.message} ({where})" if where else self.message


# --- transport ------------------------------------------------------------------------------------------------------


class EndpointUnavailable(ChainError):
    """Connection refused, reset before the request was sent, a time-out on a read, or a 5xx on a read."""


class TimedOut(EndpointUnavailable):
    """The endpoint took the request and did not answer in time. Only raised for reads: a send's is UnknownOutcome."""


class RateLimited(EndpointUnavailable):
    """HTTP 429 or the node's own "too many requests". The request had no effect."""


class NoHealthyEndpoint(EndpointUnavailable):
    """Every endpoint of the network failed or is cooling down."""


class MalformedAnswer(ChainError):
    """The node answered with something that is not what the method returns, or that contradicts itself."""


class AnswerTooLarge(MalformedAnswer):
    """The answer exceeds the size limit. For `eth_getLogs` the adapter turns this into `RangeRefused`."""


class MethodRefused(ChainError):
    """The node knows the request and refuses it: method not found, invalid params, pruned history."""


class HistoryUnavailable(MethodRefused):
    """The node no longer holds the state or the blocks that the question needs (pruned)."""


# --- reading --------------------------------------------------------------------------------------------------------


class RangeRefused(ChainError):
    """`eth_getLogs` over this range is refused as too wide or too large: halve it."""


class BlockNotAvailable(ChainError):
    """The endpoint does not have this block yet (its head is lower). Nothing was scanned."""


class ReorgInFlight(ChainError):
    """Two answers of one read describe different chains. Nothing was scanned; ask again."""


# --- start checks: these refuse the network for good ----------------------------------------------------------------


class WrongChain(ChainError):
    """The endpoint serves another chain id than the settings expect. It is never used again in this process."""


class ContractMismatch(ChainError):
    """The token contract is missing, or has other decimals than the settings expect."""


# --- sending --------------------------------------------------------------------------------------------------------


class UnknownOutcome(ChainError):
    """Sent, and the answer was lost, timed out or makes no sense: the node may hold the transaction."""


class Rejected(ChainError):
    """The node refused the bytes that were sent. See the subclasses for whether that can change."""


class InvalidTransaction(Rejected):
    """The bytes themselves are invalid (signature, chain id, encoding, intrinsic gas): no node takes them, ever."""


class NonceTooLow(Rejected):
    """Some transaction is already mined at this nonce: perhaps this very one. Look the hash up before deciding."""


class NonceTooHigh(Rejected):
    """The node does not hold transactions beyond a gap in the nonces. Fill the gap, resend the same bytes."""


class Underpriced(Rejected):
    """Fees below the node's minimum, below the base fee, or less than 10 % over the transaction they would replace."""


class InsufficientFunds(Rejected):
    """The sender's native balance does not cover gas limit times max fee plus value. Top up, resend the same bytes."""


class WouldRevert(ChainError):
    """The call or gas estimate reverts in the present state. `reason` is the contract's message, for people to read."""

    def __init__(self, message: str = "", *, reason: str = "", network: str = "", endpoint: str = "") -> None:
        super().__init__(message, network=network, endpoint=endpoint)
        self.reason = reason


class FeesTooHigh(ChainError):
    """The network asks for more than the cap (`max_fee_cap_wei`, `gas_limit_max`) allows. Wait, or raise the cap."""


class NotSettled(ChainError):
    """The question can only be answered once the block it is about is final."""


# --- addresses ------------------------------------------------------------------------------------------------------


class InvalidAddress(ChainError, ValueError):
    """The text is no address of the network. `reason` is an `addresses.AddressFault`; `belongs_to` names the network
    family that it does look like ("tron", "bitcoin", "solana", "ton", "evm"), or "" if none."""

    def __init__(self, reason: str, *, belongs_to: str = "") -> None:
        super().__init__(f"invalid address: {reason}" + (f", looks like {belongs_to}" if belongs_to else ""))
        self.reason = reason
        self.belongs_to = belongs_to


class ConfigurationError(ChainError, ValueError):
    """settings.NETWORKS contradicts itself or lacks a value."""
