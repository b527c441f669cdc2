"""The lock's text: it says what the lock says, to us, to TOML and to git, and what is broken is refused."""

import random
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storyboard import report
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.lock import EMPTY, Entry, Lock, Place
from storyboard.lock.merge import merge
from storyboard.lock.text import MOST_BYTES, parsed, written
from tests.locks import TEXTS, accepted, approved, film, locks, made, put, touched, without
from tests.often import often

CASES = Path(__file__).parent / "cases" / "locks"
NAMES = sorted(path.stem for path in CASES.glob("*.lock"))


def found_in(data: bytes) -> Lock | Diagnostic:
    """The lock, or what is wrong with it."""
    try:
        return parsed("storyboard.lock", data)
    except Rejected as rejected:
        (finding,) = rejected.diagnostics
        assert finding.code == "SB014"
        assert finding.help
        assert finding.span.end <= len(finding.span.source.text)
        return finding


def in_toml(lock: Lock) -> dict[str, Any]:
    """What a reader of TOML finds in a lock."""
    shots: dict[str, Any] = {}
    for place, one in lock.entries.items():
        table = shots.setdefault(place.shot, {}).setdefault(place.pass_id, {})
        if place.take:
            table = table.setdefault(f"take-{place.take}", {})
        if one is not None:
            table |= said(one)
    return {"version": 1, **({"shot": shots} if shots else {})}


def said(one: Entry) -> dict[str, Any]:
    values = {name: value for name, value in one._asdict().items() if value not in (None, "")}
    for name, optional in (("approved", "note"), ("accepted", "note")):
        if name in values:
            its = values[name]._asdict()
            values[name] = {key: value for key, value in its.items() if value or key != optional}
    return {name: value for name, value in values.items() if value != "" or name == "model"} | {"model": one.model}


@often(25)
@given(locks())
@example(EMPTY)
@example(Lock({Place("szene.1", "entwurf"): approved(made(1), note='a\u2028b\x85c\x0b"\\\n\x7f😀\u202e')}))
def test_what_is_written_is_read_again_by_us_and_by_toml(lock: Lock) -> None:
    text = written(lock)
    assert parsed("storyboard.lock", text.encode()) == lock
    assert parsed("storyboard.lock", text.replace("\n", "\r\n").encode()) == lock, "as a checkout on Windows is"
    assert tomllib.loads(text) == in_toml(lock)
    assert written(Lock(dict(reversed(lock.entries.items())))) == text


@often(25)
@given(TEXTS)
def test_a_note_is_one_line_in_which_nothing_hides(note: str) -> None:
    lines = written(put(EMPTY, Place("s010", "draft"), approved(made(1), note=note))).splitlines()
    assert sum(line.startswith("shot.s010.draft.approved.note = ") for line in lines) == bool(note)
    assert not {*"".join(lines)} & {*"\x85\u2028\u202e\u2066\u200b\ufeff\x7f\x9b"}


def test_half_a_character_of_a_note_is_replaced() -> None:
    text = written(put(EMPTY, Place("s010", "draft"), approved(made(1), note="caf\udce9 \ud83d"))).encode()
    assert 'note = "caf\ufffd \ufffd"'.encode() in text


NEXT = Place("s.2", "draft")
SMALL = Lock({NEXT: approved(made(1), note='a "go"\n'), NEXT._replace(take=2): made(2), Place("s3", "draft"): None})
TEXT = written(SMALL).encode()


def require_sound(data: bytes) -> Lock | Diagnostic:
    """Bytes are a lock that TOML knows as the same, or are refused."""
    found = found_in(data)
    if isinstance(found, Lock):
        assert tomllib.loads(data.decode()) == in_toml(found)
    return found


@pytest.mark.parametrize("byte", [b"", b'"', b"\\", b"\n", b"0", b"\xff"])
def test_every_changed_byte_is_another_lock_or_refused(byte: bytes) -> None:
    found = [require_sound(TEXT[:at] + byte + TEXT[at + 1 :]) for at in range(len(TEXT))]
    assert sum(isinstance(one, Diagnostic) for one in found) > len(found) // 2


def test_every_lost_doubled_and_moved_line_is_another_lock_or_refused() -> None:
    lines = TEXT.splitlines(keepends=True)
    refused = 0
    for n, line in enumerate(lines):
        rest = lines[:n] + lines[n + 1 :]
        require_sound(b"".join(rest))
        for m in range(len(lines)):
            require_sound(b"".join([*rest[:m], line, *rest[m:]]))
            refused += isinstance(require_sound(b"".join([*lines[:m], line, *lines[m:]])), Diagnostic)
    assert refused > len(lines) ** 2 // 2


@often(40)
@given(st.binary(max_size=60), st.integers(0, len(TEXT)), st.integers(0, 40))
def test_whatever_is_torn_out_and_put_in_it_is_another_lock_or_refused(new: bytes, at: int, lost: int) -> None:
    require_sound(TEXT[:at] + new + TEXT[at + lost :])


@pytest.mark.parametrize(
    "part",
    [
        'shot."',
        "\\",
        'shot.a.b.key = "',
        "take-1.",
        "shot.a.b.take-1.key = 1\n",
        "shot.a.b.by = 1\n",
        "\n",
        "# x\n",
        "version = 9",
    ],
)
def test_a_large_broken_lock_is_refused_in_one_go(part: str) -> None:
    for start in ("", "version = 1\n", "version = 1\nshot.a.b", 'version = 1\nshot."'):
        text = f"{start}{part * (200_000 // len(part))}x"
        assert isinstance(found_in(text.encode()), Diagnostic)


