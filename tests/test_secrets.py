"""A key and signed URLs are in no file, no output and no command line; no URL leads here, and no path out of the folder.

The real command line in processes of its own, against servers on loopback that stand for other hosts.
"""

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from storyboard.compiler import check
from storyboard.providers import web
from storyboard.sniff import is_video
from tests.failing import Case, Failing
from tests.folder import ROOT, Folder
from tests.scripted import SERVICES, Reply, Server, page, ranged, told

KEY = "sk-canary/8f1e+0c2b7d44=a91"
SIGNATURE = "canary-sig/51c9+e7aa02=ff3"
SIGNED = f"X-Amz-Date=1&X-Signature={quote(SIGNATURE, safe='')}"
BOARD = """\
storyboard: 1
title: One shot
fps: 6
aspect: 16:9
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
"""
SAYS = SERVICES["wavespeed"].says
ECHO = f"bad key {KEY} for {{url}}?{SIGNED} (Bearer {KEY})"


def forms(secret: str) -> set[bytes]:
    """A secret as it is, in URLs, in JSON, in hexadecimal, and in base64 at any of its three offsets."""
    plain = secret.encode()
    coded = [base64.b64encode(b"x" * shift + plain) for shift in range(3)]
    inner = [one[4 : len(one) // 4 * 4 - 4] for one in coded]
    return {plain, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), plain.hex().encode(), *inner}


CANARIES = forms(KEY) | forms(SIGNATURE)


class World:
    """A project, the provider's server, and three more hosts: of outputs, of uploads, and one that is led to."""

    def __init__(self, place: Path, servers: Sequence[Server], clip: bytes) -> None:
        self.place = place
        (place / "film").mkdir()
        (place / "home").mkdir()
        self.folder = Folder(place / "film")
        self.folder.picture("mira.png")
        self.folder.write(BOARD)
        self.provider, self.outputs, self.uploads, self.elsewhere = servers
        for server in servers:
            server.reset()
        self.url = f"{self.outputs.url}/out/clip.mp4?{SIGNED}"
        put, get = (f"{self.uploads.url}/store/{name}?{SIGNED}" for name in ("put", "get"))
        ticket = {"download_url": get, "upload": {"method": "PUT", "url": put, "headers": {}}}
        self.provider.script("wavespeed ask", told({"code": 200, "message": "success", "data": ticket}))
        self.provider.script("wavespeed submit", told(SAYS.accepted()))
        self.provider.script("wavespeed poll", told(SAYS.done(self.url)))
        self.uploads.script("store", Reply(200))
        self.outputs.script("output", ranged(clip))
        self.elsewhere.script("output", ranged(clip))
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(place / "home"),
            "PYTHONPATH": str(ROOT),
            "WAVESPEED_BASE_URL": f"{self.provider.url}/wavespeed",
            "WAVESPEED_API_KEY": KEY,
            "STORYBOARD_POLL_SECONDS": "0.01",
            "STORYBOARD_SETTLE_SECONDS": "0",
        }

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[bytes]":
        """The command line, begun."""
        command = [sys.executable, "-m", "storyboard", *arguments]
        with (self.place / "out").open("ab") as out, (self.place / "err").open("ab") as err:
            return subprocess.Popen(
                command,
                cwd=self.folder.path,
                env=self.environment | more,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def run(self, *arguments: str, **more: str) -> int:
        """The command line to its end."""
        with watched():
            return self.start(*arguments, **more).wait(60)

    def fork(self, failing: Failing, *arguments: str) -> int | None:
        """The command line to its end, in a fork of a process that has everything imported: sooner."""
        ended = failing.run(Case(str(self.folder.path), arguments, self.environment))
        (self.place / "out").write_text(ended.out)
        (self.place / "err").write_text(ended.err)
        return ended.status

    def require_clean(self) -> None:
        """No canary is in any file, in what was said, or where it doesn't belong on the way."""
        files = [path for path in self.place.rglob("*") if path.is_file() and not path.is_symlink()]
        found = [(path, one) for path in files for one in CANARIES if one in path.read_bytes() or one in bytes(path)]
        assert found == []
        assert b"Traceback" not in (self.place / "err").read_bytes()
        for request in self.provider.log:
            assert request.headers["authorization"] == f"Bearer {KEY}"
            rest = f"{request.path} {[value for name, value in request.headers.items() if name != 'authorization']}"
            assert not any(one in rest.encode() or one in request.body for one in forms(KEY))
        for server in (self.outputs, self.uploads, self.elsewhere):
            for request in server.log:
                assert "authorization" not in request.headers
                assert not any(request.holds(one.decode()) for one in forms(KEY))

    def said(self) -> str:
        """What it said, on both channels."""
        return (self.place / "out").read_text() + (self.place / "err").read_text()


@contextmanager
def watched() -> Iterator[None]:
    """While it lasts, no process of this machine has a canary in its command line."""
    seen: list[bytes] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = process.read_bytes()
                except OSError:
                    continue
                if any(one in line for one in CANARIES):
                    seen.append(line)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert seen == []


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Server]]:
    made = [Server() for _ in range(4)]
    yield made
    for server in made:
        server.close()


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    made = Failing()
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path, servers: list[Server], tiny_clip: Path) -> World:
    return World(tmp_path, servers, tiny_clip.read_bytes())


