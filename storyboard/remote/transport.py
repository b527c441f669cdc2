"""Requests to a remote, which may all be repeated: tries, patience, and answers that are whole or none.

Credentials go to the chosen host and nowhere else: no redirect is followed, and on loopback no proxy is asked.
"""

import asyncio
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx

from storyboard.digest import CHUNK
from storyboard.providers.account import Anonymous
from storyboard.providers.tls import context
from storyboard.remote import Oversized, Sleep, Unreachable, checked
from storyboard.remote.credentials import CA, CERT

TRIES = 4
PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds that the first pause may last at most, doubled each time; and those that a server may make us wait."""
SILENCE, CONNECT = 30.0, 10.0
"""Seconds without a byte, or without a connection, after which a try is given up."""
SLOWEST = 64 << 10
"""Bytes a second that the whole of a transfer must reach, after one SILENCE; else a server that drips could hold us."""
LONGEST = 1800.0
"""Seconds of the longest try, however much there is."""
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
ABSENT = frozenset({404, 410})
_QUERY = re.compile(r"[?][^\s\"'<>]*")

Given = TypeVar("Given")
Parts = Callable[[], AsyncIterator[bytes]]
Take = Callable[[httpx.Response], Awaitable[Given]]


class Trouble(Exception):
    """One try failed; another may not. `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Precluded(Exception):
    """Something is there already (412)."""


class Tools(NamedTuple):
    """What a remote works with: see `open_remote`."""

    sleep: Sleep
    chance: Callable[[], float]
    patience: float


class Transport(ABC):
    """What both kinds of remote do alike. For more than one event loop, `close` lies between.

    Attributes:
        shown: The URL for people.
        cached: Whether names are those of records and blobs alone.
    """

    cached = True

    def __init__(self, shown: str, tools: Tools, tls: ssl.SSLContext | None, *, loopback: bool) -> None:
        self.shown = shown
        self._tools = tools
        self._tls = tls or context()
        self._loopback = loopback
        self._client: httpx.AsyncClient | None = None
        self._down = False

    @abstractmethod
    async def place(self, method: str, name: str) -> tuple[str, Mapping[str, str]]:
        """The URL and the headers of a request."""

    @abstractmethod
    async def refuse(self, answer: httpx.Response, method: str, name: str) -> None:
        """Raise what an answer means that is neither good, nor absent, nor transient."""

    async def absent(self, answer: httpx.Response) -> None:  # noqa: B027 -- one kind has no more to see
        """See that 404 means that nothing is there, and not more."""

    def masked(self, text: str) -> str:
        """`text` without what signs URLs."""
        return _QUERY.sub("", text)[:300]

    async def read(self, name: str, most: int) -> bytes | None:
        """See `Remote`."""

        async def take(answer: httpx.Response) -> bytes:
            data = bytearray()
            async for part in self._body(answer, name, most):
                data += part
            return bytes(data)

        return await self.ask("GET", name, most, take)

    async def fetch(self, name: str, to: Path, most: int) -> bool:
        """See `Remote`."""

        async def take(answer: httpx.Response) -> bool:
            with to.open("wb") as stream:
                async for part in self._body(answer, name, most):
                    stream.write(part)
            return True

        whole = False
        try:
            whole = bool(await self.ask("GET", name, most, take))
        finally:
            if not whole:
                to.unlink(missing_ok=True)
        return whole

    async def has(self, name: str) -> bool:
        """See `Remote`."""
        return bool(await self.ask("HEAD", name, 0, done))

    async def write(self, name: str, data: bytes) -> None:
        """See `Remote`."""

        async def parts() -> AsyncIterator[bytes]:
            yield data

        await self._put(name, len(data), parts)

    async def send(self, name: str, path: Path) -> None:
        """See `Remote`."""

        async def parts() -> AsyncIterator[bytes]:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk

        await self._put(name, path.stat().st_size, parts)

    async def close(self) -> None:
        """See `Remote`."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _put(self, name: str, size: int, parts: Parts) -> None:
        await self.ask("PUT", name, size, done, parts)

    async def ask(
        self,
        method: str,
        name: str,
        size: int,
        take: Take[Given],
        parts: Parts | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Given | None:
        """What `take` makes of a good answer; None where nothing is there. `size` is how much may be transferred.

        While the remote was out of order the last time, it is tried once only: a thousand shots don't each wait.
        """
        checked(name, cached=self.cached)
        tries = 1 if self._down else TRIES
        for attempt in range(tries):
            try:
                given = await self._try(method, name, size, take, parts, headers or {})
            except Trouble as trouble:
                if attempt == tries - 1:
                    self._down = True
                    raise Unreachable(self.masked(f"{self.shown} {trouble}")) from trouble
                wait = self._tools.chance() * min(LONGEST_PAUSE, PAUSE * 2.0**attempt)
                await self._tools.sleep(wait if trouble.wait is None else trouble.wait + wait)
            else:
                self._down = False
                return given
        raise AssertionError("there is at least one try")

    async def _try(
        self,
        method: str,
        name: str,
        size: int,
        take: Take[Given],
        parts: Parts | None,
        more: Mapping[str, str],
    ) -> Given | None:
        url, own = await self.place(method, name)
        headers = {"Accept-Encoding": "identity", "Accept": "*/*", **own, **more}  # a hash is over the plain bytes
        if parts is not None:
            headers |= {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        longest = min(LONGEST, SILENCE + size / SLOWEST) * self._tools.patience
        client = self._open()
        try:
            request = client.build_request(method, url, headers=headers, content=parts() if parts else None)
            async with asyncio.timeout(longest):
                answer = await client.send(request, stream=True)
                try:
                    return await self._take(answer, method, name, take)
                finally:
                    await answer.aclose()
        except TimeoutError as error:  # as slow the next time, most likely
            self._down = True
            raise Unreachable(f"{self.shown} is too slow: no whole answer in {longest:.0f} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:  # an alert after the handshake comes bare
            raise self._unsent(error) from None  # its request holds the credentials

    async def _take(self, answer: httpx.Response, method: str, name: str, take: Take[Given]) -> Given | None:
        status = answer.status_code
        if status in ABSENT and method != "PUT":
            await self.absent(answer)
            return None
        if status == 200 or (method != "GET" and status in {201, 202, 204}):
            return await take(answer)
        if status in TRANSIENT:
            raise Trouble(f"answers {status}", _retry_after(answer))
        if status == 412:
            raise Precluded(name)
        if status in {301, 302, 303, 307, 308}:
            await self.refuse(answer, method, name)
            raise Unreachable(f"{self.shown} redirects elsewhere, which isn't followed: give the URL it leads to")
        await self.refuse(answer, method, name)
        raise Unreachable(f"{self.shown} answers {status}, as no cache does: is it the right URL?")

    async def _body(self, answer: httpx.Response, name: str, most: int) -> AsyncIterator[bytes]:
        """The parts of an answer, of which the whole comes, and no more than `most` bytes."""
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise Unreachable(f"{self.shown} answers in another encoding than the plain bytes that were asked for")
        told = answer.headers.get("content-length", "")
        if not told and "chunked" not in answer.headers.get("transfer-encoding", "").lower():
            raise Unreachable(f"{self.shown} doesn't say how long {name} is, so that a part could pass for the whole")
        if told.isdigit() and int(told) > most:
            raise Oversized(f"{name} at {self.shown} has {told} bytes, of {most} that it may have")
        got = 0
        async for part in answer.aiter_raw():
            got += len(part)
            if got > most:
                raise Oversized(f"{name} at {self.shown} has more than the {most} bytes that it may have")
            yield part
        if told and str(got) != told:
            raise Trouble(f"broke off {name} after {got} of {told} bytes")

    def _unsent(self, error: Exception) -> Exception:
        """A transport's failure as one of ours: certificates don't get better by trying again."""
        text = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return Unreachable(f"{self.shown} has a certificate that isn't trusted here: {CA} names a private CA's")
        if "alert" in text.lower() and "certificate" in text.lower():
            return Unreachable(f"{self.shown} doesn't take our certificate, or wants one: set {CERT}")
        if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL):
            return Unreachable(self.masked(f"{self.shown} wasn't asked: {text}"))
        if isinstance(error, httpx.TimeoutException):
            return Trouble("doesn't answer")
        if isinstance(error, httpx.ConnectError):
            return Trouble(f"can't be reached: {text}")
        return Trouble(f"broke off: {text}")

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                auth=Anonymous(),
                follow_redirects=False,
                verify=self._tls,
                timeout=httpx.Timeout(
                    SILENCE * self._tools.patience, connect=CONNECT * self._tools.patience, pool=None
                ),
                trust_env=not self._loopback,  # a proxy may tunnel https, but would read what goes to loopback
            )
        return self._client


async def done(_answer: httpx.Response) -> bool:
    """Takes an answer of which the status says all."""
    return True


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds by Retry-After (RFC 9110, 10.2.3), a date against the server's own, within LONGEST_PAUSE."""
    told = answer.headers.get("retry-after", "").strip()
    try:
        if told.isascii() and told.isdigit():
            seconds = float(told)
        else:
            then = parsedate_to_datetime(told)
            seconds = (then - parsedate_to_datetime(answer.headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(LONGEST_PAUSE, max(0.0, seconds))
