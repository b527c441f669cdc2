"""Two versions of a lock made into one: the laws, and git with the driver doing it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard.lock import EMPTY, Entry, Lock, Place
from storyboard.lock.merge import merge
from storyboard.lock.text import parsed, written
from tests.folder import ROOT, Folder
from tests.locks import TOM, accepted, approved, film, made, put, touched, without
from tests.often import often

DRAFT, FINAL, OTHER = Place("s010", "draft"), Place("s010", "final"), Place("s020", "draft")
TAKE = DRAFT._replace(take=2)
OLD, NEW, LATER = made("old", 1), made("new", 2), made("later", 3)
AGAIN = NEW._replace(clip=LATER.clip, at=LATER.at)
CLIPS = [OLD, NEW, LATER, AGAIN]
CLIPS += [approved(one) for one in CLIPS] + [approved(NEW, TOM, 50), NEW._replace(approved=approved(OLD).approved)]
CLIPS += [accepted(OLD), accepted(OLD, TOM, 50), accepted(LATER)]
GONE = "gone"


def lock_of(found: dict[Place, Entry | str | None]) -> Lock:
    kept = {place: one for place, one in found.items() if not isinstance(one, str)}
    return Lock({place: one for place, one in kept.items() if place.take == 0 or place._replace(take=0) in kept})


HELD = st.sampled_from([GONE, None, *CLIPS])
SHOTS = st.fixed_dictionaries(
    {
        DRAFT: HELD,
        TAKE: st.sampled_from([GONE, *CLIPS]),
        FINAL: HELD,
        OTHER: HELD,
        Place("s030", "draft"): st.sampled_from([GONE, *CLIPS[:3]]),
    }
).map(lock_of)


@often(120)
@given(SHOTS, SHOTS, SHOTS)
def test_the_laws_of_merging(base: Lock, one: Lock, other: Lock) -> None:
    merged, notes = merge(base, one, other)
    assert merge(base, other, one) == (merged, notes), "both seats come to the same"
    assert merge(base, one, one) == (one, ())
    assert merge(base, one, base) == merge(base, base, one) == (one, ()), "who did nothing gives way"
    assert merge(base, merged, one).lock.entries.keys() >= merged.entries.keys() & one.entries.keys()
    assert parsed("storyboard.lock", written(merged).encode()) == merged
    there = {bare(held) for lock in (base, one, other) for held in lock.entries.values() if held}
    for held in merged.entries.values():
        assert held is None or bare(held) in there, "no clip is made up"


@often(120)
@given(SHOTS, SHOTS, SHOTS)
def test_an_approval_or_acceptance_is_of_the_clip_that_it_was_said_of(base: Lock, one: Lock, other: Lock) -> None:
    said = {held.approved for lock in (one, other) for held in lock.entries.values() if held}
    kept = {(held.key, held.accepted) for lock in (base, one, other) for held in lock.entries.values() if held}
    for held in merge(base, one, other).lock.entries.values():
        if held and held.is_approved:
            assert held.approved in said, "nobody else's word"
            assert held.approved and (held.approved.clip, held.approved.key) == (held.clip, held.key)
        if held:
            assert (held.key, held.accepted) in kept


@often(60)
@given(SHOTS, st.permutations([DRAFT, FINAL, OTHER]), st.lists(st.sampled_from(CLIPS[:3]), min_size=3, max_size=3))
def test_three_who_worked_on_different_shots_may_merge_in_any_order(
    base: Lock, places: list[Place], clips: list[Entry]
) -> None:
    one, two, three = (put(base, place, clip) for place, clip in zip(places, clips, strict=True))
    ahead = merge(base, merge(base, one, two).lock, three)
    assert ahead == merge(base, one, merge(base, two, three).lock)
    assert ahead.lock == put(put(put(base, places[0], clips[0]), places[1], clips[1]), places[2], clips[2])


def bare(one: Entry) -> Entry:
    return one._replace(approved=None, accepted=None)


def at_draft(base: Entry | None, one: Entry | None, other: Entry | None) -> tuple[Entry | None, str]:
    """What a shot of a pass becomes, and what is told of it."""
    sides = [EMPTY if side is None else put(EMPTY, DRAFT, side) for side in (base, one, other)]
    lock, notes = merge(*sides)
    return lock.get("s010", "draft"), " / ".join(notes)


def test_of_two_clips_of_one_job_the_approved_one_stays_else_the_earlier() -> None:
    kept, note = at_draft(OLD, NEW, AGAIN)
    assert kept == NEW
    assert "both sides rendered the same" in note
    assert at_draft(OLD, NEW, approved(AGAIN))[0] == approved(AGAIN)
    assert at_draft(OLD, NEW, AGAIN._replace(at=""))[0] == NEW, "when the other was bought isn't known"


def test_of_clips_of_two_jobs_the_later_stays() -> None:
    kept, note = at_draft(OLD, approved(NEW), LATER)
    assert kept == LATER._replace(approved=approved(NEW).approved)
    assert kept
    assert not kept.is_approved
    assert "each in its own way" in note
    assert "approval is of another clip" in note


def test_an_approval_here_and_a_render_there_make_an_outdated_approval() -> None:
    kept, note = at_draft(OLD, approved(OLD), NEW)
    assert kept == NEW._replace(approved=approved(OLD).approved)
    assert note == "s010 in pass draft: its approval is of another clip by now"


def test_an_approval_here_and_an_acceptance_there_are_both_kept() -> None:
    assert at_draft(OLD, approved(OLD), accepted(OLD)) == (accepted(approved(OLD)), "")


def test_a_clip_that_was_accepted_as_it_is_gives_way_to_a_new_one() -> None:
    kept, note = at_draft(OLD, accepted(OLD), NEW)
    assert kept == NEW
    assert "it has the new clip" in note


def test_a_word_that_was_taken_back_stays_so_unless_it_was_given_anew() -> None:
    assert at_draft(approved(OLD), OLD, accepted(approved(OLD)))[0] == accepted(OLD)
    assert at_draft(approved(OLD), OLD, approved(OLD, TOM, 50))[0] == approved(OLD, TOM, 50)


def test_what_is_removed_here_and_changed_there_stays() -> None:
    assert at_draft(OLD, None, OLD) == (None, "")
    kept, note = at_draft(OLD, None, approved(OLD))
    assert kept == approved(OLD)
    assert "so it stays" in note


def test_a_renamed_shot_takes_along_what_the_other_side_did_to_it() -> None:
    base = film(["s010", "s020"])
    ours = base.renamed("s010", "s015")
    theirs = put(touched(base, "s010", "animatic", approved), DRAFT, NEW)
    merged = merge(base, ours, theirs).lock
    assert merged == theirs.renamed("s010", "s015")
    assert merge(base, ours, base.renamed("s010", "s017")).lock.entries.keys() > ours.entries.keys(), "two names: both"
    assert merge(base, ours, without(base, "s010")).lock == ours
    assert merge(base, ours, put(ours, DRAFT._replace(shot="s015"), NEW)).lock.get("s015", "draft") == NEW


NOBODY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PATH": "/usr/bin:/bin"}
NAMED = {
    f"GIT_{role}_{what}": name
    for role in ("AUTHOR", "COMMITTER")
    for what, name in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


class Clone:
    """A repository with a lock in it."""

    def __init__(self, folder: Path, name: str = "storyboard.lock") -> None:
        self.folder = folder
        self.name = name
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, status: int = 0) -> str:
        asked = ["git", *arguments]
        environment = {**NOBODY, **NAMED, "HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(asked, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def commit(self, lock: Lock, branch: str = "") -> None:
        if branch:
            self.git("checkout", "-q", "-B", branch)
        self.put(lock)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def put(self, lock: Lock) -> None:
        path = self.folder / self.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(written(lock), "utf-8")

    @property
    def lock(self) -> Lock:
        return parsed(self.name, (self.folder / self.name).read_bytes())

    def fork(self, base: Lock | None, ours: Lock, theirs: Lock) -> None:
        """Two branches, `main` and `theirs`, on the first."""
        (self.folder / "notes.txt").write_text("a film\n", "utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "start")
        if base is not None:
            self.commit(base)
        self.commit(theirs, "theirs")
        self.git("checkout", "-q", "main")
        if base is None:
            assert not (self.folder / self.name).exists()
        self.commit(ours)


@pytest.fixture
def clone(project: Folder) -> Clone:
    return Clone(project.path)


BASE = film(["s010", "s020", "s030"])
OURS = put(touched(BASE, "s010", "animatic", approved), Place("s020", "draft"), NEW)
THEIRS = put(touched(BASE, "s020", "animatic", accepted), Place("s020", "draft"), LATER)


def test_git_alone_merges_a_lock_whose_shots_differ(clone: Clone) -> None:
    ours = put(touched(BASE, "s010", "final", approved), Place("s010", "final"), NEW)
    theirs = Lock({**put(BASE, Place("s020", "animatic"), LATER).entries, **film(["s015"]).entries})
    clone.fork(BASE, ours, theirs)
    clone.git("merge", "-q", "theirs")
    assert clone.lock == merge(BASE, ours, theirs).lock
    assert clone.lock not in (ours, theirs)


def test_a_conflict_without_the_driver_is_cured_as_the_finding_says(clone: Clone, project: Folder) -> None:
    clone.fork(BASE, OURS, THEIRS)
    clone.git("merge", "theirs", status=1)
    project.write("storyboard: 1\nshots: [{id: s010, prompt: A boat}]\n")
    said = project.run("check", status=1).stdout
    assert "a merge left its conflict in the lock" in said
    assert "'storyboard init --git', then 'git checkout --merge -- storyboard.lock'" in said
    project.run("init", "--git")
    clone.git("checkout", "--merge", "--", "storyboard.lock")
    assert clone.lock == merge(BASE, OURS, THEIRS).lock
    project.run("check")


MERGES: dict[str, Callable[[Clone], object]] = {
    "merge": lambda clone: clone.git("merge", "theirs"),
    "rebase": lambda clone: clone.git("rebase", "theirs"),
    "cherry-pick": lambda clone: clone.git("cherry-pick", "theirs"),
}


@pytest.mark.parametrize("how", MERGES)
def test_with_the_driver_the_same_shot_on_both_sides_is_merged(how: str, clone: Clone, project: Folder) -> None:
    project.run("init", "--git")
    clone.fork(BASE, OURS, THEIRS)
    said = MERGES[how](clone)
    assert clone.lock == merge(BASE, OURS, THEIRS).lock
    assert "storyboard.lock: s020 in pass draft: both sides rendered it" in str(said)
    assert clone.git("status", "--porcelain") == ""


def test_with_the_driver_two_first_renders_are_merged(clone: Clone, project: Folder) -> None:
    project.run("init", "--git")
    (project.path / "storyboard.lock").unlink()
    clone.fork(None, OURS, THEIRS)
    clone.git("merge", "theirs")
    assert clone.lock == merge(EMPTY, OURS, THEIRS).lock


def test_with_the_driver_a_stash_is_taken_up_again(clone: Clone, project: Folder) -> None:
    project.run("init", "--git")
    clone.fork(BASE, touched(BASE, "s030", "animatic", approved), THEIRS)
    clone.put(OURS)
    clone.git("stash")
    clone.commit(THEIRS)
    clone.git("stash", "pop")
    stashed = touched(BASE, "s030", "animatic", approved)
    assert clone.lock == merge(stashed, THEIRS, OURS).lock


def test_a_side_that_cannot_be_read_stays_a_conflict(clone: Clone, project: Folder) -> None:
    project.run("init", "--git")
    clone.fork(BASE, OURS, THEIRS)
    clone.git("checkout", "-q", "theirs")
    (clone.folder / "storyboard.lock").write_text("version = 2\n", "utf-8")
    clone.git("commit", "-qam", "newer")
    clone.git("checkout", "-q", "main")
    said = clone.git("merge", "theirs", status=1)
    assert "their side of the merge can't be read" in said
    assert "install a newer storyboard" in said
    assert "UU storyboard.lock" in clone.git("status", "--porcelain")
    assert clone.lock == OURS


def test_the_driver_by_hand(project: Folder) -> None:
    for name, lock in (("ours", OURS), ("theirs", THEIRS)):
        (project.path / name).write_text(written(lock), "utf-8")
    (project.path / "base").write_text("<<<<<<<\n", "utf-8")
    told = json.loads(project.run("merge-lock", "base", "ours", "theirs", "films/storyboard.lock", "--json").stdout)
    assert told["path"] == "films/storyboard.lock"
    assert "what one side removed may be back" in told["notes"][0]
    merged = parsed("ours", (project.path / "ours").read_bytes())
    assert merged == merge(EMPTY, OURS, THEIRS).lock
    project.run("merge-lock", "none", "none", "theirs")
    assert parsed("none", (project.path / "none").read_bytes()) == THEIRS
    (project.path / "ours").write_bytes(b"\xff\xfe")
    told = json.loads(project.run("merge-lock", "none", "ours", "theirs", "--json", status=1).stdout)
    assert (told["side"], told["diagnostics"][0]["code"]) == ("our side", "SB014")
    assert (project.path / "ours").read_bytes() == b"\xff\xfe"


def test_init_adds_what_git_needs_once(clone: Clone, project: Folder) -> None:
    said = project.run("init", "--git", "films").stdout
    assert "wrote films/storyboard.yaml" in said
    assert ".gitattributes: storyboard.lock merge=storyboard-lock" in said
    assert (project.path / "films" / ".gitattributes").read_text() == "storyboard.lock merge=storyboard-lock\n"
    assert clone.git("check-attr", "merge", "films/storyboard.lock").endswith("merge: storyboard-lock\n")
    assert "merge-lock %O %A %B %P" in clone.git("config", "merge.storyboard-lock.driver")
    before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}
    assert project.run("init", "--git", "films").stdout == "nothing lacks: git merges the lock already\n"
    assert json.loads(project.run("init", "--git", "films", "--json").stdout)["git"] == []
    assert {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()} == before


def test_init_keeps_what_an_old_project_tells_git(clone: Clone, project: Folder) -> None:
    project.write("storyboard: 1\nshots: [{id: s010, prompt: A boat}]\n")
    (project.path / ".gitignore").write_bytes(b"*.tmp\r\n/build\r\n# caf\xe9")
    (project.path / ".gitattributes").write_text("*.mp4 filter=lfs diff=lfs merge=lfs -text", "utf-8")
    told = json.loads(project.run("init", "--git", "--json").stdout)
    assert told["files"] == []
    assert told["git"][:2] == [".gitignore: .storyboard/", ".gitattributes: storyboard.lock merge=storyboard-lock"]
    assert (project.path / ".gitignore").read_bytes() == b"*.tmp\r\n/build\r\n# caf\xe9\r\n.storyboard/\r\n"
    text = "*.mp4 filter=lfs diff=lfs merge=lfs -text\nstoryboard.lock merge=storyboard-lock\n"
    assert (project.path / ".gitattributes").read_text("utf-8") == text
    assert not (project.path / "storyboard.schema.json").exists()


def test_init_without_a_repository_says_what_to_run(project: Folder) -> None:
    said = project.run("init", "--git", "films", status=2, GIT_CEILING_DIRECTORIES=str(project.path.parent)).stderr
    assert "run 'git init' first" in said
    assert not (project.path / "films").exists()
