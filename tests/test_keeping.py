"""The store over time: every damage is noticed and mended without buying, and only what nobody needs is deleted."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import cli, digest
from storyboard.catalog import Catalog
from storyboard.changes import facts_of
from storyboard.cli import common
from storyboard.compiler import Project, load
from storyboard.git import GitError
from storyboard.job import Job
from storyboard.keeping import Bytes, Held, Holdings, holdings, verify
from storyboard.keeping.needs import Needs, Unknown, add_locks
from storyboard.keeping.revisions import locks
from storyboard.keeping.sweep import Sweep, carry_out, decide
from storyboard.lock import Acceptance, Approval, Entry, Lock, Place
from storyboard.lock.text import written
from storyboard.memo import Memo
from storyboard.simulator import Running, Simulator
from storyboard.store import InUse, Record, Store
from storyboard.tools import Tools
from tests.bazel import Bazel
from tests.desk import Desk
from tests.folder import Folder
from tests.money import workshop
from tests.often import often

BOARD = """\
storyboard: 1
title: Three shots
aspect: 16:9
fps: 6
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
  - {id: s020, prompt: "@mira leaves", duration: 2}
  - {id: s030, prompt: "@mira returns", duration: 2}
"""
SHOTS = ("s010", "s020", "s030")
DAY = 86_400
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    **{
        f"GIT_{who}_{what}": f"mira{at}"
        for who in ("AUTHOR", "COMMITTER")
        for what, at in (("NAME", ""), ("EMAIL", "@example.com"))
    },
    "PATH": "/usr/bin:/bin",
}
BOUGHT = {"model": "wavespeed/m", "cost": "0.25", "at": "2026-11-01T00:00:00Z", "id": "p-1"}
MADE = {"model": "local/animatic", "cost": "0.00"}


def open_store(root: Path) -> Store:
    return Store(root, Memo(root / "hashes", time.time_ns))


def put(store: Store, key: str, data: bytes, facts: dict[str, Any], name: str = "clip") -> Record:
    with store.workspace() as folder:
        (folder / "file").write_bytes(data)
        return store.put(key, {name: folder / "file"}, facts)


def key_of(name: str) -> str:
    return digest.sha256(name.encode())


def box(name: str) -> bytes:
    """A `free` box, which players skip: makes two copies of a clip differ."""
    data = name.encode()
    return (8 + len(data)).to_bytes(4, "big") + b"free" + data


def age(root: Path, days: float = 30) -> None:
    """Make all of a store look old."""
    then = time.time() - days * DAY
    for folder in ("ac", "cas"):
        for path in (root / folder).iterdir():
            os.utime(path, (then, then))


# -- damage


def small_store(root: Path) -> Store:
    """Clips, bought and made here, derived things, one without bytes; and a memory of their hashes."""
    store = open_store(root)
    for n in range(3):
        put(store, key_of(f"bought {n}"), f"bought {n} ".encode() * (40 + n), BOUGHT)
    put(store, key_of("made"), b"made " * 50, MADE)
    put(store, key_of("derived"), b"derived " * 30, {"frames": 3}, "video")
    store.memo.save()
    return store


Damage = Callable[[random.Random, Path, list[Path]], Path | None]
"""Damages a file; the other one that it damaged too."""


def overwrite(path: Path, data: bytes) -> None:
    """Other bytes in the same file, with the times that it had, as far as those can be set."""
    was = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def flip(chance: random.Random, path: Path, _others: list[Path]) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    overwrite(path, bytes(data))


def truncate(chance: random.Random, path: Path, _others: list[Path]) -> None:
    data = path.read_bytes()
    overwrite(path, data[: chance.randrange(1, len(data))])


def extend(chance: random.Random, path: Path, _others: list[Path]) -> None:
    overwrite(path, path.read_bytes() + chance.randbytes(chance.randrange(1, 9)))


def empty(_chance: random.Random, path: Path, _others: list[Path]) -> None:
    overwrite(path, b"")


def delete(_chance: random.Random, path: Path, _others: list[Path]) -> None:
    path.unlink()


def swap(chance: random.Random, path: Path, others: list[Path]) -> Path | None:
    near = [one for one in others if one.parent == path.parent and one != path]
    if not near:
        flip(chance, path, others)
        return None
    other = chance.choice(near)
    mine, theirs = path.read_bytes(), other.read_bytes()
    overwrite(path, theirs)
    overwrite(other, mine)
    return other


DAMAGES: tuple[Damage, ...] = (flip, flip, truncate, extend, empty, delete, swap)


def damaged(paths: list[Path], times: int, seed: int) -> Iterator[tuple[str, set[Path]]]:
    """What was done to files, and those that are not what they were; all are whole again after each."""
    whole = {path: path.read_bytes() for path in paths}
    chance = random.Random(seed)
    for n in range(times):
        path, damage = chance.choice(paths), chance.choice(DAMAGES)
        changed = {path, damage(chance, path, paths) or path}
        assert all(not one.exists() or one.read_bytes() != whole[one] for one in changed)
        yield f"{n}: {damage.__name__} of {path.parent.name}/{path.name[:8]}", changed
        for one in changed:
            one.write_bytes(whole[one])


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder for what is written a thousand times."""
    with workshop() as place:
        yield place


