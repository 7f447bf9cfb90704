"""`python -m benchmarks [figure ...]`: runs the named figures, or all of them."""

import argparse
import importlib
from pathlib import Path

from benchmarks.support import Bench


def figures() -> list[str]:
    """Every module here with a public name is a figure; those with an underscore only help."""
    names = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return sorted(name for name in names if name != "support")


def main() -> None:
    known = figures()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures speed against peers.")
    parser.add_argument("figure", nargs="*", help=f"one or more of: {', '.join(known)} (all of them by default)")
    parser.add_argument("--list", action="store_true", help="print the figures' names and stop")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one timed run (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contestant, in alternation (default: 3)")
    parser.add_argument("--rows", type=int, default=0, help="size of the large data set, where a figure has one")
    options = parser.parse_args()
    if options.list:
        print("\n".join(known))
        return
    if unknown := set(options.figure) - set(known):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    with Bench(seconds=options.seconds, rounds=options.rounds, rows=options.rows) as bench:
        for name in options.figure or known:
            importlib.import_module(f"benchmarks.{name}").run(bench)


if __name__ == "__main__":
    main()
