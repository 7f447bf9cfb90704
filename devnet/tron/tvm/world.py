"""What the machine asks of the state: py-evm's StateAPI, as far as its opcodes use it, over a few primitives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from eth_hash.auto import keccak

EMPTY_CODE_HASH = keccak(b"")


@dataclass(frozen=True)
class ExecutionContext:
    """What py-evm's CHAINID asks for."""

    chain_id: int


class World(ABC):
    """One chain's state for one message. Subclasses say where accounts, code and storage are kept.

    Scopes nest: `snapshot` opens one, `commit` keeps what was changed in it, `revert` takes it back.
    """

    coinbase: bytes
    timestamp: int  # seconds, as contracts see it
    block_number: int
    execution_context: ExecutionContext
    base_fee: int = 0  # BASEFEE, which is energy's price in sun
    difficulty = 0  # always, on TRON
    gas_limit = 0  # always, on TRON

    # --- where things are kept ---

    @abstractmethod
    def account_exists(self, address: bytes) -> bool: ...

    @abstractmethod
    def get_balance(self, address: bytes) -> int:
        """In sun."""

    @abstractmethod
    def set_balance(self, address: bytes, balance: int) -> None:
        """In sun. Makes the account if there is none."""

    @abstractmethod
    def get_code(self, address: bytes) -> bytes: ...

    @abstractmethod
    def set_code(self, address: bytes, code: bytes) -> None:
        """Empty code removes the contract."""

    @abstractmethod
    def get_storage(self, address: bytes, slot: int) -> int: ...

    @abstractmethod
    def set_storage(self, address: bytes, slot: int, value: int) -> None: ...

    @abstractmethod
    def get_ancestor_hash(self, number: int) -> bytes:
        """The id of one of the last 256 blocks, 32 zero bytes for any other."""

    @abstractmethod
    def snapshot(self) -> object: ...

    @abstractmethod
    def commit(self, snapshot: object) -> None: ...

    @abstractmethod
    def revert(self, snapshot: object) -> None: ...

    # --- what follows from that ---

    def delta_balance(self, address: bytes, delta: int) -> None:
        self.set_balance(address, self.get_balance(address) + delta)

    def account_is_empty(self, address: bytes) -> bool:
        """java-tron knows no empty accounts: an account is there, or not."""
        return not self.account_exists(address)

    def get_code_hash(self, address: bytes) -> bytes:
        code = self.get_code(address)
        return keccak(code) if code else EMPTY_CODE_HASH
