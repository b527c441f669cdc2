"""A shot, and what belongs to it."""

from fractions import Fraction
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from storyboard.model.effect import AnyEffect
from storyboard.model.passes import Setting
from storyboard.model.reference import AnyReference, AnyStart
from storyboard.model.sound import ShotSound, Sound
from storyboard.model.style import Style
from storyboard.model.transition import AnyTransition, Transition
from storyboard.model.values import (
    Allowed,
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
    bad,
    listed,
    mapped,
    one_of,
)

Fit = Annotated[
    str, BeforeValidator(one_of("hold", "trim", "retime")), WithJsonSchema({"enum": ["hold", "trim", "retime"]})
]
Framing = Annotated[
    str, BeforeValidator(one_of("fit", "fill", "pad")), WithJsonSchema({"enum": ["fit", "fill", "pad"]})
]
_FIT = (
    "Where a clip isn't as long as its shot: hold its last frame (the default), trim the shot to it, or retime it, "
    "so that all of it plays in the shot's time. What is longer is cut off by hold and trim."
)
_FRAMING = (
    "Where a picture has another shape than the film: fit it in whole (the default), fill the frame and lose its "
    "edges, or pad it with black and never enlarge it."
)
Ids = Annotated[tuple[Id, ...], BeforeValidator(listed)]
Takes = Annotated[tuple[Take, ...], BeforeValidator(listed)]


class Trim(Written):
    """Which part of the clip the shot shows."""

    in_: Moment = Field(Duration(Fraction(0)), alias="in", description="Where in the clip the shot starts.")
    of: Length | None = Field(
        None,
        description="How long the clip is at least; what the shot doesn't show of it is handle.",
    )


class Beat(Written):
    """One of several shots within one clip, which a model of several shots cuts by itself."""

    at: Moment = Field(description="When it starts, from the shot's start; it lasts until the next one.")
    prompt: Filled = Field(description='What is seen then. "@mira" binds the character mira.')


class Line(Written):
    """A line of dialogue; times are seconds or frames from the shot's start in the cut."""

    who: Id = Field(description="The id of the character who speaks.")
    line: Filled = Field(description="What is said.")
    at: Moment = Field(Duration(Fraction(0)), description="When it starts; 0 by default.")
    for_: Length | None = Field(
        None, alias="for", description="How long it lasts; by default as long as reading takes."
    )


def _consistent(take: object, takes: tuple[int, ...] | None, pick: int | None, *, of_pass: bool = False) -> None:
    """Raise where `take`, `takes` and `pick` contradict each other; a pick of a pass may be of the shot's takes."""
    if take and takes is not None:
        raise bad("SB107", "both 'take' and 'takes' are written", "write one of the two", "takes")
    if takes is not None and not takes:
        raise bad("SB104", "'takes' is empty", "write takes: [1, 2], or take: 2", "takes")
    twice = next((n for i, n in enumerate(takes or ()) if n in (takes or ())[:i]), None)
    if twice is not None:
        raise bad("SB108", f"take {twice} is listed twice", "list each take once", "takes")
    if pick is not None and takes is None and not of_pass:
        raise bad("SB108", "there are no 'takes' to pick from", "write takes: [1, 2, 3], or take: 2", "pick")
    if pick is not None and takes and pick not in takes:
        shown = ", ".join(map(str, takes))
        raise bad("SB108", f"take {pick} is picked, but isn't one of the takes", f"pick one of {shown}", "pick")


class Override(Setting):
    """What one shot does otherwise in one pass."""

    prompt: Filled | None = Field(None, description="Another prompt, instead of the shot's.")
    camera: Text | None = Field(None, description="Another camera move, instead of the shot's.")
    take: Take | None = Field(None, description="Another roll of the dice: seed + take - 1.")
    takes: Takes | None = Field(None, description="Several takes, made side by side until one is picked.")
    pick: Take | None = Field(None, description="The take that the film uses; the others aren't made any more.")
    start_frame: AnyStart | None = Field(None, description="The picture that the model animates.")
    clip: AnyReference | None = Field(None, description="A clip of one's own in this pass, instead of a made one.")
    characters: Ids | None = Field(None, description="Who is bound, in this order.")

    @model_validator(mode="after")
    def _takes_fit(self) -> Self:
        _consistent(self.take, self.takes, self.pick, of_pass=True)
        return self


