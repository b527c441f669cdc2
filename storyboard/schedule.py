"""How long a plan takes: its jobs' typical times, on as many places as their providers give."""

import heapq
from collections.abc import Mapping

from storyboard.plan import Plan
from storyboard.providers import Provider


def makespan(plan: Plan, providers: Mapping[str, Provider]) -> int:
    """Seconds until the last clip is there, begun longest first within each provider's limits; 0 for clips that
    this machine makes itself."""
    ends = [0.0]
    for name, provider in providers.items():
        if name == "local":
            continue
        jobs = [step.job for step in plan.submits.values() if step.job and step.job.provider == name]
        times = sorted((provider.work(job) for job in jobs), reverse=True)
        places = [0.0] * min(provider.limit.concurrent, max(1, len(times)))
        begun: list[float] = []
        for seconds in times:
            start = heapq.heappop(places)
            if len(begun) >= provider.limit.per_minute:
                start = max(start, begun[-provider.limit.per_minute] + 60)
            begun.append(start)
            heapq.heappush(places, start + seconds)
            ends.append(start + seconds)
    return round(max(ends))
