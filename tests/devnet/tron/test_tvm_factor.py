"""The dynamic energy model: what a contract's factor adds, operation by operation. Figures computed by hand."""

import pytest

from tests.support.tvm import CONTRACT, OTHER, Machine, code


@pytest.fixture
def machine() -> Machine:
    made = Machine()
    made.factors[CONTRACT] = 34_000
    return made


@pytest.mark.parametrize(
    ("runtime", "base", "penalty"),
    [
        (code(7), 3, 10),  # 10.2
        (code("ADDRESS"), 2, 6),  # 6.8: rounded down for each operation, not for the whole
        (code("ADDRESS", "ADDRESS", "ADDRESS", "ADDRESS", "ADDRESS"), 10, 30),
        (code(1, "SLOAD"), 53, 10 + 170),
        (code(7, 5, "SSTORE"), 20_006, 20 + 68_000),
        (code(7, 0, "MSTORE"), 10, 20 + 13),  # the operation and its memory together: 4 x 3.4
        (code(1, 0, 0, "LOG1"), 759, 30 + 2_550),
        (code(32, 0, "RETURN"), 9, 20 + 10),
        (code(0, 0, 0, "CREATE"), 32_009, 30 + 108_800),
    ],
)
def test_an_operation_pays_the_factors_part_rounded_down(machine, runtime, base, penalty):
    ended = machine.run(runtime)
    assert (ended.fault, ended.energy_used, ended.energy_penalty) == (None, base + penalty, penalty)


def test_without_a_factor_nothing_is_added(machine):
    machine.factors.clear()
    ended = machine.run(code(7, 5, "SSTORE"))
    assert (ended.energy_used, ended.energy_penalty) == (20_006, 0)


def test_a_revert_pays_it_too(machine):
    ended = machine.run(code(32, 0, "REVERT"))
    assert (ended.fault, ended.energy_used, ended.energy_penalty) == ("REVERT", 9 + 30, 30)


def test_a_nested_call_pays_by_the_other_contracts_factor(machine):
    machine.factors[OTHER] = 5_000
    machine.put(OTHER, code(1, 0, "SSTORE"))
    ended = machine.run(code(0, 0, 0, 0, 0, OTHER, 0xFFFFFF, "CALL"))
    ours = 7 * 3 + 40, 7 * 10 + 136
    theirs = 3 + 3 + 20_000, 1 + 1 + 10_000
    assert ended.energy_penalty == ours[1] + theirs[1]
    assert ended.energy_used == sum(ours) + sum(theirs)


def test_the_energy_that_a_call_hands_on_is_not_raised(machine):
    machine.put(OTHER, b"\xfe")  # burns what it gets
    ended = machine.run(code(0, 0, 0, 0, 0, OTHER, 1_000, "CALL"))
    assert ended.energy_used == 7 * 3 + 40 + 7 * 10 + 136 + 1_000


def test_a_contract_without_a_factor_calls_one_with_it(machine):
    machine.put(OTHER, code(0, 0, 0, 0, 0, CONTRACT, 0xFFFFFF, "CALL"))
    machine.put(CONTRACT, code(1, "SLOAD"))
    ended = machine.call(to=OTHER)
    assert (ended.energy_used, ended.energy_penalty) == (61 + 53 + 180, 180)


def test_a_library_pays_by_the_factor_of_who_uses_it(machine):
    """Program.updateContextContractFactor: what counts is in whose storage the code runs."""
    machine.put(OTHER, code(1, "SLOAD"))
    ended = machine.run(code(0, 0, 0, 0, OTHER, 0xFFFFFF, "DELEGATECALL"))
    assert ended.energy_penalty == 6 * 10 + 136 + 10 + 170
    machine.factors = {OTHER: 34_000}
    assert machine.call().energy_penalty == 0


def test_a_call_that_can_pay_for_itself_but_not_for_its_penalty_is_not_made(machine):
    machine.put(OTHER, code(1, 0, "SSTORE"))
    runtime = code(0, 0, 0, 0, 0, OTHER, 0, "CALL")
    enough = 7 * 13 + 40 + 136
    assert machine.run(runtime, energy_limit=enough).fault is None
    assert machine.run(runtime, energy_limit=enough - 1).fault == "OUT_OF_ENERGY"


def test_a_new_contract_has_no_factor_while_it_is_made(machine):
    machine.factors = {CONTRACT: 34_000}
    assert machine.create(code(7, 5, "SSTORE")).energy_penalty == 0
