"""How a run ends on TRON, what it burns then, what is undone, and where contracts are made."""

import pytest
from coincurve import PrivateKey
from eth_hash.auto import keccak

from tests.support.tvm import CALLER, CONTRACT, LIMIT, NOBODY, OTHER, TXID, Machine, code, deploying

EVERYTHING = b"\xff" * 32  # more energy than there is: a call gets what is left
FOREVER = code("JUMPDEST", 0, "JUMP")
FLOOD = code("JUMPDEST", 1, 0, "JUMP")  # pushes until the stack is full
SETS_SLOT_5 = code(7, 5, "SSTORE")


def calls(address: bytes, energy: int | bytes = EVERYTHING, value: int = 0) -> bytes:
    return code(0, 0, 0, 0, value, address, energy, "CALL")


def returns_top() -> bytes:
    return code(0, "MSTORE", 32, 0, "RETURN")


def number(outcome) -> int:
    assert outcome.fault is None, outcome
    return int.from_bytes(outcome.output)


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.give(CONTRACT, 1_000)
    return made


@pytest.mark.parametrize(
    ("runtime", "fault", "said"),
    [
        (b"\xfe", "ILLEGAL_OPERATION", "Invalid operation code: opCode[fe];"),
        (b"\xd5", "ILLEGAL_OPERATION", "Invalid operation code: opCode[d5];"),  # contracts do not stake here
        (b"\xda", "ILLEGAL_OPERATION", "Invalid operation code: opCode[da];"),
        (code(1, "JUMP"), "BAD_JUMP_DESTINATION", "Operation with pc isn't 'JUMPDEST': PC[1];"),
        (code(4, "JUMP", b"\x5b"), "BAD_JUMP_DESTINATION", "Operation with pc isn't 'JUMPDEST': PC[4];"),
        (code(b"\xff" * 32, "JUMP"), "BAD_JUMP_DESTINATION", "Operation with pc isn't 'JUMPDEST': PC[-1];"),
        (code("ADD"), "STACK_TOO_SMALL", None),
        (FLOOD, "STACK_TOO_LARGE", None),
        (code(1, 3 * 1024 * 1024, "MSTORE8"), "OUT_OF_MEMORY", None),
        (code(b"\xff" * 32, 1, "SHA3"), "OUT_OF_MEMORY", None),
        (code(1, 0, 0, "RETURNDATACOPY"), "UNKNOWN", None),
        (FOREVER, "OUT_OF_ENERGY", None),
    ],
)
def test_what_breaks_a_run_off_burns_all_of_its_energy(machine, runtime, fault, said):
    ended = machine.run(runtime, energy_limit=200_000)
    assert (ended.fault, ended.energy_used, ended.output) == (fault, 200_000, b"")
    assert said is None or ended.said == said


def test_what_was_done_before_a_run_broke_off_is_undone(machine):
    ended = machine.run(SETS_SLOT_5 + code(1, 0, 0, "LOG1") + calls(OTHER, 0, value=5) + b"\xfe", value_sun=50)
    assert (ended.fault, ended.logs, machine.slot(5)) == ("ILLEGAL_OPERATION", (), 0)
    assert [machine.world.get_balance(each) for each in (CALLER, CONTRACT, OTHER)] == [10**12, 1_000, 0]


def test_the_last_byte_of_three_megabytes_can_be_had(machine):
    assert machine.run(code(1, 3 * 1024 * 1024 - 1, "MSTORE8")).fault is None


def test_a_revert_pays_what_was_used_says_why_and_changes_nothing(machine):
    ended = machine.run(SETS_SLOT_5 + code(0xBEEF, 0, "MSTORE", 1, 0, 0, "LOG1", 2, 30, "REVERT"))
    assert (ended.fault, ended.output, ended.logs) == ("REVERT", b"\xbe\xef", ())
    assert ended.energy_used == 20_006 + 10 + 759 + 6
    assert ended.said == "REVERT opcode executed"
    assert machine.slot(5) == 0


def test_a_run_that_takes_too_long_burns_everything(machine):
    ended = machine.run(FOREVER, max_seconds=0.02)
    assert (ended.fault, ended.energy_used) == ("OUT_OF_TIME", LIMIT)