class Shot(Written):
    """One shot of the film."""

    id: Id = Field(description="Its name; free to change, as no clip depends on it.")
    prompt: Filled = Field(
        "", description='What is seen. "@mira" binds the character mira. Needed unless there is a clip, or beats.'
    )
    beats: Annotated[tuple[Beat, ...], BeforeValidator(listed)] = Field(
        (), description="Several shots in one clip, by their start: the model cuts between them (shot_type: multi)."
    )
    camera: Text = Field("", description="How the camera moves, such as slow dolly in.")
    negative: Text = Field("", description="What not to show, for the negative prompt.")
    duration: Length = Field(
        Duration(Fraction(5)),
        description="How long the cut shows it: 4 (seconds), 96f (frames) or 00:00:04:00 (timecode); 5 s by default.",
    )
    seed: Seed | None = Field(None, description="Its seed; by default the storyboard's.")
    take: Take = Field(1, description="Another roll of the dice: seed + take - 1.")
    takes: Takes | None = Field(None, description="Several takes, made side by side until one is picked.")
    pick: Take | None = Field(None, description="The take that the film uses; the others aren't made any more.")
    skip: Bool = Field(False, description="Leave it out of the film without deleting it.")
    characters: Ids = Field((), description="Who is bound, in this order; mentions not listed follow.")
    start_frame: AnyStart | None = Field(
        None,
        description="The picture that an image-to-video model animates; {last_frame_of: s010} goes on from a shot.",
    )
    clip: AnyReference | None = Field(None, description="A clip of one's own, instead of a made one.")
    trim: Trim = Field(Trim(), description="Which part of the clip is shown.")
    fit: Fit = Field("hold", description=_FIT)
    framing: Framing = Field("fit", description=_FRAMING)
    transition: AnyTransition = Field(
        Transition(),
        description="How it follows the one before it; a cut by default.",
    )
    effects: Annotated[tuple[AnyEffect, ...], BeforeValidator(listed)] = Field(
        (), description="moviepy's effects by name, or module:function of one's own in a folder that is trusted."
    )
    style: Style | None = Field(None, description="Words instead of its scene's.")
    place: Text | None = Field(None, description="Where it plays, instead of its scene's.")
    time: Text | None = Field(None, description="When it plays, instead of its scene's.")
    dialogue: Annotated[tuple[Line, ...], BeforeValidator(listed)] = Field((), description="What is said, and when.")
    audio: ShotSound = Field(Sound(), description="How its sound goes into the cut.")
    notes: Text = Field("", description="For people; never sent.")
    allow: Allowed = Field({}, description="Warnings that this shot may give: the code, and the reason.")
    passes: Annotated[dict[Id, Override], BeforeValidator(mapped)] = Field(
        {}, description="What this shot does otherwise in a pass."
    )

    @model_validator(mode="after")
    def _takes_fit(self) -> Self:
        _consistent("take" in self.model_fields_set, self.takes, self.pick)
        return self


class Defaults(Written):
    """What every shot does unless it says otherwise."""

    camera: Text = Field("", description="How the camera moves.")
    negative: Text = Field("", description="What not to show.")
    duration: Length = Field(Duration(Fraction(5)), description="How long the cut shows each shot.")
    seed: Seed | None = Field(None, description="The seed of the shots.")
    characters: Ids = Field((), description="Who is bound in every shot.")
    trim: Trim = Field(Trim(), description="Which part of each clip is shown.")
    fit: Fit = Field("hold", description=_FIT)
    framing: Framing = Field("fit", description=_FRAMING)
    transition: AnyTransition = Field(Transition(), description="How each shot follows the one before it.")
    effects: Annotated[tuple[AnyEffect, ...], BeforeValidator(listed)] = Field((), description="Effects on each shot.")
    audio: ShotSound = Field(Sound(), description="How each shot's sound goes into the cut.")
