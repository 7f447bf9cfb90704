"""Why a transaction is not taken: java-tron's exceptions, with the code and text of its broadcast answers.

framework/src/main/java/org/tron/core/Wallet.java, broadcastTransaction.
"""

from __future__ import annotations


class Refused(Exception):
    """A transaction that does not get into the pool or into a block."""

    code = "OTHER_ERROR"
    java = "java.lang.Exception"

    @property
    def answer(self) -> str:
        """The broadcast answer's message."""
        return f"Error: {self}"


class ContractSizeError(Refused):
    java = "org.tron.core.exception.ContractSizeNotEqualToOneException"


class SignatureError(Refused):
    code = "SIGERROR"
    java = "org.tron.core.exception.ValidateSignatureException"

    @property
    def answer(self) -> str:
        return f"Validate signature error: {self}"


class ContractValidateError(Refused):
    code = "CONTRACT_VALIDATE_ERROR"
    java = "org.tron.core.exception.ContractValidateException"

    @property
    def answer(self) -> str:
        return f"Contract validate error : {self}"


class ContractExeError(Refused):
    code = "CONTRACT_EXE_ERROR"
    java = "org.tron.core.exception.ContractExeException"

    @property
    def answer(self) -> str:
        return f"Contract execute error : {self}"


class ResourceInsufficientError(Refused):
    code = "BANDWITH_ERROR"  # java-tron's spelling
    java = "org.tron.core.exception.AccountResourceInsufficientException"

    @property
    def answer(self) -> str:
        return "Account resource insufficient error."


class DupTransactionError(Refused):
    code = "DUP_TRANSACTION_ERROR"
    java = "org.tron.core.exception.DupTransactionException"

    @property
    def answer(self) -> str:
        return "Dup transaction."


class TransactionExistsError(DupTransactionError):
    """Found in the cache of ids that were broadcast here before, which comes ahead of every other check."""

    @property
    def answer(self) -> str:
        return "Transaction already exists."


class TaposError(Refused):
    code = "TAPOS_ERROR"
    java = "org.tron.core.exception.TaposException"

    @property
    def answer(self) -> str:
        return "Tapos check error."


class TooBigTransactionError(Refused):
    code = "TOO_BIG_TRANSACTION_ERROR"
    java = "org.tron.core.exception.TooBigTransactionException"

    @property
    def answer(self) -> str:
        return str(self)


class ExpirationError(Refused):
    code = "TRANSACTION_EXPIRATION_ERROR"
    java = "org.tron.core.exception.TransactionExpirationException"

    @property
    def answer(self) -> str:
        return "Transaction expired"


# What a node answers for reasons of its own, whatever the transaction says.
OWN_REASONS = {
    "SERVER_BUSY": "Server busy.",
    "BLOCK_UNSOLIDIFIED": "Block unsolidified.",
    "NO_CONNECTION": "No connection.",
    "NOT_ENOUGH_EFFECTIVE_CONNECTION": "Effective connection:0 lt minEffectiveConnection:1.",
    "OTHER_ERROR": "Error: null",
}