def test_time_that_is_up_in_an_inner_call_ends_the_whole_run(machine):
    machine.put(OTHER, FOREVER)
    ended = machine.run(SETS_SLOT_5 + calls(OTHER, 10_000_000), max_seconds=0.02)
    assert (ended.fault, ended.energy_used) == ("OUT_OF_TIME", LIMIT)
    assert machine.slot(5) == 0


def test_trx_sent_to_oneself_fails_the_transfer_and_pays_what_was_used(machine):
    ended = machine.run(SETS_SLOT_5 + calls(CONTRACT, 0, value=5))
    assert ended.fault == "TRANSFER_FAILED"
    assert ended.energy_used == 20_006 + 21 + 40 + 6_700
    assert machine.slot(5) == 0


def test_a_failed_transfer_in_an_inner_call_takes_all_that_the_call_was_given(machine):
    machine.put(OTHER, calls(OTHER, 0, value=5))
    machine.give(OTHER, 1_000)
    assert machine.run(calls(OTHER, 50_000)).energy_used == 61 + 50_000


@pytest.mark.parametrize("token_id", [0, 5, 1_000_000, 2**63, 2**255 + 5])
def test_an_id_that_no_trc10_token_can_have_fails_the_transfer(machine, token_id):
    ended = machine.run(code(0, 0, 0, 0, token_id, 0, OTHER, 0, "CALLTOKEN"))
    assert ended.fault == "TRANSFER_FAILED"
    assert ended.energy_used < LIMIT


def test_nobody_can_send_trc10_tokens(machine):
    ended = machine.run(code(0, 0, 0, 0, 1_000_001, 5, OTHER, 0, "CALLTOKEN") + returns_top())
    assert number(ended) == 0


@pytest.mark.parametrize(
    "runtime",
    [
        SETS_SLOT_5, code(1, 5, "TSTORE"), code(1, 0, 0, "LOG1"), code(0, 0, 0, "CREATE"), calls(OTHER, 0, value=1),
        code(0, 0, 0, 0, "CREATE2"), code(OTHER, "SUICIDE"),
    ],
)  # fmt: skip
def test_a_static_call_changes_nothing(machine, runtime):
    assert machine.run(runtime, static=True).fault == "UNKNOWN"
    machine.put(OTHER, runtime)
    assert number(machine.run(code(0, 0, 0, 0, OTHER, 50_000, "STATICCALL") + returns_top())) == 0


# --- calls ----------------------------------------------------------------------------------------------------------


def test_value_moves_with_a_call_and_comes_back_if_it_fails(machine):
    assert machine.run(calls(OTHER, 0, value=300)).fault is None
    assert machine.world.get_balance(OTHER) == 300
    machine.put(OTHER, code(0, 0, "REVERT"))
    assert machine.run(calls(OTHER, 0, value=300)).fault is None
    assert machine.world.get_balance(OTHER) == 300
    assert machine.world.get_balance(CONTRACT) == 700


def test_what_a_failed_call_did_is_undone_and_what_its_caller_did_stays(machine):
    machine.put(OTHER, SETS_SLOT_5 + code(3, 2, "TSTORE", 1, 0, 0, "LOG1", 0, 0, "REVERT"))
    ended = machine.run(SETS_SLOT_5 + code(2, 0, 0, "LOG1") + calls(OTHER))
    assert ended.fault is None
    assert (machine.slot(5), machine.slot(5, OTHER)) == (7, 0)
    assert [log.topics for log in ended.logs] == [((2).to_bytes(32),)]


def test_a_slot_written_only_by_a_failed_call_is_new_again(machine):
    writes_and_fails = code("CALLER", CONTRACT, "EQ", 0, 5, "SSTORE", 0, 0, "REVERT")
    machine.put(OTHER, writes_and_fails)
    cost = machine.run(code(0, 0, 0, 0, OTHER, EVERYTHING, "DELEGATECALL", 7, 5, "SSTORE")).energy_used
    inner = 2 + 3 + 3 + 6 + 5_000 + 6
    assert cost == 6 * 3 + 40 + inner + 20_006


