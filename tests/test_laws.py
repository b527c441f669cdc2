"""The laws of the key and of lowering, over the whole language.

Storyboards are drawn from numbers (`language.Author`), changed in one thing, and compiled; what each change must make
anew stands beside it, and is compared with the keys, with the requests, and with what the reference says is sent.
"""

import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from storyboard import compiled, digest
from storyboard.assets import Assets
from storyboard.catalog import Catalog
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.film import Film
from storyboard.front import Front
from storyboard.job import Job, Own
from storyboard.memo import Memo
from storyboard.pins import Pins
from storyboard.plan import Known, Plan, Step, decide
from storyboard.purchase import Purchase
from storyboard.source import Source
from storyboard.store import Lost, Record
from storyboard.timing import exact
from tests.language import (
    ANIMATIC,
    FILES,
    IMAGES,
    PINNED,
    VIDEOS,
    Author,
    Flat,
    Place,
    Tree,
    View,
    bytes_of,
    fill,
    flat,
    kind_of,
    like,
    place_of,
    scenes_of,
    written,
)

POOL = 70
"""Storyboards that changes are tried on; more where few have what is changed."""
COMPARED = 190
"""Clips that each change is compared on, at least."""
BOARDS = 45
"""Storyboards drawn for each of the other laws."""


class World:
    """One folder of fixed files, and for each file a folder in which it holds other bytes."""

    def __init__(self, place: Path) -> None:
        pins = Pins(place / "pins")
        pins.remember({PINNED: (digest.sha256(b"pinned"), "image/png")})
        self.folder = fill(place / "film")
        folders = {"": self.folder} | {file: fill(place / f"film{n}", file) for n, file in enumerate(FILES)}
        self.assets = {file: Assets(folder, Memo(place / "memo", lambda: 0), pins) for file, folder in folders.items()}

        self._drawn: dict[int, Compiled] = {}

    def drawn(self, seed: int) -> "Compiled":
        """A storyboard of the pool, compiled."""
        if seed not in self._drawn:
            self._drawn[seed] = Compiled(self, of_the_pool(seed))
        return self._drawn[seed]

    def front(self, board: Tree | str, changed: str = "") -> Front:
        """The front end of a storyboard."""
        text = board if isinstance(board, str) else json.dumps(board, ensure_ascii=False)
        source = Source("storyboard.yaml", text)
        return Front(source, self.assets[changed], self.folder, self.folder / "models")

    def film(self, board: Tree | str, changed: str = "") -> Film:
        """The compiled film."""
        return self.front(board, changed).film()

    def jobs(self, board: Tree | str, changed: str = "") -> dict[Place, Job]:
        """Every job of a storyboard."""
        return jobs_of(self.film(board, changed))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("laws"))


def of_the_pool(seed: int) -> Tree:
    """A storyboard; of some, many clips are made from each other."""
    board: Tree = json.loads(_of_the_pool(seed))
    return board


@cache
def _of_the_pool(seed: int) -> str:
    return json.dumps(Author(seed, joined=seed % 4 == 0).board())


def jobs_of(film: Film) -> dict[Place, Job]:
    """Every job of a film, by pass, shot, and take where it isn't the one shown."""
    found: dict[Place, Job] = {}
    for name, jobs in film.jobs.items():
        for n, job in enumerate(jobs):
            if isinstance(job, Job):
                found[name, film.shots[n].id, 0] = job
            for take in film.takes[name].get(n, ()):
                found[name, film.shots[n].id, take.number] = take.job
    return found


def asked(job: Job) -> bytes:
    """The model and all that is sent."""
    return digest.canonical({"model": job.model, "request": job.request})


# What an edit must make anew. Each edit changes one thing of a storyboard, and says of a shot in a pass, as it is now
# and was before, whether it is touched; None where the storyboard has no such thing.

Touched = Callable[[View, View], bool]
Edit = Callable[[Random, Tree], Touched | None]
EDITS: list[Edit] = []


def edit(function: Edit) -> Edit:
    EDITS.append(function)
    return function


def fresh(random: Random) -> str:
    """Words that stand nowhere yet."""
    return f"comet {random.randrange(10**6, 10**9)}"


def a_seed(random: Random) -> int:
    return random.randrange(10**5, 10**9)


def one_shot(random: Random, board: Tree, fits: Callable[[Tree], bool] = lambda shot: True) -> Tree | None:
    """A shot that fits, if one does."""
    shots = [shot for shot, _ in scenes_of(board) if fits(shot)]
    return random.choice(shots) if shots else None


def any_shot(random: Random, board: Tree) -> Tree:
    return random.choice([shot for shot, _ in scenes_of(board)])


def one_override(random: Random, board: Tree) -> tuple[str, str, Tree]:
    """A shot's id, a pass, and what it does otherwise there; written where it isn't yet."""
    shot, name = any_shot(random, board), random.choice(list(board["passes"]))
    return shot["id"], name, shot.setdefault("passes", {}).setdefault(name, {})


def one_scene(random: Random, board: Tree) -> Tree | None:
    return random.choice(board["scenes"]) if "scenes" in board else None


def defaults_of(random: Random, board: Tree) -> Tree:
    """The defaults of the storyboard, or of a scene."""
    owners = [board, *board.get("scenes", ())]
    its: Tree = random.choice(owners).setdefault("defaults", {})
    return its


@edit
def the_words_of_the_style(random: Random, board: Tree) -> Touched:
    board.setdefault("style", {})["prompt"] = fresh(random)
    return lambda now, was: True


@edit
def the_negative_of_the_style(random: Random, board: Tree) -> Touched:
    board.setdefault("style", {})["negative"] = fresh(random)
    return lambda now, was: now.has("negative")


@edit
def the_words_of_a_scene(random: Random, board: Tree) -> Touched | None:
    scene = one_scene(random, board)
    if scene is None:
        return None
    key = random.choice(["prompt", "negative"])
    scene["style"] = {**scene.get("style", {}), key: fresh(random)}
    ids = {shot["id"] for shot in scene["shots"] if "style" not in shot}
    return lambda now, was: now.id in ids and (key == "prompt" or now.has("negative"))


