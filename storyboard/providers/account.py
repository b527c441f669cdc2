"""One service's account: where it is, its key, and requests to it.

The key goes to the service's own base URL and nowhere else; no redirect is followed.
"""

import asyncio
import ipaddress
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from storyboard.providers.failure import Unconfigured
from storyboard.providers.tls import context
from storyboard.providers.wire import Answer, Call, Service

MOST = 256 << 20
"""Bytes of an answer; a clip may be in it, in base64."""
LONGEST = 10
"""Times the seconds between two parts of an answer that all of it may take; an answer to a submit has those alone."""

SECRET = 6
"""Characters of the shortest key that is masked."""
_QUERY = re.compile(r"(\bhttps?://[^\s?\"'<>]*)[?][^\s\"'<>]*")

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NotSent(Exception):
    """No connection was made, so the service knows nothing of the request."""


class Lost(Exception):
    """The request may have arrived; its answer did not."""


class Anonymous(httpx.Auth):
    """Adds nothing: without it, a .netrc could replace the key."""


class Account:
    """Sends requests to one service. `patience` is a factor of the seconds that an answer may take.

    Raises:
        Unconfigured: there is no key, or the base URL isn't https (or http on loopback).
    """

    def __init__(self, service: Service, environment: Mapping[str, str], patience: float = 1.0) -> None:
        self.service = service
        self.patience = patience
        key = next((environment[name] for name in service.keys if environment.get(name, "").strip()), "").strip()
        if not key:
            raise Unconfigured(f"{service.title} needs a key: set {service.keys[0]}")
        if not key.isascii() or not key.isprintable():
            raise Unconfigured(f"{service.keys[0]} holds characters that no key has")
        base = (environment.get(service.base_variable) or service.base).strip().rstrip("/")
        if service.suffix and base.endswith(service.suffix):
            base = base.removesuffix(service.suffix)
        self.base = base
        self.loopback = _checked(base, service)
        self._key = key
        self._client: httpx.AsyncClient | None = None
        self._once: httpx.AsyncClient | None = None

    async def send(
        self, call: Call, *, seconds: float = 30, once: bool = False, still: Callable[[], None] | None = None
    ) -> Answer:
        """The answer to one request. `once` uses a connection of its own, as one that was closed while it lay
        idle would leave open whether the request arrived. `still` is called when the connection is made and the
        request is about to be written; what it raises forbids that.

        Raises:
            NotSent: it never left.
            Lost: it may have arrived.
        """
        client = self._fresh() if once else self._kept()
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", **call.headers}
        content = None
        if call.body is not None:
            content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        timeout = httpx.Timeout(seconds * self.patience, connect=10 * self.patience)
        longest = (10 + seconds * (1 if once else LONGEST)) * self.patience
        request = client.build_request(
            call.method, self.base + call.path, content=content, headers=headers, timeout=timeout
        )
        if still is not None:
            request.extensions["trace"] = _before_it_leaves(still)
        try:
            async with asyncio.timeout(longest):
                answer = await client.send(request, stream=True)
                try:
                    return await _read(answer, self._key)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise Lost(f"no whole answer in {longest:.0f} s") from error
        except _NEVER_SENT as error:
            raise NotSent(self.masked(str(error) or type(error).__name__)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:  # httpx lets a later alert of TLS through
            raise Lost(self.masked(str(error) or type(error).__name__)) from error

    def masked(self, text: str) -> str:
        """`text` without the key, and then at most 500 characters, so that no part of it is left where it is cut."""
        return _hidden(text, self._key)[:500]

    async def close(self) -> None:
        """Close the connections."""
        for client in (self._client, self._once):
            if client is not None:
                await client.aclose()
        self._client = self._once = None

    def _kept(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(auth=Anonymous(), follow_redirects=False, verify=context())
        return self._client

    def _fresh(self) -> httpx.AsyncClient:
        if self._once is None:
            limits = httpx.Limits(max_keepalive_connections=0)
            self._once = httpx.AsyncClient(auth=Anonymous(), follow_redirects=False, limits=limits, verify=context())
        return self._once


def _hidden(text: str, key: str) -> str:
    """`text` without the key and without what signs URLs; a key so short that it could be any word, as a simulator
    takes, is no secret.
    """
    for secret in {key, quote(key, safe="")} if len(key) >= SECRET else ():
        text = text.replace(secret, "***")
    return _QUERY.sub(r"\1", text)


def _before_it_leaves(still: Callable[[], None]) -> Callable[[str, Any], Awaitable[None]]:
    async def trace(event: str, _info: Any) -> None:
        if event.endswith(".send_request_headers.started"):
            still()

    return trace


async def _read(answer: httpx.Response, key: str) -> Answer:
    data = bytearray()
    async for part in answer.aiter_bytes():
        data += part
        if len(data) > MOST:
            raise httpx.ReadError(f"the answer is larger than {MOST >> 20} MiB")
    body: Any = None
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    return Answer(
        answer.status_code, dict(answer.headers), body, _hidden(data[:4096].decode("utf-8", "replace"), key)[:500]
    )


def _checked(base: str, service: Service) -> bool:
    """Whether the base URL is on loopback; refuses what would send the key in the clear."""
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:  # whose words hold parts of it, which may be a key
        raise Unconfigured(f"{service.base_variable} isn't a URL") from error
    loopback = url.host in {"localhost", "::1"} or is_loopback(url.host)
    if url.userinfo:
        raise Unconfigured(f"{service.base_variable} holds credentials; the key is all that {service.title} needs")
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and loopback)):
        raise Unconfigured(f"{service.base_variable} must be an https URL (http only on this machine's loopback)")
    return loopback


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
