"""Mutation testing of the journal, the keys and the submit: what the quick tests would not notice.

    python -m venv /tmp/mut
    /tmp/mut/bin/pip install --require-hashes -r requirements.lock && /tmp/mut/bin/pip install mutmut==3.8.1
    /tmp/mut/bin/python tests/soak/mutants.py

It mutates a copy of the project, never the project, and says how many mutants were killed by module. A mutant that
survives must stand in `tests/mutants.txt`, under the reason why it may.
"""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "tests" / "mutants.txt"
PLACE = Path(tempfile.gettempdir()) / "storyboard-mutants"
MEMORY = Path("/dev/shm")  # noqa: S108 -- the tests' own temporary folders, where fsync costs nothing
RATE = 0.9
MODULES = {
    "journal": "storyboard.journal.*",
    "purchase": "storyboard.purchase.*",
    "database": "storyboard.database.*",
    "job": "storyboard.job.*",
    "money": "storyboard.money.*",
    "reconcile": "storyboard.reconcile.*",
    "buy": "storyboard.buy.*",
    "remote": "storyboard.providers.remote.*",
}
SUBMIT = {"submit", "_submit", "_accepted", "_ambiguous"}
"""The functions of a service's client that are mutated: the submit itself."""
LIMITS = {"SENDS", "UNREACHED"}
"""Its constants."""
FILES = [f"{where.removesuffix('.*').replace('.', '/')}.py" for where in MODULES.values()]
TESTS = [
    "tests/test_journal.py",
    "tests/test_buy.py",
    "tests/test_keys.py",
    *(
        f"tests/test_providers.py::test_{name}"
        for name in (
            "moderation_at_the_door_buys_nothing",
            "a_refusal_by_a_services_own_word",
            "a_refused_submit_is_sent_once_and_its_kind_is_named",
            "too_many_requests_are_sent_again_when_the_service_says",
            "a_retry_after_that_says_nothing_is_a_short_wait",
            "too_many_requests_for_ever_buys_nothing",
            "a_submit_whose_answer_is_lost_is_held_and_never_bought_again",
            "a_submit_whose_answer_holds_no_id_is_held",
            "no_redirect_of_a_submit_is_followed",
            "the_gateway_recognises_a_repeat",
            "where_nothing_listens_nothing_was_sent",
            "a_store_that_refuses_buys_nothing_and_is_asked_again_next_time",
            "a_key_that_the_service_repeats_is_told_to_nobody",
        )
    ),
]
OPTIONS = ["-p", "no:cacheprovider", "--hypothesis-profile=ci"]  # as random as every other time; no deadlines
UNNEEDED = shutil.ignore_patterns(".*", "build", "dist", "node_modules", "__pycache__")
KILLED, SURVIVED = "killed", "survived"
LEFT = {SURVIVED, "no tests"}
_STATUS = {0: SURVIVED, 5: SURVIVED, 33: "no tests", None: "not tried"}


def copied() -> None:
    """The project in a place of its own, as mutmut can take it."""
    shutil.copytree(ROOT, PLACE, ignore=UNNEEDED, dirs_exist_ok=True)
    for file in FILES:
        path = PLACE / file
        path.write_text(prepared(path.read_text("utf-8"), SUBMIT if path.stem == "remote" else None), "utf-8")
    config = {
        "source_paths": ["storyboard"],
        "only_mutate": FILES,
        "pytest_add_cli_args": OPTIONS,
        "pytest_add_cli_args_test_selection": TESTS,
        "timeout_multiplier": 20.0,
        "timeout_constant": 2.0,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in config.items()]
    with (PLACE / "pyproject.toml").open("a", encoding="utf-8") as project:
        project.write("\n".join(["", "[tool.mutmut]", "track_dependencies = false", *lines, ""]))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(PLACE)], check=True)


def prepared(source: str, only: set[str] | None) -> str:
    """The same module, with `name = property(name)` after a function instead of `@property` before it: mutmut leaves
    decorated functions alone, among them the transactions. It leaves alone what `only` doesn't name, too.
    """
    lines = source.splitlines()
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in sorted(found, key=lambda node: -node.lineno):
        if only is not None and node.name not in only:
            lines[node.body[0].lineno - 2] += "  # pragma: no mutate block"
        for decorator in node.decorator_list:
            assert isinstance(decorator, ast.Name)
            assert node.end_lineno is not None
            lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = {decorator.id}({node.name})")
            lines[decorator.lineno - 1] = ""
    return "\n".join(lines) + "\n"


