"""The generation models as data: one TOML file each, the only place that knows what a model takes and costs.

Model pages contradict themselves on defaults, so every switch that a model has is always sent. Prices are US
dollars from the page and on the day that the file names.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast


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
class Model:
    """One generation model.

    Attributes:
        mentions: What `@mira` becomes in a prompt: the model's `token`, the character's `look`, or its `name`.
        fields: Our word for a parameter -> the model's own; a word that isn't here is a switch it hasn't got.
        latency: Typical seconds for one clip.
    """

    id: str
    title: str
    kind: Literal["reference-to-video", "image-to-video", "animatic"]
    mentions: Literal["token", "look", "name"]
    token: str
    latency: int
    sizes: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, str]
    references: References | None
    image: StartImage | None
    lengths: Mapping[str, Any]
    price: Mapping[str, Any]

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


class Catalog(Mapping[str, Model]):
    """Models by id, each file read when it is first asked for."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(__file__).parent
        self._models: dict[str, Model] = {}

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
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _read(path: Path) -> Model:
    data = tomllib.loads(path.read_text("utf-8"))
    references, image = data.pop("references", None), data.pop("image", None)
    return Model(
        references=References(**references) if references else None,
        image=StartImage(**image) if image else None,
        token=cast(str, data.pop("token", "")),
        **data,
    )
