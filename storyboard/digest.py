"""Canonical JSON and SHA-256: the only hashing in the package."""

import hashlib
import json
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20


def canonical(value: Any) -> bytes:
    """`value` as canonical JSON: sorted keys, no spaces, UTF-8, no floats.

    Two equal values give equal bytes on every machine, which a float's text would not promise; times and
    money are therefore written as integers or decimal strings.

    Raises:
        TypeError: `value` holds a float, or something that JSON has no form for.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_floats(value: Any) -> None:
    if type(value) is str or type(value) is int:
        return
    if isinstance(value, float):
        raise TypeError(f"a float has no canonical form: {value!r}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of canonical JSON is text, not {key!r}")
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_stream(stream: IO[bytes]) -> str:
    """64 hex digits of what is left to read in `stream`."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def sha256_file(path: Path) -> str:
    """64 hex digits of a file's bytes."""
    with path.open("rb") as stream:
        return sha256_stream(stream)


def of(value: Any) -> str:
    """The digest of a value's canonical JSON."""
    return sha256(canonical(value))
