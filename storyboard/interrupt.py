"""Async work that Ctrl-C ends in order."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Given = TypeVar("Given")


def run(work: Coroutine[Any, Any, Given]) -> Given:
    """What `asyncio.run` gives; the first two presses of Ctrl-C cancel `work`, which may take the first as a request.

    `asyncio.run` raises the second one wherever the event loop is: between taking a callback and calling it too, where
    the task that it should have woken never ends. Only a third press does that here, and a fourth ends the process.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return asyncio.run(work)
    pressed = 0

    def press(*_: object) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 2:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            raise KeyboardInterrupt
        if not loop.is_closed():
            loop.call_soon_threadsafe(main.cancel)

    try:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            main = loop.create_task(work)
            signal.signal(signal.SIGINT, press)
            given = loop.run_until_complete(main)
    except asyncio.CancelledError:
        if not pressed:
            raise
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt
    return given
