"""What each operation costs on TRON. The figures are computed by hand from java-tron's EnergyCost.java."""

import pytest

from tests.support.tvm import CALLER, CONTRACT, NOBODY, OTHER, Machine, code, deploying

PUSH = 3  # what `code` does with a number

BINARY = {
    **dict.fromkeys(["ADD", "SUB", "LT", "GT", "SLT", "SGT", "EQ", "AND", "OR", "XOR", "BYTE", "SHL", "SHR", "SAR"], 3),
    **dict.fromkeys(["MUL", "DIV", "SDIV", "MOD", "SMOD", "SIGNEXTEND"], 5),
}
UNARY = {
    **dict.fromkeys(["ISZERO", "NOT", "CALLDATALOAD", "BLOBHASH"], 3),
    **dict.fromkeys(["BALANCE", "EXTCODESIZE", "ISCONTRACT", "BLOCKHASH"], 20),
    "EXTCODEHASH": 400, "SLOAD": 50, "TLOAD": 100, "POP": 2, "DUP1": 3,
}  # fmt: skip
NULLARY = {
    **dict.fromkeys(
        ["ADDRESS", "ORIGIN", "CALLER", "CALLVALUE", "CALLDATASIZE", "CODESIZE", "GASPRICE", "RETURNDATASIZE"], 2
    ),
    **dict.fromkeys(["COINBASE", "TIMESTAMP", "NUMBER", "DIFFICULTY", "GASLIMIT", "CHAINID", "BASEFEE"], 2),
    **dict.fromkeys(["PC", "MSIZE", "GAS", "PUSH0", "BLOBBASEFEE", "CALLTOKENVALUE", "CALLTOKENID"], 2),
    "SELFBALANCE": 5, "JUMPDEST": 1, "STOP": 0,
}  # fmt: skip

