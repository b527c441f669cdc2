"""Every write of a render fails once, or from then on: the journal and the store stay valid, and nothing is bought twice.

Real SQLite, real files, real HTTP; what fails is the system's (tests/failing.py). Here a sample of the writes, of the
errors and of both modes; all of them in tests/soak/test_writes.py.
"""

import errno
import json
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from storyboard.catalog import Catalog
from storyboard.memo import Memo
from storyboard.simulator import Running, Simulator, fault
from storyboard.store import Record, Store
from storyboard.tools import Tools
from tests.failing import Case, Ended, Failing, Where
from tests.folder import ROOT, Folder

BOARD = """\
storyboard: 1
title: Two shots
aspect: 16:9
fps: 6
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
  - {id: s020, prompt: "@mira leaves", duration: 2}
"""
WORDS = {"s010": "waits", "s020": "leaves"}
FAST = {"STORYBOARD_POLL_SECONDS": "0.01", "STORYBOARD_SETTLE_SECONDS": "0"}
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS)
COMMAND = ("render", "--yes", "--json")
NAMED = re.compile(
    "No space left on device|Input/output error|Read-only file system|File too large|database or disk is full"
    "|disk I/O error|unable to open database file|attempt to write a readonly database|unable to delete"
)
"""How the trouble is called, by the system or by SQLite."""
SIZES = (0, 1, 70, 400, 1000, 4096, 4608, 8192, 12288, 16384, 20000, 30000, 60000, 99999, 200000)
"""Bytes beyond which no file grows."""
ROOM = 250_000
"""Bytes of free room in a clip."""


class Outcome(NamedTuple):
    """One case: how it ended, how the render after it ended, and how many jobs the service took."""

    case: Case
    ended: Ended
    after: Ended
    jobs: int


class Lab:
    """Renders of two shots, each in a project and against a service of its own."""

    def __init__(self, place: Path, tools: Tools, clip: Path) -> None:
        self._place = place
        self._tools = tools
        self._clip = clip
        self._failing = Failing()
        self._folders = 0
        self.outcomes: list[Outcome] = []

    def close(self) -> None:
        """End the process that renders."""
        self._failing.close()

    def calls(self, where: Where, arguments: tuple[str, ...] = ()) -> int:
        """How many calls there are to fail."""
        return self.case(where, 1 << 30, errno.EIO, arguments=arguments).ended.calls

    def case(
        self, where: Where, nth: int, error: int, *, forever: bool = False, arguments: tuple[str, ...] = ()
    ) -> Outcome:
        """A render in which a write fails, one after it in which none does, and whether all is well."""
        self._folders += 1
        folder = Folder(self._place / str(self._folders))
        folder.path.mkdir()
        folder.picture("mira.png")
        folder.write(BOARD)
        with Simulator(self._tools, Catalog(), latency=0, clip=self._clip).serving() as running:
            environment = running.environment() | FAST | {"PATH": "/usr/bin:/bin", "HOME": str(self._place)}
            case = Case(str(folder.path), arguments, environment, where, nth, forever, error)
            ended = self._failing.run(case)
            bought = Counter(_shot(entry.request) for entry in running.ledger)
            said = f"{where} {nth} {errno.errorcode.get(error, '')} {'for ever' if forever else 'once'}: {ended}"
            _require_honest(ended, bought, said)
            _require_valid(folder.path, bought, said)
            after = self._failing.run(case._replace(where="", arguments=()))
            again = Counter(_shot(entry.request) for entry in running.ledger)
            _require_settled(after, again, f"{said}\nafter: {after}", forever=forever)
            _require_valid(folder.path, again, f"{said}\nafter: {after}")
        shutil.rmtree(folder.path)
        self.outcomes.append(Outcome(case, ended, after, sum(again.values())))
        return self.outcomes[-1]

    def sweep(self, where: Where, calls: Iterable[int], **options: Any) -> str:
        """Fail calls, each with every errno in turn where `errors` isn't given, and in both modes; the counts."""
        begun = len(self.outcomes)
        for number, nth in enumerate(calls):
            for error, forever in options.get("each", lambda n: ())(number) or _all_modes():
                self.case(where, nth, error, forever=forever)
        return counted(where, self.outcomes[begun:])


