"""What the author wrote: frozen pydantic models, one file a noun. They hold no positions; `decode` knows those."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from storyboard.model.character import Character
from storyboard.model.effect import Effect
from storyboard.model.passes import NO_GUIDE, Pass, Setting
from storyboard.model.reference import Path, Reference, StartFrame
from storyboard.model.shot import Beat, Defaults, Override, Shot
from storyboard.model.sound import Mix
from storyboard.model.style import Style
from storyboard.model.values import (
    Allowed,
    Aspect,
    Dollars,
    Duration,
    Filled,
    Fps,
    Id,
    Seed,
    Text,
    Written,
    bad,
    kind,
    listed,
    mapped,
)

__all__ = [
    "NO_GUIDE",
    "Beat",
    "Character",
    "Defaults",
    "Duration",
    "Effect",
    "Library",
    "Override",
    "Pass",
    "Reference",
    "Scene",
    "Setting",
    "Shot",
    "StartFrame",
    "Storyboard",
    "Style",
]


class Scene(Written):
    """Shots that share a place and a style."""

    id: Id = Field(description="Its name, for 'only' and --only.")
    title: Text = Field("", description="What people call it; burned in, by default the id.")
    style: Style = Field(Style(), description="Words for the prompts of this scene's shots.")
    place: Text = Field("", description="Where it plays, for people; slates show it, and it is never sent.")
    time: Text = Field("", description="When it plays, for people: dusk, night, morning …")
    defaults: Defaults = Field(Defaults(), description="What its shots do unless they say otherwise.")
    allow: Allowed = Field({}, description="Warnings that its shots may give: the code, and the reason.")
    passes: Annotated[dict[Id, Setting], BeforeValidator(mapped)] = Field(
        {}, description="What its shots do otherwise in a pass, by the pass's id."
    )
    shots: Annotated[tuple[Shot, ...], BeforeValidator(listed)] = Field(description="Its shots, in order.")


def _read_version(value: object) -> int:
    if value != "1":
        raise bad("SB106", f"the format version '{value}' isn't known", "write 'storyboard: 1', if the file fits it")
    return 1


Version = Annotated[Literal[1], BeforeValidator(_read_version), WithJsonSchema({"const": 1})]


def _read_paths(value: object) -> list[object]:
    if isinstance(value, (str, list)):
        return value if isinstance(value, list) else [value]
    raise bad("SB103", f"expected a path, found {kind(value)}", "write series/cast.yaml, or a list of paths")


Paths = Annotated[
    tuple[Path, ...],
    BeforeValidator(
        _read_paths,
        json_schema_input_type=Annotated[Path | list[Path], Field(description="A path, or several.")],
    ),
]


class Library(Written):
    """Characters and styles that several storyboards share."""

    storyboard: Version | None = Field(None, description="The format's version: 1.")
    include: Paths = Field((), description="More libraries; paths start from this file's folder.")
    style: Style = Field(Style(), description="Words that every shot shares.")
    characters: Annotated[dict[Id, Character], BeforeValidator(mapped)] = Field(
        {}, description="Characters, props and places by id."
    )


class Storyboard(Written):
    """A film: who is in it, its shots, and the passes that make them."""

    storyboard: Version = Field(description="The format's version: 1.")
    title: Filled = Field("Untitled", description="The film's title.")
    aspect: Aspect = Field("16:9", description="16:9 or 9:16, where the model offers it.")
    fps: Fps = Field(Fraction(24), description='Frames per second of the cut: whole, or "24000/1001".')
    seed: Seed = Field(1, description="The seed of every shot, unless a pass or the shot says otherwise.")
    budget: Dollars | None = Field(
        None, description="US dollars that all purchases of this film together may cost: nothing is bought beyond it."
    )
    include: Paths = Field((), description="Libraries of characters and styles, inside the storyboard's folder.")
    style: Style = Field(Style(), description="Words that every shot shares.")
    audio: Mix = Field(Mix(), description="The sound of the whole film.")
    characters: Annotated[dict[Id, Character], BeforeValidator(mapped)] = Field(
        {}, description='Characters, props and places by id; "@id" in a prompt binds one.'
    )
    passes: Annotated[dict[Id, Pass], BeforeValidator(mapped)] = Field(
        {"animatic": Pass(model="local/animatic")}, description="Ways to make the film, by id, cheapest first."
    )
    default_pass: Id | None = Field(None, description="The pass that commands use; by default the first.")
    defaults: Defaults = Field(Defaults(), description="What every shot does unless it says otherwise.")
    allow: Allowed = Field({}, description="Warnings that the film may give: the code, and the reason.")
    shots: Annotated[tuple[Shot, ...], BeforeValidator(listed)] = Field((), description="The shots, in order.")
    scenes: Annotated[tuple[Scene, ...], BeforeValidator(listed)] = Field(
        (), description="The shots by scene, instead of 'shots'."
    )

    @model_validator(mode="after")
    def _has_shots(self) -> Self:
        if self.shots and self.scenes:
            help_ = "put every shot into a scene, or use no scenes"
            raise bad("SB107", "both 'shots' and 'scenes' are written", help_, "scenes")
        if not any(True for _ in self.all_shots()):
            key = "scenes" if self.scenes else "shots"
            raise bad("SB102", "there are no shots", "write 'shots:' or 'scenes:' with at least one shot", key)
        if not self.passes:
            raise bad(
                "SB102", "there are no passes", "write one, such as 'animatic: {model: local/animatic}'", "passes"
            )
        return self

    def all_shots(self) -> Iterator[tuple[Shot, Scene | None]]:
        """Every shot in the film's order, with its scene."""
        for shot in self.shots:
            yield shot, None
        for scene in self.scenes:
            for shot in scene.shots:
                yield shot, scene

    @property
    def scene_of(self) -> dict[str, str]:
        """Each shot's scene by their ids, "" for none."""
        return {shot.id: scene.id if scene else "" for shot, scene in self.all_shots()}

    @property
    def first_pass(self) -> str:
        """The pass that commands use by default."""
        return self.default_pass or next(iter(self.passes))
