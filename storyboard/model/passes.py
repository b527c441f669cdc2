"""A pass of the film: which model makes the clips, and how."""

from pydantic import Field

from storyboard.model.values import Bool, Filled, Resolution, Seed, ShotType, Text, UploadVia, Written


class Switches(Written):
    """What a pass sets for all its shots, and a shot may set for itself under `passes`."""

    resolution: Resolution | None = Field(None, description="720p (the default) or 1080p.")
    audio: Bool | None = Field(
        None, description="Sound made by the model; false by default, as it may double the price."
    )
    shot_type: ShotType | None = Field(None, description="single (the default), or multi: the model may cut.")
    prompt_expansion: Bool | None = Field(None, description="Let the provider rewrite the prompt; false by default.")
    negative: Text | None = Field(None, description="What not to show; joined with the other negatives.")
    seed: Seed | None = Field(None, description="The seed for the takes; by default the storyboard's.")


class Pass(Switches):
    """One way to make the film: a free animatic, a cheap draft, an expensive final."""

    model: Filled = Field(description="Provider and model, such as local/animatic; 'storyboard models' lists them.")
    upload_via: UploadVia | None = Field(
        None, description="Who hosts files for a provider that takes https URLs only: wavespeed."
    )