def _all_modes() -> list[tuple[int, bool]]:
    return [(error, forever) for error in ERRORS for forever in (False, True)]


def in_turn(number: int) -> list[tuple[int, bool]]:
    """One error and one mode: every pair of them in six numbers."""
    return [_all_modes()[number % 6]]


def counted(where: str, outcomes: list[Outcome]) -> str:
    """What was tried, in words."""
    calls = len({one.case.nth for one in outcomes})
    ends = Counter(one.ended.status for one in outcomes)
    held = sum(one.after.status != 0 for one in outcomes)
    failed = sum(one.ended.failed for one in outcomes)
    return (
        f"{where}: {len(outcomes)} renders, {calls} places, {failed} failed calls; exit statuses "
        f"{dict(sorted(ends.items(), key=str))}; {held} ended held, {sum(one.jobs for one in outcomes)} jobs bought\n"
    )


def _shot(request: Any) -> str:
    return next(shot for shot, word in WORDS.items() if word in request["prompt"])


def _results(ended: Ended) -> dict[str, tuple[str, str]]:
    told = json.loads(ended.out) if ended.out.startswith("{") else {"results": []}
    said = ("shot", "state", "error")
    rows = [[row[name] for name in said] if isinstance(row, dict) else row for row in told["results"]]
    return {row[0]: (row[1], row[-1] or "") for row in rows}


def _require_honest(ended: Ended, bought: Counter[str], said: str) -> None:
    """It ended by itself, named the trouble, and says that nothing was sent only where nothing was."""
    assert ended.status in {0, 2, 3, 4}, said
    assert "Traceback" not in ended.err + ended.out, said
    if ended.status:
        assert NAMED.search(ended.err + ended.out), said
    if ended.status == 4:  # the command line adds: nothing was sent
        assert not bought, said
    for shot, (state, why) in _results(ended).items():
        if "nothing was sent" in why:
            assert not bought[shot], said
        if bought[shot] and state not in {"done", "cached"}:
            assert state == "held" and ("(id " in why or "may have accepted it" in why), said
    assert max(bought.values(), default=0) <= 1, said


def _require_valid(folder: Path, bought: Counter[str], said: str) -> None:
    """The journal is whole and knows of everything that was bought; the store holds no record that can't be used."""
    root = folder / ".storyboard"
    rows = _journal(root, folder / "looked-at")
    for row in rows:
        assert row["states"][0] == "reserved", said
        assert row["states"][-1] == row["state"], f"half a transaction: {row}\n{said}"
        assert (row["ticket"] is not None) == bool({"accepted", "completed", "stored"} & set(row["states"])), said
        assert ("intent" in row["states"]) == (row["intended"] is not None), said
    for shot, times in bought.items():
        assert times == 1, said
        assert [row for row in rows if row["shot"] == shot and row["intended"]], f"sent without an intent: {said}"
    store = Store(root, Memo(root / "hashes", lambda: 0))
    for record in (root / "ac").glob("[!.]*"):
        found = store.find(record.name)
        assert isinstance(found, Record), f"{found}: {said}"


def _journal(root: Path, beside: Path) -> list[dict[str, Any]]:
    """The purchases, with the states of their events, read as the next one to open it would: from a copy."""
    if not (root / "journal.sqlite").exists():
        return []
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for file in root.glob("journal.sqlite*"):
        shutil.copy(file, beside)
    with closing(sqlite3.connect(beside / "journal.sqlite")) as db:
        db.row_factory = sqlite3.Row
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return []
        rows = [dict(row) for row in db.execute("SELECT * FROM purchase ORDER BY number")]
        events = db.execute("SELECT purchase, state FROM event ORDER BY rowid").fetchall()
    return [row | {"states": [event[1] for event in events if event[0] == row["number"]]} for row in rows]


