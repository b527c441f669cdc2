"""A strict server of the Bazel HTTP cache protocol on loopback, as bazel-remote documents it, with faults by switch.

`/ac/<64 hex>` and `/cas/<64 hex>`, below an instance name or not; GET, HEAD, PUT. A PUT has its length, and below
`cas` bytes that hash to its name. Every request is noted in `asked`; what is kept stands in `kept`, by name.

    with Bazel() as cache:
        cache.url, cache.kept["ac/…"], cache.asked
        cache.faults.append(Fault("busy", times=2))
        cache.lose("cas/…")       # evicted behind a live record
"""

import base64
import gzip
import hashlib
import os
import re
import socket
import ssl
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_PATH = re.compile(r"/(?:.*/)?((?:ac|cas)/[a-f0-9]{64})")
EMPTY = hashlib.sha256(b"").hexdigest()


class Asked(NamedTuple):
    """One request: method, path and headers as they came, and the status that it got."""

    method: str
    path: str
    headers: dict[str, str]
    status: int


@dataclass
class Fault:
    """What goes wrong with the next `times` requests (None: with all) whose `METHOD /path` matches `on`.

    `kind` is one of: truncated (a part of the bytes, then the connection ends), wrong (a flipped bit), absent (404),
    status (answers `status`), stuck (no answer until the server is closed), drip (a byte now and then), endless
    (more bytes than anybody wants, chunked), redirect (307 to `to`), gzip (compressed though nobody asked), cut (the
    connection ends before an answer), unsaid (no length told), huge (a length that no clip has).
    """

    kind: str
    on: str = ".*"
    times: int | None = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    to: str = ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """End a TLS connection so that the alert arrives: closed over unread bytes, it would be a reset instead."""
        if isinstance(request, ssl.SSLSocket):
            with suppress(OSError), socket.socket(fileno=os.dup(request.fileno())) as raw:
                raw.settimeout(5)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(1 << 16):
                    pass
        super().shutdown_request(request)


