"""A picture or video that a job is given: a file of the project, or an https URL."""

import re
from fractions import Fraction
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from storyboard.model.values import Filled, Id, Text, Written, bad, kind, read_duration, read_filled


def _read_sha256(value: object) -> str:
    text = read_filled(value).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise bad("SB104", "a SHA-256 is 64 hexadecimal digits", "write what 'sha256sum FILE' prints")
    return text


def is_url(text: str) -> bool:
    """True for anything with a scheme, so that `http:` and `s3:` are refused as URLs, not taken for paths."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


class Url(NamedTuple):
    """What matters of a URL. `host` is "" where it names none; `secret` tells of credentials."""

    scheme: str
    host: str
    path: str
    secret: bool


def split_url(text: str) -> Url | None:
    """The parts of a URL; None where it can't be one.

    A password may hold unescaped `/` or `@`; whatever stands before the last `@` near the host is then taken
    for credentials, as a browser's user would have meant it.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415 -- most storyboards hold no URL

    scheme, _, rest = text.partition("://")
    try:
        parts = urlsplit(text)
        _ = parts.port
        host = parts.hostname or ""
    except ValueError:
        if re.match(r"[^/@\s]*:[^\s]*@", rest):
            return Url(scheme.lower(), "", "", secret=True)
        return None
    return Url(parts.scheme, host, parts.path, "@" in parts.netloc)


def url_path(text: str) -> str | None:
    """A URL's path; None where it can't be a URL."""
    parts = split_url(text)
    return parts.path if parts else None


def _read_path(value: object) -> str:
    read_filled(value)
    return str(value)  # as written: a file system may tell two spellings of a letter apart


Path = Annotated[str, BeforeValidator(_read_path), WithJsonSchema({"type": "string", "minLength": 1})]


def _read_part(value: object) -> tuple[Fraction, Fraction]:
    help_ = "write [from, to] in seconds, such as [1, 4.5]"
    if not isinstance(value, list) or len(value) != 2:
        raise bad("SB103", "the seconds to use are two: from and to", help_)
    first, last = (read_duration(one) for one in value)
    if first.in_frames or last.in_frames or first.frames is not None or last.frames is not None:
        raise bad("SB103", "the seconds of a reference are in seconds", help_)
    if first.amount >= last.amount:
        raise bad("SB104", "the seconds to use end before they begin", help_)
    return first.amount, last.amount


Part = Annotated[
    tuple[Fraction, Fraction],
    BeforeValidator(_read_part),
    WithJsonSchema({"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 2, "maxItems": 2}),
]
Sha256 = Annotated[
    str, BeforeValidator(_read_sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{64}$"})
]


class Reference(Written):
    """A file beside the storyboard or an https URL, with what else is known of it."""

    file: Path | None = Field(None, description="A path from the storyboard's folder.")
    url: Filled | None = Field(None, description="An https URL.")
    sha256: Sha256 | None = Field(
        None, description="What its bytes are known to be: a URL is then never fetched to find out, a file is compared."
    )
    role: Text = Field("", description="What it shows, for people: front, profile, back …")
    seconds: Part | None = Field(None, description="Of a video: the seconds to use, [from, to].")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise bad("SB107", "a reference is either a 'file' or a 'url'", "write one of the two")
        return self

    def __str__(self) -> str:
        return self.file or self.url or ""


class StartFrame(Written):
    """The picture that a clip starts from: a file, an https URL, or the last frame of another shot's clip."""

    file: Path | None = Field(None, description="A path from the storyboard's folder.")
    url: Filled | None = Field(None, description="An https URL.")
    sha256: Sha256 | None = Field(None, description="What its bytes are known to be.")
    last_frame_of: Id | None = Field(None, description="A shot, whose clip this one goes on from.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.file, self.url, self.last_frame_of)) != 1:
            help_ = "write one of the three"
            raise bad("SB107", "a start frame is a 'file', a 'url' or {last_frame_of: s010}", help_)
        return self

    @property
    def picture(self) -> Reference | None:
        """The file or URL; None where another shot is meant."""
        if self.last_frame_of is not None:
            return None
        return Reference.model_construct(file=self.file, url=self.url, sha256=self.sha256)


def _read(value: object) -> Any:
    if isinstance(value, str):
        return {"url" if is_url(value) else "file": value}
    if isinstance(value, (dict, Written)):
        return value
    raise bad("SB103", f"expected a path or an https URL, found {kind(value)}", "write refs/mira.png")


AnyReference = Annotated[
    Reference,
    BeforeValidator(
        _read,
        json_schema_input_type=Annotated[
            str | Reference, Field(description="A path, an https URL, or {file: …} / {url: …, sha256: …}.")
        ],
    ),
]
"""A reference as written: a path, a URL, or keys and values."""

AnyStart = Annotated[
    StartFrame,
    BeforeValidator(
        _read,
        json_schema_input_type=Annotated[
            str | StartFrame, Field(description="A path, an https URL, or {last_frame_of: s010}.")
        ],
    ),
]
"""A start frame as written."""
