"""One HTTP exchange as values, and what a service refuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from storyboard.simulator.faults import Fault, On


@dataclass(frozen=True)
class Request:
    """What came in. `headers` by lower-case name; `query` holds the first value of each parameter."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            Refused: it isn't one.
        """
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body isn't JSON: {error}") from error
        if not isinstance(value, dict):
            raise Refused(400, "the body isn't a JSON object")
        return value


@dataclass(frozen=True)
class Answer:
    """What goes out. The connection breaks after `stop` bytes of the body, where that is given; `reset` with a TCP
    reset. Where `drip` is given, no length is told, and blanks follow the body until the client has enough: one each
    so many seconds, or as many as go. It goes out `late` by so many seconds.
    """

    status: int
    body: bytes = b""
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    stop: int | None = None
    reset: bool = False
    drip: float | None = None
    late: float = 0


class Refused(Exception):
    """A request that isn't carried out: an HTTP status, and words in which the field at fault is named.

    `path` is filled in by the server.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.path = ""


@dataclass(frozen=True)
class Route:
    """What a request asks of a service, before it is carried out: `act` does it, bent by a fault or not.

    `on` is None where no fault can be scripted.
    """

    act: Callable[[Fault | None], Answer]
    on: On | None = None
    provider: str = ""
    model: str = ""
    prompt: str = ""


def as_json(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode())


def require_key(request: Request) -> None:
    """Raise `Refused` (401) without a bearer key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(401, "there is no API key: send 'Authorization: Bearer …'")


def require_method(request: Request, *allowed: str) -> None:
    """Raise `Refused` (405) for another method."""
    if request.method not in allowed:
        raise Refused(405, f"{request.method} isn't allowed here", {"Allow": ", ".join(allowed)})
