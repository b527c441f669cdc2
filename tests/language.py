"""Storyboards over the whole language, good by construction, and what each of their clips is made from.

A storyboard is a plain tree of dictionaries, lists, texts and numbers, drawn from a number; `flat` and `View` say what
it asks for as the language reference has it, without the compiler: a second opinion for the laws.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from fractions import Fraction
from math import ceil
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from storyboard.digest import sha256

Tree = dict[str, Any]


class Facts(NamedTuple):
    """What is known of a model, from its page: `limits` are its images, videos and references in all."""

    mentions: str
    sold: tuple[int, ...]
    has: str
    limits: tuple[int, int, int] | None = None
    picture: bool = False
    shaped: bool = True
    urls: bool = False


_ALL = "negative audio shot_type prompt_expansion"
_WHOLE = tuple(range(2, 16))
ANIMATIC = "local/animatic"
FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
STANDARD = "wavespeed/alibaba/wan-2.6/reference-to-video"
FACTS = {
    ANIMATIC: Facts("name", (), "", picture=True),
    FLASH: Facts("token", (5, 10), _ALL, (5, 3, 5)),
    STANDARD: Facts("token", (5, 10), "negative shot_type prompt_expansion", (0, 2, 2)),
    "dashscope/wan2.6-r2v-flash": Facts("token", _WHOLE[:9], _ALL, (5, 3, 5)),
    "vercel/alibaba/wan-v2.6-r2v": Facts("token", _WHOLE[:9], _ALL, (5, 3, 5), urls=True),
    "aimlapi/alibaba/wan-2-6-r2v": Facts(
        "token", (5, 10, 15), "negative shot_type prompt_expansion", (0, 3, 3), urls=True
    ),
    "wavespeed/alibaba/wan-2.6/image-to-video-flash": Facts("look", _WHOLE, _ALL, picture=True, shaped=False),
    "dashscope/wan2.6-i2v-flash": Facts("look", _WHOLE, _ALL, picture=True, shaped=False),
    "vercel/alibaba/wan-v2.6-i2v-flash": Facts("look", _WHOLE, _ALL, picture=True, urls=True),
    "vercel/alibaba/wan-v2.6-i2v": Facts("look", (5, 10, 15), _ALL, picture=True, urls=True),
    "vercel/alibaba/wan-v2.6-t2v": Facts("look", (5, 10, 15), _ALL, urls=True),
}

IMAGES = tuple(f"refs/{name}.png" for name in ("front", "side", "back", "door", "lamp", "first", "second"))
VIDEOS = tuple(f"refs/{name}.mp4" for name in ("turn", "walk", "wave", "sea", "own", "other"))
FILES = IMAGES + VIDEOS
PINNED = "https://example.org/pinned.png"
"""A URL without `sha256` that was fetched before."""
_WORDS = ("boat", "beam", "stair", "rope", "gull", "lantern", "tide", "window", "cliff", "oilskin", "path", "naïve")
_CAST = ("mira", "tom", "ana", "lamp", "Ωmega")


def bytes_of(file: str, version: int = 0) -> bytes:
    """What a file of the folder holds: enough to be taken for what it is."""
    head = b"\x89PNG\r\n\x1a\n" if file.endswith(".png") else b"\0\0\0\x18ftypisom"
    return head + f"{file} {version}".encode() + b"." * 64


def fill(folder: Path, changed: str = "") -> Path:
    """A folder with every file, and a copy of each; `changed` is one that holds other bytes."""
    (folder / "refs").mkdir(parents=True)
    (folder / "copies").mkdir()
    for file in FILES:
        for place in (folder / file, folder / "copies" / Path(file).name):
            place.write_bytes(bytes_of(file, int(file == changed)))
    (folder / "grade.py").write_text("def warm(clip, **how):\n    return clip\n", "utf-8")
    return folder


def kind_of(reference: object) -> str:
    """`image` or `video`, by the suffix."""
    return "image" if place_of(reference).endswith(".png") else "video"


def place_of(reference: object) -> str:
    """The path or URL of a reference."""
    return str((reference.get("file") or reference["url"]) if isinstance(reference, dict) else reference)


class Author:
    """Draws a storyboard. `crowded` lets shots bind more than their models take, `joined` makes many from each other."""

    def __init__(self, seed: int, *, crowded: bool = False, joined: bool = False) -> None:
        self.random = Random(seed)
        self.crowded, self.joined = crowded, joined
        self.hosted = not joined and self.chance(12)

    def chance(self, percent: int) -> bool:
        """True so often in a hundred."""
        return self.random.randrange(100) < percent

    def words(self) -> str:
        """A few words."""
        return " ".join(self.random.sample(_WORDS, self.random.randint(1, 4)))

    def maybe(self, into: Tree, percent: int, **entries: Any) -> None:
        """Write some of the entries; what is callable is drawn only then."""
        for key, value in entries.items():
            if self.chance(percent):
                into[key.rstrip("_")] = value() if callable(value) else value

    def board(self) -> Tree:
        """A storyboard."""
        made: Tree = {"storyboard": 1}
        self.fps = self.random.choice(["24", "24", "25", "30000/1001", "24000/1001"])
        self.passes = self.draw_passes()
        self.cast = list(_CAST[: 5 if self.crowded else self.random.randint(2, 5)])
        self.always = self.random.sample(self.cast, 1) if self.chance(15) else []
        self.maybe(made, 40, title=self.words, aspect=lambda: self.random.choice(["16:9", "9:16"]), seed=self.seed)
        if self.fps != "24" or self.chance(20):
            made["fps"] = self.fps
        self.maybe(made, 20, budget="20.50", audio=self.mix)
        self.maybe(made, 70, style=self.style)
        self.maybe(made, 10, allow={"SB407": "they stand behind the door"})
        made["characters"] = {name: self.character(name) for name in self.cast}
        made["passes"] = self.passes
        if self.chance(20):
            made["default_pass"] = self.random.choice(list(self.passes))
        ids = [f"s{n}" for n in self.random.sample(range(10, 100), self.random.randint(2, 4))]
        self.rank = self.random.sample(ids, len(ids))
        self.skipped = {name for name in self.rank[1:] if self.chance(6)}
        self.length = {name: self.random.randint(2, 8) for name in ids}
        shots = [self.shot(name) for name in ids]
        if self.chance(30):
            made["defaults"] = self.defaults()
        elif self.always:
            made["defaults"] = {"characters": list(self.always)}
        if self.chance(60):
            cut = self.random.randint(1, len(shots))
            made["scenes"] = [self.scene(f"sc{n}", part) for n, part in enumerate((shots[:cut], shots[cut:])) if part]
        else:
            made["shots"] = shots
        self.restrict(made, ids)
        return made

    def mix(self) -> Tree:
        """The sound of the film."""
        its: Tree = {"music": VIDEOS[0], "loudness": -23}
        self.maybe(its, 50, music={"file": VIDEOS[1], "volume": "-3.5", "duck": -6}, room_tone=VIDEOS[2], scratch=True)
        return its

    def seed(self) -> int:
        """A seed, the largest now and then."""
        return self.random.choice([2147483647, self.random.randint(0, 9999)])

    def style(self) -> Tree:
        """A style's words."""
        its: Tree = {}
        self.maybe(its, 70, prompt=self.words, negative=self.words)
        return its

    def reference(self, kind: str) -> Any:
        """A reference as one may write it."""
        if self.hosted or self.chance(20):
            number = self.random.randrange(9999)
            suffix = "png" if kind == "image" else "mp4"
            its = {"url": f"https://example.org/{number}.{suffix}", "sha256": sha256(str(number).encode())}
        elif kind == "image" and self.chance(3):
            return PINNED if self.chance(50) else "https://example.org/never-fetched.png"
        else:
            file = self.random.choice(IMAGES if kind == "image" else VIDEOS)
            if self.chance(50):
                return file
            its = {"file": file}
            self.maybe(its, 20, sha256=sha256(bytes_of(file)))
            if kind == "video" and self.chance(40):
                its["seconds"] = [self.random.choice([0, 1, "0.5"]), self.random.choice([2, "4.25"])]
        self.maybe(its, 20, role=self.words)
        return its

    def character(self, name: str) -> Tree:
        """A character with at least a picture and a video."""
        kinds = ["image", "video", *self.random.choices(["image", "video"], k=self.random.choice([0, 0, 1, 2]))]
        its: Tree = {"references": [self.reference(kind) for kind in self.random.sample(kinds, len(kinds))]}
        self.maybe(its, 40, name=lambda: self.words().title(), look=self.words, voice=self.words)
        self.maybe(its, 20, kind="prop", allow={"SB406": "kept for later"})
        return its

    def draw_passes(self) -> Tree:
        """The passes, and how many characters fit into all of them."""
        made: Tree = {}
        for name in self.random.sample(["animatic", "draft", "final", "alt"], self.random.randint(2, 4)):
            its: Tree = {}
            bases = [other for other in made if self.chance(25)]
            model = made[bases[0]]["model"] if bases else self.random.choice([*FACTS, FLASH, STANDARD, *[ANIMATIC] * 4])
            if bases:
                its["extends"] = bases[0]
                self.maybe(its, 30, model=lambda m=model: like(self.random, m))
                model = its.get("model", model)
            its["model"] = model
            self.maybe(its, 15, resolution="1080p", audio=True, shot_type="multi", prompt_expansion=True)
            self.maybe(its, 15, negative=self.words, seed=self.seed, burn_in=True, resolution="720p", audio=False)
            self.maybe(its, 5, allow={"SB306": "for later"})
            self.maybe(its, 15, burn_in={"watermark": "for review", "date": True}, leader=True, subtitles="soft")
            self.maybe(its, 15, fallback=lambda others=tuple(made): self.random.sample(others, min(len(others), 2)))
            if FACTS[model].limits and made and not self.hosted and self.chance(90 if self.joined else 45):
                its["guide"] = self.random.choice(list(made))
            if FACTS[model].urls and not self.hosted:
                its["upload_via"] = "wavespeed"
            made[name] = its
        self.kinds = {name: its["model"] for name, its in made.items()}
        resolved = {name: extended(made, name) for name in made}
        room = [FACTS[m].limits for m in self.kinds.values()]
        guided = any("guide" in its for its in resolved.values())
        self.most = min([limits[1] - guided for limits in room if limits] or [3])
        for its in made.values():
            if "extends" in its and its["model"] == self.kinds[its["extends"]]:
                del its["model"]
        names = self.random.sample(list(made), len(made)) if self.chance(30) else list(made)
        return {name: made[name] for name in names}

    def spoken(self, cast: Sequence[str]) -> str:
        """A text that mentions someone of the cast, if there is one."""
        said = self.words()
        for name in self.random.sample(list(cast), self.random.randint(1, len(cast)) if cast else 0):
            said = self.random.choice([f"@{name} {said}", f"{said}, @{name}", f"{said} by @{name}'s {self.words()}"])
        return said + self.random.choice(["", "", "."])

    def time(self, low: Fraction, high: Fraction) -> Any:
        """A time between two, in one of the three ways to write it."""
        base = round(Fraction(self.fps))
        first, last = ceil(low * Fraction(self.fps)), int(high * Fraction(self.fps))
        frames = self.random.randint(first, max(first, last))
        way = self.random.randrange(4)
        if way == 0 and frames <= last:
            return f"{frames}f"
        if way == 1 and frames <= last:
            return f"00:00:{frames // base:02}:{frames % base:02}"
        quarters = self.random.randint(ceil(low * 4), max(ceil(low * 4), int(high * 4)))
        return quarters // 4 if quarters % 4 == 0 else str(float(Fraction(quarters, 4)))

    def shot(self, name: str) -> Tree:
        """A shot."""
        others = [character for character in self.cast if character not in self.always]
        cast = [*self.always, *self.random.sample(others, len(others))]
        cast = cast[: self.random.randint(1, 5 if self.crowded else self.most)]
        its: Tree = {"id": name, "prompt": self.spoken(cast)}
        self.maybe(its, 40, camera=lambda: self.spoken(cast[:1]) if self.chance(20) else self.words())
        self.maybe(its, 25, negative=self.words, seed=self.seed, notes=self.words, style=self.style)
        self.maybe(its, 15, place=self.words, time=self.words, audio=lambda: {"volume": -6, "mute": True})
        self.maybe(its, 15, effects=["BlackAndWhite", {"FadeIn": {"duration": 1}}, "grade:warm"])
        self.maybe(its, 15, transition=lambda: self.random.choice(["fade", {"type": "dissolve", "duration": "0.5"}]))
        self.maybe(its, 15, fit="retime", framing="fill")
        length = Fraction(self.length[name])
        if length != 5 or self.chance(50):
            its["duration"] = self.time(length, length + 1)
        self.maybe(its, 25, trim=lambda: {"in": self.time(Fraction(0), Fraction(1))})
        if "trim" in its:
            self.maybe(its["trim"], 30, of=lambda: self.time(length, Fraction(10)))
        if self.chance(20):
            its["beats"] = [{"at": 0, "prompt": self.spoken(cast)}, {"at": 1, "prompt": self.spoken(cast)}]
            if self.chance(40):
                del its["prompt"]
        if self.chance(40):
            line = {"who": self.random.choice(self.cast), "line": self.words()}
            self.maybe(line, 40, at=lambda: self.time(Fraction(0), Fraction(1)), for_="0.75")
            its["dialogue"] = [line]
        self.takes(its)
        if self.chance(35) or (self.chance(10) and self.always):
            its["characters"] = self.random.sample(cast, self.random.randint(1, len(cast)))
        if name in self.skipped:
            its["skip"] = True
        self.maybe(its, 5, clip=self.clip)
        if all(FACTS[model].picture for model in self.kinds.values()):
            self.maybe(its, 80 if self.joined else 30, start_frame=lambda: self.start(name))
        for pass_id in self.passes:
            if self.chance(60 if self.joined else 25):
                its.setdefault("passes", {})[pass_id] = self.override(name, pass_id, cast, its.get("takes", ()))
        return its

    def clip(self) -> Any:
        """A clip of one's own."""
        return self.random.choice([VIDEOS[4], {"file": VIDEOS[5]}])

    def takes(self, its: Tree) -> None:
        """A take, or several."""
        if self.chance(20):
            its["take"] = self.random.randint(1, 9)
        elif self.chance(15):
            its["takes"] = self.random.sample(range(1, 9), self.random.randint(1, 3))
            self.maybe(its, 40, pick=lambda: self.random.choice(its["takes"]))

    def start(self, name: str) -> Any:
        """What a shot starts from: a picture, or a shot of a lower rank."""
        before = [other for other in self.rank[: self.rank.index(name)] if other not in self.skipped]
        if before and not self.hosted and self.chance(90 if self.joined else 60):
            return {"last_frame_of": self.random.choice(before)}
        if self.hosted or self.chance(20):
            number = self.random.randrange(9999)
            return {"url": f"https://example.org/{number}.png", "sha256": sha256(str(number).encode())}
        return self.random.choice([IMAGES[5], {"file": IMAGES[6]}])

    def setting(self, pass_id: str) -> Tree:
        """What a scene or shot does otherwise in a pass."""
        its: Tree = {}
        self.maybe(its, 20, negative=self.words, seed=self.seed, audio=True, prompt_expansion=True, shot_type="multi")
        self.maybe(its, 20, resolution="1080p")
        self.maybe(its, 10, model=lambda: like(self.random, self.kinds[pass_id]))
        if "guide" in extended(self.passes, pass_id):
            self.maybe(its, 15, guide="none")
        return its

    def override(self, name: str, pass_id: str, cast: Sequence[str], takes: Sequence[int]) -> Tree:
        """What a shot does otherwise in a pass."""
        its = self.setting(pass_id)
        self.maybe(its, 25, prompt=lambda: self.spoken(cast), camera=self.words)
        self.maybe(its, 10, characters=lambda: self.random.sample(list(cast), self.random.randint(1, len(cast))))
        self.maybe(its, 5, clip=self.clip)
        if FACTS[self.kinds[pass_id]].picture:
            self.maybe(its, 90 if self.joined else 40, start_frame=lambda: self.start(name))
        if takes and self.chance(40):
            its["pick"] = self.random.choice(takes)
        else:
            self.takes(its)
        return its

    def defaults(self) -> Tree:
        """What every shot does."""
        its: Tree = {"characters": list(self.always)} if self.always else {}
        self.maybe(its, 40, camera=self.words, negative=self.words, seed=self.seed)
        self.maybe(its, 30, transition="fade", effects=["BlackAndWhite"], audio={"volume": -3})
        self.maybe(its, 15, trim={"in": "0.25"}, fit="trim", framing="pad")
        return its

    def scene(self, name: str, shots: list[Tree]) -> Tree:
        """A scene."""
        its: Tree = {"id": name}
        self.maybe(its, 40, title=self.words, place=self.words, time=self.words, style=self.style)
        self.maybe(its, 20, defaults=self.defaults)
        if self.chance(25):
            pass_id = self.random.choice(list(self.passes))
            its["passes"] = {pass_id: self.setting(pass_id)}
        return {**its, "shots": shots}

    def restrict(self, made: Tree, ids: list[str]) -> None:
        """Let a pass make only some of the shots."""
        names = [*ids, *(scene["id"] for scene in made.get("scenes", ()))]
        for its in self.passes.values():
            if self.chance(12):
                its["only"] = self.random.sample([*names, "changed", "approved"], self.random.randint(1, 3))


