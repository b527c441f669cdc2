"""What the author wrote: frozen pydantic models, one file a noun. They hold no positions; `decode` knows those."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from storyboard.model.character import Character
from storyboard.model.passes import Pass
from storyboard.model.reference import Reference
from storyboard.model.shot import Override, Shot
from storyboard.model.values import Aspect, Dollars, Duration, Filled, Fps, Id, Seed, Text, Written, bad, listed, mapped

__all__ = ["Character", "Duration", "Override", "Pass", "Reference", "Scene", "Shot", "Storyboard", "Style"]


class Style(Written):
    """Words for the prompts of several shots."""

    prompt: Text = Field("", description="Added to every prompt.")
    negative: Text = Field("", description="Added to every negative prompt.")


class Scene(Written):
    """Shots that share a place and a style."""

    id: Id = Field(description="Its name.")
    title: Text = Field("", description="For people.")
    style: Style = Field(Style(), description="Words for the shots of this scene.")
    place: Text = Field("", description="Where it plays.")
    time: Text = Field("", description="When it plays: dusk, night, morning …")
    shots: Annotated[tuple[Shot, ...], BeforeValidator(listed)] = Field(description="Its shots, in order.")


def _read_version(value: object) -> int:
    if value != "1":
        raise bad("SB106", f"the format version '{value}' isn't known", "write 'storyboard: 1', if the file fits it")
    return 1


class Storyboard(Written):
    """A film: who is in it, its shots, and the passes that make them."""

    storyboard: Annotated[Literal[1], BeforeValidator(_read_version), WithJsonSchema({"const": 1})] = Field(
        description="The format's version: 1."
    )
    title: Filled = Field("Untitled", description="The film's title.")
    aspect: Aspect = Field("16:9", description="16:9 or 9:16, where the model offers it.")
    fps: Fps = Field(Fraction(24), description='Frames per second of the cut: whole, or "24000/1001".')
    seed: Seed = Field(1, description="Of every shot, unless it says otherwise.")
    budget: Dollars | None = Field(
        None, description="US dollars that all purchases of this film together may cost: nothing is bought beyond it."
    )
    style: Style = Field(Style(), description="Words that every shot shares.")
    characters: Annotated[dict[Id, Character], BeforeValidator(mapped)] = Field(
        {}, description="Characters, props and places by id."
    )
    passes: Annotated[dict[Id, Pass], BeforeValidator(mapped)] = Field(
        {"animatic": Pass(model="local/animatic")}, description="Ways to make the film, by id, cheapest first."
    )
    default_pass: Id | None = Field(None, description="The pass that commands use; by default the first.")
    shots: Annotated[tuple[Shot, ...], BeforeValidator(listed)] = Field((), description="The shots, in order.")
    scenes: Annotated[tuple[Scene, ...], BeforeValidator(listed)] = Field(
        (), description="The shots by scene, instead of 'shots'."
    )

    @model_validator(mode="after")
    def _has_shots(self) -> Self:
        if self.shots and self.scenes:
            help_ = "put every shot into a scene, or use no scenes"
            raise bad("SB104", "both 'shots' and 'scenes' are written", help_, "scenes")
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
    def first_pass(self) -> str:
        """The pass that commands use by default."""
        return self.default_pass or next(iter(self.passes))