def test_transient_storage_lasts_for_one_run(machine):
    runtime = code(5, "TLOAD", 5, "TLOAD", 1, "ADD", 5, "TSTORE") + returns_top()
    assert number(machine.run(runtime)) == 0
    assert number(machine.call()) == 0
    machine.put(OTHER, calls(CONTRACT) + code(32, 0, 0, 0, 0, CONTRACT, EVERYTHING, "CALL", 32, 0, "RETURN"))
    assert number(machine.call(to=OTHER)) == 1


def test_transient_storage_of_a_failed_call_is_undone(machine):
    machine.put(OTHER, code(9, 5, "TSTORE", 0, 0, "REVERT"))
    runtime = code(4, 5, "TSTORE", 0, 0, 0, 0, OTHER, EVERYTHING, "DELEGATECALL", 5, "TLOAD") + returns_top()
    assert number(machine.run(runtime)) == 4


def test_a_library_runs_with_its_users_storage_caller_and_value(machine):
    machine.put(OTHER, code("CALLER", 1, "SSTORE", "CALLVALUE", 2, "SSTORE", "ADDRESS", 3, "SSTORE"))
    machine.run(code(0, 0, 0, 0, OTHER, EVERYTHING, "DELEGATECALL"), value_sun=77)
    assert [machine.slot(each) for each in (1, 2, 3)] == [int.from_bytes(CALLER), 77, int.from_bytes(CONTRACT)]
    assert machine.slot(1, OTHER) == 0


def test_code_of_another_can_be_called_in_ones_own_name(machine):
    machine.put(OTHER, code("CALLER", 1, "SSTORE", "CALLVALUE", 2, "SSTORE"))
    machine.run(code(0, 0, 0, 0, 5, OTHER, EVERYTHING, "CALLCODE"))
    assert (machine.slot(1), machine.slot(2)) == (int.from_bytes(CONTRACT), 5)
    assert machine.world.get_balance(CONTRACT) == 1_000


def test_calls_go_64_deep(machine):
    counts = code(1, 0, "SLOAD", "ADD", 0, "SSTORE")
    ended = machine.run(counts + calls(CONTRACT))
    assert ended.fault is None
    assert machine.slot(0) == 65
    assert len(ended.internal_transactions) == 64


def test_a_revert_of_another_can_be_read_and_an_exception_cannot(machine):
    machine.put(OTHER, code(0xBEEF, 0, "MSTORE", 32, 0, "REVERT"))
    shows = calls(OTHER, 10_000) + code("RETURNDATASIZE") + returns_top()
    assert number(machine.run(shows)) == 32
    machine.put(OTHER, b"\xfe")
    assert number(machine.run(shows)) == 0


def test_internal_transactions_are_listed_in_order_and_marked_if_taken_back(machine):
    machine.put(NOBODY, b"")
    machine.put(OTHER, calls(NOBODY) + code(0, 0, "REVERT"))
    ended = machine.run(calls(OTHER, 100_000) + calls(NOBODY, 0, value=9))
    listed = [(each.kind, each.caller, each.to, each.value_sun, each.rejected) for each in ended.internal_transactions]
    assert listed == [
        ("call", CONTRACT, OTHER, 0, True),
        ("call", OTHER, NOBODY, 0, True),
        ("call", CONTRACT, NOBODY, 9, False),
    ]  # fmt: skip
    ended = machine.run(calls(NOBODY, 0, value=9) + b"\xfe")
    assert [each.rejected for each in ended.internal_transactions] == [True]


# --- new contracts --------------------------------------------------------------------------------------------------


def test_an_address_comes_from_the_transaction_and_the_number_of_what_was_done_before(machine):
    assert number(machine.run(code(0, 0, 5, "CREATE") + returns_top())) == int.from_bytes(
        b"\x41" + keccak(TXID + bytes(8))[12:]
    )
    second = machine.run(calls(OTHER) + code("POP", 0, 0, 5, "CREATE") + returns_top())
    assert second.output[-20:] == keccak(TXID + (1).to_bytes(8))[12:]


def test_create2_has_a_prefix_of_its_own(machine):
    init = deploying(SETS_SLOT_5)
    stores = code(init, 0, "MSTORE")
    ended = machine.run(stores + code(99, len(init), 32 - len(init), 0, "CREATE2") + returns_top())
    made = keccak(b"\x41" + CONTRACT + (99).to_bytes(32) + keccak(init))[12:]
    assert ended.output == (bytes(11) + b"\x41" + made)
    assert machine.world.get_code(made) == SETS_SLOT_5
    again = machine.run(stores + code(99, len(init), 32 - len(init), 0, "CREATE2"), energy_limit=200_000)
    assert (again.fault, again.energy_used) == (None, 200_000)  # it is there already: what was given is gone


