"""An S3-compatible bucket, `s3://bucket/prefix`, where of several who create one name, one succeeds.

That is S3's conditional write (`If-None-Match: *`): 412 for all but the first, 409 while two race. obstore signs the
URLs, and the requests are our own: obstore's would follow a redirect, and take AWS_SESSION_TOKEN along to another host.
Everything that decides where requests go is passed to it explicitly, as it reads every `AWS_…` variable of the process
for what it isn't told.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from obstore import sign_async
from obstore.exceptions import BaseError
from obstore.store import S3Store

from storyboard.remote import Oversized, ReadOnly, Unreachable
from storyboard.remote.chosen import Misspelt, checked_server, on_loopback
from storyboard.remote.credentials import CA, trusting
from storyboard.remote.transport import Parts, Precluded, Tools, Transport, Trouble, done

VALID = timedelta(hours=1)
"""How long a signed URL is good for: longer than the longest try."""
KEY, SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
ROLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables that name a role's credentials, which obstore fetches; it reads these from the process itself."""
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_WORDS = 8192
"""Bytes of an error that are read."""


class Bucket(Transport):
    """A remote in a bucket.

    Raises:
        Unreachable: the environment contradicts itself, or an endpoint isn't safe.
    """

    cached = False

    def __init__(self, url: str, environment: Mapping[str, str], tools: Tools) -> None:
        account = _Account(environment)
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        self._named = account.named
        self._plain = f"{account.endpoint}/{parts.netloc}/{prefix + '/' if prefix else ''}"
        self._signer = account.signer(parts.netloc, prefix) if account.named else None
        self._there = False
        self._proven = False
        loopback = on_loopback(urlsplit(account.endpoint).hostname or "")
        super().__init__(url, tools, trusting(environment, CA, "AWS_CA_BUNDLE"), loopback=loopback)

    async def has(self, name: str) -> bool:
        """See `Remote`. The first time, the bucket is looked for as well, of which a HEAD tells nothing."""
        found = bool(await self.ask("HEAD" if self._there else "GET", name, 0, done))
        self._there = True
        return found

    async def create(self, name: str, data: bytes) -> bool:
        """See `Remote`. The first that succeeds is repeated, which must fail: some services let everybody be first."""
        sent, parts = self._counted(data)
        if await self._was_there(name, len(data), parts):
            return sent() > 1 and await self._holds(name, data)
        if not self._proven:
            try:
                proven = await self._was_there(name, len(data), parts)
            except Unreachable:
                with suppress(Unreachable):
                    await self.delete(name)
                raise
            if not proven:
                raise Unreachable(f"{self.shown} lets everybody be first: it ignores If-None-Match, which S3 knows")
            self._proven = True
        return True

    async def replace(self, name: str, was: bytes, data: bytes) -> bool:
        """See `Locking`. A service that ignores If-Match may replace what came in between."""
        tag = ""

        async def take(answer: httpx.Response) -> bytes:
            nonlocal tag
            tag = answer.headers.get("etag", "")
            return b"".join([part async for part in self._body(answer, name, len(was) + len(data))])

        try:
            there = await self.ask("GET", name, len(was) + len(data), take)
        except Oversized:
            return False
        if there != was:
            return there == data
        sent, parts = self._counted(data)
        try:
            await self.ask("PUT", name, len(data), done, parts, {"If-Match": tag} if tag else None)
        except Precluded:
            return sent() > 1 and await self._holds(name, data)
        return True

    async def delete(self, name: str) -> None:
        """See `Locking`."""
        await self.ask("DELETE", name, 0, done)

    async def place(self, method: str, name: str) -> tuple[str, Mapping[str, str]]:
        """See `Transport`."""
        if self._signer is None:
            return self._plain + name, {}
        try:
            return await sign_async(self._signer, cast("Any", method), name, VALID), {}
        except (BaseError, ValueError) as error:
            raise Unreachable(f"{self.shown} can't be asked: {self._named} gave no credentials") from error

    async def absent(self, answer: httpx.Response) -> None:
        """See `Transport`."""
        if answer.request.method != "HEAD":
            self._cure(await _code(answer))
        self._there = True

    async def refuse(self, answer: httpx.Response, method: str, name: str) -> None:
        """See `Transport`. Of what a service says, its code decides, and nothing is shown."""
        status = answer.status_code
        self._cure(await _code(answer))
        if status == 404 and "if-match" in answer.request.headers:
            raise Precluded(name)
        if status == 409:
            raise Trouble("can't say who was first, as several are at it (409)")
        who = f"{self._named} doesn't allow it" if self._named else f"{KEY} and {SECRET} aren't set"
        if status in {401, 403, 405} and method in {"PUT", "DELETE"}:
            raise ReadOnly(f"{self.shown} takes nothing from here ({status}): {who}")
        if status in {401, 403}:
            what = f"{self.shown} doesn't let {name} be read ({status}): {who}"
            raise Unreachable(f"{what}; that takes s3:GetObject, and s3:ListBucket to tell what isn't there")

    def _cure(self, code: str) -> None:
        if code in _CURES:
            raise Unreachable(f"{self.shown} can't be used: {_CURES[code]}")

    async def _was_there(self, name: str, size: int, parts: Parts) -> bool:
        """Create it; whether something was there, so that it wasn't."""
        try:
            created = await self.ask("PUT", name, size, done, parts, {"If-None-Match": "*"})
        except Precluded:
            return True
        return not created

    @staticmethod
    def _counted(data: bytes) -> tuple[Callable[[], int], Parts]:
        """How often it was sent, and the data as the parts of a request."""
        sent = 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal sent
            sent += 1
            yield data

        return lambda: sent, parts

    async def _holds(self, name: str, data: bytes) -> bool:
        try:
            return await self.read(name, len(data)) == data
        except Oversized:
            return False


