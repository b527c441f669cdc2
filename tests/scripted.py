"""A loopback server that answers by a script, and how each service words what it answers."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from storyboard import digest
from storyboard.job import Job
from storyboard.providers import Seller

KEY = "sk-5ecret-KEY-0123456789"
ID = "job-1"
HTML = b"<!doctype html><title>502</title><p>Bad gateway"


class Request(NamedTuple):
    """What came: header names in lower case. `role` says what it is for."""

    role: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    def holds(self, text: str) -> bool:
        """Whether `text` is anywhere in it."""
        return text in f"{self.path} {dict(self.headers)}" or text.encode() in self.body


class Reply(NamedTuple):
    """What is answered. `fault`: "drop" closes the connection instead, "cut" after half of the body; "endless"
    tells no length.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    fault: str = ""


Script = Reply | Callable[[Request], Reply]


def told(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | headers)


def page(status: int = 200) -> Reply:
    """What a proxy answers instead of the service."""
    return Reply(status, HTML, {"Content-Type": "text/html"})


def ranged(data: bytes) -> Callable[[Request], Reply]:
    """Answers as a store that knows Range."""

    def answer(request: Request) -> Reply:
        asked = request.headers.get("range", "")
        if not asked:
            return Reply(200, data, {"ETag": '"tag"'})
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": '"tag"', "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return Reply(206, data[start:], headers)

    return answer