def require_noticed(root: Path, times: int, seed: int) -> None:
    """Every one of so many corruptions of a store is noticed by `verify`."""
    store = small_store(root)
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != ".gitignore"]
    assert {path.parent.name for path in files} == {"ac", "cas", root.name}
    assert verify.check(store, holdings(store)).clean
    known = dict.fromkeys((key_of(f"bought {n}") for n in range(3)), "bought")
    for what, changed in damaged(files, times, seed):
        fresh = open_store(root)  # remembers what the memory of hashes says
        found = verify.check(fresh, holdings(fresh))
        noticed = {root / "cas" / name for name in found.blobs} | {root / "ac" / name for name in found.records}
        noticed |= {root / "ac" / key for key in verify.lost(found, known)}
        for path in changed:
            if path.name == "hashes":
                assert found.memo or not path.exists(), what
            elif path.parent.name == "ac" and not path.exists():  # of what was not bought, its bytes are told
                assert path in noticed or found.orphans, what
            else:
                assert path in noticed, what
    assert verify.check(store, holdings(store)).clean


def test_verify_notices_every_one_of_a_thousand_corruptions(memory: Path) -> None:
    require_noticed(memory, 1000, seed=7)


def test_verify_trusts_no_remembered_hash(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    record = store.find(key_of("bought 0"))
    assert isinstance(record, Record)
    blob = record.outputs["clip"].path
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    store.memo.learn(blob, blob.name)  # as it is where a disk changes bytes, and no time
    store.memo.save()
    fresh = open_store(tmp_path)
    assert isinstance(fresh.find(key_of("bought 0")), Record), "only reading it tells"
    found = verify.check(fresh, holdings(fresh))
    assert list(found.blobs) == [blob.name]


def test_what_strayed_is_put_back_and_what_is_made_for_free_is_set_aside_with_its_record(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    whole = {path: path.read_bytes() for path in tmp_path.glob("*c*/*") if len(path.name) == 64}
    one, other = (tmp_path / "ac" / key_of(f"bought {n}") for n in (0, 1))
    swap(random.Random(1), one, [one, other])
    clips = [tmp_path / "cas" / digest.sha256(f"bought {n} ".encode() * (40 + n)) for n in (0, 1)]
    swap(random.Random(1), clips[0], clips)
    made = tmp_path / "cas" / digest.sha256(b"made " * 50)
    flip(random.Random(1), made, [])
    store = open_store(tmp_path)
    found = verify.check(store, holdings(store))
    verify.set_aside(store, found)
    assert all(path.read_bytes() == whole[path] for path in (one, other, *clips))
    assert verify.is_whole(store, key_of("bought 0"))
    assert not made.exists()
    assert not (tmp_path / "ac" / key_of("made")).exists()
    assert len(list((tmp_path / "quarantine").iterdir())) == 2
    store = open_store(tmp_path)
    assert verify.check(store, holdings(store)).clean
    assert not list(tmp_path.rglob("*.tmp"))


# -- a film


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, tiny_clip: Path) -> Folder:
    """A film whose clips are there, each of other bytes, and named by its lock; nothing is in its journal."""
    folder = Folder(tmp_path_factory.mktemp("board") / "film")
    folder.path.mkdir()
    folder.picture("mira.png")
    folder.write(BOARD)
    fill(load(folder.path / "storyboard.yaml"), tiny_clip)
    return folder


def fill(project: Project, clip: Path) -> None:
    """Put every clip of the film into the store, and lock them."""
    entries: dict[Place, Entry | None] = {}
    for shot in SHOTS:
        job = project.film().job("draft", shot)
        assert job and job.key
        facts = facts_of(job, "2026-11-01T00:00:00Z", f"p-{shot}") | {"clip": verify.probed(clip)}
        blob = put(project.store, job.key, clip.read_bytes() + box(shot), facts).outputs["clip"]
        entries[Place(shot, "draft")] = Entry(
            job.key, blob.sha256, blob.size, job.model, id=f"p-{shot}", price=facts["cost"], at=facts["at"], by="0"
        )
    project.relock(lambda _: Lock(entries))
    project.store.memo.save()


@pytest.fixture
def film(board: Folder, tmp_path: Path) -> Folder:
    return board.copy(tmp_path / "film")


@pytest.fixture(scope="module")
def running(tools: Tools, tiny_clip: Path) -> Iterator[Running]:
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving() as running:
        yield running


@pytest.fixture
def desk(film: Folder, running: Running, tools: Tools) -> Desk:
    return Desk(film, running, tools)


def job_of(folder: Folder, shot: str) -> Job:
    job = load(folder.path / "storyboard.yaml").film().job("draft", shot)
    assert job and job.key
    return job


def clip_of(folder: Folder, shot: str) -> Path:
    store = open_store(folder.path / ".storyboard")
    record = store.record(str(job_of(folder, shot).key))
    assert isinstance(record, Record)
    return record.outputs["clip"].path


def require_kept_out(film: Folder, times: int, seed: int) -> None:
    """None of so many corruptions of a film's clips reaches a plan or a timeline as a clip."""
    project = load(film.path / "storyboard.yaml")
    of = {}
    for shot in SHOTS:
        job, clip = project.film().job("draft", shot), clip_of(film, shot)
        assert job
        of |= {project.store.root / "ac" / str(job.key): shot, clip: shot}
    assert project.plan().count("cached") == 3
    for n, (what, changed) in enumerate(damaged(sorted(of), times, seed)):
        wrong = {of[path] for path in changed}
        assert {step.shot for step in project.plan().steps if step.state == "submit"} == wrong, what
        if n % 10 == 0:
            assert {clip.shot for clip in project.timeline().clips if clip.media} == {*SHOTS} - wrong, what
    assert project.plan().count("cached") == 3


def test_none_of_a_thousand_corruptions_reaches_a_plan_or_a_timeline(board: Folder, memory: Path) -> None:
    require_kept_out(board.copy(memory / "film"), 1000, seed=11)


def test_a_damaged_clip_is_not_bought_again_without_consent(desk: Desk) -> None:
    before = len(desk.running.ledger)
    for n, damage in enumerate((flip, truncate, delete)):
        path = clip_of(desk.film, SHOTS[n])
        damage(random.Random(n), path, [])
        said = desk.say("render", status=4)
        assert f"{n + 1} to submit" in said or "--yes" in said
    assert len(desk.running.ledger) == before


def test_verify_says_that_all_is_well(desk: Desk) -> None:
    told = desk.tell("cache", "verify")
    assert (told["clips"], told["missing"], told["records"], told["blobs"]) == ([], 0, {}, {})
    assert "all is well" in desk.say("cache", "verify")


def test_what_a_check_was_killed_over_is_put_back_by_the_next(desk: Desk) -> None:
    clip = clip_of(desk.film, "s010")
    store = open_store(desk.film.path / ".storyboard")
    store.set_aside(clip)
    store.set_aside(store.root / "ac" / str(job_of(desk.film, "s020").key))
    assert desk.tell("cache", "verify")["clips"][0]["state"] == "repaired"
    assert load(desk.film.path / "storyboard.yaml").plan().count("cached") == 3


def test_a_bought_clip_that_nobody_has_any_more_is_told_with_its_price_and_not_bought(desk: Desk) -> None:
    before = len(desk.running.ledger)
    flip(random.Random(3), clip_of(desk.film, "s020"), [])
    assert desk.tell("cache", "verify", "--no-repair", status=3)["missing"] == 1
    assert not (desk.film.path / ".storyboard" / "quarantine").exists()
    for _ in range(2):  # it is told each time
        told = desk.tell("cache", "verify", status=3)
        (clip,) = told["clips"]
        assert clip["of"] == [{"shot": "s020", "pass": "draft"}]
        assert (clip["state"], told["cost"]) == ("missing", str(job_of(desk.film, "s020").cost))
    assert f"${told['cost']} to buy anew" in desk.say("cache", "verify", status=3)
    assert len(desk.running.ledger) == before


def test_a_record_that_is_lost_is_written_again_from_the_lock_where_its_clip_is_here(desk: Desk) -> None:
    path = desk.film.path / ".storyboard" / "ac" / str(job_of(desk.film, "s010").key)
    flip(random.Random(5), path, [])
    told = desk.tell("cache", "verify")
    assert [(clip["state"], clip["problem"]) for clip in told["clips"]] == [("repaired", "its record is damaged")]
    project = load(desk.film.path / "storyboard.yaml")
    assert project.plan().count("cached") == 3
    record = project.store.record(path.name)
    assert isinstance(record, Record)
    assert record.facts["id"] == "p-s010"


def test_a_clip_is_fetched_again_from_the_shared_cache(desk: Desk) -> None:
    with Bazel() as cache:
        desk.environment |= {"STORYBOARD_REMOTE": cache.url}
        desk.say("cache", "push", "--all")
        clip = clip_of(desk.film, "s030")
        whole = clip.read_bytes()
        truncate(random.Random(5), clip, [])
        told = desk.tell("cache", "verify")
    assert [one["state"] for one in told["clips"]] == ["repaired"]
    assert clip.read_bytes() == whole


def test_a_clip_is_fetched_again_from_its_service_by_its_id(tmp_path: Path, running: Running, tools: Tools) -> None:
    folder = Folder(tmp_path / "film")
    folder.path.mkdir()
    folder.picture("mira.png")
    folder.write(BOARD)
    desk = Desk(folder, running, tools)
    assert {one.state for one in desk.make(only=("s010",))} == {"done"}
    before = len(running.ledger)
    clip = clip_of(folder, "s010")
    whole = clip.read_bytes()
    for damage in (flip, delete):
        damage(random.Random(8), clip, [])
        told = desk.tell("cache", "verify")
        assert [one["state"] for one in told["clips"]] == ["repaired"]
        assert clip.read_bytes() == whole
    (folder.path / ".storyboard" / "ac" / str(job_of(folder, "s010").key)).unlink()
    assert [one["problem"] for one in desk.tell("cache", "verify")["clips"]] == ["its record is missing"]
    assert clip_of(folder, "s010") == clip
    assert len(running.ledger) == before


# -- what there is


def test_ls_says_what_each_clip_is_of_and_who_needs_it(desk: Desk) -> None:
    store = open_store(desk.film.path / ".storyboard")
    put(store, key_of("old"), b"old", BOUGHT)
    put(store, key_of("derived"), b"derived", {})
    told = desk.tell("cache", "ls")
    rows = {tuple(of["shot"] for of in clip["of"]): clip for clip in told["clips"]}
    assert {of: row["needed_by"] for of, row in rows.items()} == {
        (): None,
        **dict.fromkeys(((s,) for s in SHOTS), "the film"),
    }
    assert rows["s010",]["id"] == "p-s010"
    assert told["derived"] == {"count": 1, "bytes": (store.root / "ac" / key_of("derived")).stat().st_size + 7}
    said = desk.say("cache", "ls")
    assert f"{key_of('old')[:8]}  -" in said
    assert "nothing" in said
    assert desk.say("cache", "ls", "s020").count("wavespeed") == 1
    assert "no clip of s999 is here" in desk.say("cache", "ls", "s999")


def test_du_counts_every_byte_once(desk: Desk) -> None:
    root = desk.film.path / ".storyboard"
    put(open_store(root), key_of("made"), clip_of(desk.film, "s010").read_bytes(), MADE)  # bytes that are there
    (root / "quarantine").mkdir()
    (root / "quarantine" / "cas-x").write_bytes(b"12345")
    told = desk.tell("cache", "du")
    everything = [path for path in root.rglob("*") if path.is_file()]
    assert told["total"]["bytes"] == sum(path.stat().st_size for path in everything)
    kinds = told["kinds"]
    assert kinds["quarantine"] == {"count": 1, "bytes": 5}
    assert kinds["made"] == {"count": 1, "bytes": (root / "ac" / key_of("made")).stat().st_size}
    assert kinds["bought"]["count"] == 3
    assert "total" in desk.say("cache", "du")


# -- what may go

KEYS = tuple(key_of(f"k{n}") for n in range(6))
CLIPS = tuple(key_of(f"c{n}") for n in range(6))
held = st.builds(
    lambda key, at, blobs, facts: Held(key, 10, at, tuple((one, 5) for one in blobs), facts),
    st.sampled_from(KEYS),
    st.sampled_from([1, 3]),
    st.sets(st.sampled_from(CLIPS), max_size=2),
    st.sampled_from([BOUGHT, MADE, {"frames": 1}]),
)


def lock_of(pairs: list[tuple[str, str]], extra: str | None) -> Lock:
    entries: dict[Place, Entry | None] = {
        Place(f"s{n}", "draft"): Entry(
            key,
            clip,
            5,
            "m",
            approved=Approval(extra, key, "mira", "2026") if extra else None,
            accepted=Acceptance(key, "mira", "2026"),
        )
        for n, (key, clip) in enumerate(pairs)
    }
    return Lock(entries)


WORLDS = (
    st.lists(held, unique_by=lambda one: one.key),
    st.dictionaries(st.sampled_from(CLIPS), st.sampled_from([1, 3])),
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(CLIPS)), max_size=2),
            st.none() | st.sampled_from(CLIPS),
        ),
        max_size=3,
    ),
    st.booleans(),
    st.sets(st.sampled_from(KEYS), max_size=2),
    st.booleans(),
)
"""Records, files, locks of branches, and what is said of bought clips."""


