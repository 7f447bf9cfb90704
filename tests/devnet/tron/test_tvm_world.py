"""The state that TRON's machine runs over: scopes within scopes, blocks taken back, runs that leave nothing behind."""

from hypothesis import given
from hypothesis import strategies as st

from devnet.tron.state import State
from tests.support.tvm import BLOCK, CALLER, CONTRACT, OTHER, Machine, code
from tests.support.tvm import machine as node_machine

ADDRESSES = [bytes([number]) * 20 for number in (1, 2, 3)]
address = st.sampled_from(ADDRESSES)
small = st.integers(0, 3)
change = st.one_of(
    st.tuples(st.just("storage"), address, small, small),
    st.tuples(st.just("balance"), address, st.just(0), small),
    st.tuples(st.just("code"), address, st.just(0), st.sampled_from([b"", b"\x01", b"\x02"])),
)
step = st.one_of(change, st.sampled_from(["open", "keep", "take back"]))


def world_over(state: State):
    return node_machine._World(state, BLOCK, CALLER)


def make(world, wanted) -> None:
    kind, where, slot, value = wanted
    if kind == "storage":
        world.set_storage(where, slot, value)
    elif kind == "balance":
        world.set_balance(where, value)
    else:
        world.set_code(where, value)


def seen(world) -> list:
    """Everything that a contract could see."""
    return [
        (
            world.account_exists(each),
            world.get_balance(each),
            world.get_code(each),
            [world.get_storage(each, slot) for slot in range(4)],
        )
        for each in ADDRESSES
    ]


@given(st.lists(step, max_size=40))
def test_what_is_taken_back_was_never_there_and_what_is_kept_stays(steps):
    world = world_over(State())
    opened: list[tuple[object, list]] = []
    for each in steps:
        if each == "open":
            opened.append((world.snapshot(), seen(world)))
        elif each in ("keep", "take back"):
            if opened:
                before_closing = seen(world)
                scope, at_opening = opened.pop()
                (world.commit if each == "keep" else world.revert)(scope)
                assert seen(world) == (before_closing if each == "keep" else at_opening)
        else:
            make(world, each)


@given(st.lists(change, max_size=20))
def test_the_last_change_of_a_place_is_what_is_read(changes):
    state = State()
    world = world_over(state)
    last = {}
    for each in changes:
        make(world, each)
        last[each[:3]] = each[3]
    for (kind, where, slot), value in last.items():
        read = {"storage": lambda w=where, s=slot: world.get_storage(w, s),
                "balance": lambda w=where: world.get_balance(w),
                "code": lambda w=where: world.get_code(w)}[kind]  # fmt: skip
        assert read() == value


@given(st.lists(st.lists(change, max_size=6), max_size=6), st.data())
def test_blocks_are_taken_back_one_by_one(blocks, data):
    state = State()
    undos, heads = [], [seen(world_over(state))]
    for changes in blocks:
        state.begin()
        for each in changes:
            world = world_over(state)
            scope = world.snapshot()
            make(world, each)
            (world.revert if data.draw(st.booleans()) else world.commit)(scope)
        undos.append(state.commit())
        heads.append(seen(world_over(state)))
    while undos:
        heads.pop()
        state.take_back(undos.pop())
        assert seen(world_over(state)) == heads[-1]
    assert state.copy() == State().copy()


@given(st.integers(0, 60_000), st.sampled_from([b"", b"\xfe", code(0, 0, "REVERT"), code(1, "JUMP")]))
def test_a_run_that_fails_leaves_no_trace_wherever_it_ends(energy, ending):
    machine = Machine()
    machine.give(CONTRACT, 100)
    machine.put(OTHER, code(3, 3, "SSTORE") + ending)
    runtime = code(1, 1, "SSTORE", 0, 0, 0, 0, 9, OTHER, b"\xff" * 32, "CALL", 2, 2, "SSTORE") + ending
    machine.put(CONTRACT, runtime)
    before = machine.state.copy()
    ended = machine.call(energy_limit=energy, value_sun=5)
    assert ended.energy_used <= energy
    assert machine.state.scopes == []
    assert (machine.state.copy() == before) == (ended.fault is not None)


def test_a_constant_call_that_succeeds_is_the_callers_to_take_back():
    """The node opens a scope around constant calls; a static one can change nothing at all."""
    machine = Machine()
    machine.put(CONTRACT, code(1, 1, "SSTORE"))
    before = machine.state.copy()
    machine.state.begin()
    assert machine.call().fault is None
    assert machine.state.copy() != before
    machine.state.rollback()
    assert machine.state.copy() == before
