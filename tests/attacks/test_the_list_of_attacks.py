"""docs/attacks.md names a test for each attack, and every test of attacks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "docs" / "attacks.md"


def functions_of(file: Path) -> set[str]:
    """As the paper names them."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {f"{file.relative_to(ROOT)}::{name}" for name in names if name.startswith("test_")}


def named() -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", PAPER.read_text(encoding="utf-8"))


def test_every_test_that_it_names_exists() -> None:
    wanted = set(named())
    assert len(wanted) > 30
    files = {ROOT / name.partition("::")[0] for name in wanted}
    there = set().union(*(functions_of(file) for file in files if file.exists()))
    assert wanted - there == set()


def test_every_attack_has_a_test() -> None:
    lines = [line for line in PAPER.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert [line for line in lines if not re.search(r"`tests/[^`]+` \|$", line)] == []
    assert lines[0].split("|")[1].strip(), "the first line names an attack"