def _require_settled(after: Ended, bought: Counter[str], said: str, *, forever: bool) -> None:
    """The next render has each clip of one job, or holds the purchase and says why. It may hold one without a job
    where even that could not be written down: that it wasn't sent.
    """
    assert after.status in {0, 3}, said
    results = _results(after)
    assert set(results) == set(WORDS), said
    for shot, (state, why) in results.items():
        if state in {"done", "cached"}:
            assert bought[shot] == 1, said
        else:
            assert state == "held" and "'storyboard resolve" in why and (bought[shot] == 1 or forever), said


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, tiny_clip: Path) -> Path:
    """The tiny clip with free room behind it, so that it is larger than the journal."""
    path = tmp_path_factory.mktemp("clips") / "large.mp4"
    path.write_bytes(tiny_clip.read_bytes() + struct.pack(">I4s", ROOM, b"free") + bytes(ROOM - 8))
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, tools: Tools, clip: Path) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("writes"), tools, clip)
    yield made
    made.close()


@pytest.mark.parametrize(("where", "least", "step"), [("sqlite", 250, 41), ("files", 50, 11)])
def test_a_render_whose_writes_fail_buys_nothing_twice_and_loses_nothing(
    lab: Lab, where: Where, least: int, step: int
) -> None:
    calls = lab.calls(where)
    assert calls > least
    sys.stdout.write(lab.sweep(where, range(2, calls + 1, step), each=in_turn))
    assert len({one.ended.status for one in lab.outcomes}) > 2


@pytest.mark.parametrize("size", SIZES[2::4])
def test_files_that_cant_grow_are_as_a_full_disk(lab: Lab, size: int) -> None:
    lab.case("size", size, errno.EFBIG, forever=True)


@pytest.mark.parametrize(("where", "nth", "status"), [("sqlite", 9, 4), ("files", 30, 3)])
def test_the_command_line_names_the_trouble(lab: Lab, where: Where, nth: int, status: int) -> None:
    outcome = lab.case(where, nth, errno.ENOSPC, forever=True, arguments=COMMAND)
    assert outcome.ended.status == status


# -- a journal that isn't one


class Bench:
    """Two shots that were bought and not fetched: only the journal says that they need no buying."""

    def __init__(self, place: Path, running: Running, failing: Failing) -> None:
        self._place = place
        self._failing = failing
        self.running = running
        self.folder = Folder(place / "bought")
        self.folder.path.mkdir()
        self.folder.picture("mira.png")
        self.folder.write(BOARD)
        assert self._render(self.folder.path).status == 0
        for name in ("ac", "cas"):
            shutil.rmtree(self.folder.path / ".storyboard" / name)
        with closing(sqlite3.connect(self.folder.path / ".storyboard/journal.sqlite")) as db:
            db.execute("UPDATE purchase SET state = 'completed', stored = NULL")
            db.commit()
        self.journal = (self.folder.path / ".storyboard/journal.sqlite").read_bytes()

    def with_journal(self, data: bytes) -> tuple[Ended, bytes]:
        """A render with other bytes for a journal; what it ended as, and the bytes that are there after."""
        copy = self._place / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder.path, copy)
        (copy / ".storyboard/journal.sqlite").write_bytes(data)
        ended = self._render(copy)
        assert "Traceback" not in ended.err + ended.out, ended
        return ended, (copy / ".storyboard/journal.sqlite").read_bytes()

    def jobs(self) -> int:
        """How many the service took so far."""
        return len(self.running.ledger)

    def _render(self, folder: Path) -> Ended:
        environment = self.running.environment() | FAST | {"PATH": "/usr/bin:/bin", "HOME": str(self._place)}
        return self._failing.run(Case(str(folder), (), environment))


def refused(bench: Bench, data: bytes) -> None:
    """Status 4, nothing is sent, and the bytes stay."""
    before = len(bench.running.requests)
    ended, left = bench.with_journal(data)
    assert ended.status == 4, ended
    assert left == data
    assert len(bench.running.requests) == before


def flipped(bench: Bench, at: int) -> int | None:
    """A byte of the journal is another: it is refused as it is, or read so that nothing is bought; the exit status."""
    data = bytearray(bench.journal)
    data[at] ^= 0x01 if at % 2 else 0xFF
    before = bench.jobs()
    ended, left = bench.with_journal(bytes(data))
    assert bench.jobs() == before, f"byte {at}: {ended}"
    assert ended.status in {0, 3, 4}, f"byte {at}: {ended}"
    assert ended.status != 4 or left == bytes(data), f"byte {at}: {ended}"
    return ended.status


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tools: Tools, tiny_clip: Path) -> Iterator[Bench]:
    failing = Failing()
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving() as running:
        yield Bench(tmp_path_factory.mktemp("journals"), running, failing)
    failing.close()


