"""A place for the author's files: uploaded once, remembered by their bytes for a day.

A day, as the providers keep uploads for longer, and limit how many are made.
"""

import asyncio
import json
from pathlib import Path

import httpx

from storyboard import atomic, digest
from storyboard.job import Input, Job
from storyboard.providers.account import Account, Anonymous, Lost, NotSent
from storyboard.providers.failure import ClipFailed
from storyboard.providers.tls import context
from storyboard.providers.wire import Api, TakesFiles, Transfer, WrongShape
from storyboard.providers.wire import failure as failure_of
from storyboard.sniff import NEEDED, sniff

KEPT = 24 * 3600
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


class Memory:
    """What was uploaded where and when. `path` is None where nothing is to be remembered beyond this run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, tuple[str, int]] = _load(path) if path else {}

    def get(self, where: str, now: float) -> str | None:
        """The reference to a file uploaded less than a day ago."""
        found = self._known.get(where)
        return found[0] if found and 0 <= now - found[1] < KEPT else None

    def put(self, where: str, reference: str, now: float) -> None:
        """Remember an upload; one that can't be written down is only made again."""
        self._known[where] = (reference, int(now))
        if "?" not in reference:  # a signature stands there, and belongs into no file
            self._write(now)

    def forget(self, where: str, now: float) -> None:
        """Upload it anew the next time."""
        if self._known.pop(where, None) is not None:
            self._write(now, where)

    def _write(self, now: float, without: str = "") -> None:
        if self._path is None:
            return
        merged = {**_load(self._path), **{key: kept for key, kept in self._known.items() if "?" not in kept[0]}}
        fresh = {key: kept for key, kept in merged.items() if now - kept[1] < KEPT and key != without}
        try:
            atomic.ignored_folder(self._path.parent)
            atomic.write(self._path, digest.seal(json.dumps(fresh).encode()), durable=False)
        except OSError:
            return


def _load(path: Path) -> dict[str, tuple[str, int]]:
    try:
        body = digest.unseal(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {where: (reference, when) for where, (reference, when) in json.loads(body).items()}


class Host:
    """Uploads to one service."""

    def __init__(self, api: Api, account: Account, memory: Memory) -> None:
        self._api = api
        self._account = account
        self._memory = memory
        self._turns: dict[str, asyncio.Lock] = {}

    async def reference(self, job: Job, given: Input, wall: float) -> str:
        """What stands for a file in a request: uploaded now, unless it was today.

        Raises:
            ClipFailed: it can't be read, changed meanwhile, or the service doesn't take it.
        """
        where = self._where(job, given)
        async with self._turns.setdefault(where, asyncio.Lock()):
            known = self._memory.get(where, wall)
            if known is not None:
                return known
            try:
                made = await self._upload(job, given)
            except (NotSent, Lost, WrongShape, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                reason = self._account.masked(str(error))
                raise ClipFailed(f"{given.label} could not be uploaded: {reason}") from error
            self._memory.put(where, made, wall)
            return made

    def forget(self, job: Job, given: Input, wall: float) -> None:
        """The service refused what the file is part of: perhaps it lost it."""
        self._memory.forget(self._where(job, given), wall)

    def _where(self, job: Job, given: Input) -> str:
        assert given.sha256 is not None
        of = f" {job.model}" if self._account.service.name == "dashscope" else ""  # its policies are for one model
        return f"{self._account.base}{of} {given.sha256}"

    async def _upload(self, job: Job, given: Input) -> str:
        # Exactly the bytes that the key speaks of are sent: read once, checked, and sent from memory.
        assert given.file is not None
        try:
            data = await asyncio.to_thread(Path(given.file).read_bytes)
        except OSError as error:
            raise ClipFailed(f"{given.label} can't be read: {error.strerror}") from error
        if digest.sha256(data) != given.sha256:
            raise ClipFailed(f"{given.label} changed while the render was under way; render again")
        media = sniff(data[:NEEDED])
        filename = f"{given.sha256[:16]}.{_SUFFIXES.get(media, 'bin')}"  # a name may tell more than the picture does
        if not isinstance(self._api, TakesFiles):
            raise ClipFailed(f"{self._account.service.title} takes no files")
        answer = await self._account.send(self._api.ask(job, filename, len(data), media))
        if not 200 <= answer.status < 300:
            reason = failure_of(answer, self._api.refused(answer).message)
            raise ClipFailed(f"{given.label} could not be uploaded: {self._account.masked(reason.message)}")
        transfer = self._api.transfer(answer, filename, media)
        await self._hand_over(transfer, filename, data, given.label)
        return transfer.reference

    async def _hand_over(self, transfer: Transfer, filename: str, data: bytes, label: str) -> None:
        """Send the bytes, without the key: the place is another host's, and is signed."""
        url = httpx.URL(transfer.url)
        if url.scheme != "https" and not (self._account.loopback and url.scheme == "http"):
            raise ClipFailed(f"{label} isn't uploaded: the place for it isn't https")
        if (url.port or 443) > 65535:
            raise ClipFailed(f"{label} isn't uploaded: the place for it has no port {url.port}")
        timeout = httpx.Timeout(120 * self._account.patience, connect=10)
        async with httpx.AsyncClient(
            auth=Anonymous(), follow_redirects=False, timeout=timeout, verify=context()
        ) as client:
            if transfer.fields is None:
                request = client.build_request(transfer.method, url, content=data, headers=dict(transfer.headers))
            else:
                files = {"file": (filename, data)}
                request = client.build_request(transfer.method, url, data=dict(transfer.fields), files=files)
            sent = await client.send(request, stream=True)  # its body, however long, is never read
            await sent.aclose()
        if not sent.is_success:
            raise ClipFailed(f"{label} could not be uploaded: the store answers {sent.status_code}")