def test_code_must_not_begin_with_0xef(machine):
    ended = machine.create(deploying(b"\xef\x00"))
    assert (ended.fault, ended.energy_used) == ("INVALID_CODE", LIMIT)
    assert machine.world.get_code(NOBODY) == b""


def test_a_contract_whose_code_cannot_be_paid_for_is_not_made(machine):
    runtime = SETS_SLOT_5
    needed = machine.create(deploying(runtime), address=OTHER).energy_used
    ended = machine.create(deploying(runtime), energy_limit=needed - 1)
    assert (ended.fault, ended.energy_used) == ("OUT_OF_ENERGY", needed - 1)
    assert machine.world.get_code(NOBODY) == b""


def test_a_reverted_creation_gives_the_energy_back(machine):
    init = code(0, 0, "REVERT")
    ended = machine.run(code(init, 0, "MSTORE", len(init), 32 - len(init), 0, "CREATE") + returns_top())
    assert number(ended) == 0
    assert ended.energy_used < 33_000


def test_a_contract_that_has_been_there_ends_only_in_name(machine):
    ended = machine.run(code(OTHER, "SUICIDE"))
    assert [(each.kind, each.to, each.value_sun) for each in ended.internal_transactions] == [("suicide", OTHER, 1_000)]
    assert (machine.world.get_balance(CONTRACT), machine.world.get_balance(OTHER)) == (0, 1_000)
    assert machine.world.get_code(CONTRACT) == code(OTHER, "SUICIDE")


def test_a_contract_that_leaves_its_trx_to_itself_keeps_it(machine):
    machine.run(code(CONTRACT, "SUICIDE"))
    assert machine.world.get_balance(CONTRACT) == 1_000


def test_a_contract_can_end_in_the_transaction_that_makes_it(machine):
    init = deploying(code("ADDRESS", "SUICIDE"))
    makes = code(init, 0, "MSTORE", len(init), 32 - len(init), 400, "CREATE")
    ended = machine.run(makes + code(0, 0, 0, 0, 0) + b"\x85" + code(EVERYTHING, "CALL"))  # DUP6: the new one
    assert ended.fault is None
    made = ended.internal_transactions[0].to
    assert [each.kind for each in ended.internal_transactions] == ["create", "call", "suicide"]
    assert machine.world.get_code(made) == b""
    assert (machine.world.get_balance(made), machine.world.get_balance(CONTRACT)) == (0, 600)


# --- what contracts are told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("TIMESTAMP", 1_700_000_000), ("NUMBER", 1_000), ("DIFFICULTY", 0), ("GASLIMIT", 0), ("GASPRICE", 0),
        ("CHAINID", 0x1C1D1E1F), ("COINBASE", int.from_bytes(b"\x41" + b"\x09" * 20)), ("CALLTOKENVALUE", 0),
        ("CALLER", int.from_bytes(CALLER)), ("ADDRESS", int.from_bytes(CONTRACT)), ("SELFBALANCE", 1_000),
    ],
)  # fmt: skip
def test_a_contract_is_told_what_tron_says(machine, operation, told):
    assert number(machine.run(code(operation) + returns_top())) == told


def test_the_0x41_of_an_address_does_not_matter(machine):
    machine.give(OTHER, 55)
    assert number(machine.run(code(b"\x41" + OTHER, "BALANCE") + returns_top())) == 55


def test_ecrecover_gives_an_address_as_tron_writes_it(machine):
    key = PrivateKey(b"\x07" * 32)
    digest = keccak(b"anything")
    signature = key.sign_recoverable(digest, hasher=None)
    data = digest + (27 + signature[64]).to_bytes(32) + signature[:64]
    runtime = code(128, 0, 0, "CALLDATACOPY", 32, 0, 128, 0, 1, 0xFFFF, "STATICCALL", 32, 0, "RETURN")
    signer = keccak(key.public_key.format(compressed=False)[1:])[12:]
    assert machine.run(runtime, data=data).output == bytes(11) + b"\x41" + signer