class Bazel:
    """The server. `user` and `token` close it to others, `reads` opens it for reading, `writable` says whether PUT
    is allowed, `strict_records` refuses records that are no ActionResult, as bazel-remote does unless told not to.

    `certificate` is (certificate chain, key), `clients` the CA whose clients alone are let in.
    """

    def __init__(
        self,
        *,
        user: tuple[str, str] | None = None,
        token: str = "",
        reads: bool = False,
        writable: bool = True,
        strict_records: bool = False,
        certificate: tuple[Path, Path] | None = None,
        clients: Path | None = None,
    ) -> None:
        self.kept: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.wants = ""
        if user:
            self.wants = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        if token:
            self.wants = f"Bearer {token}"
        self.reads = reads
        self.writable = writable
        self.strict_records = strict_records
        self.over = threading.Event()
        self._turn = threading.Lock()
        cache = self

        class Handler(_Handler):
            owner = cache

        self._server = _Server(("127.0.0.1", 0), Handler)
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
            if clients:
                tls.verify_mode = ssl.CERT_REQUIRED
                tls.load_verify_locations(clients)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        host = "https://localhost" if certificate else "http://127.0.0.1"
        self.url = f"{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def put(self, data: bytes) -> str:
        """Keep a blob, and give its name."""
        name = f"cas/{hashlib.sha256(data).hexdigest()}"
        self.kept[name] = data
        return name

    def lose(self, name: str) -> None:
        """Evict something, as a cache may at any time."""
        self.kept.pop(name, None)

    def counted(self) -> Counter[str]:
        """How many requests there were of each method and folder: `PUT cas`."""
        return Counter(f"{one.method} {one.path.split('/')[-2]}" for one in self.asked)

    def _fault(self, asked: str) -> Fault | None:
        with self._turn:
            for one in self.faults:
                if one.times != 0 and re.search(one.on, asked):
                    if one.times is not None:
                        one.times -= 1
                    return one
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Bazel
    answered = False

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        return

    def _serve(self) -> None:
        fault = self.owner._fault(f"{self.command} {self.path}")
        self._note(0)
        if fault and self._before(fault):
            return
        found = _PATH.fullmatch(self.path)
        if not found:
            self._answer(400, b"resource name must be a SHA256 hash in hex")
        elif not self._let_in():
            self._drain()
            self._answer(401, b"Authorization required", {"WWW-Authenticate": 'Basic realm="cache"'})
        elif self.command == "PUT":
            self._keep(found[1])
        else:
            self._give(found[1], fault)

    def _let_in(self) -> bool:
        if not self.owner.wants or (self.owner.reads and self.command != "PUT"):
            return True
        return self.headers.get("Authorization") == self.owner.wants

    def _keep(self, name: str) -> None:
        kind, _, sha256 = name.partition("/")
        told = self.headers.get("Content-Length", "")
        if not self.owner.writable:
            self._drain()
            self._answer(405, b"read only")
            return
        if not told.isdigit():
            self._answer(400, b"PUT without Content-Length")
            return
        data = self.rfile.read(int(told))
        if len(data) < int(told):
            self.close_connection = True
            return
        if self.headers.get("Content-Encoding", "identity") != "identity":
            self._answer(400, b"Unsupported content-encoding")
        elif kind == "cas" and hashlib.sha256(data).hexdigest() != sha256:
            self._answer(400, b"hash mismatch")
        elif kind == "ac" and self.owner.strict_records:
            self._answer(400, b"Failed to unmarshal ActionResult")
        else:
            self.owner.kept[name] = data
            self._answer(200)

    def _give(self, name: str, fault: Fault | None) -> None:
        data = self.owner.kept.get(name, b"" if name == f"cas/{EMPTY}" else None)
        if data is None:
            self._answer(404, b"Not found")
            return
        kind = fault.kind if fault else ""
        if kind == "wrong":
            data = data[:-1] + bytes([data[-1] ^ 1])
        if kind in {"truncated", "drip", "endless", "unsaid", "huge"}:
            self._badly(kind, data)
        elif kind == "gzip":
            self._answer(200, gzip.compress(data), {"Content-Encoding": "gzip"})
        else:
            self._answer(200, data, {"Content-Type": "application/octet-stream"})

    def _before(self, fault: Fault) -> bool:
        """Whether a fault leaves nothing more to do."""
        if fault.kind == "absent":
            self._drain()
            self._answer(404, b"Not found")
        elif fault.kind == "status":
            self._drain()
            self._answer(fault.status, b"out of order", fault.headers)
        elif fault.kind == "redirect":
            self._drain()
            self._answer(307, b"", {"Location": fault.to + self.path})
        elif fault.kind == "stuck":
            self.owner.over.wait(30)
            self.close_connection = True
        elif fault.kind == "cut":
            self.close_connection = True
        else:
            return False
        return True

    def _badly(self, kind: str, data: bytes) -> None:
        self._note(200)
        self.close_connection = True
        self.send_response(200)
        if kind == "endless":
            self.send_header("Transfer-Encoding", "chunked")
        elif kind == "huge":
            self.send_header("Content-Length", str(1 << 40))
        elif kind != "unsaid":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "truncated":
            self.wfile.write(data[: len(data) // 2])
        elif kind in {"unsaid", "huge"}:
            self.wfile.write(data)
        while kind == "endless" and not self.owner.over.is_set():
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        for n in range(len(data) if kind == "drip" else 0):
            self.wfile.write(data[n : n + 1])
            if self.owner.over.wait(0.05):
                return

    def _drain(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _note(self, status: int) -> None:
        """Note the request, or how it was answered."""
        one = Asked(self.command, self.path, dict(self.headers.items()), status)
        with self.owner._turn:
            if status:
                self.owner.asked[self._at] = one
            else:
                self._at = len(self.owner.asked)
                self.owner.asked.append(one)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self._note(status)
        (self.send_response_only if "Date" in (headers or {}) else self.send_response)(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