def test_the_search_finds_what_it_looks_for(world: World) -> None:
    for text in (KEY, quote(KEY, safe=""), f"{base64.b64encode(b'Bearer ' + KEY.encode()).decode()}", SIGNED):
        (world.place / "err").write_text(text)
        with pytest.raises(AssertionError):
            world.require_clean()
    with pytest.raises(AssertionError), watched():
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)", KEY], check=True)


# -- each way in which a render ends


class Ending(NamedTuple):
    """What the servers do, the exit status, and a word of what is said."""

    status: int
    word: str
    bend: Callable[[World], object]
    arguments: tuple[str, ...] = ("render", "--yes")


def _provider(role: str, *replies: Reply) -> Callable[[World], object]:
    return lambda world: world.provider.script(role if role == "astray" else f"wavespeed {role}", *replies)


def _echo(world: World) -> str:
    return ECHO.format(url=f"{world.uploads.url}/store/get")


def _echoed(role: str, status: int) -> Callable[[World], object]:
    def bend(world: World) -> None:
        world.provider.script(f"wavespeed {role}", told(SAYS.error(status, _echo(world)), status))

    return bend


def _failed(world: World) -> None:
    world.provider.script("wavespeed poll", told(SAYS.failed("failed", _echo(world))))


def _led_to(target: str) -> Callable[[World], object]:
    def bend(world: World) -> None:
        to = target or f"{world.elsewhere.url}/out/other.mp4?{SIGNED}"
        world.outputs.script("output", Reply(302, b"", {"Location": to}))

    return bend


def _unwritable(world: World) -> None:
    (world.place / "store").write_text("a file")
    world.environment["STORYBOARD_STORE"] = str(world.place / "store")


def _based(base: str) -> Callable[[World], object]:
    return lambda world: world.environment.update(WAVESPEED_BASE_URL=base)


