"""The shared cache in use: clips looked for before they are bought, sent when they are made, each checked on the way.

What a remote gives is somebody else's word. A record must be whole, of its key and of a clip alone; a clip must have
the bytes that its record names, and be one by those bytes. Whatever isn't so is a miss, with a word about it.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from storyboard import atomic, digest, interrupt
from storyboard.event import Event, Finished, Noted, Started
from storyboard.job import bare, key_of
from storyboard.lease import Leases, Pace
from storyboard.remote import Locking, Oversized, Remote
from storyboard.store import FORMAT, Lost, Record, Store

MOST = 2 << 30
"""Bytes of a clip: as many as of a service's download."""
MOST_RECORD = 4 << 20
AT_ONCE = 8
"""Keys asked about side by side."""
OWED = "owed"
"""The store's folder that names the keys of which the others wait for a word, of this render or one that was killed."""

Item = TypeVar("Item")
Given = TypeVar("Given")

_HEX = re.compile("[0-9a-f]{64}")
_MOMENT = re.compile(r"[0-9TZ:.+-]{0,40}")
_COST = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WORD = 500
"""Characters of an id or a note in a record."""


class Wanted(NamedTuple):
    """A clip to be fetched: what it is called, and the SHA-256 that it must have, "" for any."""

    name: str
    clip: str = ""


class _Told(NamedTuple):
    """A record of the remote that is whole."""

    clip: str
    size: int
    facts: Mapping[str, Any]


