"""The providers' own published clients against the simulator, and our requests against theirs.

For each client: upload, submit, poll and download are completed over real HTTP, by the client with its own words for
a job, and by our adapter with the job that the compiler makes of a storyboard. Then every request but the download
is compared: method, address, query, JSON or form, and headers. What a server chose by chance (ids, upload addresses,
signatures) is compared by where in its answers it stood.

Left out are the headers that only name the sender (user-agent, X-Client-*, X-Stainless-*, HTTP-Referer, X-Title,
x-dashscope-sdk-*) or the connection, and `accept`; the value of the idempotency-key, which is random there; the
charset of a content-type, and the content-type of a request that has no content or of the file in a form; how often
a job was asked about; and how a query is percent-encoded, which AI/ML API's client leaves undone.
"""

import asyncio
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from storyboard import digest
from storyboard.catalog import Catalog
from storyboard.job import Job
from storyboard.providers import Setup, load
from storyboard.simulator import Running, Simulator
from storyboard.tools import Tools
from tests.folder import ROOT, Folder
from tests.scripted import bought
from tests.test_lower import job

CLIENTS = ROOT / "tests" / "clients"
KEY = "a-key"
PICTURE, VIDEO = "https://media.example/mira.png", "https://media.example/tom.mp4"
_LEFT_OUT = re.compile(
    r"user-agent|x-client-.*|x-stainless-.*|http-referer|x-title|x-dashscope-sdk-.*"
    r"|accept|accept-.*|sec-fetch-.*|host|connection|date|content-length"
)


class Sent(NamedTuple):
    """One request. `headers` by lower-case name; `body` is parsed JSON, a form's parts in order, or bytes."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any


Done = tuple[list[Sent], bytes]
"""What one side sent, and the clip it got."""
Make = Callable[[Job], Done]
Theirs = Callable[..., Done]


class Recorder(ThreadingHTTPServer):
    """Stands before a simulator, keeps what comes, and passes it on."""

    daemon_threads = True

    def __init__(self, running: Running) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.behind = urlsplit(running.url).netloc
        self.environment = running._replace(url=self.url).environment(KEY)
        self.sent: list[Sent] = []
        self._running = running
        self._bought = 0
        self._names: dict[str, str] = {}
        running.server.engine.shelf.base = self.url  # what the simulator hands out leads here, too

    def learn(self, answer: Any) -> None:
        """Name what a server chose; what it only repeats was chosen by the sender."""
        said = "".join(map(str, self.sent))
        for path, value in _texts(answer):
            if value not in said:
                self._names.setdefault(value, f"<{path}>")

    def take(self) -> list[Sent]:
        """What one sender sent to get one clip; of requests that repeat the one before, the first."""
        (entry,) = self._running.ledger[self._bought :]
        assert entry.state == "completed"
        self._bought += 1
        requests = [Sent(*(_named(part, self._names) for part in one)) for one in self.sent]
        self.sent, self._names = [], {}
        return [one for n, one in enumerate(requests) if n == 0 or one != requests[n - 1]]


class _Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """Silent."""

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        kind = self.headers.get("Content-Type", "")
        path, mark, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers = {name: value for name, value in headers.items() if not _LEFT_OUT.fullmatch(name)}
        if "idempotency-key" in headers:
            headers["idempotency-key"] = "…"
        if "content-type" in headers:
            headers["content-type"] = kind.partition(";")[0]
        if not content:
            headers.pop("content-type", None)
        self.server.sent.append(
            Sent(self.command, self.server.url + path + mark + unquote(query), headers, _body(kind, content))
        )
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        connection.request(self.command, self.path, content, dict(self.headers.items()))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.getheader("Content-Type", "").startswith("application/json"):
            self.server.learn(json.loads(data))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"server", "date", "connection"}:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _pass_on  # noqa: N815 -- http.server's names


def _body(kind: str, content: bytes) -> Any:
    if not content:
        return None
    if kind.startswith("application/json"):
        return json.loads(content)
    if kind.startswith("multipart/form-data"):
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
        return [
            (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
            for part in form.get_payload()
        ]
    return content


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The long texts of an answer, which no sender could have chosen alike, and where they stand."""
    if isinstance(value, (dict, list)):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, f"{path}.{step}" if path else str(step))
    elif isinstance(value, str) and len(value) >= 12:
        yield path, value


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _named(item, names) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(item, names) for item in value]
    for text in sorted(names, key=len, reverse=True):
        if isinstance(value, str):
            value = value.replace(text, names[text])
        elif isinstance(value, bytes):
            value = value.replace(text.encode(), names[text].encode())
    return value