def tables(source: str, only: set[str] | None) -> Iterator[tuple[str, str]]:
    """A module with one of its constants changed, which mutmut leaves alone too: a number is one more, a set has one
    element less. First what is changed.
    """
    tree = ast.parse(source)
    for node in tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        named = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
        if only is not None and not only.intersection(named):
            continue
        for part in ast.walk(node.value):
            if isinstance(part, ast.Constant) and type(part.value) in {int, float}:
                part.value += 1
                yield f"{', '.join(named)}: {part.value - 1} -> {part.value}", ast.unparse(tree)
                part.value -= 1
            elif isinstance(part, ast.Set):
                for at, gone in enumerate([*part.elts]):
                    del part.elts[at]
                    yield f"{', '.join(named)}: without {ast.unparse(gone)}", ast.unparse(tree)
                    part.elts.insert(at, gone)


def tried(environment: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """What became of each changed constant; of those that are known to be noticed, nothing new."""
    found = {}
    for file in FILES:
        path = PLACE / file
        whole = path.read_text("utf-8")
        for what, text in tables(whole, LIMITS if path.stem == "remote" else None):
            name = f"{file.removesuffix('.py').removeprefix('storyboard/').replace('/', '.')}: {what}"
            if known.get(name) != KILLED:
                path.write_text(text, "utf-8")
                run = [sys.executable, "-m", "pytest", "-x", "-q", *OPTIONS, *TESTS[:3]]
                done = subprocess.run(run, cwd=PLACE, env=environment, capture_output=True, check=False, timeout=900)
                path.write_text(whole, "utf-8")
            found[name] = SURVIVED if known.get(name) != KILLED and done.returncode == 0 else KILLED
    return found


def results() -> dict[str, str]:
    """What became of each mutant."""
    found = {}
    for path in sorted((PLACE / "mutants").rglob("*.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        found |= {name: _STATUS.get(code, KILLED) for name, code in codes.items()}
    return found


def change(name: str) -> str:
    """What a mutant changes, on one line: where, what was there, what is there now."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    with chdir(PLACE):
        shown = get_diff_for_mutant(name, path=f"{name.partition('.x')[0].replace('.', '/')}.py")
    old, new = (
        " ".join(line[1:].strip() for line in shown.splitlines() if re.match(rf"[{sign}](?![{sign}]{{2}} )", line))
        for sign in "-+"
    )
    module, _, rest = name.partition("storyboard.")[2].rpartition(".")
    where = rest.partition("__mutmut_")[0].removeprefix("x").replace("ǁ", ".").lstrip("_.")
    return f"{module}.{where}: {old} -> {new}"


def explained() -> set[str]:
    """The changes that `tests/mutants.txt` gives a reason for."""
    lines = EXPLAINED.read_text("utf-8").splitlines() if EXPLAINED.exists() else []
    return {line[2:] for line in lines if line.startswith("  ")}


def main() -> int:
    """The exit status: 0 where enough were killed and every survivor is explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--again", action="store_true", help="try only what has changed since the last run, or survived"
    )
    parser.add_argument("--tell", action="store_true", help="try nothing; tell what the last run found")
    asked = parser.parse_args()
    kept = PLACE / "constants.json"
    if not asked.again and not asked.tell:
        shutil.rmtree(PLACE, ignore_errors=True)
    constants: dict[str, str] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if not asked.tell:
        environment = os.environ | ({"TMPDIR": str(MEMORY)} if MEMORY.is_dir() else {})
        before = [name for name, status in results().items() if status in LEFT]
        copied()
        run = [sys.executable, "-m", "mutmut", "run"]
        subprocess.run(run, cwd=PLACE, env=environment, check=True)
        still = [name for name, status in results().items() if status in LEFT and name in before]
        if still:
            subprocess.run([*run, *still], cwd=PLACE, env=environment, check=True)
        constants = tried(environment, constants)
        kept.write_text(json.dumps(constants), "utf-8")
    mutants = results() | constants
    tallies: dict[str, Counter[str]] = {}
    for name, status in mutants.items():
        module = name.partition(": ")[0].partition(".x")[0].removeprefix("storyboard.")
        tallies.setdefault(module, Counter())[status] += 1
    for module, tally in [*tallies.items(), ("all", sum(tallies.values(), Counter()))]:
        print(f"{module}: {tally.total()} mutants, {tally[KILLED]} killed, {tally[KILLED] / tally.total():.1%}")
    reasons = explained()
    left = {name: name if name in constants else change(name) for name, status in mutants.items() if status in LEFT}
    unexplained = {name: told for name, told in left.items() if told not in reasons}
    for name, told in unexplained.items():
        print(f"unexplained: {name}\n  {told}")
    for reason in sorted(reasons - set(left.values())):
        print(f"explained, and killed: {reason}")
    statuses = [*mutants.values()]
    return int(bool(unexplained) or "not tried" in statuses or statuses.count(KILLED) < RATE * len(statuses))


if __name__ == "__main__":
    sys.exit(main())