PLAN = ("plan", "--quote")
ENDINGS = {
    "success": Ending(0, "cut", lambda world: None),
    "success in JSON": Ending(0, '"done"', lambda world: None, ("render", "--yes", "--json")),
    "submit refused": Ending(3, "bad key", _echoed("submit", 400)),
    "submit forbidden": Ending(3, "bad key", _echoed("submit", 401)),
    "submit broken": Ending(3, "bad key", _echoed("submit", 500)),
    "submit in words": Ending(
        3, "bad key", lambda w: w.provider.script("wavespeed submit", Reply(400, _echo(w).encode()))
    ),
    "answer lost": Ending(3, "may have accepted", _provider("submit", Reply(fault="drop"))),
    "answer in HTML": Ending(3, "may have accepted", _provider("submit", page())),
    "answer is garbage": Ending(3, "may have accepted", _provider("submit", Reply(200, b'{"data": {"id'))),
    "poll refused": Ending(3, "bad key", _echoed("poll", 401)),
    "poll in HTML": Ending(3, "wasn't finished", _provider("poll", page()), ("render", "--yes", "--timeout", "1")),
    "job failed": Ending(3, "bad key", _failed),
    "output expired": Ending(3, "gone", lambda world: world.outputs.script("output", Reply(403, ECHO.encode()))),
    "output redirected": Ending(0, "cut", _led_to("")),
    "output led inside": Ending(3, "public", _led_to(f"https://169.254.169.254/latest?{SIGNED}")),
    "output led nowhere": Ending(3, "no URL", _led_to(f"https://[{SIGNED}")),
    "output in HTML": Ending(3, "isn't a picture or video", lambda world: world.outputs.script("output", page())),
    "no upload": Ending(3, "bad key", _echoed("ask", 403)),
    "upload refused": Ending(3, "403", lambda world: world.uploads.script("store", Reply(403, ECHO.encode()))),
    "upload lost": Ending(3, "uploaded", lambda world: world.uploads.script("store", Reply(fault="drop"))),
    "upload nowhere": Ending(
        3,
        "uploaded",
        _provider(
            "ask",
            told(
                {
                    "data": {
                        "download_url": f"https://h/?{SIGNED}",
                        "upload": {"method": "PUT", "url": f"http://[{SIGNED}", "headers": {}},
                    }
                }
            ),
        ),
    ),
    "no store": Ending(2, "Error", _unwritable),
    "base with the key": Ending(5, "credentials", _based(f"https://{quote(KEY, safe='')}@h.example")),
    "base that is none": Ending(5, "URL", _based(f"https://h.example:{quote(KEY, safe='')}/")),
    "base in the clear": Ending(5, "https", _based(f"http://h.example/{KEY}")),
    "a key that is none": Ending(
        5, "characters", lambda world: world.environment.update(WAVESPEED_API_KEY=f"{KEY}\x07")
    ),
    "no quote": Ending(
        3, "bad key", _provider("astray", told(SAYS.error(401, ECHO.format(url="https://h/x")), 401)), PLAN
    ),
    "a quote in words": Ending(3, "gives no price", _provider("astray", Reply(200, ECHO.encode())), PLAN),
    "models": Ending(0, "wavespeed", lambda world: None, ("models",)),
    "a rehearsal": Ending(0, "nothing spent", lambda world: None, ("render", "--rehearse")),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_no_secret_is_left_behind(world: World, failing: Failing, name: str) -> None:
    ending = ENDINGS[name]
    ending.bend(world)
    whole = name.startswith(("success", "a quote", "submit refused"))
    status = world.run(*ending.arguments) if whole else world.fork(failing, *ending.arguments)
    assert (status, ending.word in world.said()) == (ending.status, True), world.said()
    world.require_clean()


def _until(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.01)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, -15)])
def test_no_secret_is_left_behind_by_an_interrupted_render(world: World, how: signal.Signals, status: int) -> None:
    world.provider.script("wavespeed poll", told(SAYS.pending()))
    with watched():
        process = world.start("render", "--yes")
        _until(lambda: len(world.provider.of("wavespeed poll")) > 2)
        process.send_signal(how)
        if how == signal.SIGINT:
            _until(lambda: "nterrupt" in world.said() or "topping" in world.said() or process.poll() is not None)
            process.send_signal(how)
        assert process.wait(30) == status
    world.require_clean()
    assert world.run("plan", "--json") == 0
    world.provider.script("wavespeed poll", told(SAYS.done(world.url)))
    assert world.run("render", "--yes") == 0
    assert len(world.provider.of("wavespeed submit")) == 1
    world.require_clean()


# -- no URL leads here