def like(random: Random, model: str) -> str:
    """A model that takes what this one takes, and as much of it."""
    facts = FACTS[model]
    same = [m for m, its in FACTS.items() if bool(its.limits) == bool(facts.limits) and its.picture == facts.picture]
    same = [m for m in same if (m == ANIMATIC) == (model == ANIMATIC) and (facts.urls or not FACTS[m].urls)]
    return random.choice([m for m in same if not facts.limits or FACTS[m].limits[1] >= facts.limits[1]])


def extended(passes: Mapping[str, Tree], name: str) -> Tree:
    """A pass with what it has of those that it extends."""
    its = passes[name]
    if "extends" not in its:
        return dict(its)
    base = {key: value for key, value in extended(passes, its["extends"]).items() if key != "allow"}
    return {**base, **{key: value for key, value in its.items() if key != "extends"}}


def scenes_of(board: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Every shot, with its scene or an empty one."""
    for shot in board.get("shots", ()):
        yield shot, {}
    for scene in board.get("scenes", ()):
        for shot in scene["shots"]:
            yield shot, scene


def flat(board: Tree) -> Tree:
    """The storyboard with everything that its passes and shots inherit written out, and without scenes."""
    board = deepcopy(board)
    made = {key: value for key, value in board.items() if key not in {"defaults", "scenes", "shots"}}
    made["passes"] = {name: extended(board["passes"], name) for name in board["passes"]}
    made["shots"] = []
    for shot, scene in scenes_of(board):
        its = {**board.get("defaults", {}), **scene.get("defaults", {}), **shot}
        if "style" in scene and "style" not in shot:
            its["style"] = scene["style"]
        passes = {name: dict(value) for name, value in scene.get("passes", {}).items()}
        for name, value in shot.get("passes", {}).items():
            passes[name] = {**passes.get(name, {}), **value}
        made["shots"].append(deepcopy({**its, "passes": passes}))
    ids = {scene["id"]: [shot["id"] for shot in scene["shots"]] for scene in board.get("scenes", ())}
    for its in made["passes"].values():
        if "only" in its:
            its["only"] = list(dict.fromkeys(one for name in its["only"] for one in ids.get(name, [name])))
    return made


def seconds(written: object, fps: Fraction) -> Fraction:
    """A time as written, in seconds."""
    text = str(written)
    if text.endswith("f"):
        return int(text[:-1]) / fps
    if ":" in text:
        *clock, frames = map(int, text.split(":"))
        return ((clock[0] * 60 + clock[1]) * 60 + clock[2]) * round(fps) / fps + frames / fps
    return Fraction(text)


class Given(NamedTuple):
    """A reference that is sent: whose it is, where it is, and what it holds."""

    of: str
    place: str
    holds: Any


class View:
    """One shot as one pass makes it."""

    def __init__(self, film: "Flat", pass_id: str, shot: Tree) -> None:
        board = self.board = film.board
        self.film, self.pass_id, self.shot, self.id = film, pass_id, shot, str(shot["id"])
        self.pass_ = board["passes"][pass_id]
        self.override = shot["passes"].get(pass_id, {})
        self.model = str(self.override.get("model", self.pass_["model"]))
        self.facts = FACTS[self.model]
        self.style = shot.get("style", {})
        self.texts = [self.own("prompt", ""), *(b["prompt"] for b in shot.get("beats", ())), self.own("camera", "")]
        self.mentioned = list(dict.fromkeys(name for text in self.texts for name in re.findall(r"@(\w+)", text)))
        self.bound = list(dict.fromkeys([*self.own("characters", []), *self.mentioned]))
        self.asked = film.seconds(shot.get("duration", 5))
        self.starts = film.seconds(shot.get("trim", {}).get("in", 0))
        self.needed = max(self.starts + self.asked, film.seconds(shot.get("trim", {}).get("of", 0)))
        self.guide = None if (guide := self.setting("guide")) == "none" else guide

    def own(self, key: str, default: Any = None) -> Any:
        """The override's word, else the shot's."""
        return self.override.get(key, self.shot.get(key, default))

    def setting(self, key: str, default: Any = None) -> Any:
        """The override's word, else the pass's."""
        return self.override.get(key, self.pass_.get(key, default))

    def has(self, switch: str) -> bool:
        """Whether the model has a switch."""
        return switch in self.facts.has.split()

    @property
    def bought(self) -> Any:
        """The length bought: in frames and their rate where any is made."""
        if not self.facts.sold:
            return ceil(self.needed * self.film.fps), self.film.fps
        return min(sold for sold in self.facts.sold if sold >= self.needed)

    @property
    def chained(self) -> str | None:
        """The shot that it goes on from."""
        start = self.own("start_frame")
        return start.get("last_frame_of") if isinstance(start, dict) else None

    @property
    def takes(self) -> list[int]:
        """The takes that are made, the one shown first."""
        for owner in (self.override, self.shot):
            if "takes" in owner:
                pick = self.override.get("pick") or owner.get("pick")
                return [pick] if pick else owner["takes"]
            if "take" in owner:
                return [owner["take"]]
        return [1]

    @property
    def base_seed(self) -> int:
        """The seed of take 1."""
        owners = (self.override, self.shot, self.pass_, self.board)
        return next((owner["seed"] for owner in owners if "seed" in owner), 1)

    @property
    def inputs(self) -> list[Given]:
        """The references sent, in order."""
        if self.facts.limits:
            return [*self.bind()[0], *self.guided()]
        return self.picture()[:1] if self.facts.picture else []

    def references(self, character: str) -> list[Given]:
        """A character's references."""
        its = self.board["characters"][character].get("references", ())
        return [Given(f"{character} {n}", place_of(one), self.film.holds(one)) for n, one in enumerate(its, 1)]

    def bind(self) -> tuple[list[Given], list[Given], list[str]]:
        """What a model of references is sent of the characters, what is left out, and who can't be bound."""
        assert self.facts.limits is not None
        images, videos, total = self.facts.limits
        room = {"image": images, "video": videos}

        def fits(one: Given) -> bool:
            nonlocal total
            if not total or not room[kind_of(one.place)]:
                return False
            total, room[kind_of(one.place)] = total - 1, room[kind_of(one.place)] - 1
            return True

        sent, left, unbound, later = [], [], [], []
        for character in self.bound:
            its = self.references(character)
            first = next((one for one in its if fits(one)), None)
            if first is None:
                unbound.append(character)
                continue
            sent.append(first)
            later.append([one for one in its if one is not first])
        if self.guide and room["video"] and total:
            total, room["video"] = total - 1, room["video"] - 1
        for rank in range(max(map(len, later), default=0)):
            for one in (its[rank] for its in later if rank < len(its)):
                (sent if fits(one) else left).append(one)
        return sent, left, unbound

    def guided(self) -> list[Given]:
        """The clip that guides it."""
        return [Given("guide", "", self.film.made(self.guide, self.id))] if self.guide else []

    def picture(self) -> list[Given]:
        """The pictures that it may start from, the one taken first."""
        offline = self.model == ANIMATIC
        start = self.own("start_frame")
        if self.chained is not None:
            return [Given("start", "", ("last frame", self.film.made(self.pass_id, self.chained)))]
        every = [one for character in self.bound for one in self.references(character)]
        if start is not None:
            every = [Given("start", place_of(start), self.film.holds(start))]
        return [one for one in every if kind_of(one.place) == "image" and not (offline and "://" in one.place)]

    @property
    def needs(self) -> list[tuple[str, str]]:
        """The shots of passes whose clips it is made from."""
        if self.film.clip(self.pass_id, self.id) is not None:
            return []
        found = [(self.guide, self.id)] if self.guide and self.facts.limits else []
        return found + ([(self.pass_id, self.chained)] if self.chained and self.facts.picture else [])

    def name(self, character: str) -> str:
        """How people read a character."""
        return str(self.board["characters"][character].get("name", character[0].upper() + character[1:]))

    def sent(self) -> Tree:
        """All that is sent, but for the seed."""
        look = self.facts.mentions == "look"
        if self.facts.mentions == "token":
            called = {c: f"character{n}" for n, c in enumerate(self.bound, 1)}
        else:
            called = {c: self.name(c) for c in self.bound}
        characters = self.board["characters"]
        fps, beats, top = self.film, self.shot.get("beats", ()), self.board.get("style", {})
        times = [*(self.starts + fps.seconds(beat["at"]) for beat in beats), self.needed] if beats else []
        negatives = (self.own("negative"), self.pass_.get("negative"), self.style.get("negative"), top.get("negative"))
        made = {
            "model": self.model,
            "words": [re.sub(r"@(\w+)", lambda found: called[found[1]], text) for text in self.texts],
            "styles": [self.style.get("prompt", ""), top.get("prompt", "")],
            "looks": [characters[c].get("look") for c in self.mentioned] if look else [],
            "times": times,
            "length": self.bought,
            "size": (self.board.get("aspect", "16:9") if self.facts.shaped else "", self.setting("resolution", "720p")),
            "inputs": [one.holds for one in self.inputs],
        }
        if self.has("negative"):
            made["negative"] = ", ".join(filter(None, negatives))
        if self.has("shot_type"):
            made["shot_type"] = "multi" if beats else self.setting("shot_type", "single")
        made |= {key: self.setting(key, False) for key in ("audio", "prompt_expansion") if self.has(key)}
        if self.model == ANIMATIC:
            made["lines"] = [self.line(line) for line in self.shot.get("dialogue", ())]
        return made

    def line(self, line: Tree) -> tuple[Any, ...]:
        """A line of dialogue, in the clip's time."""
        start = self.film.seconds(line.get("at", 0))
        reading = min(Fraction(max(len(line["line"]), 17), 17), self.asked - start)
        lasts = self.film.seconds(line["for"]) if "for" in line else reading
        return self.name(line["who"]), line["line"], self.starts + start, lasts


Place = tuple[str, str, int]
"""A pass, a shot, and 0 for the take that is shown, else the take's number."""


class Flat:
    """A storyboard written out, and what each of its clips is made from. `changed` is a file that holds other bytes."""

    def __init__(self, board: Tree, changed: str = "") -> None:
        self.board, self.changed = flat(board), changed
        self.fps = Fraction(str(board.get("fps", 24)))
        self.views = {
            (name, shot["id"]): View(self, name, shot) for name in self.board["passes"] for shot in self.board["shots"]
        }
        self.wanted = self._wanted()

    def seconds(self, written: object) -> Fraction:
        """A time as written."""
        return seconds(written, self.fps)

    def holds(self, reference: Any) -> Any:
        """What a reference holds, as far as that is known."""
        part = reference.get("seconds") if isinstance(reference, dict) else None
        place = place_of(reference)
        if "://" in place:
            known = reference.get("sha256") if isinstance(reference, dict) else "pinned" if place == PINNED else None
            return (known or f"unknown {place}", None)
        file = f"refs/{Path(place).name}"
        return sha256(bytes_of(file, int(file == self.changed))), part and [Fraction(str(one)) for one in part]

    def clip(self, pass_id: str, shot: str) -> Any:
        """A clip of the author's own."""
        return self.views[pass_id, shot].own("clip")

    def made(self, pass_id: str, shot: str) -> Any:
        """What the clip shown of a shot is: all that goes into it."""
        clip = self.clip(pass_id, shot)
        if clip is not None:
            return self.holds(clip)
        view = self.views[pass_id, shot]
        return view.sent() | {"seed": self.seed(view, view.takes[0])}

    @staticmethod
    def seed(view: View, take: int) -> int:
        """The seed sent."""
        return (view.base_seed + take - 1) % 2**31

    def _wanted(self) -> set[tuple[str, str]]:
        """What is made: what the passes are for, and what that needs."""
        shots = [shot["id"] for shot in self.board["shots"] if not shot.get("skip")]
        wanted = set()
        for name, its in self.board["passes"].items():
            named = [one for one in its.get("only", shots) if one not in {"changed", "approved"}]
            wanted |= {(name, one) for one in named or shots if one in shots}
        waiting = list(wanted)
        while waiting:
            new = set(self.views[waiting.pop()].needs) - wanted
            wanted |= new
            waiting += new
        return {at for at in wanted if self.clip(*at) is None}

    def jobs(self) -> dict[Place, Tree]:
        """Every clip that is made, with all that goes into it."""
        found: dict[Place, Tree] = {}
        for name, shot in sorted(self.wanted):
            view = self.views[name, shot]
            sent = view.sent()
            for n, take in enumerate(view.takes):
                found[name, shot, take if n else 0] = sent | {"seed": self.seed(view, take)}
        return found


def written(value: Any, random: Random, depth: int = 0) -> str:
    """A tree as someone may write it: in blocks or in brackets, with or without quotes, with comments."""
    if not isinstance(value, (dict, list)) or not value or random.randrange(4 * depth + 1) > depth + 4:
        return " " + _inline(value, random)
    lines = []
    pad = "  " * depth
    for key in value:
        if random.randrange(8) == 0:
            lines.append(f"{pad}# {random.choice(_WORDS)}: [")
        if isinstance(value, dict):
            lines.append(f"{pad}{_inline(str(key), random)}:{written(value[key], random, depth + 1)}")
        else:
            lines.append(f"{pad}-{written(key, random, depth + 1)}")
    return ("\n" if depth else "") + "\n".join(lines) + ("  # end" if random.randrange(9) == 0 and depth else "")


def _inline(value: Any, random: Random) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_inline(str(key), random)}: {_inline(its, random)}" for key, its in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_inline(one, random) for one in value) + "]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    way = random.randrange(3)
    if way == 0 and re.fullmatch(r"\w[\w .]*", text) and text == text.strip():
        return text
    return "'" + text.replace("'", "''") + "'" if way == 1 else json.dumps(text, ensure_ascii=random.randrange(2) == 0)