def require_swept(
    records: list[Held],
    blobs: dict[str, int],
    branches: list[tuple[list[tuple[str, str]], str | None]],
    bought: bool,
    elsewhere: set[str],
    lost: bool,
) -> None:
    """What is needed stays, and all else goes."""
    needs = Needs()
    for n, (pairs, approved) in enumerate(branches):
        needs.add_lock(lock_of(pairs, approved), f"branch {n}")
    store = Holdings({one.key: one for one in records}, {name: Bytes(5, at) for name, at in blobs.items()})
    found = decide(store, needs, 2, bought=bought, elsewhere=elsewhere, lost=lost)
    keys = {key for pairs, _ in branches for key, _ in pairs}
    clips = {
        clip
        for pairs, approved in branches
        for clip in ([c for _, c in pairs] + ([approved] if pairs and approved else []))
    }
    going = {one.held.key for one in found.records}
    for one in records:
        names = {name for name, _ in one.blobs}
        needed = "model" in one.facts and (one.key in keys or names & clips)
        paid = one.facts is BOUGHT and not bought and one.key not in elsewhere
        assert (one.key in going) == (not needed and one.at < 2 and not paid)
        assert (one in found.spared) == bool(not needed and one.at < 2 and paid)
    stays = {name for one in records if one.key not in going for name, _ in one.blobs} | clips
    named = {name for one in records for name, _ in one.blobs}
    for name, at in blobs.items():
        free = name not in stays and (name in named or (at < 2 and (bought or not lost)))
        assert (name in found.blobs) == free
    assert sum(one.size for one in found.frees().values()) == 10 * len(going) + 5 * len(found.blobs)


