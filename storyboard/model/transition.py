"""How a shot follows the one before it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from storyboard.diagnostic import did_you_mean
from storyboard.model.values import Length, Written, bad, kind

# fmt: off
XFADE = (
    "circleclose", "circlecrop", "circleopen", "coverdown", "coverleft", "coverright", "coverup", "diagbl",
    "diagbr", "diagtl", "diagtr", "distance", "fadeblack", "fadefast", "fadegrays", "fadeslow", "fadewhite",
    "hblur", "hlslice", "hlwind", "horzclose", "horzopen", "hrslice", "hrwind", "pixelize", "radial", "rectcrop",
    "revealdown", "revealleft", "revealright", "revealup", "slidedown", "slideleft", "slideright", "slideup",
    "smoothdown", "smoothleft", "smoothright", "smoothup", "squeezeh", "squeezev", "vdslice", "vdwind", "vertclose",
    "vertopen", "vuslice", "vuwind", "wipebl", "wipebr", "wipedown", "wipeleft", "wiperight", "wipetl", "wipetr",
    "wipeup", "zoomin",
)
"""What ffmpeg's xfade filter offers by its own names, besides `fade` and `dissolve` (ffmpeg-filters, xfade)."""
# fmt: on

TYPES = ("cut", "dissolve", "fade", "dip", "wipe", *XFADE)


def _type(value: object) -> str:
    if not isinstance(value, str):
        raise bad("SB103", f"expected a transition, found {kind(value)}", "write cut or dissolve")
    if value not in TYPES:
        close = did_you_mean(value, TYPES)
        help_ = close if close.startswith("did") else "write cut, dissolve, fade, dip, wipe, or one of ffmpeg's xfade"
        raise bad("SB104", f"'{value[:40]}' is no transition", help_)
    return value


class Transition(Written):
    """How this shot follows the one before it."""

    type: Annotated[str, BeforeValidator(_type), WithJsonSchema({"enum": list(TYPES)})] = Field(
        "cut", description="cut, dissolve, fade, dip, wipe, or one of ffmpeg's xfade by its name, such as wipeleft."
    )
    duration: Length | None = Field(None, description="How long it takes, from the cut on; half a second by default.")


def _read(value: object) -> Any:
    return {"type": value} if isinstance(value, str) else value


AnyTransition = Annotated[
    Transition,
    BeforeValidator(
        _read,
        json_schema_input_type=Annotated[
            Transition | Annotated[str, WithJsonSchema({"enum": list(TYPES)})],
            Field(description="Its type alone, or {type: dissolve, duration: 0.5}."),
        ],
    ),
]
"""A transition as written: its type, or keys and values."""
