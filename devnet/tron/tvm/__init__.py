"""TRON's virtual machine: py-evm's computations with TRON's opcodes, energy and addresses.

`call` and `create` run one message over a `World`, which is the chain's state with balances in sun. Addresses are 20
bytes, without the 0x41 in front.
"""

from devnet.tron.tvm.engine import Fault, InternalTransaction, Log, Outcome, call, create
from devnet.tron.tvm.world import World

__all__ = ["Fault", "InternalTransaction", "Log", "Outcome", "World", "call", "create"]
