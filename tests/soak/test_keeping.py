"""The store over time, at length: many more corruptions, and every set of branches, locks and ages that turns up.

Run by `make soak`; takes some minutes.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.folder import Folder
from tests.test_keeping import WORLDS, board, memory, require_kept_out, require_noticed, require_swept

__all__ = ["board", "memory"]

SEEDS = range(100, 110)


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_notices_every_corruption(memory: Path, seed: int) -> None:
    require_noticed(memory, 5000, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_corruption_is_taken_for_a_clip(board: Folder, memory: Path, seed: int) -> None:
    require_kept_out(board.copy(memory / "film"), 5000, seed)


@settings(max_examples=5_000)
@given(st.tuples(*WORLDS))
def test_what_is_needed_stays_and_all_else_goes(world: tuple[Any, ...]) -> None:
    require_swept(*world)
