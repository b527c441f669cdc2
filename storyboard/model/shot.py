"""A shot, and what belongs to it."""

from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from storyboard.model.passes import Switches
from storyboard.model.reference import AnyReference
from storyboard.model.values import (
    Bool,
    Duration,
    Filled,
    Id,
    Length,
    Moment,
    Seed,
    Take,
    Text,
    Written,
    listed,
    mapped,
    one_of,
)

Ids = Annotated[tuple[Id, ...], BeforeValidator(listed)]


class Trim(Written):
    """Which part of the clip the shot shows."""

    in_: Moment = Field(Duration(Fraction(0)), alias="in", description="Where in the clip the shot starts.")


class Transition(Written):
    """How this shot follows the one before it."""

    type: Annotated[str, BeforeValidator(one_of("cut", "dissolve")), WithJsonSchema({"enum": ["cut", "dissolve"]})] = (
        Field("cut", description="cut or dissolve.")
    )
    duration: Length | None = Field(None, description="How long it takes, from the cut on.")


class Line(Written):
    """A line of dialogue; times are seconds or frames from the shot's start in the cut."""

    who: Id = Field(description="The character who speaks.")
    line: Filled = Field(description="What is said.")
    at: Moment = Field(Duration(Fraction(0)), description="When it starts; 0 by default.")
    for_: Length | None = Field(
        None, alias="for", description="How long it lasts; by default as long as reading takes."
    )


class Override(Switches):
    """What one shot does otherwise in one pass."""

    prompt: Filled | None = Field(None, description="Another prompt.")
    camera: Text | None = Field(None, description="Another camera move.")
    take: Take | None = Field(None, description="Another roll of the dice: seed + take - 1.")
    start_frame: AnyReference | None = Field(None, description="The picture that the model animates.")
    characters: Ids | None = Field(None, description="Who is bound, in this order.")


class Shot(Written):
    """One shot of the film."""

    id: Id = Field(description="Its name; free to change, as no clip depends on it.")
    prompt: Filled = Field(description='What is seen. "@mira" binds the character mira.')
    camera: Text = Field("", description="How the camera moves, such as slow dolly in.")
    negative: Text = Field("", description="What not to show.")
    duration: Length = Field(
        Duration(Fraction(5)), description="How long the cut shows it: 4 (seconds) or 96f; 5 s by default."
    )
    seed: Seed | None = Field(None, description="Its seed; by default the storyboard's.")
    take: Take = Field(1, description="Another roll of the dice: seed + take - 1.")
    skip: Bool = Field(False, description="Leave it out of the film without deleting it.")
    characters: Ids = Field((), description="Who is bound, in this order; mentions not listed follow.")
    start_frame: AnyReference | None = Field(None, description="The picture that an image-to-video model animates.")
    trim: Trim = Field(Trim(), description="Which part of the clip is shown.")
    transition: Transition = Field(Transition(), description="How it follows the shot before it; a cut by default.")
    dialogue: Annotated[tuple[Line, ...], BeforeValidator(listed)] = Field((), description="What is said.")
    notes: Text = Field("", description="For people; never sent.")
    passes: Annotated[dict[Id, Override], BeforeValidator(mapped)] = Field(
        {}, description="What this shot does otherwise in a pass."
    )
