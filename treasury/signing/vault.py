"""The signer's own keys, settings and wallets, opened once in its process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from eth_hash.auto import keccak

from treasury.chains import registry
from treasury.chains.addresses import checksummed, tron_address
from treasury.chains.network import Network
from treasury.keys.bip32 import HARDENED
from treasury.keys.keystore import OpenedOnce
from treasury.keys.ports import Keys, PaymentKeys
from treasury.models import Wallet
from treasury.signing.rules import OwnWallet, Policy

COIN_TYPES = {"evm": 60, "tron": 195}
"""Hardened coin types of BIP-44: one branch of deposit addresses per family."""


class NotTheSigner(Exception):
    """This process was not started with the signer's settings."""


class WalletMismatch(Exception):
    """A wallet in the database is not the one that this seed gives: another seed, or a changed row."""


@dataclass(frozen=True)
class Vault:
    """What signing needs of this process."""

    keys: Keys
    policy: Policy


def vault() -> Vault:
    """The keys and the policy of the settings. Opens the keystore at the first call; raises KeysError, NotTheSigner."""
    policy = Policy(
        payment_cap_micro=signer_setting("SIGNER_PAYMENT_CAP_MICRO"),
        daily_cap_micro=signer_setting("SIGNER_DAILY_CAP_MICRO"),
        destination_daily_cap_micro=signer_setting("SIGNER_DESTINATION_DAILY_CAP_MICRO"),
        four_eyes_from_micro=signer_setting("SIGNER_FOUR_EYES_FROM_MICRO"),
    )
    return Vault(keys=_opened(str(signer_setting("SIGNER_KEYSTORE_FILE"))).keys, policy=policy)


def open_keys() -> None:
    """Open the keystore now rather than at the first signature. Raises KeysError, NotTheSigner."""
    vault()


def signer_setting(name: str) -> Any:
    """A setting that only the signer's process has. Raises NotTheSigner anywhere else."""
    try:
        return getattr(settings, name)
    except AttributeError:
        raise NotTheSigner(
            "This needs the signer's settings (DJANGO_SETTINGS_MODULE=portal.settings.signer)."
        ) from None


@lru_cache(maxsize=4)
def _opened(path: str) -> OpenedOnce:
    return OpenedOnce(path, signer_setting("SIGNER_PASSPHRASE"))


def hot_wallet_path(network: Network) -> str:
    """m/44'/<coin>'/1'/0/<chain id>: beside the deposits' account, and found again from the phrase alone.

    TRON's chain ids are 32 bits of a hash; an index has 31, so of a larger one the highest bit is left out.
    """
    index = network.chain_id % HARDENED if network.family == "tron" else network.chain_id
    if index >= HARDENED:
        raise ValueError(f"{network.code}: the chain id is too large for a derivation index")
    return f"m/44'/{COIN_TYPES[network.family]}'/1'/0/{index}"


def address_of(family: str, public_key: bytes) -> str:
    """The canonical address of a 64-byte public key on networks of a family."""
    account = keccak(public_key)[12:]
    return tron_address(account) if family == "tron" else checksummed(account)


def derived_address(keys: PaymentKeys, network: Network) -> str:
    """The hot wallet's address on this network, from the seed."""
    return address_of(network.family, keys.public_key(hot_wallet_path(network)))


def ensure_wallets() -> list[Wallet]:
    """Make the hot wallet of each configured network known; returns them all, in the order of the settings.

    Raises WalletMismatch if a row holds another address than the seed gives.
    """
    keys = vault().keys
    found = []
    for network in registry.networks().values():
        address = derived_address(keys, network)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO treasury_wallet (network, role, address, derivation_path, next_nonce, created_at)"
                " VALUES (%s, 'hot', %s, %s, 0, now()) ON CONFLICT DO NOTHING",
                [network.code, address, hot_wallet_path(network)],
            )
        wallet = Wallet.objects.get(network=network.code, role=Wallet.Role.HOT)
        if wallet.address != address:
            raise WalletMismatch(f"{network.code}: the hot wallet is {wallet.address}, but the seed gives {address}")
        found.append(wallet)
    return found


def own_wallet(keys: PaymentKeys, network: Network) -> OwnWallet | None:
    """The hot wallet as the seed gives it, with its row's id; None if there is no such row."""
    path = hot_wallet_path(network)
    address = address_of(network.family, keys.public_key(path))
    wallet_id = (
        Wallet.objects.filter(network=network.code, role=Wallet.Role.HOT, address=address)
        .values_list("id", flat=True)
        .first()
    )
    return None if wallet_id is None else OwnWallet(wallet_id=wallet_id, address=address, path=path)
