"""Every write of a render fails: each call, with each errno, once and from then on; every byte of a journal is flipped.

Run by `make soak`; takes most of an hour.
"""

import errno
import sys
from collections import Counter

import pytest

from tests.failing import Where
from tests.test_writes import SIZES, Bench, Lab, bench, clip, flipped, lab

__all__ = ["bench", "clip", "lab"]

FLIPS = 11
"""Every so many bytes of a journal are flipped, one at a time."""


@pytest.mark.parametrize("where", ["sqlite", "files"])
def test_every_write_fails_with_every_error_and_in_both_modes(lab: Lab, where: Where) -> None:
    calls = lab.calls(where)
    sys.stdout.write(lab.sweep(where, range(1, calls + 1)))
    assert lab.case(where, 4 * calls, errno.EIO).ended.status == 0


def test_no_file_grows_beyond_any_size(lab: Lab) -> None:
    for size in {*SIZES, *range(0, 70_000, 1500)}:
        lab.case("size", size, errno.EFBIG, forever=True)


def test_no_flipped_byte_buys_anything(bench: Bench) -> None:
    places = range(0, len(bench.journal), FLIPS)
    ends = Counter(flipped(bench, at) for at in places)
    sys.stdout.write(f"{len(places)} of {len(bench.journal)} bytes flipped: exit statuses {dict(ends)}\n")
