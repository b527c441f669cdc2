"""Not making trouble worse: how soon, and how often, something that failed is tried again.

Full jitter, a budget of retries and a breaker, as in the Amazon Builders' Library ("Timeouts, retries, and backoff with
jitter"): clients that come back at random moments, that retry a share of what they send, and that leave a service alone
which fails again and again.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from storyboard.providers.wire import Answer

FAILURES = 5
"""Failures in a row after which a service is left alone."""
REST = 15.0
"""Seconds for which it is; then one request tries it."""
TRIAL = 90.0
"""Seconds after which such a request counts as forgotten: it was cancelled, perhaps."""
SHARE, AT_LEAST = 0.1, 10.0
"""Retries that are allowed: so many, and this share of all requests."""
LONGEST = 30.0
"""Seconds of the longest wait between two tries."""
MOST_AFTER = 120.0
"""Seconds that a service may make us wait (Retry-After)."""


class Calm:
    """One service's troubles. `now` is a monotonic clock in seconds, `chance` gives numbers from 0 to 1."""

    def __init__(self, now: Callable[[], float], chance: Callable[[], float]) -> None:
        self._now = now
        self._chance = chance
        self._failures = 0
        self._until = 0.0
        self._trying = float("-inf")
        self._retries = AT_LEAST

    def rest(self) -> float:
        """Seconds to leave the service alone; 0 where a request may go, and is then to be told of by `note`."""
        if self._failures < FAILURES:
            return 0.0
        left = self._until - self._now()
        if left > 0 or self._now() - self._trying < TRIAL:
            return max(left, 1.0)
        self._trying = self._now()
        return 0.0

    def note(self, *, good: bool) -> None:
        """How a request went. `good` is any answer that isn't the service's own trouble."""
        self._trying = float("-inf")
        self._retries = min(self._retries + SHARE, 1000.0)
        self._failures = 0 if good else self._failures + 1
        if self._failures >= FAILURES:
            self._until = self._now() + REST

    def again(self) -> bool:
        """Whether something may be tried again: takes one from the budget."""
        if self._retries < 1:
            return False
        self._retries -= 1
        return True

    def pause(self, attempt: int, base: float = 1.0) -> float:
        """Seconds before try `attempt` + 1: anything up to `base` doubled each time."""
        return self._chance() * min(LONGEST, base * 2.0**attempt)


def retry_after(answer: Answer, otherwise: float, wall: float) -> float:
    """Seconds to wait by Retry-After, which is seconds or a date (RFC 9110, 10.2.3), within two minutes."""
    told = answer.headers.get("retry-after", "").strip()
    if not told:
        return otherwise
    try:
        seconds = float(told) if told.replace(".", "", 1).isdigit() else parsedate_to_datetime(told).timestamp() - wall
    except ValueError:
        return otherwise
    return min(MOST_AFTER, max(0.0, seconds))
