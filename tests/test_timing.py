"""Exact time."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import timing

RATES = st.sampled_from(
    [Fraction(24), Fraction(25), Fraction(30), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)]
)
DURATIONS = st.lists(st.fractions(min_value=Fraction(1, 100), max_value=60, max_denominator=1000), max_size=60)


@given(DURATIONS, RATES)
def test_boundaries_never_drift(durations: list[Fraction], fps: Fraction) -> None:
    at = timing.boundaries(durations, fps)
    assert at[0] == 0
    assert len(at) == len(durations) + 1
    for n, frame in enumerate(at):
        assert abs(frame - sum(durations[:n]) * fps) <= Fraction(1, 2)
    assert all(start <= end for start, end in pairwise(at))


@given(st.fractions(min_value=0, max_value=10_000))
def test_exact_text_reads_back(value: Fraction) -> None:
    assert Fraction(timing.exact(value)) == value


@given(st.fractions(min_value=0, max_value=1000, max_denominator=10_000), RATES)
def test_frames_cover_their_seconds_and_no_frame_more(seconds: Fraction, fps: Fraction) -> None:
    frames = timing.frames_covering(seconds, fps)
    assert frames / fps >= seconds
    assert frames == 0 or (frames - 1) / fps < seconds


@pytest.mark.parametrize(
    ("frame", "fps", "shown"),
    [
        (0, "24", "00:00:00:00"),
        (23, "24", "00:00:00:23"),
        (24, "24", "00:00:01:00"),
        (86_399, "24", "00:59:59:23"),
        (24 * 3600, "24000/1001", "01:00:00:00"),
        (30, "30000/1001", "00:00:01;00"),
        (1799, "30000/1001", "00:00:59;29"),
        (1800, "30000/1001", "00:01:00;02"),
        (17_981, "30000/1001", "00:09:59;29"),
        (17_982, "30000/1001", "00:10:00;00"),
        (107_892, "30000/1001", "01:00:00;00"),
        (3600, "60000/1001", "00:01:00;04"),
        (215_784, "60000/1001", "01:00:00;00"),
        (1800, "30", "00:01:00:00"),
    ],
)
def test_timecode(frame: int, fps: str, shown: str) -> None:
    assert timing.timecode(frame, timing.rate(fps)) == shown


@pytest.mark.parametrize("text", ["0", "23.976", "-24", "24/0", "1e3", "121", "", "24 ", "24000/1001/1"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="not a frame rate"):
        timing.rate(text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("4", "4"), ("9/2", "4.5"), ("1/3", "1/3"), ("1/40", "0.025"), ("-9/2", "-4.5"), ("1001/24000", "1001/24000")],
)
def test_exact(value: str, shown: str) -> None:
    assert timing.exact(Fraction(value)) == shown
