"""HTTP on loopback: reads requests, lets a script bend them, and sends what the services answer."""

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from storyboard.simulator.faults import Fault, On, Script
from storyboard.simulator.message import Answer, Refused, Request, Route, as_json
from storyboard.simulator.outputs import PAGE
from storyboard.simulator.service import Engine
from storyboard.simulator.shelf import Shelf

LARGEST = 64 << 20
"""Bytes of a request's body."""
_DRAINED = 256 << 20
_IDLE = 60
_FLOOD = b" " * (1 << 18)
_BENT_INSIDE = frozenset(
    {"fail", "moderate", "empty", "two", "silent", "short", "not_video"}
    | {"status_word", "wrong_type", "expire", "price"}
)
"""Faults that the services themselves carry out."""


class Service(Protocol):
    """One API: a route for a request, and the shape of its errors."""

    prefix: str

    def route(self, request: Request) -> Route:
        """What a request asks for.

        Raises:
            Refused: nothing that is done here.
        """
        ...

    def refusal(self, refused: Refused) -> Answer:
        """An error in the service's own shape."""
        ...


class Seen(NamedTuple):
    """One request and the status it was answered with; 0 where the connection was closed instead."""

    method: str
    path: str
    status: int


class Store:
    """The addresses of uploaded files: `/signed/…` to put them, `/uploads/…` to fetch them."""

    def __init__(
        self, prefix: str, act: Callable[[Request], Answer], provider: str, named: Callable[[str], str]
    ) -> None:
        self.prefix = prefix
        self._act = act
        self._provider = provider
        self._named = named

    def route(self, request: Request) -> Route:
        """The PUT, which a script may bend, or a download."""
        on: On | None = "put" if self._provider else None
        return Route(lambda _: self._act(request), on, self._provider, prompt=self._named(request.path))

    def refusal(self, refused: Refused) -> Answer:
        """An error in an object store's shape."""
        return Answer(refused.status, f"<Error>{refused.message}</Error>".encode(), "application/xml", refused.headers)


def stores(shelf: Shelf) -> tuple[Store, Store]:
    """The two addresses of WaveSpeed's uploads."""
    return Store("/signed/", shelf.put, "wavespeed", shelf.named), Store("/uploads/", shelf.get, "", str)


class Server(ThreadingHTTPServer):
    """Serves the services on 127.0.0.1; a thread for each connection.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(
        self,
        port: int,
        services: Sequence[Service],
        engine: Engine,
        script: Script,
        notify: Callable[[Seen], None] | None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.services = services
        self.engine = engine
        self.script = script
        self.seen: list[Seen] = []
        self._notify = notify
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be closed at the end."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""

    def close_all(self) -> None:
        """Close the connections that clients keep alive."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def note(self, seen: Seen) -> None:
        """Keep a request in the log."""
        with self._lock:
            self.seen.append(seen)
        if self._notify is not None:
            self._notify(seen)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "simulator"
    sys_version = ""
    timeout = _IDLE
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """Silent."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Of the clock that dates the jobs, too."""
        return super().date_time_string(self.server.engine.now() if timestamp is None else timestamp)

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, unquote(parts.path), dict(parse_qsl(parts.query)), headers, b"")
        service = next((one for one in self.server.services if _under(one.prefix, request.path)), None)
        try:
            body = self._body()
            answer = self._answer(service, replace(request, body=body)) if service is not None else None
        except Refused as refused:
            answer = _refusal(service, refused, request)
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 -- a fault of this program is an answer too, not a dead connection
            answer = _refusal(service, Refused(500, f"the simulator failed: {error!r}"), request)
        if service is None:
            answer = as_json({"message": "there is no such route"}, 404)
        # The log comes first: whoever got the answer finds the request there.
        self.server.note(Seen(self.command, request.path, answer.status if answer is not None else 0))
        if answer is None:
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve  # noqa: N815 -- http.server's names

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self.close_connection = True
            raise Refused(411, "Content-Length: it is required")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            self.close_connection = True
            raise Refused(400, "Content-Length: it is no number")
        if int(length) <= LARGEST:
            return self.rfile.read(int(length))
        self.close_connection = True
        left = min(int(length), _DRAINED)
        while left > 0 and (chunk := self.rfile.read(min(left, 1 << 20))):  # else the client never reads the answer
            left -= len(chunk)
        raise Refused(413, f"the body is over {LARGEST >> 20} MiB")

    def _answer(self, service: Service, request: Request) -> Answer | None:
        """What to send; None to close the connection without a word."""
        route = service.route(request)
        fault = None
        if route.on is not None:
            fault = self.server.script.take(route.on, route.provider, route.model, route.prompt)
        if fault is None or fault.do in _BENT_INSIDE:
            return route.act(fault)
        if fault.do == "refuse":
            return None
        if fault.do == "html":
            return Answer(200, PAGE, "text/html")
        if fault.do == "status" and not fault.accepted:
            return _status(service, fault, request)
        done = route.act(None)
        if fault.do == "status":
            return _status(service, fault, request)
        if fault.do == "drop":
            return None
        if fault.do == "reset":
            return replace(done, stop=len(done.body) // 2, reset=True)
        if fault.do == "no_id":
            return replace(done, body=b"{}")
        if fault.do == "garbage":
            return replace(done, body=done.body[: len(done.body) // 2])
        if fault.do == "mistyped":
            return replace(done, media="text/html")
        if fault.do == "cut":
            return replace(done, stop=len(done.body) // 2)
        if fault.do == "bomb":
            return Answer(200, _bomb(), headers={"Content-Encoding": "gzip"})
        if fault.do == "endless":
            return replace(done, drip=fault.seconds)
        return replace(done, late=fault.seconds)

    def _send(self, answer: Answer) -> None:
        self.server.engine.wait(answer.late)
        self.close_connection = self.close_connection or answer.drip is not None
        length = {} if answer.drip is not None else {"Content-Length": str(len(answer.body))}
        self.send_response(answer.status)
        for name, value in ({"Content-Type": answer.media} | length | dict(answer.headers)).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.stop])
        if answer.stop is not None:
            self.close_connection = True
        while answer.drip is not None:  # until the client goes, or the end of the simulator closes the connection
            self.server.engine.wait(answer.drip)
            self.wfile.write(b" " if answer.drip else _FLOOD)
        if answer.reset:
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@cache
def _bomb() -> bytes:
    """300 MiB of blanks, packed."""
    packer = zlib.compressobj(1, wbits=31)
    parts = [packer.compress(b" " * (1 << 20)) for _ in range(300)]
    return b"".join([*parts, packer.flush()])


def _under(prefix: str, path: str) -> bool:
    return path.startswith(prefix) if prefix.endswith("/") else path == prefix


def _refusal(service: Service | None, refused: Refused, request: Request) -> Answer:
    if service is None:
        return as_json({"message": refused.message}, refused.status)
    refused.path = request.path
    answer = service.refusal(refused)
    return replace(answer, headers={**answer.headers, **refused.headers})


def _status(service: Service, fault: Fault, request: Request) -> Answer:
    """A scripted status: with the body given (a text as it is), else in the service's own shape."""
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    headers |= fault.headers
    if isinstance(fault.body, str):
        return Answer(fault.status, fault.body.encode(), "text/plain", headers)
    if fault.body is not None:
        return Answer(fault.status, json.dumps(fault.body).encode(), headers=headers)
    return _refusal(service, Refused(fault.status, f"the service answers {fault.status}", headers), request)