HERE = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 017700000001
0x7F000001 127.0x0.0.1 0.0.0.0 0 [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1]
[64:ff9b::7f00:1] [2002:7f00:1::] localhost LOCALHOST localhost. ｌｏｃａｌｈｏｓｔ １２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1
user@127.0.0.1 example.com@127.0.0.1 169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376
[::ffff:169.254.169.254] [fd00:ec2::254] [fe80::1] [fe80::1%25lo] 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1
198.18.0.1 192.0.0.1 240.0.0.1 255.255.255.255 224.0.0.1 [ff02::1] [fc00::1] [::ffff:10.0.0.1]
""".split()  # noqa: SIM905 -- a list would take a line each
"""Spellings of this machine, of its link, of metadata services, and of private networks."""
OTHERS = ("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:video/mp4;base64,AAAA", "//127.0.0.1/")


class Resolver(asyncio.SelectorEventLoop):
    """A loop whose names resolve as told, one answer a question, and that notes who would be connected to."""

    def __init__(self, *answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []
        self.connected: list[str] = []

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:  # type: ignore[override]
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answer]

    async def create_connection(self, _protocol: Any, host: Any = None, port: Any = None, **_: Any) -> Any:  # type: ignore[override]
        self.connected.append(host)
        raise ConnectionRefusedError


def fetch(url: str, into: Path, loop: Callable[[], asyncio.AbstractEventLoop] | None = None, **options: Any) -> str:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=loop) as runner:
        given = {"loopback": False, "wanted": is_video, "sleep": sleep} | options
        return runner.run(web.fetch(url, into / "clip.mp4", **given))


async def fetched(urls: Sequence[str], into: Path) -> list[str | BaseException]:
    """What becomes of each, side by side: names that nobody knows take their time."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(urls)))
    ways = (
        web.fetch(url, into / f"{n}.mp4", loopback=False, wanted=is_video, sleep=sleep) for n, url in enumerate(urls)
    )
    return await asyncio.gather(*ways, return_exceptions=True)


@contextmanager
def listening() -> Iterator[int]:
    """A port of this machine, on all its addresses, that nobody connects to meanwhile."""
    with socket.create_server(("", 0)) as listener:
        listener.setblocking(False)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_no_spelling_of_a_place_that_isnt_public_is_connected_to(tmp_path: Path) -> None:
    assert len({*HERE, *OTHERS}) >= 50
    with listening() as port:
        urls = [f"{scheme}://{host}:{port}/clip.mp4" for host in HERE for scheme in ("https", "http")]
        ends = asyncio.run(fetched([*urls, *OTHERS], tmp_path))
    assert {type(end) for end in ends} <= {web.Refused, web.Broken}, [end for end in ends if isinstance(end, str)]


def test_no_redirect_leads_to_such_a_place(tmp_path: Path, servers: list[Server]) -> None:
    """From a service on loopback, which may lead to loopback, and nowhere else that isn't public."""
    start = servers[0]
    start.reset()
    beyond = HERE[HERE.index("169.254.169.254") :]
    assert len(beyond) >= 20
    for url in [*(f"https://{host}/clip.mp4" for host in beyond), *OTHERS[:4]]:
        start.script("output", Reply(302, b"", {"Location": url}))
        with pytest.raises((web.Refused, web.Broken)):
            fetch(f"{start.url}/out/clip.mp4", tmp_path, loopback=True)