@pytest.fixture
def recorder(tools: Tools, tiny_clip: Path) -> Iterator[Recorder]:
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving(port=0) as running:
        server = Recorder(running)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def ours(recorder: Recorder, tools: Tools, tmp_path: Path) -> Make:
    """Have a job's clip made by our adapter: what it sent, and the clip."""

    def make(made: Job) -> Done:
        setup = Setup(
            tools=tools,
            environment=recorder.environment,
            models=Catalog(),
            uploads=None,
            workers=1,
            now=time.monotonic,
            wall=time.time,
            sleep=asyncio.sleep,
            chance=lambda: 0.5,
            poll_seconds=0.1,
        )
        into = tmp_path / "ours.mp4"

        async def clip() -> None:
            provider = load({made.provider}, setup)[made.provider]
            provider.require(made)
            try:
                await bought(provider, made, into)
            finally:
                await provider.close()

        asyncio.run(clip())
        return recorder.take(), into.read_bytes()

    return make


@pytest.fixture
def theirs(recorder: Recorder, tmp_path: Path) -> Theirs:
    """Have a clip made by a script of tests/clients: what it sent, and the clip."""

    def make(script: str, model: str, **given: Any) -> Done:
        into = tmp_path / "theirs.mp4"
        work = {"base": recorder.url, "key": KEY, "model": model, "input": given, "into": str(into)}
        done = subprocess.run(
            [_node() if script.endswith(".mjs") else sys.executable, str(CLIENTS / script), json.dumps(work)],
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return recorder.take(), into.read_bytes()

    return make


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine, which the client of Vercel's gateway needs")
    if not (CLIENTS / "node_modules").exists():
        pytest.fail("tests/clients/node_modules is missing: run 'make setup'")
    return node


def same(mine: Done, other: Done, *, uploads: int = 0) -> list[Sent]:
    """Require that two sides sent the same and got the same; what was sent before the polls."""
    for sent, clip in (mine, other):
        assert clip[4:8] == b"ftyp"
        last = sent.pop()
        assert re.fullmatch("<[^<>]+>", last.url), "the address of the clip, as it was given"
        assert (last.method, last.headers, last.body) == ("GET", {}, None), "without the key"
    for one, another in zip(mine[0], other[0], strict=False):
        assert one == another
    assert len(mine[0]) == len(other[0]) == 2 * uploads + 2
    assert mine[1] == other[1]
    return mine[0][: 2 * uploads + 1]


def handed_over(project: Folder, name: str) -> Path:
    """Draw a picture for the project, and give a copy under the name that our uploads have, for a client to send."""
    drawn = project.picture(name)
    copy = project.path.parent / f"{digest.sha256_file(drawn)[:16]}.png"
    shutil.copyfile(drawn, copy)
    return copy


def board(model: str, shot: str, *, characters: str = "", settings: str = "") -> str:
    """A storyboard of one shot."""
    return f"""\
seed: 7
style: {{negative: blur}}
{characters}passes: {{p: {{model: {model}{settings}}}}}
shots:
  - {{id: s, duration: 5, {shot}}}
"""


def cast(*references: str) -> str:
    """Characters a, b, … with a reference each: a file, or an https URL."""
    lines = [f"  {chr(97 + n)}: {{references: [{_reference(reference)}]}}\n" for n, reference in enumerate(references)]
    return "characters:\n" + "".join(lines)


def _reference(of: str) -> str:
    return f"{{url: {of}, sha256: {digest.sha256(of.encode())}}}" if of.startswith("https:") else of


def test_wavespeed_reference_to_video_flash_with_an_upload(project: Folder, ours: Make, theirs: Theirs) -> None:
    copy = handed_over(project, "mira.png")
    name = "alibaba/wan-2.6/reference-to-video-flash"
    text = board(f"wavespeed/{name}", 'prompt: "@a waits for @b, café"', characters=cast("mira.png", VIDEO))
    other = theirs(
        "with_wavespeed.py",
        name,
        reference_urls=[f"upload:{copy}", VIDEO],
        prompt="character1 waits for character2, café.",
        negative_prompt="blur",
        size="1280*720",
        duration=5,
        shot_type="single",
        enable_audio=False,
        enable_prompt_expansion=False,
        seed=7,
    )
    ticket, put, submit = same(ours(job(project, text)), other, uploads=1)
    data = copy.read_bytes()
    assert ticket.body == {"filename": copy.name, "size": len(data), "content_type": "image/png"}
    assert put == Sent("PUT", "<data.upload.url>", {"content-type": "image/png"}, data)
    assert submit.body["reference_urls"] == ["<data.download_url>", VIDEO]


def test_wavespeed_reference_to_video(project: Folder, ours: Make, theirs: Theirs) -> None:
    name = "alibaba/wan-2.6/reference-to-video"
    settings = ", shot_type: multi, prompt_expansion: true"
    text = board(f"wavespeed/{name}", 'prompt: "@a waits"', characters=cast(VIDEO), settings=settings)
    other = theirs(
        "with_wavespeed.py",
        name,
        videos=[VIDEO],
        prompt="character1 waits.",
        negative_prompt="blur",
        size="1280*720",
        duration=5,
        shot_type="multi",
        enable_prompt_expansion=True,
        seed=7,
    )
    same(ours(job(project, text)), other)


def test_wavespeed_image_to_video_flash_with_an_upload(project: Folder, ours: Make, theirs: Theirs) -> None:
    copy = handed_over(project, "first.png")
    name = "alibaba/wan-2.6/image-to-video-flash"
    text = board(f"wavespeed/{name}", "prompt: A boat, start_frame: first.png", settings=", audio: true")
    other = theirs(
        "with_wavespeed.py",
        name,
        image=f"upload:{copy}",
        prompt="A boat.",
        negative_prompt="blur",
        resolution="720p",
        duration=5,
        shot_type="single",
        enable_audio=True,
        enable_prompt_expansion=False,
        seed=7,
    )
    _, _, submit = same(ours(job(project, text)), other, uploads=1)
    assert submit.body["image"] == "<data.download_url>"


def test_vercel_reference_to_video_flash(project: Folder, ours: Make, theirs: Theirs) -> None:
    name = "alibaba/wan-v2.6-r2v-flash"
    characters = cast(PICTURE, VIDEO)
    text = board(f"vercel/{name}", 'prompt: "@a waits for @b"', characters=characters, settings=", audio: true")
    other = theirs(
        "with_ai.mjs",
        name,
        prompt="character1 waits for character2.",
        inputReferences=[PICTURE, VIDEO],
        resolution="1280x720",
        duration=5,
        seed=7,
        generateAudio=True,
        providerOptions={"alibaba": alibaba(sound=True)},
    )
    (start,) = same(ours(job(project, text)), other)
    assert start.body["inputReferences"] == [{"type": "url", "url": PICTURE}, {"type": "url", "url": VIDEO}]
    assert start.body["generateAudio"] is start.body["providerOptions"]["alibaba"]["audio"] is True
    assert start.headers["ai-model-id"] == name
    assert start.headers["idempotency-key"]


def test_vercel_image_to_video_flash(project: Folder, ours: Make, theirs: Theirs) -> None:
    name = "alibaba/wan-v2.6-i2v-flash"
    text = board(f"vercel/{name}", f"prompt: A boat, start_frame: {_reference(PICTURE)}")
    other = theirs(
        "with_ai.mjs",
        name,
        prompt={"image": PICTURE, "text": "A boat."},
        resolution="1280x720",
        duration=5,
        seed=7,
        generateAudio=False,
        providerOptions={"alibaba": alibaba(sound=False)},
    )
    (start,) = same(ours(job(project, text)), other)
    assert start.body["image"] == {"type": "url", "url": PICTURE}


def alibaba(*, sound: bool) -> dict[str, Any]:
    """What the gateway hands through to the model's maker."""
    return {"negativePrompt": "blur", "promptExtend": False, "shotType": "single", "watermark": False, "audio": sound}


def test_aimlapi_reference_to_video(project: Folder, ours: Make, theirs: Theirs) -> None:
    name = "alibaba/wan-2-6-r2v"
    text = board(f"aimlapi/{name}", 'prompt: "@a waits, café"', characters=cast(VIDEO))
    other = theirs(
        "with_aimlapi.py",
        name,
        prompt="character1 waits, café.",
        aspect_ratio="16:9",
        duration=5,
        negative_prompt="blur",
        seed=7,
        enhance_prompt=False,
        extra_body={"video_urls": [VIDEO], "resolution": "720p", "shot_type": "single"},
    )
    (submit,) = same(ours(job(project, text)), other)
    assert submit.url.endswith("/v2/video/generations")


def test_dashscope_reference_to_video_flash(project: Folder, ours: Make, theirs: Theirs) -> None:
    text = board(
        "dashscope/wan2.6-r2v-flash",
        'prompt: "@a waits for @b, café"',
        characters=cast(PICTURE, VIDEO),
        settings=", audio: true, prompt_expansion: true",
    )
    other = theirs(
        "with_dashscope.py",
        "wan2.6-r2v-flash",
        prompt="character1 waits for character2, café.",
        negative_prompt="blur",
        reference_urls=[PICTURE, VIDEO],
        size="1280*720",
        duration=5,
        seed=7,
        prompt_extend=True,
        extend_prompt=True,
        watermark=False,
        shot_type="single",
        audio=True,
    )
    (submit,) = same(ours(job(project, text)), other)
    assert submit.headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in submit.headers


def test_dashscope_reference_to_video_flash_with_an_upload(project: Folder, ours: Make, theirs: Theirs) -> None:
    copy = handed_over(project, "mira.png")
    text = board("dashscope/wan2.6-r2v-flash", 'prompt: "@a waits for @b"', characters=cast("mira.png", VIDEO))
    other = theirs(
        "with_dashscope.py",
        "wan2.6-r2v-flash",
        prompt="character1 waits for character2.",
        negative_prompt="blur",
        reference_urls=[f"file://{copy}", VIDEO],
        size="1280*720",
        duration=5,
        seed=7,
        prompt_extend=False,
        extend_prompt=False,
        watermark=False,
        shot_type="single",
        audio=False,
    )
    policy, form, submit = same(ours(job(project, text)), other, uploads=1)
    assert policy.url.endswith("/api/v1/uploads?action=getPolicy&model=wan2.6-r2v-flash")
    assert (form.method, form.url, form.headers) == (
        "POST",
        "<data.upload_host>",
        {"content-type": "multipart/form-data"},
    )
    assert form.body[-1] == ["file", copy.name, copy.read_bytes()]
    assert submit.body["input"]["reference_urls"] == [f"oss://<data.upload_dir>/{copy.name}", VIDEO]
    assert submit.headers["x-dashscope-ossresourceresolve"] == "enable"


def test_dashscope_image_to_video_flash_with_an_upload(project: Folder, ours: Make, theirs: Theirs) -> None:
    copy = handed_over(project, "first.png")
    text = board("dashscope/wan2.6-i2v-flash", "prompt: A boat, start_frame: first.png")
    other = theirs(
        "with_dashscope.py",
        "wan2.6-i2v-flash",
        prompt="A boat.",
        negative_prompt="blur",
        img_url=f"file://{copy}",
        resolution="720P",
        duration=5,
        seed=7,
        prompt_extend=False,
        extend_prompt=False,
        watermark=False,
        shot_type="single",
        audio=False,
    )
    _, _, submit = same(ours(job(project, text)), other, uploads=1)
    assert submit.body["input"]["img_url"] == f"oss://<data.upload_dir>/{copy.name}"