class Shared:
    """A store beside the cache that it shares with others.

    Attributes:
        notify: Who listens.
        leases: Who is buying what; None where the remote can't tell who was first.
        shown: The remote's URL for people.
    """

    def __init__(self, store: Store, remote: Remote, leases: Leases | None, notify: Callable[[Event], None]) -> None:
        self.leases = leases
        self.shown = remote.shown
        self._store = store
        self._remote = remote
        self.notify = notify
        self._there = set[str]()
        self._bad = set[str]()
        self._said = set[str]()

    def run(self, work: Coroutine[Any, Any, Given]) -> Given:
        """Do it, and close the connections."""

        async def closed() -> Given:
            try:
                return await work
            finally:
                await self.close()

        return interrupt.run(closed())

    async def close(self) -> None:
        """Let go of connections and leases; it may be used again after."""
        for key in self.leases.mine if self.leases else ():
            assert self.leases
            self.leases.leave(key)
        await self._remote.close()

    # -- reading

    async def known(self, keys: Iterable[str]) -> set[str]:
        """The keys whose clip is there, as far as that can be told without fetching it.

        Raises:
            Unreachable: see there.
        """

        async def one_of(key: str) -> bool:
            told = await self._look(key)
            return isinstance(told, _Told) and await self._remote.has(f"cas/{told.clip}")

        asked = list(dict.fromkeys(keys))
        return {key for key, there in zip(asked, await each(asked, one_of), strict=True) if there}

    async def fetch(self, key: str, wanted: Wanted) -> Record | Lost:
        """Bring a key's record and clip into the store.

        Raises:
            Unreachable: see there.
        """
        try:
            found = await self._fetch(key, wanted.clip)
        except OSError as error:
            found = Lost(f"it can't be kept: {error.strerror or error}")
        if isinstance(found, Record):
            self._there.add(key)
        elif found.reason:
            self.note(f"{wanted.name}: what {self.shown} has of it isn't used: {found.reason}")
        return found

    async def pull(self, wanted: Mapping[str, Wanted]) -> dict[str, Record | Lost]:
        """Fetch several, by key, a few at a time; each is told of when it is here.

        Raises:
            Unreachable: see there. What was fetched so far is in the store.
        """

        async def one_of(key: str) -> Record | Lost:
            found = await self.fetch(key, wanted[key])
            if isinstance(found, Record):
                self.notify(Started(wanted[key].name, "fetched from the shared cache", 0))
                self.notify(Finished(wanted[key].name))
            return found

        return dict(zip(wanted, await each(wanted, one_of), strict=True))

    async def _look(self, key: str) -> _Told | Lost:
        try:
            data = await self._remote.read(f"ac/{key}", MOST_RECORD)
        except Oversized:
            data = b""
        if data is None:
            return Lost()
        try:
            return _opened(key, data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._bad.add(key)
            return Lost("its record is damaged")

    async def _fetch(self, key: str, clip: str) -> Record | Lost:
        told = await self._look(key)
        if isinstance(told, Lost):
            return told
        if clip and told.clip != clip:
            return Lost(f"it is another clip ({told.clip[:8]}) than the lock's ({clip[:8]})")
        with self._store.workspace() as folder:
            path = folder / "clip.mp4"
            try:
                there = await self._remote.fetch(f"cas/{told.clip}", path, told.size)
                reason = "" if there else "its clip is no longer there"
            except Oversized:
                reason = "its clip is damaged"
            seen = Lost(reason) if reason else await asyncio.to_thread(_seen, path, told)
            if isinstance(seen, Lost):
                self._bad.add(key)
                return seen
            facts = {**told.facts, "clip": seen}
            return await asyncio.to_thread(self._store.put, key, {"clip": path}, facts)

    # -- writing

    async def push(self, key: str) -> int | Lost:
        """Send a clip of the store, and then its record, unless they are there; the bytes sent.

        Raises:
            Unreachable: see there.
        """
        if key in self._there:
            return 0
        found = self._store.find(key)
        if isinstance(found, Lost):
            return found
        if not is_clip(found):
            return Lost("it isn't a clip that was made for a job")
        told = Lost() if key in self._bad else await self._look(key)
        sent = 0
        if not (isinstance(told, _Told) and await self._remote.has(f"cas/{told.clip}")):
            clip = found.outputs["clip"]
            if key in self._bad or not await self._remote.has(f"cas/{clip.sha256}"):
                await self._remote.send(f"cas/{clip.sha256}", clip.path)
                sent += clip.size
            record = _sealed(found)
            await self._remote.write(f"ac/{key}", record)
            sent += len(record)
        self._bad.discard(key)
        self._there.add(key)
        return sent

    # -- what others wait for

    def owe(self, key: str) -> None:
        """Write down that a key is about to be bought for all; it is kept until there is word of it."""
        atomic.write(self._store.root / OWED / key, b"")

    def settled(self, key: str) -> None:
        """The others know."""
        with suppress(OSError):
            (self._store.root / OWED / key).unlink()

    def owes(self, key: str) -> bool:
        """Whether the others wait for a word of it."""
        return (self._store.root / OWED / key).exists()

    def owed(self) -> list[str]:
        """The keys of which the others wait for a word."""
        return owed(self._store.root)

    def note(self, message: str) -> None:
        """Tell something, once."""
        if message not in self._said:
            self._said.add(message)
            self.notify(Noted(message))


def share(
    store: Store,
    remote: Remote,
    who: str,
    notify: Callable[[Event], None],
    *,
    wall: Callable[[], float],
    now: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    pace: Pace | None = None,
) -> Shared:
    """A store and a remote brought together. `who` is the user's name for others; for the clocks see `Leases`."""
    leases = Leases(remote, store.root, who, wall, now, sleep, pace or Pace()) if isinstance(remote, Locking) else None
    return Shared(store, remote, leases, notify)


def owed(store: Path) -> list[str]:
    """The keys of which others wait for a word of a store."""
    with suppress(OSError):
        return sorted(path.name for path in (store / OWED).iterdir() if _HEX.fullmatch(path.name))
    return []


async def each(items: Collection[Item], work: Callable[[Item], Awaitable[Given]]) -> list[Given]:
    """`work` on every item, a few at a time; what one raises ends the others."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one_of(item: Item) -> Given:
        async with turns:
            return await work(item)

    tasks = [asyncio.create_task(one_of(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_clip(record: Record) -> bool:
    """Whether a record of the store is of a job's clip, and nothing of a cut's."""
    model, request = record.facts.get("model"), record.facts.get("request")
    if record.outputs.keys() != {"clip"} or not isinstance(model, str) or not isinstance(request, dict):
        return False
    return key_of(model, request) == record.key


def probed(clip: Path) -> dict[str, Any]:
    """What a record tells of its clip.

    Raises:
        MediaError: it is none.
    """
    from storyboard.media import probe  # noqa: PLC0415 -- a plan decodes nothing

    found = probe(clip)
    return {"width": found.width, "height": found.height, "frames": found.frames, "sound": found.sound}


def public(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a record that others may know, of the types that they have: no URL with what signs it, and nothing
    of a service's answer but its id.
    """
    kept: dict[str, Any] = {"model": facts["model"], "request": facts["request"]}
    kept |= {name: one for name in ("id", "by") if isinstance(one := facts.get(name), str) and len(one) <= _WORD}
    for name, form in (("at", _MOMENT), ("cost", _COST)):
        one = facts.get(name)
        kept[name] = one if isinstance(one, str) and form.fullmatch(one) else None
    kept["at"] = kept["at"] or ""
    words, inputs, provider = facts.get("words"), facts.get("inputs"), facts.get("provider")
    if isinstance(words, dict):
        kept["words"] = {name: one for name, one in words.items() if isinstance(one, str)}
    if isinstance(inputs, dict):
        its = {name: given if isinstance(given, list) else [given, ""] for name, given in inputs.items()}
        kept["inputs"] = {name: [bare(label) for label in given] for name, given in its.items() if _labels(given)}
    if isinstance(provider, dict):
        known = {name: provider.get(name) for name in ("name", "id")}
        kept["provider"] = {name: one for name, one in known.items() if isinstance(one, str) and len(one) <= _WORD}
    if isinstance(facts.get("differs"), list):
        kept["differs"] = [one for one in facts["differs"] if isinstance(one, str) and len(one) <= _WORD]
    if isinstance(clip := facts.get("clip"), dict):
        kept["clip"] = {name: one for name, one in clip.items() if isinstance(one, int)}
    return kept


def _labels(given: list[Any]) -> bool:
    return len(given) == 2 and all(isinstance(one, str) for one in given)


def _sealed(record: Record) -> bytes:
    outputs = {name: {"sha256": blob.sha256, "size": blob.size} for name, blob in record.outputs.items()}
    body = {"format": FORMAT, "key": record.key, "outputs": outputs, "facts": public(record.facts)}
    return digest.seal(digest.canonical(body))


def _opened(key: str, data: bytes) -> _Told:
    """A record as the remote gave it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RecursionError: it isn't one, or isn't this key's.
    """
    body = json.loads(digest.unseal(data))
    clip, facts = body["outputs"]["clip"], public(body["facts"])
    sha256, size = clip["sha256"], clip["size"]
    digest.canonical(facts)  # which has no form for what no record holds
    its = body["format"] == FORMAT and body["key"] == key == key_of(facts["model"], facts["request"])
    alone = len(body["outputs"]) == 1 and _HEX.fullmatch(sha256) and type(size) is int and 0 < size <= MOST
    if not its or not alone or not isinstance(facts["model"], str) or not isinstance(facts["request"], dict):
        raise ValueError("it is another's")
    return _Told(sha256, size, facts)


def _seen(path: Path, told: _Told) -> dict[str, Any] | Lost:
    """What a clip that came is, or what is wrong with it."""
    from storyboard.media import MediaError  # noqa: PLC0415 -- a plan decodes nothing

    if path.stat().st_size != told.size or digest.sha256_file(path) != told.clip:
        return Lost("its clip is damaged")
    try:
        return probed(path)
    except MediaError as error:
        return Lost(f"its clip can't be used: {error}")
