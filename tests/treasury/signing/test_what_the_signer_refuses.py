"""The signer's own judgement: rows forged by whoever holds the web's role, or the database's owner's, are refused."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from pytest_django import Settings

from tests.support.databases import CommittedDatabase
from tests.support.paying import MICRO, Desk, as_role, new_address
from treasury import broadcasts
from treasury.chains import registry
from treasury.models import Broadcast, PaymentOrder, SigningRecord


def reserve(desk: Desk, amount_micro: int = 5 * MICRO, **evidence: object) -> PaymentOrder:
    order = desk.order(amount_micro, **evidence)
    assert broadcasts.reserve_broadcasts("arbitrum") == 1
    return order


def refusal_of(desk: Desk, order: PaymentOrder) -> str:
    """The signer's reason; checks that nothing at all was signed."""
    result = desk.signer.sign()
    (attempt,) = desk.attempts(order)
    assert (result.signed, result.refused) == (0, 1)
    assert (attempt.state, attempt.signed_bytes, attempt.tx_hash) == ("refused", None, None)
    assert not SigningRecord.objects.exists()
    return attempt.refusal


def forge(database: CommittedDatabase, table: str, change: str) -> None:
    """Change a row as the schema's owner, with its guards switched off."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        owner.execute(f"UPDATE {table} SET {change}")
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


# --- changed after the approval -------------------------------------------------------------------------------------


def test_an_amount_changed_after_the_approval_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_paymentorder", "amount_micro = 500000000")
    assert refusal_of(desk, order) == "the payload is not what the order asks for"


def test_an_amount_changed_in_order_and_payload_is_refused_for_its_approval(
    desk: Desk, committed_db: CommittedDatabase
) -> None:
    order = desk.order()
    forge(committed_db, "treasury_paymentorder", "amount_micro = 500000000")
    broadcasts.reserve_broadcasts("arbitrum")
    assert refusal_of(desk, order).startswith("an approval is of another payment")


def test_an_address_changed_after_the_approval_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_paymentorder", f"address = '{new_address()}'")
    assert refusal_of(desk, order) == "the payload is not what the order asks for"


def test_an_address_changed_before_the_reservation_is_refused_for_its_approval(
    desk: Desk, committed_db: CommittedDatabase
) -> None:
    order = desk.order()
    forge(committed_db, "treasury_paymentorder", f"address = '{new_address()}'")
    broadcasts.reserve_broadcasts("arbitrum")
    assert refusal_of(desk, order).startswith("an approval is of another payment")


def test_a_payload_that_pays_somebody_else_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    other = bytes.fromhex("a9059cbb" + new_address()[2:].zfill(64)) + (5 * MICRO).to_bytes(32, "big")
    forge(committed_db, "treasury_broadcast", f"data = '\\x{other.hex()}'")
    assert refusal_of(desk, order) == "the payload is not what the order asks for"


@pytest.mark.parametrize("change", ["to_address = '0x000000000000000000000000000000000000dEaD'", "data = '\\x'"])
def test_a_payload_that_calls_something_else_is_refused(
    desk: Desk, committed_db: CommittedDatabase, change: str
) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_broadcast", change)
    assert refusal_of(desk, order) == "the payload is not what the order asks for"


def test_a_no_op_that_pays_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_broadcast", "purpose = 'noop'")
    assert refusal_of(desk, order) == "the payload is not what the order asks for"


@pytest.mark.parametrize("change", ["gas_limit = 500001", "max_fee_wei = 100000000001"])
def test_gas_that_would_burn_the_wallet_is_refused(desk: Desk, committed_db: CommittedDatabase, change: str) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_broadcast", change)
    assert refusal_of(desk, order) == "gas limit or fee are above the network's cap"


def test_the_webs_role_cannot_change_an_order_its_evidence_or_a_payload(desk: Desk) -> None:
    reserve(desk)
    for statement in (
        "UPDATE treasury_paymentorder SET amount_micro = 1",
        "UPDATE treasury_paymentorder SET address = 'x'",
        "UPDATE treasury_paymentapproval SET digest = 'x'",
        "DELETE FROM treasury_paymentapproval",
        "UPDATE treasury_broadcast SET data = ''",
        "UPDATE treasury_broadcast SET signed_bytes = 'x'",
        "UPDATE treasury_broadcast SET tx_hash = 'x'",
        "INSERT INTO treasury_signingrecord SELECT * FROM treasury_signingrecord",
        "DELETE FROM treasury_signingrecord",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_signers_role_can_only_sign(desk: Desk, committed_db: CommittedDatabase) -> None:
    reserve(desk)
    with as_role(committed_db.signer_url):
        for statement in (
            "UPDATE treasury_paymentorder SET state = 'settled'",
            "INSERT INTO treasury_paymentapproval SELECT * FROM treasury_paymentapproval",
            "UPDATE treasury_broadcast SET data = ''",
            "UPDATE treasury_wallet SET next_nonce = 0",
            "UPDATE treasury_depositaddress SET customer_id = 1",
            "DELETE FROM treasury_signingrecord",
            "SELECT * FROM accounts_user",
            "SELECT * FROM payouts_withdrawalrequest",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(statement)


# --- evidence -------------------------------------------------------------------------------------------------------


def test_over_the_signers_own_threshold_one_approver_is_not_enough(desk: Desk) -> None:
    """Whatever the web asks for: `approvals_required` was one here."""
    order = reserve(desk, 1_000 * MICRO)
    assert refusal_of(desk, order) == "2 different approvers are needed"


def test_two_different_approvers_are_enough(desk: Desk) -> None:
    reserve(desk, 1_000 * MICRO, approvers=(101, 102), required=2)
    assert desk.signer.sign().signed == 1


def test_the_same_approver_twice_is_one(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk, 1_000 * MICRO, approvers=(101, 102), required=2)
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE treasury_paymentapproval DROP CONSTRAINT payment_approval_once")
    forge(committed_db, "treasury_paymentapproval", "approver_id = 101")
    assert refusal_of(desk, order) == "2 different approvers are needed"


def test_an_order_without_any_approval_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE treasury_paymentapproval DISABLE TRIGGER USER")
        owner.execute("DELETE FROM treasury_paymentapproval")
    forge(committed_db, "treasury_paymentorder", "approvals_required = 0")
    assert refusal_of(desk, order) == "1 different approvers are needed"


def test_an_approval_of_an_older_revision_is_refused(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_paymentorder", "revision = 2")
    assert refusal_of(desk, order) == "an approval is of another revision"


def test_the_orders_own_quorum_counts_where_it_is_higher(desk: Desk, committed_db: CommittedDatabase) -> None:
    order = reserve(desk)
    forge(committed_db, "treasury_paymentorder", "approvals_required = 3")
    assert refusal_of(desk, order) == "3 different approvers are needed"


# --- recipients -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient", ["wallet", "token"])
def test_our_own_wallet_and_the_token_are_no_recipients(desk: Desk, recipient: str) -> None:
    order = desk.order(MICRO, desk.wallet.address if recipient == "wallet" else desk.chain.token)
    broadcasts.reserve_broadcasts("arbitrum")
    if not desk.attempts(order):
        return  # the token itself refuses: the order waits without a nonce
    assert refusal_of(desk, order) == "the recipient is our own wallet or the token's contract"


def test_a_network_the_signer_does_not_know_is_refused(desk: Desk, networks: dict[str, object]) -> None:
    order = reserve(desk)
    networks["arbitrum"] = networks.pop("arbitrum") | {"chain_id": 42161}  # type: ignore[operator]  # a dict
    registry.reset()
    assert refusal_of(desk, order) == "the signer knows no such network, or has no wallet on it"


# --- caps -----------------------------------------------------------------------------------------------------------


def test_a_payment_above_the_cap_for_one_is_refused(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_PAYMENT_CAP_MICRO = 5 * MICRO - 1
    assert refusal_of(desk, reserve(desk)) == "above the signer's cap for one payment"


def test_a_payment_at_the_cap_is_signed(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_PAYMENT_CAP_MICRO = settings.SIGNER_DAILY_CAP_MICRO = 5 * MICRO
    settings.SIGNER_DESTINATION_DAILY_CAP_MICRO = 5 * MICRO
    reserve(desk)
    assert desk.signer.sign().signed == 1


def test_the_cap_of_a_day_holds_within_a_batch_and_between_batches(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_DAILY_CAP_MICRO = 25 * MICRO
    made = desk.order_many([desk.request(10 * MICRO) for _ in range(3)])
    broadcasts.reserve_broadcasts("arbitrum")
    result = desk.signer.sign()
    assert (result.signed, result.refused) == (2, 1)
    assert desk.attempts(made[2])[0].refusal == "above the signer's cap for one day"
    desk.order(6 * MICRO)
    broadcasts.reserve_broadcasts("arbitrum")
    assert desk.signer.sign().refused == 1
    desk.order(5 * MICRO)
    broadcasts.reserve_broadcasts("arbitrum")
    assert desk.signer.sign().signed == 1


def test_the_cap_of_a_destination_holds(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_DESTINATION_DAILY_CAP_MICRO = 15 * MICRO
    to = new_address()
    made = [desk.order(10 * MICRO, to), desk.order(10 * MICRO, to), desk.order(10 * MICRO)]
    broadcasts.reserve_broadcasts("arbitrum")
    desk.signer.sign()
    assert [desk.attempts(order)[0].state for order in made] == ["signed", "refused", "signed"]
    assert desk.attempts(made[1])[0].refusal == "above the signer's cap for one destination and day"


def test_yesterdays_signatures_are_forgotten_by_the_caps(
    desk: Desk, settings: Settings, committed_db: CommittedDatabase
) -> None:
    settings.SIGNER_DAILY_CAP_MICRO = 10 * MICRO
    reserve(desk, 10 * MICRO)
    desk.signer.sign()
    forge(committed_db, "treasury_signingrecord", "signed_at = now() - interval '25 hours'")
    reserve(desk, 10 * MICRO)
    assert desk.signer.sign().signed == 1


def test_a_replacement_counts_once(desk: Desk, settings: Settings) -> None:
    settings.SIGNER_DAILY_CAP_MICRO = 5 * MICRO
    settings.BROADCAST_STUCK_SECONDS = 0
    desk.chain.stop_mining()
    order = reserve(desk)
    desk.signer.sign()
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.replace_stuck("arbitrum")
    assert desk.signer.sign().signed == 1
    assert SigningRecord.objects.filter(order=order).count() == 2
    desk.order(MICRO)
    broadcasts.reserve_broadcasts("arbitrum")
    assert desk.signer.sign().refused == 1, "the cap is used up by the one payment"


def test_an_order_is_never_signed_for_a_second_nonce(desk: Desk, committed_db: CommittedDatabase) -> None:
    """A web tier that moves a sent order to a new nonce would have it paid twice."""
    order = reserve(desk)
    desk.signer.sign()
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE treasury_broadcast DISABLE TRIGGER USER")
        owner.execute("ALTER TABLE treasury_paymentorder DISABLE TRIGGER USER")
        owner.execute("ALTER TABLE treasury_broadcast DROP CONSTRAINT broadcast_shares_its_orders_nonce")
        owner.execute("UPDATE treasury_paymentorder SET nonce = 1")
        owner.execute("UPDATE treasury_broadcast SET state = 'dead', nonce = 1")
        owner.execute(
            "INSERT INTO treasury_broadcast (order_id, attempt, purpose, network, wallet_id, nonce, state, to_address,"
            " data, gas_limit, max_fee_wei, max_priority_fee_wei, refusal, reserved_at, sends, block_hash, last_error)"
            " SELECT order_id, 2, purpose, network, wallet_id, 1, 'reserved', to_address, data, gas_limit, max_fee_wei,"
            " max_priority_fee_wei, '', now(), 0, '', '' FROM treasury_broadcast"
        )
    result = desk.signer.sign()
    assert (result.signed, result.refused) == (0, 1)
    assert desk.attempts(order)[1].refusal == "this order was signed before with another nonce, address or amount"
    assert SigningRecord.objects.count() == 1


def test_bytes_that_were_signed_before_are_refused_and_hold_up_nobody(desk: Desk) -> None:
    first, second = reserve(desk), reserve(desk)
    desk.signer.sign()
    third = reserve(desk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE treasury_broadcast SET state = 'reserved' WHERE order_id = %s", [first.pk])
        cursor.execute("UPDATE treasury_broadcast SET state = 'replaced' WHERE order_id = %s", [second.pk])
        cursor.execute(
            "INSERT INTO treasury_broadcast (order_id, attempt, purpose, network, wallet_id, nonce, state, to_address,"
            " data, gas_limit, max_fee_wei, max_priority_fee_wei, refusal, reserved_at, sends, block_hash, last_error)"
            " SELECT order_id, 2, purpose, network, wallet_id, nonce, 'reserved', to_address, data, gas_limit,"
            " max_fee_wei, max_priority_fee_wei, '', now(), 0, '', '' FROM treasury_broadcast WHERE order_id = %s",
            [second.pk],
        )
    result = desk.signer.sign()
    assert (result.signed, result.refused) == (1, 2)
    assert desk.attempts(third)[0].state == "signed"
    assert desk.attempts(first)[0].refusal == desk.attempts(second)[1].refusal == "the same bytes were signed before"


# --- afterwards -----------------------------------------------------------------------------------------------------


def test_a_refused_payment_dies_when_a_no_op_has_filled_its_nonce(desk: Desk, settings: Settings) -> None:
    from treasury import alarms, ledger, orders

    settings.SIGNER_PAYMENT_CAP_MICRO = 10 * MICRO
    refused, paid = desk.order(11 * MICRO), desk.order(10 * MICRO)
    desk.reserve_and_sign()
    broadcasts.send_broadcasts("arbitrum")
    assert desk.attempts(paid)[0].state == "signed", "it waits for the nonce before it"
    assert broadcasts.fill_gaps("arbitrum") == 1
    desk.signer.sign()
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.confirm_broadcasts("arbitrum")
    assert desk.state(refused) == "open", "dead only when the no-op is final"
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")

    assert [(each.purpose, each.state) for each in desk.attempts(refused)] == [
        ("payment", "refused"),
        ("noop", "final_ok"),
    ]
    result = orders.order_results([refused.reference])[refused.reference]
    assert (result.is_dead, result.sent, result.tx_hash) == (True, False, None)
    assert result.dead_reason == "Never sent: above the signer's cap for one payment"
    assert alarms.is_raised(f"payment-refused:{refused.pk}")
    assert desk.transfers_to(refused.address) == []
    assert desk.state(paid) == "settled"
    gas = sum(each.fee_native for each in Broadcast.objects.filter(state="final_ok"))
    assert ledger.balance("expense:gas:arbitrum") == gas


def test_a_refused_replacement_brings_the_signed_attempt_back(desk: Desk, settings: Settings) -> None:
    settings.BROADCAST_STUCK_SECONDS = 0
    desk.chain.stop_mining()
    order = reserve(desk)
    desk.signer.sign()
    broadcasts.send_broadcasts("arbitrum")
    broadcasts.replace_stuck("arbitrum")
    settings.SIGNER_PAYMENT_CAP_MICRO = 1
    assert desk.signer.sign().refused == 1
    broadcasts.fill_gaps("arbitrum")
    assert [each.state for each in desk.attempts(order)] == ["sent", "refused"]
    desk.chain.mine_at_once()
    desk.make_final()
    broadcasts.confirm_broadcasts("arbitrum")
    desk.assert_each_paid_once()


def test_nothing_is_signed_for_a_halted_network(desk: Desk) -> None:
    from treasury import halts

    reserve(desk)
    halts.halt_network("arbitrum", "a test")
    assert desk.signer.sign().signed == 0
    assert halts.resume_network("arbitrum", actor_label="a test")
    assert desk.signer.sign().signed == 1
