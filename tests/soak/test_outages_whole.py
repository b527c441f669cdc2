"""A shared cache that doesn't answer one request of a render, whichever it is."""

from collections.abc import Callable

import pytest

from storyboard.simulator import Running
from tests.desk import Desk
from tests.seats import Bucket
from tests.test_outages import Shared, lost, place, running, seat, service

__all__ = ["place", "running", "seat", "service"]


@pytest.mark.parametrize("kind", ["bucket", "server"])
def test_whichever_request_the_shared_cache_refuses_a_clip_is_bought_once_and_the_others_get_it(
    place: Bucket, seat: Callable[[str, Shared], Desk], running: Running, kind: str
) -> None:
    lost(place, seat, running, kind, once=True)