def _with_pragma(data: bytes, pragma: str, beside: Path) -> bytes:
    path = beside / "changed.sqlite"
    path.write_bytes(data)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA {pragma}")
    return path.read_bytes()


@pytest.mark.parametrize("pragma", ["user_version = 2", "user_version = 0", "application_id = 1"])
def test_a_journal_of_another_program_or_version_is_left_alone(bench: Bench, pragma: str, tmp_path: Path) -> None:
    refused(bench, _with_pragma(bench.journal, pragma, tmp_path))


def test_a_text_in_its_place_is_left_alone(bench: Bench) -> None:
    for text in (b"x", b"a shopping list\n", b"SQLite format 3\0" + b"a" * 84, b"\0" * 5000):
        refused(bench, text)


def test_a_truncated_journal_is_left_alone(bench: Bench) -> None:
    whole = bench.journal
    for size in (1, 15, 99, 100, 4095, 4096, 4097, len(whole) // 2, len(whole) - 4096):
        refused(bench, whole[:size])


def test_a_byte_that_was_flipped_buys_nothing(bench: Bench) -> None:
    size = len(bench.journal)
    places = [*range(0, 108, 18), *range(109, size, size // 17)]
    ends = Counter(flipped(bench, at) for at in places)
    sys.stdout.write(f"{len(places)} of {size} bytes flipped: exit statuses {dict(ends)}\n")
    assert ends[4] > 2


def test_an_empty_journal_is_a_new_one(bench: Bench) -> None:
    before = bench.jobs()
    ended, left = bench.with_journal(b"")
    assert ended.status == 0
    assert bench.jobs() == before + 2
    assert left.startswith(b"SQLite format 3")


# -- a purchase that may have been sent

GATE = BOARD.replace(
    "draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}",
    "gate: {model: vercel/alibaba/wan-v2.6-r2v-flash, upload_via: wavespeed}",
).replace('  - {id: s020, prompt: "@mira leaves", duration: 2}\n', "")


@pytest.fixture
def gate(project: Folder) -> Folder:
    """One shot, bought where a repeated submit is recognised."""
    project.picture("mira.png")
    project.write(GATE)
    return project


def _serving(tools: Tools, clip: Path, *faults: dict[str, Any]) -> Any:
    return Simulator(tools, Catalog(), latency=0, clip=clip, faults=[fault(one) for one in faults]).serving()


def test_a_refused_repeat_says_nothing_of_the_submit_whose_answer_was_lost(
    gate: Folder, tools: Tools, tiny_clip: Path
) -> None:
    lost = {"on": "submit", "do": "drop", "times": 1}
    with _serving(tools, tiny_clip, lost, {"on": "submit", "do": "status", "status": 401, "times": 0}) as running:
        done = gate.run("render", "--yes", "--json", status=3, **(running.environment() | FAST))
        assert len(running.ledger) == 1
    (result,) = json.loads(done.stdout)["results"]
    assert result["state"] == "held"
    assert "may have accepted it" in result["error"]
    assert json.loads(gate.run("plan", "--json").stdout)["jobs"][0]["state"] == "held"


def test_a_render_that_cant_hand_over_its_files_doesnt_drop_what_a_killed_one_sent(
    gate: Folder, tools: Tools, tiny_clip: Path
) -> None:
    hangs = {"on": "submit", "do": "hang", "seconds": 60, "times": 1}
    fails = {"on": "upload", "do": "status", "status": 403, "after": 1, "times": 1}
    with _serving(tools, tiny_clip, hangs, fails) as running:
        environment = running.environment() | FAST
        killed = subprocess.Popen(
            [sys.executable, "-m", "storyboard", "render", "--yes"],
            cwd=gate.path,
            env=environment | {"PATH": "/usr/bin:/bin", "HOME": str(gate.path), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not running.ledger:
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        (gate.path / ".storyboard/uploads").unlink()
        for _ in range(2):  # the second sends the file's new URL, which is no repeat
            done = gate.run("render", "--yes", "--json", status=3, **environment)
            assert json.loads(done.stdout)["results"][0]["state"] == "held", done.stdout
        assert len(running.ledger) == 1
