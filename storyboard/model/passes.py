"""A pass of the film: which model makes the clips, and how."""

from typing import Annotated

from pydantic import BeforeValidator, Field

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
)

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
    burn_in: Bool | None = Field(
        None, description="Shot, pass and timecode in the picture of the cut; by default where the model is local."
    )
    upload_via: UploadVia | None = Field(
        None, description="Who hosts files for a provider that takes https URLs only: wavespeed."
    )
    allow: Allowed = Field({}, description="Warnings that this pass may give: the code, and the reason.")
