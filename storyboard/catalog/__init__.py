"""The generation models as data: one TOML file each, the only place that knows what a model takes and costs.

Model pages contradict themselves on defaults, so every switch that a model has is always sent. Prices are US
dollars from the page and on the day that the file names. `models/*.toml` beside a storyboard adds to them.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class References:
    """How many references a model takes, of which kind."""

    images: int
    videos: int
    total: int


@dataclass(frozen=True)
class StartImage:
    """Whether a model needs the picture that it animates, and whether it takes a URL for it."""

    required: bool
    urls: bool


@dataclass(frozen=True)
class Wanted:
    """What a request asks for. `width` and `height` in pixels; None where the start picture's shape decides."""

    resolution: str
    seconds: Fraction
    audio: bool | None
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Reading:
    """What was chosen where a model's pages contradict themselves, or leave a question open."""

    about: str
    says: str
    chosen: str
    id: str = ""


@dataclass(frozen=True)
class Model:
    """One generation model.

    Attributes:
        mentions: What `@mira` becomes in a prompt: the model's `token`, the character's `look`, or its `name`.
        fields: Our word for a parameter -> where the model has it (`parameters.size`, or several such places with
            a space between); a word that isn't here is a switch it hasn't got.
        constants: What is sent with every request, by the same kind of place.
        reference: The form of one reference in a request, with `{}` for its URL; None for the URL itself.
        files: Whether the provider takes a file's bytes, or https URLs only.
        request: JSON Schema of what is sent.
        latency: Typical seconds for one clip.
        kept: Seconds for which outputs can be fetched.
        prompt: The most characters of a prompt that it reads; None where unknown.
        best: What it is for, in a sentence.
        source: Where its limits are from.
    """

    id: str
    title: str
    kind: Literal["reference-to-video", "image-to-video", "text-to-video", "animatic"]
    mentions: Literal["token", "look", "name"]
    latency: int
    sizes: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, str]
    lengths: Mapping[str, Any]
    price: Mapping[str, Any]
    request: Mapping[str, Any]
    token: str = ""
    references: References | None = None
    image: StartImage | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, str] | None = None
    files: Literal["upload", "urls"] = "upload"
    kept: int = 0
    prompt: int | None = None
    best: str = ""
    source: str = ""
    readings: Sequence[Reading] = ()

    @property
    def provider(self) -> str:
        """The part of the id before the first slash."""
        return self.id.partition("/")[0]

    @property
    def any_length(self) -> bool:
        """True for a model that makes exactly as many frames as asked."""
        return bool(self.lengths.get("frames"))

    @cached_property
    def shortest(self) -> Fraction:
        """The shortest clip it makes, in seconds."""
        return Fraction(self.lengths["minimum"]) if self.any_length else Fraction(min(self.lengths["sold"]))

    @cached_property
    def longest(self) -> Fraction:
        """The longest clip it makes, in seconds."""
        return Fraction(self.lengths["maximum"]) if self.any_length else Fraction(max(self.lengths["sold"]))

    def bought(self, needed: Fraction) -> Fraction | None:
        """The shortest length it makes, in seconds, that covers `needed`; None where none does."""
        if needed > self.longest:
            return None
        if self.any_length:
            return max(needed, self.shortest)
        return Fraction(min(seconds for seconds in self.lengths["sold"] if seconds >= needed))

    def size(self, aspect: str, resolution: str) -> str | None:
        """The model's own word for a picture size; None where it doesn't offer it."""
        return self.sizes.get(aspect, self.sizes.get("any", {})).get(resolution)

    def body(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The request for our words with their values: each at its place, with the constants."""
        made: dict[str, Any] = {}
        for word, value in values.items():
            if word in self.fields:
                _put(made, self.fields[word], self._formed(value) if word in {"references", "image"} else value)
        for place, value in self.constants.items():
            _put(made, place, value)
        return made

    def _formed(self, given: Any) -> Any:
        """References in the form that the model has for them."""
        if isinstance(given, list):
            return [self._formed(one) for one in given]
        if self.reference is None:
            return given
        return {key: given if value == "{}" else value for key, value in self.reference.items()}

    def value(self, request: Mapping[str, Any], word: str) -> Any:
        """What a request holds for one of our words; None where it has none."""
        found: Any = request
        for step in self.fields[word].split()[0].split(".") if word in self.fields else ("",):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found

    def wanted(self, request: Mapping[str, Any]) -> Wanted:
        """What a request asks for, read back from it."""
        size = self.value(request, "size")
        aspect = self.value(request, "aspect")
        shapes = {a: by for a, by in self.sizes.items() if aspect in {None, a}}
        resolution = next((name for by in shapes.values() for name, word in by.items() if word == size), "")
        width, height = _pixels(str(size), str(aspect or ""))
        seconds = Fraction(self.value(request, "duration") or 0)
        if "frames" in self.fields:
            seconds = Fraction(self.value(request, "frames")) / Fraction(self.value(request, "fps"))
        return Wanted(resolution, seconds, self.value(request, "audio"), width, height)

    def references_in(self, request: Mapping[str, Any]) -> list[str]:
        """The references of a request, in order."""
        found = [self.value(request, word) for word in ("references", "image")]
        key = next((k for k, v in (self.reference or {}).items() if v == "{}"), "")
        flat = [one for each in found for one in (each if isinstance(each, list) else [each]) if one]
        return [str(one[key] if isinstance(one, Mapping) else one) for one in flat]

    def prompt_in(self, request: Mapping[str, Any]) -> str:
        """The prompt of a request."""
        return str(self.value(request, "prompt") or "")

    def cost(self, *, resolution: str, seconds: Fraction, audio: bool) -> Decimal | None:
        """US dollars for one clip; None where the price isn't known."""
        if self.price.get("free"):
            return Decimal("0.00")
        for row in (*self.price.get("cells", ()), *self.price.get("rates", ())):
            if row["resolution"] != resolution or row.get("audio", audio) != audio:
                continue
            if "per_seconds" in row:
                share: Fraction = seconds / int(row["per_seconds"])
                usd = Decimal(str(row["usd"]))
                return usd * Decimal(share.numerator) / Decimal(share.denominator)
            if row["seconds"] == seconds:
                return Decimal(row["usd"])
        return None


@lru_cache(maxsize=1024)
def _steps(places: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Each of several places in a request: the objects on the way, and the last name."""
    paths = (place.split(".") for place in places.split())
    return tuple((tuple(folders), last) for *folders, last in paths)


def _put(made: dict[str, Any], places: str, value: Any) -> None:
    for folders, last in _steps(places):
        inner = made
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[last] = value


def _pixels(size: str, aspect: str) -> tuple[int, int] | tuple[None, None]:
    """A picture's pixels from a model's word for its size: `1280*720`, `1280x720`, or `720p` beside an aspect."""
    width, _, height = size.replace("*", "x").partition("x")
    if width.isdigit() and height.isdigit():
        return int(width), int(height)
    if aspect and size.lower().rstrip("p").isdigit():
        across, down = (int(part) for part in aspect.split(":"))
        short = int(size.lower().rstrip("p"))
        long = round(short * max(across, down) / min(across, down))
        return (long, short) if across >= down else (short, long)
    return None, None


class Catalog(Mapping[str, Model]):
    """Models by id, each file read when it is first asked for. A file of `own` comes before one of ours."""

    def __init__(self, own: Mapping[str, Model] | None = None, folder: Path | None = None) -> None:
        self._folder = folder or Path(__file__).parent
        self._models: dict[str, Model] = dict(own or {})
        self._own = tuple(self._models)

    @cached_property
    def _files(self) -> dict[str, Path]:
        # The id stands on a line of its own, so finding a model doesn't parse every file.
        found = {}
        for path in sorted(self._folder.glob("*.toml")):
            line = next(x for x in path.read_text("utf-8").splitlines() if x.startswith("id = "))
            found[line.split('"')[1]] = path
        return found

    def __getitem__(self, model: str) -> Model:
        if model not in self._models:
            self._models[model] = _read(self._files[model])
        return self._models[model]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._files, *self._own]))

    def __len__(self) -> int:
        return len(set(self._files) | set(self._own))


@lru_cache(maxsize=256)  # no file of the package changes while it runs
def _read(path: Path) -> Model:
    return new(tomllib.loads(path.read_text("utf-8")))


def new(data: Mapping[str, Any]) -> Model:
    """A model from the contents of its file, which fit `schemas/model.schema.json`."""
    values = dict(data)
    if "references" in values:
        values["references"] = References(**values["references"])
    if "image" in values:
        values["image"] = StartImage(**values["image"])
    values["readings"] = tuple(Reading(**one) for one in values.get("readings", ()))
    return Model(**values)
