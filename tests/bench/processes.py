"""What takes part of a second: a plan with nothing to do, and the version."""

import json
from pathlib import Path

from films import wide_film
from measure import BIN, PYTHON, Result, Runner, interleaved

_STAGES = 1000
_DODO = '''
"""Copies, and one stage that needs them all."""
import shutil
from pathlib import Path

DOIT_CONFIG = {"verbosity": 0}
COPIES = [(f"in/{n}.txt", f"out/{n}.txt") for n in range(STAGES)]


def copy(source, target):
    shutil.copyfile(source, target)


def join():
    Path("all.txt").write_text(str(len(COPIES)))


def task_copy():
    for source, target in COPIES:
        yield {"name": source, "actions": [(copy, [source, target])], "file_dep": [source], "targets": [target]}


def task_join():
    return {"actions": [(join,)], "file_dep": [target for _, target in COPIES], "targets": ["all.txt"]}
'''
_COMPOSE = "import sys; from ruamel.yaml import YAML; YAML(typ='safe').compose(open(sys.argv[1], encoding='utf-8'))"


def noop(folder: Path, runner: Runner) -> list[Result]:
    """A plan of 1,000 cached shots, against doit's no-op of 1,000 stages and the reading of the YAML."""
    board, stages = wide_film(folder / "film", _STAGES, runner), _stages(folder / "doit", runner)
    plan = [BIN / "storyboard", "plan"]
    _require_cached(runner, board, [*plan, "--json"])
    medians, samples = interleaved(
        9,
        ours=lambda: runner.run(plan, board.parent).cpu,
        doit=lambda: runner.run([BIN / "doit"], stages).cpu,
        yaml=lambda: runner.run([PYTHON, "-c", _COMPOSE, board], folder).cpu,
        nothing=lambda: runner.run([PYTHON, "-c", "pass"], folder).cpu,
    )
    baseline = medians["doit"] + medians["yaml"] - medians["nothing"]
    ratio = medians["ours"] / baseline
    note = "baseline: doit {doit:.3f} + YAML {yaml:.3f} - bare Python {nothing:.3f}".format(**medians)
    measure = "CPU of the tree, s"
    return [Result("noop", measure, medians["ours"], baseline, ratio, "<= 1.0x", ratio <= 1, [note], samples)]


def versioned(folder: Path, runner: Runner) -> list[Result]:
    """Plan, status and diff of 1,000 cached shots in a git repository where nothing changed."""
    board = wide_film(folder / "film", _STAGES, runner)
    program, place = BIN / "storyboard", board.parent
    _require_cached(runner, board, [program, "plan", "--json"])
    (place / ".gitignore").write_text("build/\n.storyboard/\n", "utf-8")
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for said in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "all"]):
        runner.run(["git", *said], place)
    asked = {"plan": ["plan"], "status": ["status"], "diff": ["diff"], "against": ["plan", "--against", "HEAD"]}
    for words in asked.values():
        runner.run([program, *words], place)  # the revision's objects are hashed once
    medians, samples = interleaved(
        7, **{name: lambda words=words: runner.run([program, *words], place).cpu for name, words in asked.items()}
    )
    return [
        Result(
            f"versioned: {' '.join(words)}",
            "CPU of the tree, s",
            medians[name],
            None,
            None,
            "< 0.7 s",
            medians[name] < 0.7,
            (),
            {name: samples[name]},
        )
        for name, words in asked.items()
    ]


def _require_cached(runner: Runner, board: Path, plan: list[str | Path]) -> None:
    """Plan until nothing is hashed any more, and see that every shot is cached."""
    memo = board.parent / ".storyboard" / "hashes"
    total = {}
    for _ in range(2):
        total = json.loads(runner.run(plan, board.parent).out)["total"]
    before = memo.stat().st_mtime_ns
    runner.run(plan, board.parent)
    known = len(json.loads(memo.read_bytes().partition(b"\n")[2])["known"])
    assert total["cached"] == _STAGES, total
    assert total["submit"] == 0, total
    assert known >= 2 * _STAGES, f"the memo knows {known} files"
    assert memo.stat().st_mtime_ns == before, "the memo still learns"


def _stages(folder: Path, runner: Runner) -> Path:
    for name in ("in", "out"):
        (folder / name).mkdir(parents=True)
    for n in range(_STAGES):
        (folder / "in" / f"{n}.txt").write_text(f"shot {n}\n", "utf-8")
    (folder / "dodo.py").write_text(_DODO.replace("STAGES", str(_STAGES)), "utf-8")
    runner.run([BIN / "doit"], folder)
    assert "-- copy:in/0.txt" in runner.run([BIN / "doit"], folder).out, "doit still has work"
    return folder


def version(folder: Path, runner: Runner) -> list[Result]:
    """`--version` against an empty Python; and what one press of the tab key costs."""
    program = BIN / "storyboard"
    words = {"_STORYBOARD_COMPLETE": "zsh_complete", "COMP_WORDS": "storyboard ", "COMP_CWORD": "1"}
    assert "render" in runner.run([program], folder, **words).out
    medians, samples = interleaved(
        15,
        ours=lambda: runner.run([program, "--version"], folder).wall,
        nothing=lambda: runner.run([PYTHON, "-c", "pass"], folder).wall,
        completion=lambda: runner.run([program], folder, **words).wall,
    )
    measure, bare = "wall, s", medians["nothing"]
    ratio = medians["ours"] / bare
    return [
        Result("version", measure, medians["ours"], bare, ratio, "<= 5x", ratio <= 5, (), samples),
        Result("version: completion", measure, medians["completion"], bare, medians["completion"] / bare),
    ]
