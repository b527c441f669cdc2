"""How often a law is tried, and on which examples.

`make test` tries the same ones each time, so that it fails by a change alone; `make soak` tries many times as many, each
time others. What it finds becomes an `@example`.
"""

import os
from typing import Any

from hypothesis import settings

TIMES = int(os.environ.get("LAWS", "1"))
"""How many times as many; `LAWS=20 pytest -m law` tries others, twenty times as many."""


def often(examples: int = 100, **how: Any) -> settings:
    """A law's settings: `examples` of it, without a deadline, as machines are shared."""
    return settings(max_examples=examples * TIMES, derandomize=TIMES == 1, deadline=None, **how)
