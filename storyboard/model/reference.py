"""A picture or video that a job is given: a file of the project, or an https URL."""

import re
from typing import Annotated, Any, Self

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


class Reference(Written):
    """A file beside the storyboard or an https URL, with what else is known of it."""

    file: Filled | None = Field(None, description="A path from the storyboard's folder.")
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
