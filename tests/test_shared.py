"""The shared cache in use: what is taken from it, what is sent, and what `plan`, `render` and `cache` say of it."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from storyboard import digest, shared
from storyboard import job as jobs
from storyboard.catalog import Catalog
from storyboard.changes import facts_of
from storyboard.compiler import load
from storyboard.event import Event, Noted
from storyboard.lease import Lease, read, seat_of
from storyboard.memo import Memo
from storyboard.providers.web import MOST
from storyboard.remote import open_remote
from storyboard.shared import Shared, Wanted, public, share
from storyboard.simulator import Running, Simulator
from storyboard.store import Lost, Record, Store
from storyboard.tools import Tools
from tests.bazel import Bazel, Fault
from tests.desk import Desk
from tests.folder import ROOT, Folder
from tests.killing import board


@pytest.fixture
def cache() -> Iterator[Bazel]:
    with Bazel() as server:
        yield server


def made(words: str = "a keeper") -> jobs.Job:
    return jobs.new("wavespeed/fine/model", {"prompt": words}, {}, Fraction(5), None)


class Place:
    """A store beside a server, and what it was told."""

    def __init__(self, root: Path, cache: Bazel) -> None:
        self.store = Store(root, Memo(root / "memo", time.time_ns))
        self.notes: list[str] = []

        def notify(event: Event) -> None:
            if isinstance(event, Noted):
                self.notes.append(event.message)

        remote = open_remote(cache.url, {}, self._sleep, chance=lambda: 0.0, patience=0.1)
        clocks: dict[str, Any] = {"wall": time.time, "now": time.monotonic, "sleep": asyncio.sleep}
        self.shared = share(self.store, remote, "Ada", notify, **clocks)

    async def _sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0)

    def keep(self, path: Path, job: jobs.Job, **facts: Any) -> Record:
        with self.store.workspace() as folder:
            (folder / "clip.mp4").write_bytes(path.read_bytes())
            return self.store.put(job.key or "", {"clip": folder / "clip.mp4"}, {**facts_of(job, "", "id-1"), **facts})

    def run(self, work: Callable[[Shared], Any]) -> Any:
        return self.shared.run(work(self.shared))

    def fetch(self, key: str) -> Any:
        return self.run(lambda it: it.fetch(key, Wanted("s010")))


@pytest.fixture
def here(tmp_path: Path, cache: Bazel) -> Place:
    return Place(tmp_path / "here", cache)


@pytest.fixture
def there(tmp_path: Path, cache: Bazel) -> Place:
    return Place(tmp_path / "there", cache)


# -- one clip


def test_a_clip_that_one_sent_is_another_s_byte_for_byte_with_its_facts(
    here: Place, there: Place, cache: Bazel, tiny_clip: Path
) -> None:
    job = made()
    record = here.keep(tiny_clip, job, clip=shared.probed(tiny_clip))
    assert here.run(lambda it: it.push(job.key)) > tiny_clip.stat().st_size
    assert cache.kept.keys() == {f"ac/{job.key}", f"cas/{record.outputs['clip'].sha256}"}
    assert there.run(lambda it: it.known([job.key, "0" * 64])) == {job.key}
    assert not cache.counted()["GET cas"], "what is only looked for isn't downloaded"
    found = there.fetch(job.key or "")
    assert isinstance(found, Record)
    assert found.facts == record.facts
    assert found.outputs["clip"].path.read_bytes() == tiny_clip.read_bytes()
    assert there.store.find(job.key or "") == found
    assert there.notes == []


def test_what_is_there_is_not_sent_again(here: Place, there: Place, cache: Bazel, tiny_clip: Path) -> None:
    job = made()
    for place in (here, there):
        place.keep(tiny_clip, job)
    assert here.run(lambda it: it.push(job.key)) > 0
    assert there.run(lambda it: it.push(job.key)) == 0
    assert there.run(lambda it: it.push(job.key)) == 0
    counted = cache.counted()
    assert (counted["PUT cas"], counted["PUT ac"]) == (1, 1)


def test_the_clip_is_sent_before_its_record(here: Place, cache: Bazel, tiny_clip: Path) -> None:
    job = made()
    here.keep(tiny_clip, job)
    here.run(lambda it: it.push(job.key))
    assert [one.path.split("/")[1] for one in cache.asked if one.method == "PUT"] == ["cas", "ac"]


def test_what_is_no_clip_of_a_job_is_never_sent(here: Place, cache: Bazel, tiny_clip: Path) -> None:
    with here.store.workspace() as folder:
        (folder / "x").write_bytes(tiny_clip.read_bytes())
        here.store.put("ab" * 32, {"clip": folder / "x"}, {"own": "shots/mine.mp4"})
    assert isinstance(here.run(lambda it: it.push("ab" * 32)), Lost)
    assert cache.kept == {}


def test_a_record_that_is_sent_holds_nothing_that_signs_and_nothing_unforeseen(
    here: Place, cache: Bazel, tiny_clip: Path
) -> None:
    job = made()
    signed = "https://host/a.mp4?X-Amz-Signature=5ecret"
    provider = {"name": "wavespeed", "id": "id-1", "urls": signed}
    here.keep(tiny_clip, job, provider=provider, urls=signed, inputs={"sha256:00": [signed, "reference 1"]})
    here.run(lambda it: it.push(job.key))
    text = cache.kept[f"ac/{job.key}"].decode()
    assert "5ecret" not in text
    facts = json.loads(text.partition("\n")[2])["facts"]
    assert facts["provider"] == {"name": "wavespeed", "id": "id-1"}
    assert facts["inputs"] == {"sha256:00": ["https://host/a.mp4", "reference 1"]}
    assert "urls" not in facts


def sealed(body: Any) -> bytes:
    return digest.seal(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def poisoned(how: str, key: str, body: dict[str, Any]) -> bytes:
    """A record with something wrong in it, sealed."""
    clip = body["outputs"]["clip"]
    match how:
        case "of another key":
            body["key"] = "0" * 64
        case "of another request":
            body["facts"]["request"] = {"prompt": "something else"}
        case "with another clip's size":
            clip["size"] += 1
        case "with a size of none":
            clip["size"] = -1
        case "with a path for a hash":
            clip["sha256"] = "../../../etc/passwd"
        case "with a second output":
            body["outputs"]["sound"] = clip
        case "of a later format":
            body["format"] = 99
        case "with a float":
            body["facts"]["request"]["prompt"] = 0.5
        case "with a list for facts":
            body["facts"] = []
        case "that isn't JSON":
            return digest.seal(b"{")
        case "that isn't sealed":
            return json.dumps(body).encode()
        case "too deep":
            return digest.seal(b"[" * 100_000)
    return sealed(body)


WRONG = (
    *("of another key", "of another request", "with another clip's size", "with a size of none"),
    *("with a path for a hash", "with a second output", "of a later format", "with a float", "with a list for facts"),
    *("that isn't JSON", "that isn't sealed", "too deep"),
)


@pytest.mark.parametrize("how", WRONG)
def test_a_poisoned_record_is_a_miss_that_is_told_and_is_sent_anew(
    here: Place, there: Place, cache: Bazel, tiny_clip: Path, how: str
) -> None:
    job = made()
    here.keep(tiny_clip, job)
    here.run(lambda it: it.push(job.key))
    name = f"ac/{job.key}"
    good = cache.kept[name]
    cache.kept[name] = poisoned(how, job.key or "", json.loads(good.partition(b"\n")[2]))
    found = there.fetch(job.key or "")
    assert isinstance(found, Lost)
    assert isinstance(there.store.find(job.key or ""), Lost)
    (note,) = there.notes
    assert note.startswith(f"s010: what {cache.url} has of it isn't used: its ")
    there.keep(tiny_clip, job)
    there.run(lambda it: it.push(job.key))
    assert cache.kept[name] == good


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("wrong", "its clip is damaged"),
        ("endless", "its clip is damaged"),
        ("huge", "its clip is damaged"),
        ("absent", "its clip is no longer there"),
    ],
)
def test_bytes_that_are_not_the_clip_s_are_a_miss_that_is_told(
    here: Place, there: Place, cache: Bazel, tiny_clip: Path, fault: str, reason: str
) -> None:
    job = made()
    here.keep(tiny_clip, job)
    here.run(lambda it: it.push(job.key))
    cache.faults.append(Fault(fault, on="GET /cas"))
    assert there.fetch(job.key or "") == Lost(reason)
    assert there.notes == [f"s010: what {cache.url} has of it isn't used: {reason}"]
    assert isinstance(there.store.find(job.key or ""), Lost)
    assert isinstance(there.fetch(job.key or ""), Record), "it was only once"


def test_a_clip_that_broke_off_is_fetched_again(here: Place, there: Place, cache: Bazel, tiny_clip: Path) -> None:
    job = made()
    here.keep(tiny_clip, job)
    here.run(lambda it: it.push(job.key))
    cache.faults.append(Fault("truncated", on="GET /cas", times=2))
    assert isinstance(there.fetch(job.key or ""), Record)


def test_what_is_no_video_by_its_bytes_is_never_used(here: Place, there: Place, cache: Bazel, tmp_path: Path) -> None:
    job = made()
    playlist = tmp_path / "playlist"
    playlist.write_bytes(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\nhttp://127.0.0.1/secret\n" * 9)
    here.keep(playlist, job)
    here.run(lambda it: it.push(job.key))
    found = there.fetch(job.key or "")
    assert found == Lost("its clip can't be used: clip.mp4 isn't an MP4 by its bytes")
    assert isinstance(there.store.find(job.key or ""), Lost)


def test_a_clip_that_the_lock_does_not_name_is_not_used_for_one_that_it_does(
    here: Place, there: Place, cache: Bazel, tiny_clip: Path
) -> None:
    job = made()
    here.keep(tiny_clip, job)
    here.run(lambda it: it.push(job.key))
    found = there.run(lambda it: it.fetch(job.key, Wanted("s010", "f" * 64)))
    assert isinstance(found, Lost)
    assert found.reason.startswith("it is another clip (")


def test_a_clip_may_be_as_large_as_a_service_s() -> None:
    assert shared.MOST == MOST


def test_facts_of_odd_types_are_left_out() -> None:
    facts = {"model": "m", "request": {}, "at": 5, "cost": "lots", "id": ["x"], "words": {"a": 1}, "inputs": {"b": [1]}}
    odd = {"provider": {"name": 3}, "differs": [1, "x"], "clip": {"width": "wide", "frames": 3}, "by": "0.1.0"}
    assert public(facts | odd) == {
        "model": "m",
        "request": {},
        "at": "",
        "cost": None,
        "words": {},
        "inputs": {},
        "provider": {},
        "differs": ["x"],
        "clip": {"frames": 3},
        "by": "0.1.0",
    }


# -- seats


def test_a_store_is_one_seat_and_a_copy_of_it_another(tmp_path: Path) -> None:
    one = seat_of(tmp_path / "one")
    assert seat_of(tmp_path / "one") == one
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert seat_of(tmp_path / "two") != one
    (tmp_path / "one").rename(tmp_path / "three")
    assert seat_of(tmp_path / "three") == one, "it is the same store elsewhere"


def test_a_lease_that_cannot_be_read_is_somebody_s() -> None:
    lease = Lease("a" * 32, "Ada", "2026-11-21T16:05:00Z", 3)
    assert read(lease.data) == lease
    for odd in (b"", b"{}", b"[]", b"\xff", lease.data.replace(b"3", b'"3"'), lease.data.replace(b"Ada", b"A" * 300)):
        assert read(odd) == Lease("", "somebody", "", 0)


# -- the commands


@pytest.fixture(scope="module")
def sent(
    tmp_path_factory: pytest.TempPathFactory, tools: Tools, tiny_clip: Path
) -> Iterator[tuple[Folder, Running, dict[str, bytes]]]:
    """A film of two shots that was rendered beside an empty cache, the service, and what the cache holds since."""
    film = Folder(tmp_path_factory.mktemp("sent") / "film")
    film.path.mkdir()
    film.picture("mira.png")
    film.write(board(2))
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving() as running, Bazel() as cache:
        desk = Desk(film, running, tools)
        desk.environment["STORYBOARD_REMOTE"] = cache.url
        desk.say("render", "-p", "draft", "--yes")
        yield film, running, dict(cache.kept)


@pytest.fixture
def clone(sent: tuple[Folder, Running, dict[str, bytes]], cache: Bazel, tmp_path: Path, tools: Tools) -> Desk:
    """The same film without its store, beside a cache that holds its clips."""
    film, running, kept = sent
    cache.kept.update(kept)
    elsewhere = Folder(tmp_path / "clone")
    elsewhere.path.mkdir()
    for name in ("storyboard.yaml", "mira.png", "storyboard.lock"):
        (elsewhere.path / name).write_bytes((film.path / name).read_bytes())
    desk = Desk(elsewhere, running, tools)
    desk.environment["STORYBOARD_REMOTE"] = cache.url
    return desk


def states(told: Any) -> list[str]:
    return [job["state"] for job in told["jobs"]]


def bytes_of(desk: Desk) -> dict[str, bytes]:
    found = {step.shot: step.record for step in load(desk.film.path / "storyboard.yaml").plan("draft").steps}
    return {shot: one.outputs["clip"].path.read_bytes() for shot, one in found.items() if one}


def test_a_clone_plans_and_renders_from_the_shared_cache_and_buys_nothing(
    clone: Desk, cache: Bazel, tiny_clip: Path
) -> None:
    before = len(clone.running.ledger)
    told = clone.tell("plan", "-p", "draft")
    assert states(told) == ["cached", "cached"]
    assert {reason for job in told["jobs"] for reason in job["reasons"]} == {"in the shared cache"}
    assert told["total"]["cost"] == "0.00"
    assert not cache.counted()["GET cas"], "a plan fetches no clips"
    assert states(clone.tell("plan", "-p", "draft", "--offline")) == ["submit", "submit"]
    told = clone.tell("render", "-p", "draft")
    assert [one["state"] for one in told["results"]] == ["cached", "cached"]
    assert told["spent"] == "0.00"
    assert len(clone.running.ledger) == before
    assert set(bytes_of(clone).values()) == {tiny_clip.read_bytes()}
    assert not cache.counted()["PUT ac"], "what came from there isn't sent back"
    cache.asked.clear()
    assert states(clone.tell("plan", "-p", "draft")) == ["cached", "cached"]
    assert cache.asked == [], "a plan with nothing to do asks nobody"


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Fault("wrong", on="GET /cas", times=None), "its clip is damaged"),
        (Fault("absent", on="GET /cas", times=None), "its clip is no longer there"),
    ],
)
def test_what_the_shared_cache_spoils_is_bought_only_on_consent(
    clone: Desk, cache: Bazel, tiny_clip: Path, fault: Fault, shown: str
) -> None:
    cache.faults.append(replace(fault))
    before = len(clone.running.ledger)
    said = clone.say("render", "-p", "draft", "--only", "s0000", status=4)
    assert f"note: s0000: what {cache.url} has of it isn't used: {shown}" in said
    assert "$0.25" in said
    assert len(clone.running.ledger) == before
    assert bytes_of(clone) == {}
    clone.say("render", "-p", "draft", "--only", "s0000", "--yes")
    assert len(clone.running.ledger) == before + 1
    assert bytes_of(clone) == {"s0000": tiny_clip.read_bytes()}


def test_a_render_that_buys_is_refused_while_the_shared_cache_cannot_be_asked(clone: Desk, cache: Bazel) -> None:
    cache.faults.append(Fault("status", status=418, times=None))
    before = len(clone.running.ledger)
    said = clone.say("plan", "-p", "draft")
    assert f"Warning: {cache.url} answers 418" in said
    assert "the plan is shown without the shared cache" in said
    said = clone.say("render", "-p", "draft", "--yes", "--only", "s0000", status=4)
    assert "and what it has would be bought again; '--offline' renders without looking there. Nothing was sent." in said
    assert len(clone.running.ledger) == before
    cache.asked.clear()
    clone.say("render", "-p", "draft", "--yes", "--only", "s0000", "--offline")
    assert len(clone.running.ledger) == before + 1
    assert cache.asked == []


def test_a_render_that_buys_nothing_goes_on_without_the_shared_cache(clone: Desk, cache: Bazel) -> None:
    clone.film.edit("passes:\n", "passes:\n  free: {model: local/animatic}\n")
    cache.faults.append(Fault("status", status=418, times=None))
    said = clone.say("render", "-p", "free", "--only", "s0000")
    assert "going on without it" in said


def test_what_cannot_be_sent_is_noted_and_sent_when_asked(clone: Desk, cache: Bazel) -> None:
    cache.kept.clear()
    cache.faults.append(Fault("status", on="PUT", status=405, times=None))
    said = clone.say("render", "-p", "draft", "--yes")
    assert "note: s0000 is here, and not in the shared cache yet: " in said
    assert "; 'storyboard cache push' sends it" in said
    assert cache.kept == {}
    cache.faults.clear()
    told = clone.tell("cache", "push")
    assert (told["sent"], told["there"], told["missing"]) == (2, 0, [])
    assert told["bytes"] >= sum(map(len, cache.kept.values()))
    assert clone.tell("cache", "push")["there"] == 2
    assert clone.tell("cache", "push", "--all")["there"] == 2


def test_a_render_sends_what_an_earlier_one_could_not(clone: Desk, cache: Bazel) -> None:
    cache.kept.clear()
    cache.faults.append(Fault("status", on="PUT", status=405, times=None))
    clone.say("render", "-p", "draft", "--yes")
    cache.faults.clear()
    clone.say("render", "-p", "draft")
    assert sorted(name.partition("/")[0] for name in cache.kept) == ["ac", "ac", "cas"]
    cache.asked.clear()
    clone.say("render", "-p", "draft")
    assert cache.asked == []


def test_what_is_recovered_is_sent_too(clone: Desk, cache: Bazel) -> None:
    cache.kept.clear()
    clone.say("render", "-p", "draft", "--yes", "--offline")
    for record in (clone.film.path / ".storyboard/ac").iterdir():
        record.unlink()
    told = clone.tell("recover", "--offline")
    assert (len(told["fetched"]), cache.kept) == (2, {})
    for record in (clone.film.path / ".storyboard/ac").iterdir():
        record.unlink()
    assert len(clone.tell("recover")["fetched"]) == 2
    assert sorted(name.partition("/")[0] for name in cache.kept) == ["ac", "ac", "cas"]


def test_pull_fetches_what_the_lock_names_and_says_what_cannot_be_had(clone: Desk, cache: Bazel) -> None:
    keys = {job["shot"]: job["key"] for job in clone.tell("plan", "-p", "draft", "--offline")["jobs"]}
    cache.lose(f"ac/{keys['s0010']}")
    told = clone.tell("cache", "pull", status=3)
    assert told["fetched"] == 1
    reason = "it is neither in the store nor in the shared cache"
    assert told["missing"] == [{"shot": "s0010 (draft)", "key": keys["s0010"], "reason": reason}]
    assert states(clone.tell("plan", "-p", "draft", "--offline")) == ["cached", "submit"]
    clone.tell("cache", "push", status=3)
    clone.say("cache", "unlock", "s0010", status=2)


def test_nothing_of_a_rehearsal_is_looked_for_or_sent(clone: Desk, cache: Bazel) -> None:
    clone.film.edit("passes:\n", "passes:\n  free: {model: local/animatic}\n")
    clone.say("render", "-p", "free", "--only", "s0000", "--rehearse")
    assert cache.asked == []


def test_a_plan_with_nothing_to_do_imports_nothing_that_asks(clone: Desk) -> None:
    clone.say("render", "-p", "draft")
    asked = (
        "import sys; from storyboard import cli; cli.run(['plan', '-p', 'draft', '--json']);"
        "print([name for name in ('httpx', 'obstore', 'storyboard.remote.http') if name in sys.modules])"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **clone.environment}
    run = subprocess.run(
        [sys.executable, "-c", asked], cwd=clone.film.path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]", run.stdout