@often(100)
@given(st.tuples(*WORLDS))
def test_what_is_needed_stays_and_all_else_goes(world: tuple[Any, ...]) -> None:
    require_swept(*world)


def git(folder: Path, *arguments: str, told: str | None = None) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=GIT, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def named(name: str) -> str:
    """The text of a lock that names one clip, by key and bytes."""
    return written(Lock({Place(name, "draft"): Entry(key_of(name), digest.sha256(name.encode()), 1, "wavespeed/m")}))


EVERYWHERE = (
    "main", "tag", "remote", "stash", "stashed before", "stashed index", "index", "here", "detached", "tree", "tree index",
    "another", "merged",
)  # fmt: skip


def everywhere(place: Path) -> None:
    """A repository in which each of these names is in a lock of another place."""
    folder = place / "films"
    folder.mkdir(parents=True, exist_ok=True)
    git(place, "init", "-q", "-b", "main")

    def lock(name: str, *, add: bool = True, of: str = "storyboard", within: Path = place) -> None:
        (within / "films" / f"{of}.lock").write_text(named(name))
        if add:
            git(within, "add", "-f", "films")

    def commit(name: str) -> None:
        lock(name)
        git(place, "commit", "-q", "--allow-empty", "-m", name)

    commit("long gone")
    commit("main")
    git(place, "checkout", "-q", "--detach")
    commit("tag")
    git(place, "tag", "-a", "v1", "-m", "a tag")
    commit("remote")
    git(place, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit("detached")
    git(place, "worktree", "add", "-q", "--detach", str(place.parent / "tree"))
    git(place, "checkout", "-q", "main")
    lock("stashed before")
    git(place, "stash", "-q")
    lock("stashed index")
    lock("stash", add=False)
    git(place, "stash", "-q")
    lock("tree index", within=place.parent / "tree")
    lock("tree", add=False, within=place.parent / "tree")
    lock("another", of="teaser")
    git(place, "tag", "of-a-file", git(place, "hash-object", "-w", str(folder / "teaser.lock")))
    lock("index")
    lock("here", add=False)
    (folder / "poetry.lock").write_text('# not ours\n[[package]]\nname = "shot"\n')
    git(place, "update-ref", "refs/heads/merged", git(place, "commit-tree", "-m", "m", _tree(place, "merged")))


def _tree(place: Path, name: str) -> str:
    blob = git(place, "hash-object", "-w", "--stdin", told=named(name))
    below = git(place, "mktree", told=f"100644 blob {blob}\tstoryboard.lock\n")
    return git(place, "mktree", told=f"040000 tree {below}\tfilms\n")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repository") / "all"
    place.mkdir()
    everywhere(place)
    return place


def test_gc_keeps_what_any_lock_names_anywhere_in_git_and_removes_the_rest(
    repository: Path, running: Running, tools: Tools
) -> None:
    film = Folder(repository / "films")
    film.picture("mira.png")
    film.write(BOARD)
    desk = Desk(film, running, tools)
    root = film.path / ".storyboard"
    store = open_store(root)
    for name in (*EVERYWHERE, "long gone", "never"):
        put(store, key_of(name), name.encode(), BOUGHT)
    put(store, key_of("under another key"), b"main" + b"", BOUGHT)
    put(store, key_of("derived"), b"derived", {})
    project = load(film.path / "storyboard.yaml")
    asked = project.film().job("draft", "s010")
    assert asked and asked.key
    put(store, asked.key, b"asked for", BOUGHT)
    assert desk.tell("cache", "gc", "--bought")["bytes"] == 0, "all of it is young"
    age(root)
    put(store, key_of("young"), b"young", BOUGHT)
    told = desk.tell("cache", "gc")
    assert {clip["key"] for clip in told["kept_bought"]} == {key_of("long gone"), key_of("never")}
    assert told["bought"] == []
    everything = {path.name for path in (root / "ac").iterdir()}
    desk.say("cache", "gc", "--delete")
    assert {path.name for path in (root / "ac").iterdir()} == everything - {key_of("derived")}
    told = desk.tell("cache", "gc", "--delete", "--bought")
    assert told["cost"] == "0.50"
    gone = {key_of("derived"), key_of("long gone"), key_of("never")}
    assert {path.name for path in (root / "ac").iterdir()} == everything - gone
    kept = {digest.sha256(name.encode()) for name in (*EVERYWHERE, "asked for", "young")}
    assert {path.name for path in (root / "cas").iterdir()} == kept
    fresh = open_store(root)
    assert verify.check(fresh, holdings(fresh)).clean


def test_asking_git_runs_nothing_that_a_repository_names(repository: Path, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(repository, place)
    program, ran = tmp_path / "program", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    programs = ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "diff.external", "filter.x.smudge")
    for name in (*programs, "filter.x.clean", "diff.x.textconv"):
        git(place, "config", name, str(program))
    git(place, "config", "log.showSignature", "true")
    (place / ".gitattributes").write_text("*.lock filter=x diff=x\n")
    ran.unlink(missing_ok=True)
    assert len(locks(place / "films", GIT)) >= len(EVERYWHERE)
    assert not ran.exists()
    git(place, "status")
    assert ran.exists(), "a command that does"


@pytest.mark.parametrize(
    "what", ["a broken ref", "a lost tree", "a lost lock", "a lost commit", "no git", "shallow", "unreadable"]
)
def test_gc_deletes_nothing_where_git_cannot_tell_what_is_needed(repository: Path, tmp_path: Path, what: str) -> None:
    place = tmp_path / "copy"
    shutil.copytree(repository, place)
    folder = place / "films"
    assert locks(folder, GIT)
    environment = dict(GIT)
    if what == "a broken ref":
        (place / ".git" / "refs" / "heads" / "main").write_text("garbage\n")
    elif what == "shallow":
        (place / ".git" / "shallow").write_text(git(place, "rev-parse", "main") + "\n")
    elif what == "no git":
        environment["PATH"] = str(tmp_path)
    elif what == "unreadable":
        (folder / "teaser.lock").write_text(named("x").replace("key = ", "kex = "))
    else:
        lost = {"a lost tree": "v1:films", "a lost lock": "merged:films/storyboard.lock", "a lost commit": "merged"}[
            what
        ]
        name = git(place, "rev-parse", lost)
        (place / ".git" / "objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(Unknown, match=r"lock|git"):
        add_locks(Needs(), folder, "storyboard.lock", environment)
    if what != "unreadable":
        with pytest.raises(GitError):
            locks(folder, environment)


def test_gc_refuses_while_it_does_not_know_what_is_needed(desk: Desk) -> None:
    root = desk.film.path / ".storyboard"
    put(open_store(root), key_of("old"), b"old", {})
    age(root)
    (desk.film.path / "teaser.lock").write_text("# What every shot of every pass was rendered as\nversion = 9\n")
    assert "teaser.lock" in desk.say("cache", "gc")
    assert "Nothing was deleted" in desk.say("cache", "gc", "--delete", status=4)
    (desk.film.path / "teaser.lock").unlink()
    (root / "ac" / key_of("rot")).write_bytes(b"rot")
    assert "cache verify" in desk.say("cache", "gc", "--delete", status=4)
    desk.say("cache", "verify")
    assert desk.tell("cache", "gc", "--delete")["frees"]["derived"]["count"] == 1
    desk.environment["STORYBOARD_STORE"] = str(root)
    assert "--also" in desk.say("cache", "gc", "--delete", status=4)
    desk.say("cache", "gc", "--delete", "--alone")
    desk.say("cache", "gc", "--older-than", "59m", status=2)


def test_a_clip_that_the_shared_cache_has_goes_without_a_word(desk: Desk, tiny_clip: Path) -> None:
    root = desk.film.path / ".storyboard"
    project = load(desk.film.path / "storyboard.yaml")
    clips = {place.shot: one for place, one in project.lock.entries.items() if one}
    with Bazel() as cache:
        desk.environment |= {"STORYBOARD_REMOTE": cache.url}
        desk.say("cache", "push", "--all")
        for word in ("waits", "leaves", "returns"):
            desk.film.edit(f'"@mira {word}"', f'"@mira {word} at dawn"')
        project.relock(lambda _: Lock({}))
        cache.lose(f"ac/{clips['s010'].key}")
        other = put(project.store, clips["s020"].key, tiny_clip.read_bytes(), project.store.facts(clips["s020"].key))
        age(root)
        told = desk.tell("cache", "gc", "--delete")
    assert [clip["key"] for clip in told["bought"]] == [clips["s030"].key]
    assert {clip["key"] for clip in told["kept_bought"]} == {clips["s010"].key, clips["s020"].key}
    assert not (root / "cas" / clips["s030"].clip).exists()
    assert other.outputs["clip"].path.exists(), "the others have another clip of that key"
    assert "warning: the shared cache can't be asked" in desk.say("cache", "gc")


def test_what_was_bought_and_is_not_settled_stays(desk: Desk) -> None:
    root = desk.film.path / ".storyboard"
    desk.film.edit('"@mira returns"', '"@mira returns at dusk"')
    project = load(desk.film.path / "storyboard.yaml")
    project.journal.begin("me", lambda _: False)
    from storyboard.journal import Order

    job = project.film().job("draft", "s030")
    assert job and job.key
    with_states = {}
    for n, state in enumerate(("intent", "lost", "rejected")):
        one = project.journal.claim(key_of(state), Order(job, f"x{n}", "draft", 1))
        assert one
        one = project.journal.intend(one)
        if state == "lost":
            project.journal.lose(one, "no answer")
        elif state == "rejected":
            project.journal.refuse(one, "rejected", "no")
        with_states[state] = key_of(state)
        put(project.store, key_of(state), state.encode(), BOUGHT)
    (root / "owed").mkdir()
    (root / "owed" / key_of("owed")).touch()
    put(project.store, key_of("owed"), b"owed", BOUGHT)
    project.journal.close()
    age(root)
    told = desk.tell("cache", "gc", "--delete", "--bought")
    assert key_of("rejected") in {clip["key"] for clip in told["bought"]}
    for state in ("intent", "lost", "owed"):
        assert (root / "ac" / key_of(state)).exists(), state


def test_a_cut_notes_what_it_uses_so_that_it_stays(film: Folder) -> None:
    root = film.path / ".storyboard"
    project = load(film.path / "storyboard.yaml")
    put(project.store, key_of("used"), b"used", {})
    put(project.store, key_of("unused"), b"unused", {})
    age(root)
    project.store.find(key_of("used"))
    project.store.note_use()
    store = open_store(root)
    found = decide(holdings(store), Needs(), time.time_ns() - DAY * 10**9)
    assert key_of("unused") in {one.held.key for one in found.records}
    assert key_of("used") not in {one.held.key for one in found.records}


def test_gc_beside_a_render_refuses(tmp_path: Path, running: Running, tools: Tools) -> None:
    folder = Folder(tmp_path / "film")
    folder.path.mkdir()
    folder.picture("mira.png")
    folder.write(BOARD)
    desk, said = Desk(folder, running, tools), []

    def ask(_event: object) -> None:
        if len(said) < 3:
            said.append(desk.say("cache", "gc", "--delete", "--older-than", "1h", status=4))

    desk.make(only=("s010",), notify=ask)
    assert said
    assert all("is at work in the store" in one for one in said)
    desk.say("cache", "gc", "--delete", "--older-than", "1h")


def test_who_writes_waits_for_who_deletes_and_who_deletes_waits_for_nobody(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    with store.used(), pytest.raises(InUse), store.alone():
        raise AssertionError
    with store.workspace(), pytest.raises(InUse), store.alone():
        raise AssertionError
    (tmp_path / "ready").write_bytes(b"new")
    works = (
        lambda: put(open_store(tmp_path), key_of("worked"), b"worked", {}),
        lambda: open_store(tmp_path).put(key_of("ready"), {"clip": tmp_path / "ready"}, {}),
    )
    writers = [threading.Thread(target=work) for work in works]
    with store.alone():
        for writer in writers:
            writer.start()
            writer.join(0.1)
            assert writer.is_alive()
        assert not any((tmp_path / "ac" / key_of(name)).exists() for name in ("worked", "ready"))
    for writer in writers:
        writer.join()
    assert all(isinstance(open_store(tmp_path).find(key_of(name)), Record) for name in ("worked", "ready"))


def test_nothing_is_deleted_until_a_command_has_ended_that_found_it(film: Folder) -> None:
    with click.Context(cli.main):
        store = common.open_project(film.path / "storyboard.yaml", as_json=True).store
        with pytest.raises(InUse), store.alone():
            raise AssertionError
    with store.alone():
        common.open_project(film.path / "storyboard.yaml", as_json=True, deleting=True)


def test_a_gc_that_is_killed_at_any_step_leaves_a_store_that_verifies(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    store = small_store(whole)
    (whole / "tmp" / "left").mkdir(parents=True)
    (whole / "tmp" / "left" / "clip").write_bytes(b"half")
    age(whole)
    os.utime(whole / "tmp" / "left", (1, 1))
    steps, ends = 0, set()
    while True:
        here = tmp_path / f"at {steps}"
        shutil.copytree(whole, here)
        age(here)
        os.utime(here / "tmp" / "left", (1, 1))
        killed = _killed(here, steps)
        store = open_store(here)
        found = verify.check(store, holdings(store))
        assert not found.broken(), steps
        assert not (found.records or found.blobs), steps
        ends.add((len(found.held.records), len(found.held.blobs)))
        if (here / "tmp" / "left").exists():
            os.utime(here / "tmp" / "left", (1, 1))
        _swept(store)
        assert [*(here / "ac").iterdir(), *(here / "cas").iterdir(), *(here / "tmp").iterdir()] == []
        if not killed:
            break
        steps += 1
    assert steps > 10
    assert len(ends) > 9, "it was killed between any two"


def _swept(store: Store) -> Sweep:
    decided = decide(holdings(store), Needs(), time.time_ns() - DAY * 10**9, bought=True)
    with store.alone():
        assert carry_out(store, decided) == []
    return decided


def _killed(root: Path, at: int) -> bool:
    """Sweep in a process of its own that dies right before its file operation number `at`; whether it did."""
    child = os.fork()
    if child == 0:
        left = at

        def count(event: str, _arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in {"os.remove", "os.rmdir"}:
                if left == 0:
                    os._exit(9)
                left -= 1

        try:
            sys.addaudithook(count)
            _swept(open_store(root))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_what_cannot_be_deleted_keeps_its_bytes(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    age(tmp_path)
    held = holdings(store)
    key = key_of("bought 0")
    decided = decide(held, Needs(), time.time_ns(), bought=True)
    (tmp_path / "ac" / key).unlink()
    (tmp_path / "ac" / key).mkdir()
    failed = carry_out(store, decided)
    assert [error.filename for error in failed] == [str(tmp_path / "ac" / key)]
    assert [path.name for path in (tmp_path / "cas").iterdir()] == [held.records[key].blobs[0][0]]


def test_quarantine_goes_only_when_it_is_named(desk: Desk) -> None:
    place = desk.film.path / ".storyboard" / "quarantine"
    place.mkdir()
    (place / "cas-x").write_bytes(b"rot")
    assert "--quarantine" in desk.say("cache", "gc", "--delete")
    assert (place / "cas-x").exists()
    desk.say("cache", "gc", "--delete", "--quarantine")
    assert not (place / "cas-x").exists()


def test_nothing_that_a_record_says_moves_the_cursor(desk: Desk) -> None:
    put(
        open_store(desk.film.path / ".storyboard"),
        key_of("x"),
        b"x",
        {"model": "evil/\x1b]52;c;x\x07", "at": "\x1b[2J", "cost": "NaN", "id": 7},
    )
    for command in ("ls", "gc", "du", "verify"):
        assert "\x1b" not in desk.say("cache", command)
    told = desk.tell("cache", "ls")
    assert json.dumps(told).count("NaN") == 0
    assert Decimal(0) == sum(
        (Decimal(clip["price"]) for clip in told["clips"] if clip["of"] == [] and clip["price"]), Decimal(0)
    )