class Server:
    """Answers each role's requests in turn; the last reply of a script stays."""

    def __init__(self) -> None:
        self.log: list[Request] = []
        self._scripts: dict[str, list[Script]] = {}
        self._used: Counter[str] = Counter()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = owner.answer(Request(_role(self.command, self.path), self.command, self.path, headers, body))
                if reply.fault:
                    self.close_connection = True
                if reply.fault == "drop":
                    return
                length = {} if reply.fault == "endless" else {"Content-Length": str(len(reply.body))}
                lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in {**reply.headers, **length}.items())]
                whole = "\r\n".join([*lines, "", ""]).encode()
                half = reply.body[: len(reply.body) // 2] if reply.fault == "cut" else reply.body
                self.connection.sendall(whole + half)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 -- http.server's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def reset(self) -> None:
        """Forget scripts and requests."""
        with self._lock:
            self.log, self._scripts, self._used = [], {}, Counter()

    def script(self, role: str, *replies: Script) -> None:
        """What requests of `role` are answered from now on."""
        with self._lock:
            self._scripts[role] = list(replies)
            self._used[role] = 0

    def answer(self, request: Request) -> Reply:
        """The next reply for a request."""
        with self._lock:
            self.log.append(request)
            replies = self._scripts.get(request.role)
            if not replies:
                return Reply(418, f"nothing is scripted for {request.role}".encode())
            reply = replies[min(self._used[request.role], len(replies) - 1)]
            self._used[request.role] += 1
        return reply if isinstance(reply, Reply) else reply(request)

    def of(self, role: str) -> list[Request]:
        """The requests of one role, in order."""
        with self._lock:
            return [request for request in self.log if request.role == role]


def unwatched(_done: int, _doing: str = "") -> None:
    """Progress that nobody watches."""


async def bought(seller: Any, job: Job, into: Path) -> Mapping[str, Any]:
    """A clip from first to last, with nobody writing it down."""
    assert isinstance(seller, Seller)
    body = await seller.prepare(job, unwatched)
    nonce = digest.sha256(f"{job.key}:1".encode())[:40]
    ticket = await seller.submit(job, body, nonce, lambda: None, unwatched)
    return await seller.collect(job, ticket, into, unwatched, lambda: None)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.time = 0.0
        self.start = wall
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.start + self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


_ROLES = (
    ("GET", "/out/", "output"),
    ("PUT", "/store/", "store"),
    ("POST", "/store/", "store"),
    ("POST", "/wavespeed/api/v3/media/uploads", "wavespeed ask"),
    ("POST", "/wavespeed/api/v3/alibaba/", "wavespeed submit"),
    ("GET", "/wavespeed/api/v3/predictions/", "wavespeed poll"),
    ("POST", "/vercel/video-model/start", "vercel submit"),
    ("POST", "/vercel/video-model/status", "vercel poll"),
    ("POST", "/aimlapi/v2/video/generations", "aimlapi submit"),
    ("GET", "/aimlapi/v2/video/generations?generation_id=", "aimlapi poll"),
    ("POST", "/dashscope/services/aigc/video-generation/video-synthesis", "dashscope submit"),
    ("GET", "/dashscope/tasks/", "dashscope poll"),
    ("GET", "/dashscope/uploads?", "dashscope ask"),
)


def _role(method: str, path: str) -> str:
    return next((role for m, start, role in _ROLES if m == method and path.startswith(start)), "astray")


class Wording(Protocol):
    """How one service words its answers: each function gives the JSON of one."""

    def accepted(self, identity: str = ID) -> Any: ...

    def pending(self, word: str = "", identity: str = ID) -> Any: ...

    def done(self, *urls: str, identity: str = ID) -> Any: ...

    def failed(self, word: str, message: str) -> Any: ...

    def error(self, status: int, message: str) -> Any: ...


class _WaveSpeed:
    def accepted(self, identity: str = ID) -> Any:
        return self._envelope(id=identity, status="created", outputs=[])

    def pending(self, word: str = "", identity: str = ID) -> Any:
        return self._envelope(id=identity, status=word or "processing", outputs=[])

    def done(self, *urls: str, identity: str = ID) -> Any:
        return self._envelope(id=identity, status="completed", outputs=list(urls), has_nsfw_contents=[False])

    def failed(self, word: str, message: str) -> Any:
        return self._envelope(id=ID, status=word, outputs=[], error=message)

    def error(self, status: int, message: str) -> Any:
        return {"code": status, "message": message, "data": None}

    def _envelope(self, **data: Any) -> Any:
        return {"code": 200, "message": "success", "data": {"urls": {"get": "https://elsewhere.example/"}, **data}}


class _Vercel:
    def accepted(self, identity: str = ID) -> Any:
        return {"operation": {"job": identity, "at": [1, None]}}

    def pending(self, word: str = "", identity: str = ID) -> Any:
        return {"status": word or "pending"}

    def done(self, *urls: str, identity: str = ID) -> Any:
        return {
            "status": "completed",
            "videos": [{"type": "url", "url": url, "mediaType": "video/mp4"} for url in urls],
        }

    def failed(self, word: str, message: str) -> Any:
        return {"status": word, "error": message}

    def error(self, status: int, message: str) -> Any:
        return {"error": {"message": message, "type": "", "param": None, "code": None}}


class _AimlApi:
    def accepted(self, identity: str = ID) -> Any:
        return {"id": f"{identity}:alibaba/wan", "status": "queued", "meta": {"usage": {"credits_used": 3150000}}}

    def pending(self, word: str = "", identity: str = ID) -> Any:
        return {"id": f"{identity}:alibaba/wan", "status": word or "generating"}

    def done(self, *urls: str, identity: str = ID) -> Any:
        videos = [{"url": url} for url in urls]
        found = {} if not videos else {"video": videos[0] if len(videos) == 1 else videos}
        return {"id": f"{identity}:alibaba/wan", "status": "completed", **found}

    def failed(self, word: str, message: str) -> Any:
        return {"id": f"{ID}:alibaba/wan", "status": word, "error": {"name": "Error", "message": message}}

    def error(self, status: int, message: str) -> Any:
        return {"message": message, "path": "/v2/video/generations", "requestId": "r1", "statusCode": status}


class _DashScope:
    def accepted(self, identity: str = ID) -> Any:
        return self._output(task_id=identity, task_status="PENDING")

    def pending(self, word: str = "", identity: str = ID) -> Any:
        return self._output(task_id=identity, task_status=word or "RUNNING")

    def done(self, *urls: str, identity: str = ID) -> Any:
        found = {} if not urls else {"video_url": urls[0] if len(urls) == 1 else list(urls)}
        return self._output(task_id=identity, task_status="SUCCEEDED", **found)

    def failed(self, word: str, message: str) -> Any:
        return self._output(task_id=ID, task_status=word, code="Odd", message=message)

    def error(self, status: int, message: str) -> Any:
        return {"code": "Odd", "message": message, "request_id": "r1"}

    def _output(self, **output: Any) -> Any:
        return {"request_id": "r1", "output": output}


@dataclass(frozen=True)
class Told:
    """One service: its model, where key and base are looked up, and its words for the states.

    Attributes:
        path: Where a submit goes, beneath the base.
        asked: How one poll of `ID` reads.
        ends: Words after which the job is over, without a clip.
        unusable: Answers to a poll that say nothing.
    """

    name: str
    title: str
    model: str
    key: str
    base: str
    path: str
    asked: str
    says: Wording
    waiting: tuple[str, ...]
    ends: tuple[str, ...]
    unusable: tuple[Any, ...] = field(default=([], {}, None, 7, "text", {"status": 7}, {"status": None}))


SERVICES = {
    told.name: told
    for told in (
        Told(
            "wavespeed",
            "WaveSpeedAI",
            "wavespeed/alibaba/wan-2.6/reference-to-video-flash",
            "WAVESPEED_API_KEY",
            "WAVESPEED_BASE_URL",
            "/wavespeed/api/v3/alibaba/wan-2.6/reference-to-video-flash",
            f"/wavespeed/api/v3/predictions/{ID}/result",
            _WaveSpeed(),
            ("created", "processing"),
            ("failed", "cancelled", "timeout", "deleted"),
            ([], {}, None, {"data": [1]}, {"code": 200, "data": None}, {"data": {"status": 7}}, {"data": "completed"}),
        ),
        Told(
            "vercel",
            "Vercel AI Gateway",
            "vercel/alibaba/wan-v2.6-r2v-flash",
            "AI_GATEWAY_API_KEY",
            "AI_GATEWAY_BASE_URL",
            "/vercel/video-model/start",
            "/vercel/video-model/status",
            _Vercel(),
            ("pending",),
            ("error", "cancelled"),
        ),
        Told(
            "aimlapi",
            "AI/ML API",
            "aimlapi/alibaba/wan-2-6-r2v",
            "AIML_API_KEY",
            "AIML_API_BASE",
            "/aimlapi/v2/video/generations",
            f"/aimlapi/v2/video/generations?generation_id={ID}%3Aalibaba%2Fwan",
            _AimlApi(),
            ("queued", "generating"),
            ("error",),
        ),
        Told(
            "dashscope",
            "Alibaba Model Studio",
            "dashscope/wan2.6-r2v-flash",
            "DASHSCOPE_API_KEY",
            "DASHSCOPE_HTTP_BASE_URL",
            "/dashscope/services/aigc/video-generation/video-synthesis",
            f"/dashscope/tasks/{ID}",
            _DashScope(),
            ("PENDING", "RUNNING", "SUSPENDED"),
            ("FAILED", "CANCELED"),
            ([], {}, None, {"output": [1]}, {"output": None}, {"output": {"task_status": 7}}, {"output": "SUCCEEDED"}),
        ),
    )
}
