"""The compile of a long film: text to jobs with their keys."""

import json
import statistics
from pathlib import Path

from films import settle
from measure import PYTHON, Result, Runner

_COMPILING = Path(__file__).with_name("compiling.py")
GOALS = {1000: (0.5, 0), 10_000: (5.0, 500)}
"""Shots -> CPU seconds, and MB at most (0 for any)."""


def compiles(folder: Path, runner: Runner) -> list[Result]:
    """CPU seconds of parse, decode, rules, lower and keys, against ruamel.yaml's safe loader on the same text."""
    results = []
    for shots, (seconds, memory) in GOALS.items():
        place = folder / str(shots)
        place.mkdir()

        def told(*more: str, place: Path = place, shots: int = shots) -> dict[str, float]:
            found: dict[str, float] = json.loads(runner.run([PYTHON, _COMPILING, place, str(shots), *more], place).out)
            return found

        told()
        settle()
        ours, yaml = [], []
        for _ in range(3):
            ours.append(told())
            yaml.append(told("yaml"))
        middle = sorted(ours, key=lambda one: one["total"])[1]
        plain = statistics.median(one["total"] for one in yaml)
        peak = max(one["peak"] for one in ours)
        stages = ", ".join(f"{stage} {spent:.2f}" for stage, spent in middle.items() if stage not in {"total", "peak"})
        goal = f"<= {seconds:g} s" + (f", {memory} MB" if memory else "")
        results.append(
            Result(
                f"compile of {shots:,} shots",
                "CPU, s",
                middle["total"],
                plain,
                middle["total"] / plain,
                goal,
                middle["total"] <= seconds and (not memory or peak <= memory),
                [f"{stages}; peak {peak:.0f} MB"],
                {"ours": [one["total"] for one in ours], "yaml": [one["total"] for one in yaml]},
            )
        )
    return results
