"""https references, fetched once to know what they hold; the provider fetches them again for itself."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from storyboard import digest
from storyboard.assets import MAX_BYTES
from storyboard.pins import Held
from storyboard.providers import aimlapi, dashscope, vercel, wavespeed, web
from storyboard.providers.account import is_loopback
from storyboard.sniff import is_image, is_video

_BASES = {one.SERVICE.name: one.SERVICE.base_variable for one in (aimlapi, dashscope, vercel, wavespeed)}


def on_loopback(providers: set[str], environment: Mapping[str, str]) -> bool:
    """Whether all these providers are on this machine, so that references may be too."""
    bases = [environment.get(_BASES.get(name, ""), "") for name in providers]
    try:
        return bool(bases) and all(is_loopback(httpx.URL(base).host) for base in bases)
    except httpx.InvalidURL:
        return False


async def fetch(
    urls: Sequence[str], folder: Path, sleep: web.Sleep, *, loopback: bool
) -> tuple[dict[str, Held], dict[str, str]]:
    """What each URL holds, and why others couldn't be had."""
    found: dict[str, Held] = {}
    failed: dict[str, str] = {}
    turns = asyncio.Semaphore(4)

    async def one(number: int, url: str) -> None:
        into = folder / str(number)
        async with turns:
            try:
                media = await web.fetch(url, into, loopback=loopback, wanted=_usable, sleep=sleep, most=MAX_BYTES)
                found[url] = (digest.sha256_file(into), media)
            except (web.Refused, web.Gone, web.Broken, OSError) as error:
                failed[url] = str(error)
            finally:
                into.unlink(missing_ok=True)

    async with asyncio.TaskGroup() as group:
        for number, url in enumerate(urls):
            group.create_task(one(number, url))
    return found, failed


def _usable(media: str) -> bool:
    return is_image(media) or is_video(media)
