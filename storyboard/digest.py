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
    _require_exact(value)
    return _ENCODER.encode(value).encode()


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_EXACT = {str, int, bool, type(None)}


def _require_exact(value: Any) -> None:
    kind = type(value)
    if kind is dict:
        if not set(map(type, value)) <= {str}:
            raise TypeError(f"the keys of canonical JSON are texts: {value!r}")
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    elif kind in _EXACT:
        return
    else:
        raise TypeError(f"{kind.__name__} has no canonical form: {value!r}")
    for item in items:
        if type(item) not in _EXACT:
            _require_exact(item)


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


def seal(body: bytes) -> bytes:
    """`body` behind its own digest and a line break, so that a reader can tell damage."""
    return sha256(body).encode() + b"\n" + body


def unseal(data: bytes) -> bytes:
    """What was sealed.

    Raises:
        ValueError: any byte of it changed.
    """
    check, _, body = data.partition(b"\n")
    if check != sha256(body).encode():
        raise ValueError("damaged")
    return body


def of(value: Any) -> str:
    """The digest of a value's canonical JSON."""
    return sha256(canonical(value))
