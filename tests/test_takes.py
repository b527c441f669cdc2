"""The takes of a shot side by side: which there are, what is said of each, and the picture of them."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

import storyboard
from storyboard import media, stills, takes
from storyboard.catalog import Catalog
from storyboard.changes import facts_of
from storyboard.compiler import Project
from storyboard.job import Job, key_of, seed_of
from storyboard.journal import Journal, Order
from storyboard.lock import EMPTY, Acceptance, Approval, Lock, Place, entry
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.model.values import MAX_SEED
from storyboard.plan import Known
from storyboard.stills import Part
from storyboard.store import Record, Store
from storyboard.takes import AHEAD, LAST, Roll, strip
from storyboard.tools import Tools
from tests.folder import Folder

MODELS = Catalog()
BOARD = """\
storyboard: 1
title: The Keeper
aspect: 16:9
seed: 40
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash}
default_pass: draft
shots:
  - {id: s010, prompt: A lamp, duration: 2, start_frame: lamp.png, takes: [1, 3]}
  - {id: s020, prompt: A bay, duration: 2, start_frame: lamp.png, skip: true}
  - {id: s030, prompt: A ship, duration: 2, clip: own.mp4}
"""


@pytest.fixture
def film(project: Folder) -> Folder:
    project.picture("lamp.png")
    (project.path / "own.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(64))
    project.write(BOARD)
    return project


def loaded(folder: Folder) -> Project:
    return storyboard.load(folder.path / "storyboard.yaml")


def made(project: Project, tools: Tools, numbers: Mapping[int, str], at: str = "2026-11-20T10:00:00Z") -> None:
    """Put takes of s010 into the store as if they had been bought, each a second of a colour."""
    shown = project.asked().job("draft", "s010")
    assert shown
    for number, colour in numbers.items():
        keep(project, takes.rolled(shown, MODELS[shown.model], number), tools, colour, at, f"task-{number}")


@cache
def plain(ffmpeg: Path, colour: str) -> bytes:
    """A clip of two seconds of a colour."""
    with TemporaryDirectory() as folder:
        source = ("-f", "lavfi", "-i", f"color=c={colour}:s=160x90:r=24:d=2")
        media.run(ffmpeg, [*source, "-pix_fmt", "yuv420p", "clip.mp4"], Path(folder))
        return Path(folder, "clip.mp4").read_bytes()


def keep(project: Project, job: Job, tools: Tools, colour: str, at: str = "", id_: str = "") -> Record:
    assert job.key
    with project.store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(plain(tools.ffmpeg, colour))
        return project.store.put(job.key, {"clip": folder / "clip.mp4"}, facts_of(job, at, id_))


def known(project: Project) -> Known:
    return Known(project.store.find, lambda _pass, _shot: {}, project.journal.latest().get, project.kept)


def rolls(project: Project, lock: Lock = EMPTY) -> dict[int | None, Roll]:
    found = takes.of(project.asked(), "draft", "s010", MODELS, known(project), lock)
    return {roll.number: roll for roll in found}


PASSES = """\
  - {id: a, prompt: "@mira waits", duration: 5, seed: SEED, takes: [3, 1, 7],
     passes: {dash: {seed: 9}, one: {takes: [5, 2], prompt: "@mira sleeps"}}}
