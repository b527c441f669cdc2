"""A seat killed after each step of a purchase that a cache is shared for."""

from pathlib import Path

import pytest

from storyboard.catalog import Catalog
from storyboard.simulator import Simulator
from storyboard.tools import Tools
from tests.seats import Bucket, Seats
from tests.test_seats import STEPS, killed_after, place, seats, service, tmp_path

__all__ = ["place", "seats", "service", "tmp_path"]


@pytest.mark.parametrize("done", STEPS)
def test_a_seat_killed_after_any_step_has_bought_at_most_once_and_nothing_is_lost(
    seats: Seats,
    place: Bucket,
    tmp_path: Path,
    tools: Tools,
    tiny_clip: Path,
    done: str,
) -> None:
    killed_after(done, seats, place, tmp_path, Simulator(tools, Catalog(), latency=0.02, clip=tiny_clip))