@edit
def the_style_of_a_shot(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["style"] = {"prompt": fresh(random)}
    return lambda now, was: now.id == shot["id"]


@edit
def the_prompt_of_a_shot(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["prompt"] = f"{shot.get('prompt', '')} {fresh(random)}"
    return lambda now, was: now.id == shot["id"] and "prompt" not in now.override


@edit
def the_words_of_an_override(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: any("prompt" in its for its in shot.get("passes", {}).values()))
    if shot is None:
        return None
    name = random.choice([name for name, its in shot["passes"].items() if "prompt" in its])
    shot["passes"][name]["prompt"] += " " + fresh(random)
    return lambda now, was: (now.id, now.pass_id) == (shot["id"], name)


@edit
def the_camera_of_a_shot(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    said = next((text for text in (shot.get("camera", ""),) if "@" in text), "")
    shot["camera"] = f"{said} {fresh(random)}"
    return lambda now, was: now.id == shot["id"] and "camera" not in now.override


@edit
def the_camera_in_a_pass(random: Random, board: Tree) -> Touched | None:
    shot, name, its = one_override(random, board)
    its["camera"] = fresh(random)
    return lambda now, was: (now.id, now.pass_id) == (shot, name)


@edit
def a_default_camera(random: Random, board: Tree) -> Touched:
    said = defaults_of(random, board)["camera"] = fresh(random)
    return lambda now, was: now.shot.get("camera") == said and "camera" not in now.override


@edit
def the_negative_of_a_shot(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["negative"] = fresh(random)
    return lambda now, was: now.id == shot["id"] and now.has("negative") and "negative" not in now.override


@edit
def the_negative_of_an_override(random: Random, board: Tree) -> Touched:
    shot, name, its = one_override(random, board)
    its["negative"] = fresh(random)
    return lambda now, was: (now.id, now.pass_id) == (shot, name) and now.has("negative")


@edit
def the_negative_of_a_pass(random: Random, board: Tree) -> Touched:
    said = random.choice(list(board["passes"].values()))["negative"] = fresh(random)
    return lambda now, was: now.pass_.get("negative") == said and now.has("negative")


@edit
def the_seed_of_the_film(random: Random, board: Tree) -> Touched:
    board["seed"] = a_seed(random)
    return lambda now, was: not any("seed" in owner for owner in (now.override, now.shot, now.pass_))


@edit
def the_seed_of_a_pass(random: Random, board: Tree) -> Touched:
    said = random.choice(list(board["passes"].values()))["seed"] = a_seed(random)
    return lambda now, was: now.pass_.get("seed") == said and not any("seed" in o for o in (now.override, now.shot))


@edit
def the_seed_of_a_shot(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["seed"] = a_seed(random)
    return lambda now, was: now.id == shot["id"] and "seed" not in now.override


@edit
def the_seed_of_an_override(random: Random, board: Tree) -> Touched:
    shot, name, its = one_override(random, board)
    its["seed"] = a_seed(random)
    return lambda now, was: (now.id, now.pass_id) == (shot, name)


@edit
def a_default_seed(random: Random, board: Tree) -> Touched:
    said = defaults_of(random, board)["seed"] = a_seed(random)
    return lambda now, was: now.shot.get("seed") == said and "seed" not in now.override


@edit
def the_seed_of_a_scene_in_a_pass(random: Random, board: Tree) -> Touched | None:
    scene, name = one_scene(random, board), random.choice(list(board["passes"]))
    if scene is None:
        return None
    said = scene.setdefault("passes", {}).setdefault(name, {})["seed"] = a_seed(random)
    return lambda now, was: now.pass_id == name and now.override.get("seed") == said


@edit
def the_take(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: "takes" not in shot)
    if shot is None:
        return None
    shot["take"] = random.randrange(100, 9999)
    return lambda now, was: now.id == shot["id"] and not {"take", "takes"} & now.override.keys()


@edit
def the_pick(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: len(shot.get("takes", ())) > 1)
    if shot is None:
        return None
    shown = shot.get("pick", shot["takes"][0])
    shot["pick"] = random.choice([take for take in shot["takes"] if take != shown])
    blind = {"take", "takes", "pick"}
    return lambda now, was: now.id == shot["id"] and not blind & now.override.keys()


def another_length(now: View, was: View) -> bool:
    """Whether another length is bought, or times that are sent have moved."""
    beats = bool(now.shot.get("beats")) and (now.starts, now.needed) != (was.starts, was.needed)
    lines = now.model == ANIMATIC and now.sent()["lines"] != was.sent()["lines"]
    return now.bought != was.bought or beats or lines


@edit
def the_duration(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["duration"] = random.choice([2, 3, "4.5", 5, "5.5", 6, 7, 8, 9])
    return another_length


@edit
def the_trim(random: Random, board: Tree) -> Touched:
    shot = any_shot(random, board)
    shot["trim"] = {"in": random.choice(["0.25", "0.5", "12f", 1])}
    if random.randrange(3) == 0:
        shot["trim"]["of"] = random.choice([3, "5.5", "200f", 10])
    return another_length


@edit
def the_frame_rate(random: Random, board: Tree) -> Touched:
    before = board.get("fps", "24")
    board["fps"] = {"24": "25", "25": "26", "30000/1001": "31", "24000/1001": "25"}[before]
    return lambda now, was: (
        now.model == ANIMATIC or now.bought != was.bought or now.sent()["times"] != was.sent()["times"]
    )


@edit
def the_resolution_of_a_pass(random: Random, board: Tree) -> Touched:
    its = random.choice(list(board["passes"].values()))
    its["resolution"] = "720p" if its.get("resolution") == "1080p" else "1080p"
    return lambda now, was: (
        "resolution" not in now.override and now.setting("resolution", "720p") != was.setting("resolution", "720p")
    )


@edit
def the_shape_of_the_film(random: Random, board: Tree) -> Touched:
    board["aspect"] = "9:16" if board.get("aspect", "16:9") == "16:9" else "16:9"
    return lambda now, was: now.facts.shaped


@edit
def a_switch_of_a_pass(random: Random, board: Tree) -> Touched:
    its = random.choice(list(board["passes"].values()))
    key, default, other = random.choice([("audio", False, True), ("prompt_expansion", False, True), SHOT_TYPE])
    its[key] = default if its.get(key) == other else other
    return lambda now, was: (
        now.has(key)
        and now.setting(key, default) != was.setting(key, default)
        and not (key == "shot_type" and now.shot.get("beats"))
    )


SHOT_TYPE = ("shot_type", "single", "multi")


@edit
def a_switch_of_an_override(random: Random, board: Tree) -> Touched:
    shot, name, its = one_override(random, board)
    key = random.choice(["audio", "prompt_expansion", "shot_type", "resolution"])
    default, other = {"shot_type": SHOT_TYPE[1:], "resolution": ("720p", "1080p")}.get(key, (False, True))
    beats = any("beats" in each for each, _ in scenes_of(board) if each["id"] == shot)
    its[key] = other if beats or its.get(key) != other else default
    return lambda now, was: (
        (now.id, now.pass_id) == (shot, name)
        and (key == "resolution" or now.has(key))
        and now.setting(key, default) != was.setting(key, default)
        and not (key == "shot_type" and beats)
    )


@edit
def the_model_of_a_pass(random: Random, board: Tree) -> Touched:
    name = random.choice(list(board["passes"]))
    its = board["passes"][name]
    its["model"] = like(random, flat(board)["passes"][name]["model"])
    return lambda now, was: "model" not in now.override and now.pass_["model"] != was.pass_["model"]


@edit
def the_look_of_a_character(random: Random, board: Tree) -> Touched:
    name = random.choice(list(board["characters"]))
    board["characters"][name]["look"] = fresh(random)
    return lambda now, was: now.facts.mentions == "look" and name in now.mentioned


@edit
def the_name_of_a_character(random: Random, board: Tree) -> Touched:
    name = random.choice(list(board["characters"]))
    board["characters"][name]["name"] = fresh(random)
    return lambda now, was: (
        (now.facts.mentions != "token" and name in now.mentioned)
        or (now.model == ANIMATIC and any(line["who"] == name for line in now.shot.get("dialogue", ())))
    )


@edit
def the_seconds_of_a_reference(random: Random, board: Tree) -> Touched | None:
    name, n = a_reference(random, board, lambda one: kind_of(one) == "video" and "://" not in place_of(one))
    if not name:
        return None
    references = board["characters"][name]["references"]
    references[n] = {"file": place_of(references[n]), "seconds": ["0.125", 1 + random.randrange(90)]}
    return lambda now, was: f"{name} {n + 1}" in {given.of for given in now.inputs}


@edit
def the_bytes_behind_a_url(random: Random, board: Tree) -> Touched | None:
    name, n = a_reference(random, board, lambda one: "://" in place_of(one) and isinstance(one, dict))
    if not name:
        return None
    board["characters"][name]["references"][n]["sha256"] = digest.sha256(fresh(random).encode())
    return lambda now, was: f"{name} {n + 1}" in {given.of for given in now.inputs}


@edit
def a_reference_left_out(random: Random, board: Tree) -> Touched | None:
    kinds = {name: Counter(map(kind_of, its["references"])) for name, its in board["characters"].items()}
    name, n = a_reference(random, board, lambda one: True)
    one = board["characters"][name]["references"][n]
    if kinds[name][kind_of(one)] < 2:
        return None
    del board["characters"][name]["references"][n]
    return lambda now, was: [given.holds for given in now.inputs] != [given.holds for given in was.inputs]


def a_reference(random: Random, board: Tree, fits: Callable[[Any], bool]) -> tuple[str, int]:
    """A character and the place of one of its references; "" where none fits."""
    found = [(c, n) for c, its in board["characters"].items() for n, one in enumerate(its["references"]) if fits(one)]
    return random.choice(found) if found else ("", 0)


@edit
def the_order_of_characters(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: len(shot.get("characters", ())) > 1)
    if shot is None:
        return None
    shot["characters"].reverse()
    moved = set(shot["characters"])

    def touched(now: View, was: View) -> bool:
        if now.id != shot["id"] or "characters" in now.override:
            return False
        renumbered = now.facts.limits and any(
            now.bound.index(c) != was.bound.index(c) for c in moved & {*now.mentioned}
        )
        return bool(renumbered) or [given.holds for given in now.inputs] != [given.holds for given in was.inputs]

    return touched


@edit
def a_line_of_dialogue(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: "dialogue" in shot)
    if shot is None:
        return None
    shot["dialogue"][0]["line"] = fresh(random)
    return lambda now, was: now.id == shot["id"] and now.model == ANIMATIC


@edit
def a_beat(random: Random, board: Tree) -> Touched | None:
    shot = one_shot(random, board, lambda shot: "beats" in shot)
    if shot is None:
        return None
    if random.randrange(2):
        shot["beats"][1]["at"] = random.choice(["1.25", "1.5", "30f"])
    else:
        shot["beats"][0]["prompt"] += " " + fresh(random)
    return lambda now, was: now.id == shot["id"]


@edit
def the_picture_that_a_shot_starts_from(random: Random, board: Tree) -> Touched | None:
    shot, name, its = one_override(random, board)
    if not flat_view(board, name, shot).facts.picture:
        return None
    its["start_frame"] = {"url": "https://example.org/new.png", "sha256": digest.sha256(fresh(random).encode())}
    return lambda now, was: (now.id, now.pass_id) == (shot, name) and (now.model != ANIMATIC or bool(was.inputs))


@edit
def a_guide_left_out(random: Random, board: Tree) -> Touched | None:
    shot, name, its = one_override(random, board)
    view = flat_view(board, name, shot)
    if not view.guide:
        return None
    its["guide"] = "none"
    return lambda now, was: (now.id, now.pass_id) == (shot, name)


@edit
def another_shot_to_go_on_from(random: Random, board: Tree) -> Touched | None:
    film = Flat(board)
    ends = [at for at in sorted(film.wanted) if film.views[at].chained and film.views[at].facts.picture]
    if not ends:
        return None
    name, end = random.choice(ends)
    board.setdefault("scenes" if "scenes" in board else "shots", []).insert(0, another_start(board))
    override = next(shot for shot, _ in scenes_of(board) if shot["id"] == end).setdefault("passes", {})
    override.setdefault(name, {})["start_frame"] = {"last_frame_of": "start"}
    return lambda now, was: (now.id, now.pass_id) == (end, name)


def another_start(board: Tree) -> Tree:
    """A shot that shows a clip of one's own in every pass, in a scene where there are scenes."""
    shot = {"id": "start", "prompt": "the start", "clip": VIDEOS[3]}
    return {"id": "starts", "shots": [shot]} if "scenes" in board else shot


@edit
def a_clip_of_ones_own_that_others_are_made_from(random: Random, board: Tree) -> Touched | None:
    film = Flat(board)
    needed = sorted({need for at in film.wanted for need in film.views[at].needs} & film.wanted)
    if not needed:
        return None
    name, shot = random.choice(needed)
    found = next(each for each, _ in scenes_of(board) if each["id"] == shot)
    found.setdefault("passes", {}).setdefault(name, {})["clip"] = VIDEOS[3]
    return lambda now, was: (name, shot) in now.needs


def flat_view(board: Tree, pass_id: str, shot: str) -> View:
    return Flat(board).views[pass_id, shot]


def closure(film: Flat, touched: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The shots touched, and those made from their clips."""
    found = set(touched)
    while True:
        more = {at for at, view in film.views.items() if at not in found and found & set(view.needs)}
        if not more:
            return found
        found |= more


class Compiled:
    """A storyboard compiled, and what the reference says of it."""

    def __init__(self, world: World, board: Tree, changed: str = "") -> None:
        self.board, self.film = board, Flat(board, changed)
        self.sent, self.jobs = self.film.jobs(), world.jobs(board, changed)
        assert self.jobs.keys() == self.sent.keys()
        for at, job in self.jobs.items():
            assert (job.key is not None) == ("unknown" not in repr(self.sent[at])), at


def differing(before: Compiled, after: Compiled, touched: Touched) -> Counter[str]:
    """Compare each clip that a storyboard has before and after; how often what was seen."""
    was, now, seen = before.film, after.film, Counter[str]()
    direct = {at for at in now.wanted & was.wanted if touched(now.views[at], was.views[at])}
    must = closure(now, direct)
    for at in before.jobs.keys() & after.jobs.keys():
        old, new = before.jobs[at], after.jobs[at]
        if old.key is None or new.key is None:
            seen["unknown"] += 1
            continue
        other = new.key != old.key
        assert other == (at[:2] in must), (at, "changed" if other else "stayed")
        assert other == (asked(new) != asked(old)), at
        assert other == (after.sent[at] != before.sent[at]), at
        seen["changed" if other else "stayed"] += 1
    return seen


def tell(seed: int, what: str, board: Tree) -> str:
    return f"seed {seed}, {what}: {json.dumps(board, ensure_ascii=False)}"


def boards(change: Callable[..., Any]) -> Iterator[tuple[int, Random]]:
    """Numbers of storyboards, in an order of its own for each change, each with what the change is drawn from."""
    for seed in (*Random(change.__name__).sample(range(POOL), POOL), *range(POOL, 9 * POOL)):
        yield seed, Random(f"{seed} {change.__name__}")


@pytest.mark.parametrize("change", EDITS, ids=lambda change: change.__name__)
def test_an_edit_makes_anew_what_it_touches_and_nothing_else(world: World, change: Edit) -> None:
    seen = Counter[str]()
    for seed, random in boards(change):
        after = of_the_pool(seed)
        touched = change(random, after)
        if touched is not None:
            try:
                seen += differing(world.drawn(seed), Compiled(world, after), touched)
            except (AssertionError, Rejected) as error:
                raise AssertionError(tell(seed, change.__name__, after)) from error
        if seen["changed"] + seen["stayed"] >= COMPARED and seen["changed"] >= 8:
            return
    raise AssertionError(seen)


def test_what_is_sent_is_what_the_reference_says(world: World) -> None:
    models, seen = Catalog(), Counter[str]()
    for seed in range(POOL):
        drawn = world.drawn(seed)
        for at, job in drawn.jobs.items():
            model, sent = models[job.model], drawn.sent[at]
            length = {"frames": sent["length"][0]} if model.any_length else {"duration": sent["length"]}
            lines = [(who, line, exact(start), exact(lasts)) for who, line, start, lasts in sent.get("lines", ())]
            said = [tuple(line.values()) for line in model.value(job.request, "dialogue") or ()]
            assert said == lines, tell(seed, str(at), drawn.board)
            for word, value in (length | {key: sent.get(key) for key in SAID}).items():
                told_so = model.value(job.request, word) if word in model.fields else None
                assert (told_so or None) == (value or None), tell(seed, f"{at} {word}", drawn.board)
                seen[word] += bool(value)
            prompt = model.prompt_in(job.request)
            words = re.findall(r"\w+", " ".join(filter(None, (*sent["words"], *sent["looks"], *sent["styles"]))))
            assert [word for word in words if word not in prompt] == [], tell(seed, str(at), drawn.board)
            seen["lines"] += len(lines)
            seen["lines, trimmed"] += len(lines) * bool(drawn.film.views[at[:2]].starts)
    assert min(seen[word] for word in (*SAID, "frames", "duration", "lines", "lines, trimmed")) > 5, seen


SAID = ("seed", "negative", "audio", "shot_type", "prompt_expansion")


def test_the_laws_compare_ten_thousand_clips() -> None:
    assert (len(EDITS) + len(FREE)) * COMPARED >= 10_000


def test_the_bytes_of_a_file_make_anew_what_is_made_of_them(world: World) -> None:
    seen = Counter[str]()
    for seed in range(1000, 1000 + BOARDS):
        board = without_sums(Author(seed).board())
        before = Compiled(world, board)
        changed = Random(seed).choice([file for file in FILES if file in json.dumps(board)] or [*FILES])
        after = Compiled(world, board, changed)

        def touched(now: View, was: View, file: str = changed) -> bool:
            clips = [place_of(clip) for at in now.needs if (clip := now.film.clip(*at)) is not None]
            return file in clips or any(given.place == file for given in now.inputs)

        try:
            seen += differing(before, after, touched)
        except AssertionError as error:
            raise AssertionError(tell(seed, changed, board)) from error
    assert seen["changed"] > 25 and seen["stayed"] > 100, seen


def without_sums(board: Tree) -> Tree:
    """The storyboard, whose files are whatever they are."""
    for its in board["characters"].values():
        for one in its["references"]:
            if isinstance(one, dict) and "file" in one:
                one.pop("sha256", None)
    return board


# What costs nothing. Each changes a storyboard, and tells which places have other names; what is new is let be.

Renamed = Callable[[Place], Place]
Free = Callable[[Random, Tree, World], Renamed | None]
FREE: list[Free] = []


def free(function: Free) -> Free:
    FREE.append(function)
    return function


def as_it_was(at: Place) -> Place:
    return at


def renaming(names: Mapping[str, str]) -> Callable[[str], str]:
    return lambda name: names.get(name, name)


@free
def other_ids_of_shots(random: Random, board: Tree, world: World) -> Renamed:
    called = renaming({shot["id"]: f"a{random.randrange(10**6)}-ü{n}" for n, (shot, _) in enumerate(scenes_of(board))})
    for shot, _ in scenes_of(board):
        shot["id"] = called(shot["id"])
        for owner in (shot, *shot.get("passes", {}).values()):
            start = owner.get("start_frame")
            if isinstance(start, dict) and "last_frame_of" in start:
                owner["start_frame"] = {"last_frame_of": called(start["last_frame_of"])}
    for its in board["passes"].values():
        if "only" in its:
            its["only"] = [called(one) for one in its["only"]]
    return lambda at: (at[0], called(at[1]), at[2])


@free
def other_ids_of_scenes(random: Random, board: Tree, world: World) -> Renamed | None:
    if "scenes" not in board:
        return None
    called = renaming({scene["id"]: f"scene.{n}x" for n, scene in enumerate(board["scenes"])})
    for scene in board["scenes"]:
        scene["id"] = called(scene["id"])
    for its in board["passes"].values():
        if "only" in its:
            its["only"] = [called(one) for one in its["only"]]
    return as_it_was


@free
def other_ids_of_passes(random: Random, board: Tree, world: World) -> Renamed:
    called = renaming({name: f"{name}-{random.randrange(999)}" for name in board["passes"]})

    def all_called(passes: Tree) -> Tree:
        return {called(name): its for name, its in passes.items()}

    board["passes"] = all_called(board["passes"])
    owners = [*board.get("scenes", ()), *(shot for shot, _ in scenes_of(board))]
    for owner in owners:
        if "passes" in owner:
            owner["passes"] = all_called(owner["passes"])
    for its in (
        board,
        *board["passes"].values(),
        *(its for owner in owners for its in owner.get("passes", {}).values()),
    ):
        for key in ("default_pass", "extends", "guide"):
            if key in its:
                its[key] = called(its[key])
        if "fallback" in its:
            its["fallback"] = [called(name) for name in its["fallback"]]
    return lambda at: (called(at[0]), at[1], at[2])


@free
def other_ids_of_characters(random: Random, board: Tree, world: World) -> Renamed:
    for name, its in board["characters"].items():
        its.setdefault("name", name[0].upper() + name[1:])  # what was sent for it stays
    called = renaming({name: f"{name}{random.randrange(9)}x" for name in board["characters"]})
    board["characters"] = {called(name): its for name, its in board["characters"].items()}
    for owner, key in texts_of(board):
        owner[key] = re.sub(r"@(\w+)", lambda found: "@" + called(found[1]), owner[key])
    for owner in owners_of(board):
        if "characters" in owner:
            owner["characters"] = [called(name) for name in owner["characters"]]
    for shot, _ in scenes_of(board):
        for line in shot.get("dialogue", ()):
            line["who"] = called(line["who"])
    return as_it_was


def owners_of(board: Tree) -> Iterator[Tree]:
    """Shots, their overrides, and defaults."""
    for owner in (board, *board.get("scenes", ())):
        if "defaults" in owner:
            yield owner["defaults"]
    for shot, _ in scenes_of(board):
        yield shot
        yield from shot.get("passes", {}).values()


def texts_of(board: Tree) -> Iterator[tuple[Tree, str]]:
    """Where the texts stand that may mention someone."""
    for owner in owners_of(board):
        for one in (owner, *owner.get("beats", ())):
            yield from ((one, key) for key in ("prompt", "camera") if key in one)


@free
def another_order_of_shots(random: Random, board: Tree, world: World) -> Renamed:
    for owner in (board, *board.get("scenes", ())):
        if "shots" in owner:
            random.shuffle(owner["shots"])
    random.shuffle(board.get("scenes", []))
    return as_it_was


@free
def a_shot_in_a_scene_of_its_own(random: Random, board: Tree, world: World) -> Renamed | None:
    scene = one_scene(random, board)
    if scene is None or len(scene["shots"]) < 2 or "only" in json.dumps(board["passes"]):
        return None
    shot = scene["shots"].pop(random.randrange(len(scene["shots"])))
    alike = {key: deepcopy(its) for key, its in scene.items() if key in {"style", "defaults", "passes"}}
    board["scenes"].insert(0, {"id": "apart", **alike, "shots": [shot]})
    return as_it_was


@free
def everything_written_out(random: Random, board: Tree, world: World) -> Renamed:
    whole = flat(board)
    board.clear()
    board.update(whole)
    return as_it_was


@free
def every_default_written_out(random: Random, board: Tree, world: World) -> Renamed:
    board.setdefault("aspect", "16:9")
    board.setdefault("fps", 24)
    board.setdefault("seed", 1)
    for its in board["passes"].values():
        if "extends" not in its:
            switches = {"resolution": "720p", "audio": False, "shot_type": "single", "prompt_expansion": False}
            switches |= {"leader": False, "subtitles": "none"}
            its.update({key: value for key, value in switches.items() if key not in its})
    inherited = {key for owner in (board, *board.get("scenes", ())) for key in owner.get("defaults", ())}
    for shot, _ in scenes_of(board):
        own = {
            "skip": False,
            "camera": "",
            "negative": "",
            "notes": "",
            "transition": "cut",
            "effects": [],
            "audio": {},
        }
        own |= {"fit": "hold", "framing": "fit"}
        own |= {"duration": 5, "trim": {"in": 0}, "characters": [], "beats": [], "dialogue": [], "passes": {}}
        shot.update({key: value for key, value in own.items() if key not in {*shot, *inherited}})
        if "takes" not in shot:
            shot.setdefault("take", 1)
    return as_it_was


@free
def what_is_for_people(random: Random, board: Tree, world: World) -> Renamed:
    board |= {"title": fresh(random), "budget": 7, "allow": {"SB407": fresh(random)}}
    for its in board["characters"].values():
        its |= {"kind": "place", "voice": fresh(random), "allow": {"SB406": fresh(random)}}
        for n, one in enumerate(its["references"]):
            if isinstance(one, dict):
                one["role"] = fresh(random)
            elif "://" not in one:
                its["references"][n] = {"file": one, "role": fresh(random)}
    for scene in board.get("scenes", ()):
        scene |= {"title": fresh(random), "place": fresh(random), "time": "night", "allow": {"SB407": "so it is"}}
    for shot, _ in scenes_of(board):
        shot |= {"notes": fresh(random), "place": "a bay", "time": "dusk", "allow": {"SB305": fresh(random)}}
    return as_it_was


@free
def what_the_cut_does(random: Random, board: Tree, world: World) -> Renamed:
    bed = {"file": VIDEOS[1], "volume": random.randrange(-9, 9), "duck": random.randrange(-9, 0)}
    board["audio"] = {"music": bed, "room_tone": {**bed, "file": VIDEOS[2]}, "scratch": True, "loudness": -14}
    board["default_pass"] = random.choice(list(board["passes"]))
    for name, its in board["passes"].items():
        its["burn_in"] = False if its.get("burn_in") else {"watermark": fresh(random)}
        its |= {"leader": not its.get("leader"), "subtitles": random.choice(["none", "soft", "burn"])}
        its["fallback"] = random.sample([one for one in board["passes"] if one != name], 1)
    for shot, _ in scenes_of(board):
        shot |= {
            "transition": random.choice(["dip", {"type": "wipeleft", "duration": "0.25"}]),
            "audio": {"volume": -9, "mute": random.choice([True, False])},
            "effects": ["MirrorX"],
            "fit": random.choice(["hold", "trim", "retime"]),
            "framing": random.choice(["fit", "fill", "pad"]),
        }
    return as_it_was


@free
def characters_passes_and_hosts_more(random: Random, board: Tree, world: World) -> Renamed:
    board["characters"] = {"stranger": {"look": "grey", "references": [IMAGES[0]]}, **board["characters"]}
    board["passes"]["later"] = {"model": ANIMATIC, "seed": 5}
    for its in board["passes"].values():
        its["upload_via"] = "wavespeed"
    return as_it_was


@free
def a_take_more(random: Random, board: Tree, world: World) -> Renamed | None:
    shot = one_shot(random, board, lambda shot: "takes" in shot)
    if shot is None:
        return None
    shot["takes"].append(max(shot["takes"]) + 1)
    return as_it_was


@free
def files_under_other_names(random: Random, board: Tree, world: World) -> Renamed:
    text = json.dumps(board, ensure_ascii=False).replace('"refs/', '"copies/')
    board.update(json.loads(text))
    return as_it_was


@free
def urls_elsewhere_with_the_same_bytes(random: Random, board: Tree, world: World) -> Renamed:
    text = re.sub(r'"url": "https://example.org/(\d+)', r'"url": "https://example.net/a/\1', json.dumps(board))
    board.update(json.loads(text))
    return as_it_was


@free
def a_sum_beside_each_file(random: Random, board: Tree, world: World) -> Renamed:
    for its in board["characters"].values():
        for n, one in enumerate(its["references"]):
            if "://" not in place_of(one):
                whole = one if isinstance(one, dict) else {"file": one}
                its["references"][n] = {**whole, "sha256": digest.sha256(bytes_of(place_of(one))).upper()}
    return as_it_was


@free
def a_cast_of_a_library(random: Random, board: Tree, world: World) -> Renamed:
    cast = dict(random.sample(list(board["characters"].items()), random.randint(1, len(board["characters"]))))
    board["characters"] = {name: its for name, its in board["characters"].items() if name not in cast}
    if not board["characters"]:
        del board["characters"]
    library: Tree = {"storyboard": 1, "characters": json.loads(json.dumps(cast).replace('"refs/', '"../refs/'))}
    if "style" in board and random.randrange(2):
        library["style"] = board.pop("style")
    (world.folder / "series").mkdir(exist_ok=True)
    (world.folder / "series" / "cast.yaml").write_text(written(library, random), "utf-8")
    board["include"] = random.choice(["series/cast.yaml", ["series/cast.yaml"]])
    return as_it_was


@free
def lengths_in_frames(random: Random, board: Tree, world: World) -> Renamed | None:
    fps = str(board.get("fps", "24"))
    if "/" in fps:
        return None
    for owner in owners_of(board):
        its = owner.get("trim", {})
        for one, key in (
            (owner, "duration"),
            (its, "in"),
            (its, "of"),
            *((beat, "at") for beat in owner.get("beats", ())),
        ):
            if re.fullmatch(r"[\d.]+", str(one.get(key, ""))) and (float(one[key]) * int(fps)).is_integer():
                one[key] = f"{int(float(one[key]) * int(fps))}f"
    return as_it_was


@pytest.mark.parametrize("change", FREE, ids=lambda change: change.__name__)
def test_what_is_not_sent_costs_nothing(world: World, change: Free) -> None:
    seen = 0
    for seed, random in boards(change):
        after = of_the_pool(seed)
        renamed = change(random, after, world)
        if renamed is not None:
            try:
                seen += kept(world.drawn(seed).jobs, world.jobs(after), renamed)
            except (AssertionError, Rejected) as error:
                raise AssertionError(tell(seed, change.__name__, after)) from error
        if seen >= COMPARED:
            return
    raise AssertionError(seen)


def kept(before: Mapping[Place, Job], after: Mapping[Place, Job], renamed: Renamed) -> int:
    """Compare each clip with itself after a change that costs nothing; how many there are."""
    for at, job in before.items():
        then = after[renamed(at)]
        assert then.key == job.key, at
        assert job.key is None or asked(then) == asked(job), at
        assert (then.seconds, then.cost) == (job.seconds, job.cost), at
    return len(before)


def test_how_it_is_written_does_not_matter(world: World) -> None:
    seen = 0
    for seed in range(3000, 3000 + BOARDS):
        board, random = Author(seed).board(), Random(seed)
        before = world.jobs(board)
        text = written(board, random)
        for form in (text, unicodedata.normalize("NFD", text), text.replace("\n", "\r\n") + "\n# the end\n"):
            try:
                seen += kept(before, world.jobs(form), as_it_was)
            except (AssertionError, Rejected) as error:
                raise AssertionError(f"seed {seed}: {form}") from error
    assert seen > 800


def shuffled(value: Any, random: Random) -> Any:
    """The same, with the entries of each mapping in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], random) for key in random.sample(list(value), len(value))}
    return [shuffled(one, random) for one in value] if isinstance(value, list) else value


def told(found: tuple[Diagnostic, ...] | list[Diagnostic]) -> set[tuple[str, str, str, str, str]]:
    return {
        (one.code, one.message, one.help, one.severity, one.span.text if len(one.span.text) < 9 else "")
        for one in found
    }


def test_the_order_of_keys_does_not_matter(world: World) -> None:
    jobs, findings = 0, Counter[str]()
    for seed in range(4000, 4000 + BOARDS):
        board = Author(seed, crowded=seed % 2 == 0, joined=seed % 4 == 0).board()
        other = shuffled(board, Random(seed))
        one, two = world.front(board), world.front(other)
        found = told(one.check())
        assert told(two.check()) == found, tell(seed, "shuffled", other)
        findings.update(code for code, *_ in found)
        if any(severity == "error" for *_, severity, _ in found):
            continue
        before, after = jobs_of(one.film()), jobs_of(two.film())
        assert before.keys() == after.keys()
        for at, job in before.items():
            assert after[at] == job, tell(seed, str(at), other)
        jobs += len(before)
    assert jobs > 100
    assert {"SB302", "SB305", "SB306"} <= findings.keys(), findings


def test_touching_a_file_costs_nothing(world: World, tmp_path: Path) -> None:
    folder = fill(tmp_path / "film")
    pins = Pins(tmp_path / "pins")
    for seed in range(5000, 5010):
        board = json.dumps(without_sums(Author(seed).board()))
        source = Source("storyboard.yaml", board)
        seen = []
        for moment in (1, 2):
            for file in FILES:
                os.utime(folder / file, (moment, moment))
            assets = Assets(folder, Memo(tmp_path / "memo", lambda: 0), pins)
            seen.append(
                {at: job.key for at, job in jobs_of(Front(source, assets, folder, folder / "models").film()).items()}
            )
        assert seen[0] == seen[1]
        assert seen[0]


def test_a_remembered_film_is_the_compiled_one(world: World) -> None:
    path = world.folder / ".storyboard" / "compiled" / "storyboard.yaml.json"
    parts = Counter[str]()
    for seed in range(6000, 6000 + BOARDS):
        board, random = Author(seed).board(), Random(seed)
        if random.randrange(4) == 0:
            a_cast_of_a_library(random, board, world)
        source = Source("storyboard.yaml", written(board, random))
        assets = world.assets[""]
        film = Front(source, assets, world.folder, world.folder / "models").film()
        compiled.remember(path, source, assets, "code", film)
        again = compiled.recall(path, source, assets, "code")
        assert again == film, tell(seed, "remembered", board)
        assert again is not film
        parts["jobs"] += len(jobs_of(film))
        parts["takes"] += sum(map(len, film.takes.values()))
        parts["warnings"] += sum(map(len, film.warnings.values()))
        parts["libraries"] += len(film.sources)
        parts["clips"] += sum(isinstance(job, Own) for jobs in film.jobs.values() for job in jobs)
    assert min(parts.values()) > 5, parts


def test_the_film_has_of_its_cut_what_is_written(world: World) -> None:
    seen = Counter[str]()
    for seed in range(POOL):
        board = of_the_pool(seed)
        its, film, audio = Flat(board), world.film(board), board.get("audio", {})
        for shot, made in zip(its.board["shots"], film.shots, strict=True):
            told_so = [made.id, made.fit, made.framing, made.notes, [effect.name for effect in made.effects]]
            effects = [next(iter(one)) if isinstance(one, dict) else one for one in shot.get("effects", ())]
            assert told_so == [shot["id"], *told_of(shot, fit="hold", framing="fit", notes=""), effects]
            join = shot.get("transition", "cut")
            join = join if isinstance(join, dict) else {"type": join}
            lasts = its.seconds(join.get("duration", "0.5")) if join["type"] != "cut" else 0
            assert made.transition == (join["type"], min(lasts, made.asked))
            assert (made.heard.gain, made.heard.mute) == told_of(shot.get("audio", {}), volume=0, mute=False)
            seen.update(key for key in ("fit", "transition", "effects", "audio") if key in shot)
        for name, pass_ in film.passes.items():
            written_so = its.board["passes"][name]
            burn_in = written_so.get("burn_in", written_so["model"] == ANIMATIC)
            burned = told_of(burn_in if isinstance(burn_in, dict) else {}, watermark="", date=False)
            assert pass_.burn_in == (burned if burn_in else None)
            fallback = written_so.get("fallback")
            assert pass_.fallback == (None if fallback is None else tuple(fallback))
            assert (pass_.leader, pass_.subtitles) == told_of(written_so, leader=False, subtitles="none")
            handed_on = {*written_so} - {*board["passes"][name]} if "extends" in board["passes"][name] else set()
            seen.update(f"{key} handed on" for key in handed_on)
        assert (film.mix.loudness, film.mix.scratch) == told_of(audio, loudness=-16, scratch=False)
        for key, bed in (("music", film.mix.music), ("room_tone", film.mix.room_tone)):
            one = audio.get(key)
            one = one if isinstance(one, dict) else {"file": one}
            sound = bed and (bed.label, bed.gain, bed.duck, bed.sha256)
            gains = (Decimal(amount) for amount in told_of(one, volume=0, duck=-12))
            file = one["file"]
            assert sound == (file and (file, *gains, digest.sha256(bytes_of(file))))
            seen.update([key] if bed else [])
    assert min(seen[f"{key} handed on"] for key in ("burn_in", "fallback", "leader", "subtitles")) > 3, seen
    assert min(seen[key] for key in ("fit", "transition", "effects", "audio", "music", "room_tone")) > 3, seen


def told_of(tree: Tree, **defaults: Any) -> tuple[Any, ...]:
    """The values of some keys."""
    return tuple(tree.get(key, default) for key, default in defaults.items())


class Past:
    """What happened to each key before: drawn from the key, so that equal keys have one past."""

    def __init__(self, seed: int, given: Mapping[str | None, str] | None = None) -> None:
        self._seed, self._given = seed, given
        self.known = Known(self._find, lambda pass_id, shot: {}, self._bought, lambda one: True)

    def of(self, key: str) -> str:
        """What the clip is: kept, on its way, doubtful, refused, or never made."""
        if self._given is not None:
            return self._given.get(key, "new")
        states = ["cached", "cached", "resume", "held", "blocked", "failed", "new", "new", "new", "new"]
        return Random(f"{self._seed} {key}").choice(states)

    def state(self, job: Job) -> str:
        """The state of a clip as far as its own past goes."""
        if job.key is None:
            return "submit"
        past = self.of(job.key)
        if past in {"failed", "new"} or (job.local and past != "cached"):
            return "submit"
        return past

    def _find(self, key: str) -> Record | Lost:
        return Record(key, {}, {}) if self.of(key) == "cached" else Lost()

    def _bought(self, key: str) -> Purchase | None:
        state = {"resume": "accepted", "held": "lost", "blocked": "moderated", "failed": "failed"}.get(self.of(key))
        if state is None:
            return None
        empty = dict.fromkeys(Purchase._fields)
        return Purchase(**empty | {"number": 1, "key": key, "attempt": 1, "state": state, "reason": "", "facts": {}})


def settled(film: Film, pass_id: str, only: set[str], past: Past) -> dict[Place, str]:
    """The state of each clip that a plan is about, found again from what the film and its past are."""
    jobs, states = jobs_of(film), film.passes[pass_id].states
    found: dict[Place, str] = {}
    for n, shot in enumerate(film.shots):
        if only and shot.id not in only:
            continue
        made = film.jobs[pass_id][n]
        found[pass_id, shot.id, 0] = "clip" if isinstance(made, Own) else "skipped"
        for at in (at for at in jobs if at[:2] == (pass_id, shot.id)):
            state = past.state(jobs[at])
            found[at] = "skipped" if states and ("changed" not in states or state == "cached") else state
    waiting = [at for at, state in found.items() if state == "submit"]
    while waiting:
        for producer in jobs[waiting.pop()].producers:
            at = (producer.pass_id, producer.shot, 0)
            if found.get(at, "skipped") == "skipped":
                found[at] = past.state(jobs[at])
                waiting += [at] if found[at] == "submit" else []
    while True:
        stuck = {at for at, state in found.items() if state in {"held", "blocked"} and not at[2]}
        more = [at for at, state in found.items() if state == "submit" and waits(jobs[at]) & stuck]
        if not more:
            return found
        found |= dict.fromkeys(more, "blocked")


def waits(job: Job) -> set[Place]:
    return {(producer.pass_id, producer.shot, 0) for producer in job.producers}


def test_a_plan_has_all_that_its_clips_wait_for_and_blocks_only_what_waits(world: World) -> None:
    seen = Counter[str]()
    for seed in range(7000, 7000 + 2 * BOARDS):
        board, random = Author(seed, joined=True).board(), Random(seed)
        if random.randrange(3) == 0:
            twin = random.choice([owner for owner in (board, *board.get("scenes", ())) if "shots" in owner])["shots"]
            twin.append({**twin[0], "id": "twin"})
        film, past = world.film(board), Past(seed)
        for pass_id in film.passes:
            ids = [shot.id for shot in film.shots]
            only = set(random.sample(ids, random.randint(1, len(ids)))) if random.randrange(3) == 0 else set()
            plan = decide(film, pass_id, only, (), past.known)
            must = settled(film, pass_id, only, past)
            steps = {(step.pass_id, step.shot, step.take or 0): step for step in plan.steps}
            assert len(steps) == len(plan.steps)
            assert {at: step.state for at, step in steps.items()} == must, tell(seed, pass_id, board)
            seen += Counter(step.state for step in plan.steps)
            seen["others"] += in_order(film, plan, only)
            seen["shared"] += prices(plan, list(steps.values()))
    assert min(seen[state] for state in ("cached", "submit", "resume", "held", "blocked", "skipped", "clip")) > 10, seen
    assert seen["others"] > 30 and seen["shared"] > 10, seen


CHAIN = """\
storyboard: 1
passes:
  p: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash}
shots:
  - {id: a, prompt: x, start_frame: refs/front.png}
  - {id: b, prompt: y, start_frame: {last_frame_of: a}, takes: [1, 2]}
  - {id: c, prompt: z, start_frame: {last_frame_of: b}}
"""


def test_another_take_that_is_blocked_blocks_no_other_shot(world: World) -> None:
    film = world.film(CHAIN)
    jobs = jobs_of(film)
    past = Past(0, {jobs["p", "a", 0].key: "held", jobs["p", "b", 0].key: "cached"})
    plan = decide(film, "p", (), (), past.known)
    assert [(step.name, step.state) for step in plan.steps] == [
        ("a", "held"),
        ("b", "cached"),
        ("b take 2", "blocked"),
        ("c", "submit"),
    ]


@pytest.mark.parametrize("spared", ["clip: refs/own.mp4", "skip: true"])
def test_a_shot_that_is_not_made_needs_no_other(world: World, spared: str) -> None:
    chain = CHAIN.replace("takes: [1, 2]", spared).replace("  - {id: c", "  # {id: c")
    assert world.jobs(chain.replace("flash}", "flash, only: [b]}")) == {}
    assert world.jobs(chain).keys() == {("p", "a", 0)}


def in_order(film: Film, plan: Plan, only: set[str]) -> int:
    """The pass's own shots stand in the film's order, after what they wait for elsewhere; how much that is."""
    own = [shot.id for shot in film.shots if not only or shot.id in only]
    mine = [n for n, step in enumerate(plan.steps) if step.pass_id == plan.pass_id and step.shot in own]
    others = [n for n in range(len(plan.steps)) if n not in mine]
    assert [*others, *mine] == list(range(len(plan.steps)))
    assert list(dict.fromkeys(plan.steps[n].shot for n in mine)) == own
    needed = {at for step in plan.steps if step.job and step.state in {"submit", "blocked"} for at in waits(step.job)}
    assert all((plan.steps[n].pass_id, plan.steps[n].shot, 0) in needed for n in others)
    return len(others)


def prices(plan: Plan, steps: list[Step]) -> int:
    """What is submitted costs what its clips cost, each once; how many share one."""
    jobs = {step.key or str(n): step.job for n, step in enumerate(steps) if step.state == "submit" and step.job}
    costs = [job.cost for job in jobs.values()]
    assert plan.known_cost == sum((cost for cost in costs if cost is not None), Decimal(0))
    assert plan.cost == (None if None in costs else plan.known_cost)
    assert len(plan.submits) == len(jobs)
    return sum(step.state == "submit" for step in steps) - len(jobs)


def test_nothing_bound_is_dropped_in_silence(world: World) -> None:
    seen = Counter[str]()
    for seed in range(8000, 8000 + 2 * BOARDS):
        board = Author(seed, crowded=seed % 2 == 0, joined=seed % 4 == 0).board()
        for owner in (board, *board.get("scenes", ()), *board["passes"].values(), *board["characters"].values()):
            owner.pop("allow", None)
        front, film = world.front(board), Flat(board)
        found = front.check()
        left_out = [one.message for one in found if one.code == "SB305"]
        errors = [one.message for one in found if one.is_error]
        jobs = {} if errors else jobs_of(front.film())
        try:
            for at in film.wanted:
                view = film.views[at]
                if view.facts.limits:
                    seen += dropped(view, left_out, errors)
                for place in (place for place in jobs if place[:2] == at):
                    seen += fitting(view, jobs[place])
            assert len(errors) == seen.pop("errors of one", 0), errors
        except AssertionError as error:
            raise AssertionError(tell(seed, "bound", board)) from error
    assert min(seen[what] for what in ("left out", "unbound", "no room", "references", "guides", "pictures")) > 5, seen


def dropped(view: View, left_out: list[str], errors: list[str]) -> Counter[str]:
    """Whatever isn't sent is told of, by its name and its shot's or its model's."""
    sent, left, unbound = view.bind()
    guided = view.guided() if view.guide else []
    limits = view.facts.limits
    assert limits is not None
    videos = sum(kind_of(given.place) == "video" for given in sent)
    for given in left:
        name, _ = given.of.split()
        naming = [text for text in left_out if f"'{given.place}' of '{name}'" in text]
        assert any(view.id in text or view.model in text for text in naming), given
    for name in unbound:
        assert any(f"'{name}' can't be bound in {view.id} (pass {view.pass_id})" in text for text in errors), name
    no_room = bool(guided) and (videos >= limits[1] or len(sent) >= limits[2])
    told_so = [text for text in errors if f"no room for the guide in {view.id} (pass {view.pass_id})" in text]
    assert bool(told_so) == no_room
    return Counter({"left out": len(left), "unbound": len(unbound), "no room": no_room}) + Counter(
        {"errors of one": len(unbound) + no_room}
    )


def fitting(view: View, job: Job) -> Counter[str]:
    """The references of a job are within the model's limits, in the order of the characters, the guide last."""
    urls = sent_references(job)
    inputs = [job.inputs[url] for url in urls]
    if view.facts.limits is None:
        assert len(urls) <= 1
        return Counter({"pictures": len(urls)})
    images, videos, total = view.facts.limits
    kinds = Counter("video" if one.producer else kind_of(one.url or one.label) for one in inputs)
    assert 1 <= len(urls) <= total and kinds["image"] <= images and kinds["video"] <= videos
    said = [job.inputs[url] for url in urls]
    for character, given, url in zip(view.bound, view.inputs, urls, strict=False):
        assert given.of.split()[0] == character
        if given.place.startswith("refs/"):
            assert url.startswith(f"sha256:{digest.sha256(bytes_of(given.place))}")
    text = json.dumps(job.request, ensure_ascii=False)
    for character in view.mentioned:
        assert f"character{view.bound.index(character) + 1}" in text
    assert "@" not in text
    guides = [n for n, one in enumerate(said) if one.producer]
    assert guides in ([], [len(said) - 1])
    if view.guide and view.film.clip(view.guide, view.id) is None:
        assert guides
    return Counter({"references": len(urls), "guides": len(guides)})


def sent_references(job: Job) -> list[str]:
    """The references of a request, wherever its model has them."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str) and value in job.inputs:
            found.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    walk(dict(job.request))
    return found