VECTORS = [
    *((f"{name} of two", code(7, 9, name), 2 * PUSH + energy) for name, energy in BINARY.items()),
    *((f"{name} of one", code(7, name), PUSH + energy) for name, energy in UNARY.items()),
    *((name, code(name), energy) for name, energy in NULLARY.items()),
    ("ADDMOD", code(7, 8, 9, "ADDMOD"), 3 * PUSH + 8),
    ("MULMOD", code(7, 8, 9, "MULMOD"), 3 * PUSH + 8),
    ("SWAP1", code(7, 8, "SWAP1"), 2 * PUSH + 3),
    ("PUSH32", code(b"\xff" * 32), 3),
    ("EXP to the power of 0", code(0, 7, "EXP"), 2 * PUSH + 10),
    ("EXP with one byte of power", code(255, 7, "EXP"), 2 * PUSH + 10 + 10),
    ("EXP with two bytes of power", code(256, 7, "EXP"), 2 * PUSH + 10 + 20),
    ("SHA3 of nothing", code(0, 0, "SHA3"), 2 * PUSH + 30),
    ("SHA3 of a word", code(32, 0, "SHA3"), 2 * PUSH + 30 + 6 + 3),
    ("SHA3 of a word and a byte", code(33, 0, "SHA3"), 2 * PUSH + 30 + 12 + 6),
    ("MLOAD", code(0, "MLOAD"), PUSH + 1 + 3),
    ("MSTORE", code(7, 0, "MSTORE"), 2 * PUSH + 1 + 3),
    ("MSTORE8", code(7, 0, "MSTORE8"), 2 * PUSH + 1 + 3),
    ("MSTORE where memory is already", code(7, 0, "MSTORE", 7, 0, "MSTORE"), 2 * (2 * PUSH + 1) + 3),
    ("MSTORE across two words", code(7, 1, "MSTORE"), 2 * PUSH + 1 + 6),
    ("MSTORE in the 1,024th word", code(7, 32 * 1023, "MSTORE"), 2 * PUSH + 1 + 3 * 1024 + 1024 * 1024 // 512),
    ("MCOPY of a word", code(32, 0, 32, "MCOPY"), 3 * PUSH + 3 + 3 + 6),
    ("CALLDATACOPY of nothing", code(0, 0, 0, "CALLDATACOPY"), 3 * PUSH),
    ("CALLDATACOPY of two words", code(64, 0, 0, "CALLDATACOPY"), 3 * PUSH + 2 * 3 + 6),
    ("CODECOPY of a word", code(32, 0, 0, "CODECOPY"), 3 * PUSH + 3 + 3),
    ("RETURNDATACOPY of nothing", code(0, 0, 0, "RETURNDATACOPY"), 3 * PUSH),
    ("EXTCODECOPY of a word", code(32, 0, 0, OTHER, "EXTCODECOPY"), 4 * PUSH + 20 + 3 + 3),
    ("SSTORE of a new value", code(7, 5, "SSTORE"), 2 * PUSH + 20_000),
    ("SSTORE of 0 where nothing was", code(0, 5, "SSTORE"), 2 * PUSH + 5_000),
    ("SSTORE of another value", code(7, 1, "SSTORE"), 2 * PUSH + 5_000),
    ("SSTORE of the same value", code(9, 1, "SSTORE"), 2 * PUSH + 5_000),
    ("SSTORE of 0 over a value gives nothing back", code(0, 1, "SSTORE"), 2 * PUSH + 5_000),
    ("SSTORE after 0 was written", code(0, 5, "SSTORE", 7, 5, "SSTORE"), 4 * PUSH + 2 * 5_000),
    ("SSTORE after a value was cleared", code(0, 1, "SSTORE", 7, 1, "SSTORE"), 4 * PUSH + 2 * 5_000),
    ("TSTORE", code(7, 5, "TSTORE"), 2 * PUSH + 100),
    ("JUMP", code(3, "JUMP", "JUMPDEST"), PUSH + 8 + 1),
    ("JUMPI, taken", code(1, 5, "JUMPI", "JUMPDEST"), 2 * PUSH + 10 + 1),
    ("JUMPI, not taken", code(0, 9, "JUMPI"), 2 * PUSH + 10),
    ("LOG0 of nothing", code(0, 0, "LOG0"), 2 * PUSH + 375),
    ("LOG1 of nothing", code(1, 0, 0, "LOG1"), 3 * PUSH + 2 * 375),
    ("LOG3 of a word", code(1, 2, 3, 32, 0, "LOG3"), 5 * PUSH + 4 * 375 + 8 * 32 + 3),
    ("LOG4 of five bytes", code(1, 2, 3, 4, 5, 0, "LOG4"), 6 * PUSH + 5 * 375 + 8 * 5 + 3),
    ("RETURN of a word", code(32, 0, "RETURN"), 2 * PUSH + 3),
    ("REVERT with a word", code(32, 0, "REVERT"), 2 * PUSH + 3),
    ("CALL", code(0, 0, 0, 0, 0, OTHER, 0, "CALL"), 7 * PUSH + 40),
    ("CALL with input and output", code(64, 0, 32, 0, 0, OTHER, 0, "CALL"), 7 * PUSH + 40 + 6),
    ("CALL of nobody without value", code(0, 0, 0, 0, 0, NOBODY, 0, "CALL"), 7 * PUSH + 40),
    ("CALL with value; its gift of 2,300 comes back", code(0, 0, 0, 0, 5, OTHER, 0, "CALL"), 7 * PUSH + 40 + 6_700),
    ("CALL with value of nobody", code(0, 0, 0, 0, 5, NOBODY, 0, "CALL"), 7 * PUSH + 40 + 25_000 + 6_700),
    ("CALL with more value than there is", code(0, 0, 0, 0, 5_000, OTHER, 0, "CALL"), 7 * PUSH + 40 + 6_700),
    ("CALLCODE with value", code(0, 0, 0, 0, 5, NOBODY, 0, "CALLCODE"), 7 * PUSH + 40 + 6_700),
    ("DELEGATECALL", code(0, 0, 0, 0, OTHER, 0, "DELEGATECALL"), 6 * PUSH + 40),
    ("STATICCALL", code(0, 0, 0, 0, OTHER, 0, "STATICCALL"), 6 * PUSH + 40),
    ("CALLTOKEN without value", code(0, 0, 0, 0, 1_000_001, 0, OTHER, 0, "CALLTOKEN"), 8 * PUSH + 40),
    ("TOKENBALANCE", code(CALLER, 1_000_001, "TOKENBALANCE"), 2 * PUSH + 20),
    ("CREATE of nothing", code(0, 0, 0, "CREATE"), 3 * PUSH + 32_000),
    ("CREATE2 with a word of code", code(0, 32, 0, 0, "CREATE2"), 4 * PUSH + 32_000 + 6 + 3),
    ("SUICIDE", code(OTHER, "SUICIDE"), PUSH + 5_000),
    ("SUICIDE in favour of nobody", code(NOBODY, "SUICIDE"), PUSH + 5_000 + 25_000),
    ("ecrecover", code(0, 0, 0, 0, 1, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 3_000),
    ("sha256 of a word", code(0, 0, 32, 0, 2, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 3 + 60 + 12),
    ("what stands for ripemd160", code(0, 0, 0, 0, 3, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 600),
    ("identity of a word", code(0, 0, 32, 0, 4, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 3 + 15 + 3),
    ("bn128 add", code(0, 0, 0, 0, 6, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 150),
    ("bn128 mul", code(0, 0, 0, 0, 7, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 6_000),
    ("bn128 pairing of none", code(0, 0, 0, 0, 8, 0xFFFF, "STATICCALL"), 6 * PUSH + 40 + 45_000),
]


@pytest.fixture
def machine() -> Machine:
    """CONTRACT has 1,000 sun and a 9 in slot 1; OTHER is an account without code."""
    made = Machine()
    made.give(CONTRACT, 1_000)
    made.give(OTHER, 0)
    made.state.put("storage", (CONTRACT, 1), 9)
    return made


@pytest.mark.parametrize(("runtime", "energy"), [each[1:] for each in VECTORS], ids=[each[0] for each in VECTORS])
def test_an_operation_costs_what_java_tron_takes(machine, runtime, energy):
    assert machine.run(runtime).energy_used == energy


def test_every_operation_of_the_table_has_a_vector():
    from devnet.tron.tvm.opcodes import OPCODES

    covered = {op for _, runtime, _ in VECTORS for op in _operations(runtime)}
    families = {*range(0x60, 0xA0), 0xA2}  # PUSH, DUP, SWAP and LOG cost the same whatever their number
    assert set(OPCODES) - covered - families == set()


def _operations(runtime: bytes) -> set[int]:
    found, at = set(), 0
    while at < len(runtime):
        found.add(runtime[at])
        at += 1 + (runtime[at] - 0x5F if 0x60 <= runtime[at] <= 0x7F else 0)
    return found


def test_a_message_pays_neither_for_its_data_nor_for_being_one(machine):
    assert machine.run(b"", data=b"\xff" * 1_000).energy_used == 0


def test_a_new_contract_pays_200_for_each_byte_of_its_code(machine):
    runtime = code(7, 0, "SSTORE")
    made = machine.create(deploying(runtime))
    assert made.energy_used == 4 * PUSH + 1 + 3 + 200 * len(runtime)
    assert machine.world.get_code(NOBODY) == runtime


def test_energy_that_a_call_does_not_use_comes_back(machine):
    machine.put(OTHER, code(1, 2, "ADD"))
    assert machine.run(code(0, 0, 0, 0, OTHER, 50_000, "STATICCALL")).energy_used == 6 * PUSH + 40 + 9


def test_a_call_gets_all_that_is_left_if_it_asks_for_it(machine):
    """No 63/64 rule: what the other burns is everything, and this one may only stop."""
    machine.put(OTHER, b"\xfe")
    greedy = code(0, 0, 0, 0, OTHER, b"\xff" * 32, "STATICCALL")
    ended = machine.run(greedy, energy_limit=10_000)
    assert (ended.fault, ended.energy_used) == (None, 10_000)
    assert machine.run(greedy + code("POP"), energy_limit=10_000).fault == "OUT_OF_ENERGY"


def test_a_call_with_value_gives_2300_energy_that_nobody_paid_for(machine):
    machine.put(OTHER, code(0, "MLOAD", "GAS", 0, "MSTORE", 32, 0, "RETURN"))
    ended = machine.run(code(32, 0, 0, 0, 5, OTHER, 0, "CALL", 32, 0, "RETURN"))
    assert int.from_bytes(ended.output) == 2_300 - (3 + 1 + 3) - 2


def test_exactly_enough_energy_is_enough(machine):
    assert machine.run(code(7, 5, "SSTORE"), energy_limit=20_006).fault is None
    assert machine.run(code(7, 6, "SSTORE"), energy_limit=20_005).fault == "OUT_OF_ENERGY"