def test_a_name_is_resolved_once_and_that_address_is_connected_to(tmp_path: Path) -> None:
    loop = Resolver(["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(web.Refused) as caught:
        fetch("https://rebinding.example/clip.mp4", tmp_path, lambda: loop)
    assert "127.0.0.1" in str(caught.value)
    assert loop.connected == ["8.8.8.8"]
    assert loop.asked == ["rebinding.example"] * 2, "once for each try"


@pytest.mark.parametrize("answer", [["8.8.8.8", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["169.254.169.254"], ["::1"]])
def test_a_name_with_an_address_that_isnt_public_is_refused(tmp_path: Path, answer: list[str]) -> None:
    loop = Resolver(answer)
    with pytest.raises(web.Refused):
        fetch("https://mixed.example/clip.mp4", tmp_path, lambda: loop)
    assert loop.connected == []


# -- no path leads out of the folder

_OPENED: list[str] | None = None


def _note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _OPENED is not None and isinstance(arguments[0], str | bytes | os.PathLike):
        _OPENED.append(os.path.realpath(os.fsdecode(arguments[0])))


def outside(folder: Folder, secret: Path) -> dict[str, str]:
    """Spellings of what isn't a file of the project: written -> the finding."""
    inside, name = folder.path, secret.name
    (inside / "in").mkdir()
    (inside / "out").symlink_to(secret.parent)
    (inside / "link.png").symlink_to(secret)
    (inside / "link2.png").symlink_to("link.png")
    (inside / "loop.png").symlink_to("loop.png")
    (inside / "zero.png").symlink_to("/dev/zero")
    (inside / "self.png").symlink_to("/proc/self/environ")
    (inside / "dangling.png").symlink_to("/nowhere/x.png")
    os.mkfifo(inside / "fifo.png")
    (inside / "fifo2.png").symlink_to("fifo.png")
    (inside / "empty.png").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(inside)
        listener.bind("socket.png")
        os.chdir(here)
    return dict.fromkeys(
        [
            *(f"../{name}", f"in/../../{name}", f"./../{name}", f"in/./.././../{name}", f"..//{name}", f"out/{name}"),
            *(
                f"out/../{secret.parent.name}/{name}",
                str(secret),
                f"/{secret}",
                f"//{secret}",
                "/dev/zero",
                "/dev/stdin",
            ),
            *("/proc/self/environ", "/etc/passwd", "link.png", "link2.png", "loop.png", "zero.png", "self.png"),
            *("dangling.png", "fifo.png", "fifo2.png", "socket.png", "empty.png", "in", ".", "..", "../..", "in/.."),
            *(f"file://{secret}", f"file:{secret}", f"FILE://{secret}", f"~/{name}", f"~root/{name}", f"..\\{name}"),
            *(f"%2e%2e/{name}", f"..%2f{name}", f"%2e%2e%2f{name}", f"C:\\{name}", f"\\\\host\\{name}", "a" * 5000),
            *(
                "in/" * 2000 + "x.png",
                f"http://127.0.0.1/{name}",
                "ftp://h/x.png",
                f"．．/{name}",
                "../" * 400 + "etc/passwd",
            ),
        ],
        "",
    )


def test_no_spelling_of_a_file_outside_is_read(tmp_path: Path) -> None:
    global _OPENED  # noqa: PLW0603 -- an audit hook can't be taken off
    folder = Folder(tmp_path / "film")
    folder.path.mkdir()
    secret = folder.picture("../secret.png")
    written = [*outside(folder, secret), f"mira.png\0/../../{secret.name}", f"../{secret.name}\0.png"]
    assert len(written) >= 45
    for one in written:
        references = json.dumps([one])
        folder.write(BOARD.replace("[mira.png]", references))
        sys.addaudithook(_note_opened) if one == written[0] else None
        _OPENED = []
        try:
            found = check(folder.path / "storyboard.yaml")
        finally:
            opened, _OPENED = _OPENED, None
        assert any(one.severity == "error" for one in found), references[:80]
        strange = [
            path for path in opened if "/secret.png" in path or path.startswith(("/dev/", "/proc/", "/etc/pass"))
        ]
        assert strange == [], references[:80]
    sys.stdout.write(f"{len(written)} spellings of files outside\n")


def test_a_file_that_was_swapped_for_a_link_is_not_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "film")
    folder.path.mkdir()
    secret, inner = folder.picture("../secret.png", "red"), folder.picture("mira.png")
    folder.write(BOARD)
    folder.run("check")
    folder.run("plan")
    inner.unlink()
    inner.symlink_to(secret)
    for command in ("check", "plan"):
        done = folder.run(command, status=1)
        assert "leaves the project" in done.stdout + done.stderr
