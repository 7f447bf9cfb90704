"""Lies that a node can be told to tell: each a function that changes what it answers.

The chain itself stays honest. A lie is switched on by name at the control port, with a seed that makes what it invents
(an address, an amount, a hash) the same each time. Lies about unsigned transactions are told consistently: fields,
`raw_data_hex` and `txID` fit each other, as a thief's node would have it; only `tx_hidden` shows honest fields.
"""

from devnet.tron.lies import building, reading, results
from devnet.tron.lies.telling import LIES, Liar

__all__ = ["LIES", "Liar", "building", "reading", "results"]
