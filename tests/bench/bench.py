"""The benchmarks behind `make bench`: what is fast, against what, and whether it is fast enough.

    bench.py [--json] [NAME...]        NAME in: compile noop versioned version recut recut200 cold memory animatic purchases

Two measurements are compared only within one run, taken in turn, so that a busy machine slows both. The status
is 0 whatever the numbers; it is 1 where a benchmark could not be run.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import compiles
import pictures
import processes
import purchases
from measure import Result, Runner

BENCHMARKS: dict[str, Callable[[Path, Runner], list[Result]]] = {
    "compile": compiles.compiles,
    "noop": processes.noop,
    "versioned": processes.versioned,
    "version": processes.version,
    "recut": pictures.recut,
    "recut200": pictures.recut200,
    "cold": pictures.cold,
    "memory": pictures.memory,
    "animatic": pictures.animatic,
    "purchases": purchases.purchases,
}
_HEAD = ("name", "measure", "ours", "baseline", "ratio", "goal", "met")


def main() -> int:
    """Run the benchmarks that were asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; by default all")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark '{unknown[0]}' (known: {', '.join(BENCHMARKS)})")
    results, broken = _measured(asked.names or list(BENCHMARKS))
    print(_as_json(results, broken) if asked.json else _as_table(results))
    return 1 if broken else 0


def _measured(names: Sequence[str]) -> tuple[list[Result], list[str]]:
    results, broken = list[Result](), list[str]()
    with tempfile.TemporaryDirectory(prefix="storyboard-bench-", ignore_cleanup_errors=True) as folder:
        runner = Runner(Path(folder) / "bytecode")
        for name in dict.fromkeys(names):
            print(f"{name} ...", file=sys.stderr, flush=True)
            place = Path(folder) / name
            place.mkdir()
            try:
                results += BENCHMARKS[name](place, runner)
            except Exception:  # noqa: BLE001 -- one that breaks costs no other
                traceback.print_exc()
                broken.append(name)
    return results, broken


def _as_json(results: Sequence[Result], broken: Sequence[str]) -> str:
    rows = [dataclasses.asdict(result) for result in results]
    return json.dumps({"format": 1, "results": rows, "broken": broken}, indent=2)


def _as_table(results: Sequence[Result]) -> str:
    rows = [_HEAD, *map(_row, results)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEAD))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *(f"{result.name}: {note}" for result in results for note in result.notes)])


def _row(result: Result) -> tuple[str, ...]:
    numbers = (_number(result.ours), _number(result.baseline), _number(result.ratio, "x"))
    met = {True: "yes", False: "NO", None: "-"}[result.met]
    return (result.name, result.measure, *numbers, result.goal or "-", met)


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{0 if value >= 100 else 1 if value >= 10 else 3}f}{unit}"


if __name__ == "__main__":
    sys.exit(main())
