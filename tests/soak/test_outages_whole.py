"""A shared cache that refuses one request of a render, whichever it is, or all from there on."""

from collections.abc import Callable

import pytest

from storyboard.simulator import Running
from tests.desk import Desk
from tests.seats import Bucket
from tests.test_outages import Shared, lost, place, running, seat, service

__all__ = ["place", "running", "seat", "service"]


@pytest.mark.parametrize(("kind", "once"), [("bucket", True), ("bucket", False), ("server", True), ("server", False)])
def test_whichever_request_the_shared_cache_refuses_a_clip_is_bought_once_and_the_others_get_it(
    place: Bucket, seat: Callable[[str, Shared], Desk], running: Running, kind: str, once: bool
) -> None:
    lost(place, seat, running, kind, once=once)
