"""Bytes from a URL that somebody else chose: an output, or a reference.

Only public addresses are spoken to (loopback where the service itself is there), checked after the name is
resolved, and it is that very address that is connected to; each redirect is checked anew. No key is ever sent.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urljoin

import httpx

from storyboard.providers.tls import context
from storyboard.sniff import NEEDED, sniff

MOST = 2 << 30
"""Bytes of one download."""
LONGEST = 600
"""Seconds of one try, after which it is gone on with; a server that drips could hold us for ever."""
_REDIRECTS = 3
_TRIES = 6
Sleep = Callable[[float], Awaitable[None]]


class Refused(Exception):
    """The URL may not be fetched, or what is there isn't what it should be."""


class Gone(Exception):
    """The URL no longer leads anywhere (403, 404, 410): a new one may."""


class Broken(Exception):
    """The bytes could not be had, however often it was tried."""


class _Guard(httpx.AsyncBaseTransport):
    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        self._inner = httpx.AsyncHTTPTransport(verify=context())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme != "https" and not (url.scheme == "http" and self._loopback):
            raise Refused(f"{shown(str(url))} isn't https")
        address = await self._address(url)
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        request.url = url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def _address(self, url: httpx.URL) -> str:
        port = url.port or (443 if url.scheme == "https" else 80)
        if port > 65535:
            raise Refused(f"{shown(str(url))} isn't a URL: there is no port {port}")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{url.host} can't be resolved: {error}") from error
        for _, _, _, _, where in found:
            address = ipaddress.ip_address(str(where[0]).partition("%")[0])
            address = getattr(address, "ipv4_mapped", None) or address
            on_loopback = address.is_loopback and self._loopback
            if not on_loopback and (not address.is_global or address.is_multicast or url.scheme != "https"):
                raise Refused(f"{shown(str(url))} leads to {address}, which isn't a public address")
        return str(found[0][4][0])

    async def aclose(self) -> None:
        await self._inner.aclose()


def shown(url: str) -> str:
    """A URL for people: signed ones carry secrets behind the `?`."""
    return url.partition("?")[0].partition("#")[0][:200]


async def fetch(
    url: str,
    into: Path,
    *,
    loopback: bool,
    wanted: Callable[[str], bool],
    sleep: Sleep,
    most: int = MOST,
    patience: float = 1.0,
) -> str:
    """Write what is at `url` to `into`, going on where a connection broke off; its media type by its bytes.

    `wanted` says whether a media type will do; it is asked as soon as the first bytes are there. `patience` is a
    factor of the seconds that it may take.

    Raises:
        Refused, Gone, Broken: see there. What was written so far may be left at `into`.
    """
    timeout = httpx.Timeout(30 * patience, connect=10 * patience)
    transport = _Guard(loopback=loopback)
    async with httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False) as client:
        download = _Download(client, into, wanted, most)
        reason = ""
        for attempt in range(_TRIES):
            if attempt:
                await sleep(min(10, 0.5 * 2**attempt))
            try:
                async with asyncio.timeout(LONGEST * patience):
                    if await download.go_on(url):
                        return download.media
                reason = "the connection broke off"
            except TimeoutError:
                reason = "it is too slow"
            except (httpx.HTTPError, ssl.SSLError) as error:
                reason = str(error) or type(error).__name__
            except (httpx.InvalidURL, ValueError) as error:  # a redirect's target, too
                raise Refused(f"{shown(url)} leads to no URL: {error}") from error
        raise Broken(f"{shown(url)}: {reason}")


class _Download:
    def __init__(self, client: httpx.AsyncClient, into: Path, wanted: Callable[[str], bool], most: int) -> None:
        self._client = client
        self._into = into
        self._wanted = wanted
        self._most = most
        self._tag = ""
        self.media = ""
        into.write_bytes(b"")

    async def go_on(self, url: str) -> bool:
        """Fetch what is missing; False where the end was not reached."""
        have = self._into.stat().st_size
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._tag:
                headers["If-Range"] = self._tag
        for _ in range(_REDIRECTS + 1):
            request = self._client.build_request("GET", url, headers=headers)
            answer = await self._client.send(request, stream=True)
            try:
                target = answer.headers.get("location")
                if answer.status_code in {301, 302, 303, 307, 308} and target:
                    url = urljoin(url, target)
                    continue
                return await self._take(answer, url, have)
            finally:
                await answer.aclose()
        raise Refused(f"{shown(url)} redirects more than {_REDIRECTS} times")

    async def _take(self, answer: httpx.Response, url: str, have: int) -> bool:
        status = answer.status_code
        if status in {401, 403, 404, 410}:
            raise Gone(f"{shown(url)} answers {status}")
        if status == 416 and have:  # what is there is all, or it changed: begin again
            self._into.write_bytes(b"")
            return False
        if status == 206 and have and not answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
            self._into.write_bytes(b"")
            return False
        if status not in {200, 206}:
            raise httpx.HTTPStatusError(f"it answers {status}", request=answer.request, response=answer)
        begins_at = have if status == 206 and have else 0
        length = _length(answer)
        if length is not None and begins_at + length > self._most:
            raise Refused(f"{shown(url)} is larger than {self._most >> 20} MiB")
        self._tag = answer.headers.get("etag", "")
        got = begins_at
        with self._into.open("r+b") as stream:
            stream.truncate(begins_at)
            stream.seek(begins_at)
            try:
                async for part in answer.aiter_raw():
                    stream.write(part)
                    got += len(part)
                    if got > self._most:
                        raise Refused(f"{shown(url)} is larger than {self._most >> 20} MiB")
                    if not self.media and got >= NEEDED:
                        stream.flush()
                        self._require(url)
            except (httpx.TransportError, ssl.SSLError):
                return False
        if length is not None and got < begins_at + length:
            return False
        self._require(url)
        return True

    def _require(self, url: str) -> None:
        with self._into.open("rb") as stream:
            self.media = sniff(stream.read(NEEDED))
        if not self._wanted(self.media):
            raise Refused(f"what {shown(url)} gives isn't a picture or video by its bytes")


def _length(answer: httpx.Response) -> int | None:
    text = answer.headers.get("content-length", "")
    return int(text) if text.isdigit() else None
