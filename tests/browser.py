"""Chromium without a window, driven through a pair of pipes by its own protocol of messages.

Protocol: https://chromedevtools.github.io/devtools-protocol/, as `--remote-debugging-pipe` speaks it: JSON, each
message ended by a zero byte, read by the browser from descriptor 3 and written to 4.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
LONGEST = 60
"""Seconds without a word after which it counts as stuck; no test waits for it."""
# What a browser of its own accord asks elsewhere is off; a page is data: nobody needs a sandbox of the system for it.
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
CONNECTED = """
import os, sys
into, out = (os.dup(os.dup(int(one))) for one in sys.argv[1:3])
while min(into, out) < 5:
    into, out = os.dup(into), os.dup(out)
os.dup2(into, 3)
os.dup2(out, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Start a program with two descriptors as its 3 and 4."""


class Browser:
    """A browser with one page.

    Raises:
        OSError: it can't be started here, has ended, or is stuck.
    """

    def __init__(self) -> None:
        if not COMMAND:
            raise FileNotFoundError("there is no Chromium on this machine")
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = [*QUIET, f"--user-data-dir={self._folder.name}"]
        theirs, self._write = os.pipe()
        self._read, back = os.pipe()

        self._process = subprocess.Popen(
            [sys.executable, "-c", CONNECTED, str(theirs), str(back), COMMAND, *options, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs, back),
        )
        os.close(theirs)
        os.close(back)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        try:
            target = self._ask("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self._ask(f"{domain}.enable")
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()

    def open(self, page: Path, width: int = 1200, height: int = 900, *, dark: bool = False) -> None:
        """Show a file, and wait until it is loaded."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self._ask("Page.navigate", url=page.as_uri())
        while not any(name == "Page.loadEventFired" for name, _ in self.events):
            self._hear()

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to; a promise is waited for. The page's own policy doesn't bind it."""
        told = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        return base64.b64decode(self._ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def asked(self) -> list[str]:
        """The addresses that the page asked for since it was opened, but what stands in it."""
        found = (event["request"]["url"] for name, event in self.events if name == "Network.requestWillBeSent")
        return [url for url in found if not url.startswith("data:")]

    def said(self) -> list[str]:
        """What it has to complain of, and dialogues that opened."""
        logged = [event["entry"]["text"] for name, event in self.events if name == "Log.entryAdded"]
        called = [str(event["args"]) for name, event in self.events if name == "Runtime.consoleAPICalled"]
        return logged + called + [name for name, _ in self.events if name == "Page.javascriptDialogOpening"]

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            told = self._hear()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                return told["result"]  # type: ignore[no-any-return]

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], LONGEST)[0]:
                raise TimeoutError("Chromium says nothing")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise ConnectionError("Chromium has ended")
            self._buffer += more
        message, self._buffer = self._buffer.split(b"\0", 1)
        told: dict[str, Any] = json.loads(message)
        if "method" in told:
            self.events.append((told["method"], told["params"]))
        return told