def test_a_lock_beyond_the_limit_is_refused() -> None:
    finding = found_in(b"#" * (MOST_BYTES + 1))
    assert isinstance(finding, Diagnostic)
    assert finding.message == "the lock is too large"


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_lock_is_refused_with_the_place_and_the_cure(name: str, golden: Callable[[Path, str], None]) -> None:
    finding = found_in((CASES / f"{name}.lock").read_bytes())
    assert isinstance(finding, Diagnostic)
    golden(CASES / f"{name}.txt", report.findings([finding]) + "\n")


SHOTS = [f"s{n:03}" for n in range(10, 130, 10)]


def merged_by_git(folder: Path, *locks: Lock) -> Lock | str:
    """What git makes of the texts of ours, the base and theirs, or its conflict."""
    names = ["ours", "base", "theirs"]
    for name, lock in zip(names, locks, strict=True):
        (folder / name).write_text(written(lock), "utf-8")
    asked = ["git", "merge-file", "-p", *names]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else parsed("storyboard.lock", done.stdout.encode())


def changed(lock: Lock, shot: str, rng: random.Random, who: str) -> Lock:
    """A lock after somebody did something to a shot."""
    for pass_id in rng.sample(["animatic", "draft", "final"], rng.randint(1, 3)):
        place = Place(shot, pass_id)
        one = lock.entries.get(place)
        what = rng.choice(["render", "approve", "accept", "revoke", "take"])
        if what == "take":
            lock = put(lock, place._replace(take=rng.randint(2, 4)), made((place, who, "take"), rng.randrange(60)))
        elif one is None or what == "render":
            new = made((place, who, rng.random()), rng.randrange(60), approved=one and one.approved)
            lock = put(lock, place, new)
        elif what == "revoke":
            lock = put(lock, place, one._replace(approved=None, accepted=None))
        else:
            lock = put(lock, place, (approved if what == "approve" else accepted)(one, note=rng.choice(["", who])))
    return lock


def history(rng: random.Random) -> tuple[Lock, Lock, Lock]:
    """A lock, and what two became of it whose people worked on different shots; they add and remove shots in places
    that aren't neighbours.
    """
    base = film(SHOTS)
    for shot in SHOTS:
        if rng.random() < 0.5:
            base = touched(base, shot, rng, "before")
    sides = [base, base]
    shaken: set[int] = set()
    for n, shot in enumerate(SHOTS):
        side = rng.randrange(3)
        if side == 2:
            continue
        who = ("ada", "tom")[side]
        alone = not shaken & {n - 1, n, n + 1}
        chance = rng.random()
        if alone and chance < 0.1:
            shaken.add(n)
            sides[side] = without(sides[side], shot)
            continue
        if alone and chance < 0.3:
            shaken.add(n)
            new = film([f"{shot}b"]).entries
            sides[side] = changed(Lock({**sides[side].entries, **new}), f"{shot}b", rng, who)
        sides[side] = changed(sides[side], shot, rng, who)
    return base, sides[0], sides[1]


@often(30)
@given(st.integers(0, 1 << 32))
def test_git_merges_what_two_did_to_different_shots(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    base, ours, theirs = history(random.Random(seed))
    by_git = merged_by_git(tmp_path_factory.getbasetemp(), ours, base, theirs)
    assert by_git == merge(base, ours, theirs).lock


NEIGHBOURS = {
    "each renders one for the first time": (
        lambda base: put(base, Place("s010", "draft"), made(1)),
        lambda base: put(base, Place("s020", "animatic"), made(2)),
    ),
    "each renders a pass of one shot": (
        lambda base: put(base, Place("s010", "draft"), made(1)),
        lambda base: put(base, Place("s010", "final"), made(2)),
    ),
    "one approves what stands before a new shot": (
        lambda base: touched(base, "s010", "final", approved),
        lambda base: Lock({**base.entries, **film(["s015"]).entries}),
    ),
    "one rolls a take of what stands before a new shot": (
        lambda base: put(base, Place("s010", "final", 2), made(1)),
        lambda base: Lock({**base.entries, **film(["s015"]).entries}),
    ),
    "one approves what stands before a shot that is removed": (
        lambda base: touched(base, "s010", "final", approved),
        lambda base: without(base, "s020"),
    ),
    "one renders what stands after a shot that is removed": (
        lambda base: without(base, "s010"),
        lambda base: put(base, Place("s020", "animatic"), made(1)),
    ),
    "one renders what stands before the last shot, which is removed": (
        lambda base: put(base, Place("s030", "final"), made(1)),
        lambda base: without(base, "s040"),
    ),
    "one renders what stands after a new shot": (
        lambda base: put(base, Place("s020", "animatic"), made(1)),
        lambda base: Lock({**base.entries, **film(["s015"]).entries}),
    ),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_git_merges_what_two_did_to_neighbours(name: str, tmp_path: Path) -> None:
    base = film(SHOTS[:4])
    base = put(base, Place("s010", "final"), made("before"))
    one, other = (side(base) for side in NEIGHBOURS[name])
    expected = merge(base, one, other).lock
    assert merged_by_git(tmp_path, one, base, other) == expected
    assert merged_by_git(tmp_path, other, base, one) == expected
    assert expected not in (base, one, other)
