"""Sound in the cut: of one shot, and of the whole film. Nothing of it is sent to a model."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from storyboard.model.reference import Path
from storyboard.model.values import Bool, Duration, Moment, Written, bad, kind


def _decibels(low: int, high: int, what: str, example: str) -> Any:
    def read(value: object) -> Decimal:
        if not isinstance(value, str):
            raise bad("SB103", f"expected {what}, found {kind(value)}", f"write {example}")
        text = re.fullmatch(r"([-+]?[0-9]{1,3}(?:\.[0-9]{1,2})?)(?: ?(?:dB|LUFS))?", value)
        if not text:
            raise bad("SB103", f"'{value[:40]}' isn't {what}", f"write {example}")
        if not low <= Decimal(text[1]) <= high:
            raise bad("SB104", f"{text[1]} is out of range", f"write a number from {low} to {high}")
        return Decimal(text[1])

    return read


Gain = Annotated[
    Decimal,
    BeforeValidator(_decibels(-96, 24, "a gain in decibels", "-6")),
    WithJsonSchema({"type": "number", "minimum": -96, "maximum": 24}),
]
Duck = Annotated[
    Decimal,
    BeforeValidator(_decibels(-96, 0, "a gain in decibels", "-12")),
    WithJsonSchema({"type": "number", "minimum": -96, "maximum": 0}),
]
Loudness = Annotated[
    Decimal,
    BeforeValidator(_decibels(-70, 0, "a loudness in LUFS", "-16")),
    WithJsonSchema({"type": "number", "minimum": -70, "maximum": 0}),
]


def _sound(value: object) -> Any:
    if isinstance(value, dict):
        return value
    help_ = "a model's sound is a switch of the pass, under 'passes'; here write {volume: -6}"
    raise bad("SB103", f"expected keys and values, found {kind(value)}", help_)


class Sound(Written):
    """How a shot's sound goes into the cut."""

    lead: Moment = Field(
        Duration(Fraction(0)), description="How long before its picture the shot's sound starts: a J cut."
    )
    tail: Moment = Field(
        Duration(Fraction(0)), description="How long after its picture the shot's sound goes on: an L cut."
    )
    volume: Gain = Field(Decimal(0), description="In decibels; 0 leaves it as it is.")
    mute: Bool = Field(False, description="Leave the clip's own sound out.")


class Bed(Written):
    """Sound under the film."""

    file: Path = Field(description="A path from the storyboard's folder; repeated where the film is longer.")
    volume: Gain = Field(Decimal(0), description="In decibels; 0 leaves it as it is.")
    duck: Duck = Field(Decimal(-12), description="Its gain under speech, in decibels; 0 leaves it as it is.")


def _bed(value: object) -> Any:
    return {"file": value} if isinstance(value, str) else value


AnyBed = Annotated[
    Bed,
    BeforeValidator(
        _bed,
        json_schema_input_type=Annotated[str | Bed, Field(description="A path, or {file: …, volume: -12}.")],
    ),
]
"""Sound under the film as written: a path, or keys and values."""


class Mix(Written):
    """The sound of the whole film."""

    music: AnyBed | None = Field(None, description="Music under the film: a file beside the storyboard.")
    room_tone: AnyBed | None = Field(None, description="The sound of the place under the film, so that silence isn't.")
    scratch: Bool = Field(
        False, description="Read the dialogue with a voice of this machine (espeak-ng) where a clip has no sound."
    )
    loudness: Loudness = Field(
        Decimal(-16), description="What the film is brought to, in LUFS (EBU R128): -16, or -23 for broadcast."
    )


ShotSound = Annotated[Sound, BeforeValidator(_sound)]
"""A shot's sound as written."""
