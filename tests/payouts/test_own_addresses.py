"""Money must not be sent to addresses that are ours; the signer alone can add such rows, so it does it here too."""

from __future__ import annotations

import psycopg
import pytest

from payouts import errors
from tests.payouts.people import OTHER_RECIPIENT, RECIPIENT, USDT, a_customer, ask, funds
from tests.support.databases import CommittedDatabase


@pytest.mark.parametrize("network", ["arbitrum", "bsc"])
@pytest.mark.parametrize("typed", [RECIPIENT, RECIPIENT.lower()])
def test_a_deposit_address_of_ours_is_refused(committed_db: CommittedDatabase, network: str, typed: str) -> None:
    with psycopg.connect(committed_db.signer_url) as signer:
        signer.execute(
            "INSERT INTO treasury_depositaddress (family, address, derivation_index, signature, created_at)"
            " VALUES ('evm', %s, 1, '\\x00', now())",
            [RECIPIENT],
        )
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.OwnAddress):
        ask(customer, network=network, address=typed)
    assert funds(customer) == (100 * USDT, 0)


def test_a_wallet_of_ours_is_refused_on_another_network_too(committed_db: CommittedDatabase) -> None:
    with psycopg.connect(committed_db.signer_url) as signer:
        signer.execute(
            "INSERT INTO treasury_wallet (network, role, address, derivation_path, next_nonce, created_at)"
            " VALUES ('bsc', 'hot', %s, 'm/0', 0, now())",
            [OTHER_RECIPIENT],
        )
    customer = a_customer(micro=100 * USDT)
    with pytest.raises(errors.OwnAddress):
        ask(customer, network="arbitrum", address=OTHER_RECIPIENT)
    assert funds(customer) == (100 * USDT, 0)
