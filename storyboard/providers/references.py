"""https references, fetched once to know what they hold; the provider fetches them again for itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from storyboard import digest
from storyboard.assets import MAX_BYTES
from storyboard.pins import Held
from storyboard.providers import web
from storyboard.sniff import is_image, is_video


async def fetch(urls: Sequence[str], folder: Path, sleep: web.Sleep) -> tuple[dict[str, Held], dict[str, str]]:
    """What each URL holds, and why others couldn't be had."""
    found: dict[str, Held] = {}
    failed: dict[str, str] = {}
    turns = asyncio.Semaphore(4)

    async def one(number: int, url: str) -> None:
        into = folder / str(number)
        async with turns:
            try:
                media = await web.fetch(url, into, loopback=False, wanted=_usable, sleep=sleep, most=MAX_BYTES)
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