_CURES = {
    "NoSuchBucket": "there is no bucket of that name",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY isn't the one that belongs to AWS_ACCESS_KEY_ID",
    "InvalidAccessKeyId": "AWS_ACCESS_KEY_ID is unknown there",
    "ExpiredToken": "AWS_SESSION_TOKEN has expired; ask for new credentials",
    "InvalidToken": "AWS_SESSION_TOKEN isn't valid there",
    "AuthorizationHeaderMalformed": "AWS_REGION isn't the bucket's region",
    "AuthorizationQueryParametersError": "AWS_REGION isn't the bucket's region",
    "PermanentRedirect": "AWS_REGION isn't the bucket's region",
    "TemporaryRedirect": "AWS_REGION isn't the bucket's region",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "NotImplemented": "it hasn't all that is needed of S3",
}
"""What cures an error, by the code that S3 has for it."""


async def _code(answer: httpx.Response) -> str:
    data = bytearray()
    async for part in answer.aiter_raw():
        data += part
        if len(data) > _WORDS:
            break
    found = _CODE.search(bytes(data[:_WORDS]))
    return found[1].decode() if found else ""


class _Account:
    """Where a bucket is, and who asks, by the environment.

    Attributes:
        named: The variables that credentials come from; "" where requests aren't signed.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        def told(*names: str) -> str:
            return next((text for name in names if (text := environment.get(name, "").strip())), "")

        key, secret, token = told(KEY), told(SECRET), told("AWS_SESSION_TOKEN")
        if bool(key) != bool(secret):
            raise Unreachable(f"{KEY} and {SECRET} go together: {SECRET if key else KEY} is missing")
        self._given = {"access_key_id": key, "secret_access_key": secret} if key else {}
        if key and token:
            self._given["session_token"] = token
        self.named = KEY if key else next((name for name in ROLES if told(name)), "")
        self._region = told("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", self._region):
            raise Unreachable("AWS_REGION isn't the name of a region")
        told_endpoint = told("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
        self.endpoint = _checked(told_endpoint) if told_endpoint else f"https://s3.{self._region}.amazonaws.com"

    def signer(self, bucket: str, prefix: str) -> S3Store:
        """What signs the URLs of a bucket."""
        try:
            return S3Store(
                bucket,
                prefix=prefix or None,
                region=self._region,
                endpoint=self.endpoint,
                aws_endpoint_url_s3=self.endpoint,
                skip_signature=False,
                virtual_hosted_style_request=False,
                client_options={"allow_http": self.endpoint.startswith("http:")},
                **cast("Any", self._given),
            )
        except (BaseError, ValueError) as error:
            raise Unreachable(f"{self.named} can't be used as it stands") from error


def _checked(endpoint: str) -> str:
    """An endpoint's URL in one form.

    Raises:
        Unreachable: it isn't a URL, holds credentials, or is plain HTTP elsewhere.
    """
    try:
        return checked_server(endpoint)
    except Misspelt as error:
        raise Unreachable(f"AWS_ENDPOINT_URL: {error}") from error
