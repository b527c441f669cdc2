"""Ctrl-C, wherever the event loop is."""

import subprocess
import sys

import pytest

PRESSED = """
import asyncio, signal, sys
from types import FrameType

from storyboard.interrupt import run

signal.signal(signal.SIGINT, signal.default_int_handler)


def pressed_at(place: int) -> list[str]:
    "Ctrl-C once, and again at a line of the event loop's own."
    said, lines = [], 0

    def trace(frame, event, _):
        nonlocal lines
        if "asyncio" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        if event == "line" and lines == place:
            signal.raise_signal(signal.SIGINT)
        return trace

    async def ticking():
        while True:
            await asyncio.sleep(0)

    async def work():
        other = asyncio.create_task(ticking())
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        try:
            await asyncio.wait([other])
        except asyncio.CancelledError:
            said.append("asked")
        sys.settrace(trace)
        try:
            await asyncio.wait([other])
        except asyncio.CancelledError:
            said.append("told")
            raise
        finally:
            sys.settrace(None)
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            said.append("tidy")

    try:
        run(work())
    except KeyboardInterrupt:
        said.append("stopped")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return said


ends = [pressed_at(place) for place in range(1, 121)]
assert ends == [["asked", "told", "tidy", "stopped"]] * 120, ends
"""
ENDS = """
import asyncio, signal
from storyboard.interrupt import run

signal.signal(signal.SIGINT, signal.default_int_handler)

async def work():
    for left in range({presses}, 0, -1):
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("cancelled", flush=True)
    return "done"

try:
    print(run(work()))
except KeyboardInterrupt:
    print("stopped")
"""


def said(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_second_ctrl_c_reaches_the_work_wherever_the_event_loop_is() -> None:
    assert said(PRESSED) == ""


@pytest.mark.parametrize(
    ("presses", "end"),
    [
        (0, "done\n"),
        (1, "cancelled\nstopped\n"),
        (2, "cancelled\ncancelled\nstopped\n"),
        (3, "cancelled\ncancelled\nstopped\n"),
    ],
)
def test_work_that_was_cancelled_by_ctrl_c_never_counts_as_done_and_the_third_one_ends_it(
    presses: int, end: str
) -> None:
    assert said(ENDS.format(presses=presses)) == end