"""


@pytest.mark.parametrize("seed", [0, 1, 77, MAX_SEED - 3])
def test_a_take_is_what_the_storyboard_would_ask_for(project: Folder, seed: int) -> None:
    project.picture("mira.png")
    models = {
        "local": "local/animatic",
        "one": "wavespeed/alibaba/wan-2.6/reference-to-video-flash",
        "image": "wavespeed/alibaba/wan-2.6/image-to-video-flash",
        "dash": "dashscope/wan2.6-r2v-flash",
    }
    passes = "".join(f"  {name}: {{model: {model}}}\n" for name, model in models.items())
    cast = "characters: {mira: {look: a keeper, references: [mira.png]}}\n"
    project.write(f"storyboard: 1\n{cast}passes:\n{passes}shots:\n" + PASSES.replace("SEED", str(seed)))
    film = loaded(project).asked()
    for name, model in models.items():
        shown, listed = film.job(name, "a"), film.takes[name][0]
        assert shown
        assert len(listed) == (1 if name == "one" else 2)
        for take in listed:
            assert takes.rolled(shown, MODELS[model], take.number) == take.job
            assert takes.rolled(take.job, MODELS[model], int(shown.words["take"])) == shown


def test_every_model_of_the_catalogue_is_rolled_by_the_seed_it_sends() -> None:
    for model in MODELS.values():
        request = model.body({"prompt": "a", "seed": 5})
        job = Job(model.id, request, {}, Fraction(5), None, key_of(model.id, request))
        assert seed_of(request) == 5
        other = takes.rolled(job, model, 4)
        assert other.request == model.body({"prompt": "a", "seed": 8})
        assert other.key == key_of(model.id, other.request) != job.key
        assert takes.rolled(job, model, 1) == job
        assert job.request == model.body({"prompt": "a", "seed": 5})


def test_a_job_that_isnt_known_yet_has_takes_without_keys() -> None:
    model = next(iter(MODELS.values()))
    job = Job(model.id, model.body({"prompt": "a", "seed": 5}), {}, Fraction(5), None, None)
    assert takes.rolled(job, model, 2).key is None


def test_those_listed_are_there_before_anything_is_made(film: Folder) -> None:
    found = rolls(loaded(film))
    assert list(found) == [1, 3]
    assert [(one.seed, one.state, one.is_shown, one.is_listed) for one in found.values()] == [
        (40, "not rendered", True, True),
        (42, "not rendered", False, True),
    ]
    assert {one.price for one in found.values()} == {Decimal("0.05")}


def test_takes_that_the_storyboard_lists_no_more_are_found(film: Folder, tools: Tools) -> None:
    made(loaded(film), tools, {1: "red", 2: "green", 6: "blue"})
    film.edit("takes: [1, 3]", "take: 2")
    found = rolls(loaded(film))
    assert list(found) == [1, 2, 6]
    assert [(one.is_here, one.is_shown, one.is_listed) for one in found.values()] == [
        (True, False, False),
        (True, True, True),
        (True, False, False),
    ]
    assert found[6].at == "2026-11-20T10:00:00Z"
    assert found[6].id == "task-6"


def test_a_take_far_past_the_last_known_one_is_found_from_take_to_take(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    made(project, tools, {3 + AHEAD: "red", 3 + 2 * AHEAD: "green", 4 + 3 * AHEAD: "blue"})
    assert list(rolls(project)) == [1, 3, 3 + AHEAD, 3 + 2 * AHEAD]


def test_the_last_take_that_can_be_written_is_the_last_looked_for(film: Folder) -> None:
    film.edit("takes: [1, 3]", f"take: {LAST}")
    asked = []
    project = loaded(film)
    looked = replace(known(project), bought=lambda key: asked.append(key) or None)
    takes.of(project.asked(), "draft", "s010", MODELS, looked, EMPTY)
    assert len(set(asked)) == LAST


def test_a_take_of_another_prompt_isnt_one_of_these(film: Folder, tools: Tools) -> None:
    made(loaded(film), tools, {2: "red"})
    film.edit("prompt: A lamp", "prompt: A lantern")
    assert list(rolls(loaded(film))) == [1, 3]


def test_a_take_that_was_bought_and_isnt_here_is_told(film: Folder) -> None:
    project = loaded(film)
    shown = project.asked().job("draft", "s010")
    assert shown
    journal = Journal(project.store.root / "journal.sqlite", time.time_ns)
    run = journal.begin("draft", lambda _: True)
    states = {5: "bought", 6: "held", 7: "blocked"}
    for number, state in states.items():
        job = takes.rolled(shown, MODELS[shown.model], number)
        one = journal.claim(job.key or "", Order(job, "s010", "draft", run))
        assert one
        one = journal.intend(one)
        if state == "bought":
            journal.accept(one, "task-5", {})
        elif state == "held":
            journal.lose(one, "the connection broke")
        else:
            journal.fail(journal.accept(one, "task-7", {}), "moderated", "refused")
    journal.close()
    assert {number: one.state for number, one in rolls(project).items() if number and number > 3} == states


def test_a_pass_that_makes_only_some_shots_still_shows_takes(film: Folder, tools: Tools) -> None:
    film.edit("image-to-video-flash}", "image-to-video-flash, only: [changed]}")
    made(loaded(film), tools, {1: "red"})
    assert [(number, one.state) for number, one in rolls(loaded(film)).items()] == [(1, "here"), (3, "not rendered")]


def test_a_model_without_a_seed_has_one_take(film: Folder) -> None:
    project = loaded(film)
    shown = project.asked().job("draft", "s010")
    assert shown
    model = MODELS[shown.model]
    fields = {word: place for word, place in model.fields.items() if word != "seed"}
    request = {name: value for name, value in shown.request.items() if name != "seed"}
    seedless = {shown.model: replace(model, fields=fields)}
    job = shown._replace(request=request, key=key_of(shown.model, request))
    film_ = project.asked()
    jobs = {**film_.jobs, "draft": (job, *film_.jobs["draft"][1:])}
    found = takes.of(
        replace(film_, jobs=jobs, takes={**film_.takes, "draft": {}}), "draft", "s010", seedless, known(project), EMPTY
    )
    assert [(one.number, one.seed) for one in found] == [(1, None)]
    with pytest.raises(ValueError, match="takes no seed"):
        takes.rolled(job, seedless[shown.model], 2)


def test_an_approval_follows_the_clip_it_was_given_to(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    made(project, tools, {1: "red", 3: "green"})
    found = rolls(project)
    one, other = (found[n].step for n in (1, 3))
    assert one.record
    assert other.record
    assert one.job
    approval = Approval(other.record.outputs["clip"].sha256, other.key or "", "Ada <ada@x>", "2026-11-20T10:00:00Z")

    def approved(said: Approval) -> dict[int | None, Approval | None]:
        lock = Lock({Place("s010", "draft"): entry(one.job, one.record)._replace(approved=said)})  # type: ignore[arg-type]
        return {number: roll.approval for number, roll in rolls(project, lock).items()}

    assert approved(approval) == {1: None, 3: approval}
    assert approved(approval._replace(clip="0" * 64)) == {1: None, 3: None}
    assert approved(approval._replace(key=one.key or "")) == {1: None, 3: None}


def test_the_command_shows_a_table_a_picture_and_copies(film: Folder, tools: Tools) -> None:
    made(loaded(film), tools, {1: "red", 2: "lime"})
    said = film.run("takes", "s010").stdout
    rows = [line.split("  ") for line in said.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["take", "seed", "film", "state", "price", "when", "id", "approved"]
    assert cells[1] == ["1", "40", "shown", "here", "$0.05", "2026-11-20 10:00", "task-1", "-"]
    assert cells[2] == ["2", "41", "-", "here", "$0.05", "2026-11-20 10:00", "task-2", "-"]
    assert cells[3] == ["3", "42", "listed", "not rendered", "$0.05", "-", "-", "-"]
    assert cells[4] == ["side by side", "build/draft/takes/s010.jpg"]
    with Image.open(film.path / "build/draft/takes/s010.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert frames(pixels, 0) > 3 * 448 * 252 * 0.95
    assert frames(pixels, 1) > 3 * 448 * 252 * 0.95
    told = json.loads(film.run("takes", "s010", "--json", "-o", "out/strip.jpg").stdout)
    assert [one["clip"] for one in told["takes"]] == [f"build/draft/takes/s010/{n}.mp4" for n in (1, 2)] + [None]
    assert told["takes"][1]["key"] == rolls(loaded(film))[2].step.key
    assert told["picture"] == str(film.path / "out/strip.jpg")
    assert (film.path / "out/strip.jpg").read_bytes() == (film.path / "build/draft/takes/s010.jpg").read_bytes()
    for number in (1, 2):
        copied = film.path / f"build/draft/takes/s010/{number}.mp4"
        record = rolls(loaded(film))[number].step.record
        assert record
        assert copied.read_bytes() == record.outputs["clip"].path.read_bytes()


def frames(pixels: np.ndarray, channel: int) -> int:
    """Pixels of a pure colour: the first, the middle and the last frame of its take."""
    others = [n for n in range(3) if n != channel]
    return int(((pixels[..., channel] > 200) & (pixels[..., others].max(axis=-1) < 60)).sum())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("s01",), "there is no shot 's01': did you mean 's010'?"),
        (("s020",), "s020 has no takes in pass draft: it is skipped"),
        (("s030",), "s030 has no takes in pass draft: its clip is one of your own"),
        (("s010", "-p", "drift"), "there is no pass 'drift'"),
    ],
)
def test_what_has_no_takes_is_told_with_the_reason(film: Folder, arguments: tuple[str, ...], words: str) -> None:
    assert words in film.run("takes", *arguments, status=2).stderr


def test_with_nothing_rendered_there_is_no_picture(film: Folder) -> None:
    told = json.loads(film.run("takes", "s010", "--json").stdout)
    assert told["picture"] is None
    assert not (film.path / "build").exists()


def test_a_damaged_take_is_told_and_costs_no_other(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    made(project, tools, {1: "red"})
    shown = project.asked().job("draft", "s010")
    assert shown
    job = takes.rolled(shown, MODELS[shown.model], 2)
    with project.store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 64)
        project.store.put(job.key or "", {"clip": folder / "clip.mp4"}, facts_of(job))
    done = film.run("takes", "s010")
    assert "warning: take 2 can't be shown:" in done.stderr
    assert (film.path / "build/draft/takes/s010.jpg").exists()


def test_a_clip_that_was_accepted_stands_beside_the_takes(film: Folder, tools: Tools) -> None:
    project = loaded(film)
    made(project, tools, {1: "red"})
    old = project.asked().job("draft", "s010")
    assert old
    record = project.store.find(old.key or "")
    assert isinstance(record, Record)
    film.edit("prompt: A lamp", "prompt: A lantern")
    new = loaded(film).asked().job("draft", "s010")
    assert new
    said = Acceptance(new.key or "", "Ada <ada@x>", "2026-11-20T10:00:00Z")
    lock = Lock({Place("s010", "draft"): entry(old, record)._replace(accepted=said)})
    project.relock(lambda _: lock)
    told = json.loads(film.run("takes", "s010", "--json").stdout)["takes"]
    assert [(one["take"], one["shown"], one["state"]) for one in told] == [
        (1, False, "not rendered"),
        (3, False, "not rendered"),
        (None, True, "here"),
    ]
    assert told[2]["key"] == old.key
    assert "earlier  40    accepted  here" in film.run("takes", "s010").stdout


def test_many_takes_are_shown_as_far_as_anybody_compares_them(film: Folder, tools: Tools, tmp_path: Path) -> None:
    project = loaded(film)
    made(project, tools, {1: "red"})
    first = rolls(project)[1]
    assert first.step.record
    kept = stills.of(first.step.record.outputs["clip"], Part(Fraction(0), Fraction(2)), project.store)
    rows = [strip.Row(first._replace(number=n), None if n < 40 else kept) for n in range(1, 101)]
    of = project.asked().shots[0]
    assert strip.make(rows, project.asked(), "draft", of, tmp_path / "strip.jpg") == 60
    with Image.open(tmp_path / "strip.jpg") as picture:
        assert picture.height < 65_000
        pixels = np.asarray(picture.convert("RGB"))
    assert frames(pixels, 0) > 60 * 3 * 224 * 126 * 0.95


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    """A clip of a second of red, one of green, and one of blue."""
    folder = tmp_path_factory.mktemp("three")
    named = ("red", "green", "blue")
    inputs = [word for colour in named for word in ("-f", "lavfi", "-i", f"color=c={colour}:s=320x180:r=24:d=1")]
    media.run(tools.ffmpeg, [*inputs, "-filter_complex", "[0][1][2]concat=n=3", "-pix_fmt", "yuv420p", "a.mp4"], folder)
    return folder / "a.mp4"


def kept(store: Store, path: Path) -> Record:
    return store.put("a" * 64, {"clip": path}, {})


def colours(record: Record) -> list[str]:
    found = []
    for name in stills.NAMES:
        with Image.open(record.outputs[name].path) as picture:
            red, green, blue = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        found.append("red" if red > 150 > green else "green" if green > 90 > blue else "blue")
    return found


@pytest.mark.parametrize(
    ("start", "length", "seen"),
    [
        ("0", "3", ["red", "green", "blue"]),
        ("0", "1", ["red", "red", "red"]),
        ("1", "1", ["green", "green", "green"]),
        ("0.5", "2", ["red", "green", "blue"]),
        ("23/24", "1/24", ["red", "red", "red"]),
        ("1", "25/24", ["green", "green", "blue"]),
        ("2", "9", ["blue", "blue", "blue"]),
        ("7", "1", ["blue", "blue", "blue"]),
    ],
)
def test_stills_are_of_the_part_that_the_shot_shows_to_the_frame(
    store: Store, three: Path, tmp_path: Path, start: str, length: str, seen: list[str]
) -> None:
    clip = kept(store, copyfile(three, tmp_path / "three.mp4")).outputs["clip"]
    assert colours(stills.of(clip, Part(Fraction(start), Fraction(length)), store)) == seen


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", Memo(tmp_path / "hashes", time.time_ns))


def test_stills_are_made_once(store: Store, tiny_clip: Path, tmp_path: Path) -> None:
    clip = kept(store, copyfile(tiny_clip, tmp_path / "tiny.mp4")).outputs["clip"]
    part = Part(Fraction(0), Fraction(1))
    quick = stills.glimpse(clip, part, store)
    made = stills.of(clip, part, store)
    assert quick.path.read_bytes() == made.outputs["first"].path.read_bytes()
    clip.path.unlink()
    assert stills.of(clip, part, store).outputs == made.outputs
    assert stills.glimpse(clip, part, store) == made.outputs["middle"]


def test_a_moving_copy_is_small_silent_and_as_long_as_the_shot(store: Store, tools: Tools, tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=3", "-f", "lavfi", "-i", "sine=440:d=3")
    media.run(tools.ffmpeg, [*source, "-pix_fmt", "yuv420p", "clip.mp4"], tmp_path)
    clip = kept(store, tmp_path / "clip.mp4").outputs["clip"]
    copy = stills.moving(clip, Part(Fraction(1), Fraction(2)), store)
    assert copy.size <= stills.MOVING
    (tmp_path / "copy.mp4").write_bytes(copy.path.read_bytes())
    found = media.probe(tmp_path / "copy.mp4")
    assert (found.width, found.height, found.sound, found.frames) == (320, 180, False, 24)


def test_what_is_no_clip_has_no_stills(store: Store, tmp_path: Path) -> None:
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n")
    clip = kept(store, tmp_path / "playlist.mp4").outputs["clip"]
    for made in (stills.of, stills.glimpse, stills.moving):
        with pytest.raises(MediaError, match="isn't an MP4"):
            made(clip, Part(Fraction(0), Fraction(1)), store)
