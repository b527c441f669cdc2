"""How long a plan takes: its jobs' typical times, on as many places as their providers give."""

import heapq
from collections.abc import Mapping

from storyboard.job import Job
from storyboard.plan import Plan
from storyboard.providers import Provider


def makespan(plan: Plan, providers: Mapping[str, Provider]) -> int:
    """Seconds until the last clip is there: each begun once what it waits for is there, the longest first, within its
    provider's limits; 0 for clips that this machine makes itself.
    """
    jobs = {key: step.job for key, step in plan.submits.items() if step.job}
    places: dict[str, list[float]] = {}
    begun: dict[str, list[float]] = {}
    ends: dict[str, float] = {}
    waiting = list(jobs)
    while waiting:
        left = set(waiting)
        ready = [key for key in waiting if not any(one.key in left for one in jobs[key].producers)] or waiting
        waiting = list(left.difference(ready))
        for key in sorted(ready, key=lambda key: -_takes(jobs[key], providers)):
            job, takes = jobs[key], _takes(jobs[key], providers)
            start = max((ends.get(producer.key or "", 0.0) for producer in job.producers), default=0.0)
            if job.provider in providers and not job.local:
                limit = providers[job.provider].limit
                free = places.setdefault(job.provider, [0.0] * min(limit.concurrent, len(jobs)))
                times = begun.setdefault(job.provider, [])
                start = max(start, heapq.heappop(free))
                if len(times) >= limit.per_minute:
                    start = max(start, times[-limit.per_minute] + 60)
                times.append(start)
                heapq.heappush(free, start + takes)
            ends[key] = start + takes
    return round(max(ends.values(), default=0.0))


def _takes(job: Job, providers: Mapping[str, Provider]) -> float:
    return 0.0 if job.local or job.provider not in providers else float(providers[job.provider].work(job))
