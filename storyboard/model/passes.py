"""A pass of the film: which model makes the clips, and how."""

from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetPydanticSchema,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from storyboard.model.values import (
    Allowed,
    Bool,
    Filled,
    Id,
    Resolution,
    Seed,
    ShotType,
    Text,
    UploadVia,
    Written,
    listed,
    one_of,
    read_bool,
)

Subtitles = Annotated[
    str, BeforeValidator(one_of("none", "soft", "burn")), WithJsonSchema({"enum": ["none", "soft", "burn"]})
]


class BurnIn(Written):
    """What is burned into the picture of a cut, besides names and timecodes."""

    watermark: Text = Field("", description="Words across the picture, such as a reviewer's name.")
    date: Bool = Field(False, description="The day on which the cut is made.")


def _burn_in(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    return read(value) if isinstance(value, dict) else read_bool(value)


AnyBurnIn = Annotated[
    bool | BurnIn,
    GetPydanticSchema(lambda _, read: read(BurnIn)),  # a union's errors name its options, which no author wrote
    WrapValidator(
        _burn_in,
        json_schema_input_type=Annotated[
            bool | BurnIn, Field(description="true, false, or {watermark: …, date: true}.")
        ],
    ),
]
"""Burn-ins as written: on, off, or keys and values."""

NO_GUIDE = "none"
"""What `guide` says where the shots of a pass, or one of them, have none."""


class Switches(Written):
    """What a pass sets for all its shots, and a scene or a shot may set for itself under `passes`."""

    resolution: Resolution | None = Field(None, description="720p (the default) or 1080p.")
    audio: Bool | None = Field(
        None, description="Sound made by the model; false by default, as it may double the price."
    )
    shot_type: ShotType | None = Field(None, description="single (the default), or multi: the model may cut.")
    prompt_expansion: Bool | None = Field(None, description="Let the provider rewrite the prompt; false by default.")
    negative: Text | None = Field(None, description="What not to show; joined with the other negatives.")
    seed: Seed | None = Field(None, description="The seed for the takes; by default the storyboard's.")
    guide: Id | None = Field(
        None, description="A pass whose clip of the same shot is the model's motion reference; or none."
    )


class _Made(Written):
    model: Filled = Field(description="Provider and model, such as local/animatic; 'storyboard models' lists them.")
    extends: Id | None = Field(
        None, description="A pass whose keys this one has too, unless it writes its own; allow isn't handed on."
    )


class Setting(Switches):
    """What a scene, or a shot, does otherwise in one pass."""

    model: Filled | None = Field(None, description="Another model in this pass.")


class Pass(Switches, _Made):
    """One way to make the film: a free animatic, a cheap draft, an expensive final."""

    only: Annotated[tuple[Filled, ...], BeforeValidator(listed)] | None = Field(
        None, description="The only shots that the pass makes: ids of shots and scenes, or changed."
    )
    burn_in: AnyBurnIn | None = Field(
        None, description="Names and timecodes in the picture of the cut; by default where the model is local."
    )
    fallback: Annotated[tuple[Id, ...], BeforeValidator(listed)] | None = Field(
        None,
        description="The passes whose clips the cut shows where this one has none, the best first; by default the "
        "earlier passes, the nearest first.",
    )
    leader: Bool | None = Field(None, description="Start the cut with a slate and a countdown; false by default.")
    subtitles: Subtitles | None = Field(
        None, description="The dialogue as subtitles of the cut: none (the default), soft (a track) or burn."
    )
    upload_via: UploadVia | None = Field(
        None, description="Who hosts files for a provider that takes https URLs only: wavespeed."
    )
    allow: Allowed = Field({}, description="Warnings that this pass may give: the code, and the reason.")
