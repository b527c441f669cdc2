"""A picture or video that a job is given: a file of the project, or an https URL."""

import re
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from storyboard.model.values import Filled, Text, Written, bad, kind, read_filled


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


class Reference(Written):
    """A file beside the storyboard or an https URL, with what else is known of it."""

    file: Path | None = Field(None, description="A path from the storyboard's folder.")
    url: Filled | None = Field(None, description="An https URL.")
    sha256: Annotated[str | None, BeforeValidator(_read_sha256), WithJsonSchema({"type": "string"})] = Field(
        None, description="What the URL's bytes are known to be; it is then never fetched to find out."
    )
    role: Text = Field("", description="What it shows: front, profile, voice …")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise bad("SB104", "a reference is either a 'file' or a 'url'", "write one of the two")
        return self

    def __str__(self) -> str:
        return self.file or self.url or ""


def _read(value: object) -> Any:
    if isinstance(value, str):
        return {"url" if is_url(value) else "file": value}
    if isinstance(value, (dict, Reference)):
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
