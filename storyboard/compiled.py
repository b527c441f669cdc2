"""The compiled film, remembered: compiling again what has not changed would give the same.

A film is recalled only for the same text, the same code of this package (each file's size and time), the same
interpreter and pydantic, and files behind its references that hold the same bytes, looked at anew each time. It
checks itself, as the store's records do; damaged, or of another kind, it is compiled again.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from storyboard import atomic, digest
from storyboard.assets import Asset
from storyboard.diagnostic import Diagnostic, Related
from storyboard.film import Film, Pass, Shot
from storyboard.job import Input, Job
from storyboard.source import Source


def fingerprint(models: Path) -> str:
    """What the front end's answer depends on besides its input: its code, and the model files of `models`."""
    pydantic = importlib.util.find_spec("pydantic")
    places = [str(path) for path in models.glob("*.toml")] + [str(pydantic and pydantic.origin)]
    for folder, _, names in os.walk(Path(__file__).parent):
        places += [f"{folder}/{name}" for name in names if name.endswith((".py", ".toml", ".json")) and name[0] != "."]
    seen = []
    for place in sorted(map(str, places)):
        with suppress(OSError):
            status = os.stat(place)  # noqa: PTH116 -- a hundred times a plan
            seen.append((place, status.st_size, status.st_mtime_ns))
    return digest.sha256(repr([sys.version, seen]).encode())


def recall(path: Path, source: Source, assets: Mapping[str, Asset], code: str) -> Film | None:
    """The film that `source` was compiled to, if nothing that it depends on changed."""
    try:
        kept = json.loads(digest.unseal(path.read_bytes()))
        if kept["code"] != code or kept["source"] != digest.sha256(source.text.encode()):
            return None
        for written, facts in kept["assets"].items():
            asset = assets[written]
            if [asset.sha256, asset.media, asset.problem] != facts:
                return None
        return _film(kept["film"], source, assets)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def remember(path: Path, source: Source, assets: Mapping[str, Asset], code: str, film: Film) -> None:
    """Keep a film for `recall`; one that can't be written is only compiled again."""
    kept = {
        "code": code,
        "source": digest.sha256(source.text.encode()),
        "assets": {written: [asset.sha256, asset.media, asset.problem] for written, asset in assets.items()},
        "film": _plain(film),
    }
    body = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        atomic.ignored_folder(path.parent)
        atomic.write(path, digest.seal(body), durable=False)
    except OSError:
        return


def _plain(film: Film) -> dict[str, Any]:
    return {
        "title": film.title,
        "aspect": film.aspect,
        "fps": film.fps.as_integer_ratio(),
        "default": film.default_pass,
        "passes": film.passes,
        "shots": [
            [*shot[:4], shot.asked.as_integer_ratio(), shot.trim_in.as_integer_ratio(), shot.skip]
            for shot in film.shots
        ],
        "jobs": {name: [_plain_job(job) for job in jobs] for name, jobs in film.jobs.items()},
        "budget": None if film.budget is None else str(film.budget),
        "warnings": {name: [_plain_finding(one) for one in found] for name, found in film.warnings.items()},
    }


def _plain_job(job: Job | None) -> list[Any] | None:
    if job is None:
        return None
    inputs = [[given.label, given.sha256, given.file is not None, given.url] for given in job.inputs.values()]
    cost = None if job.cost is None else str(job.cost)
    return [job.model, job.request, inputs, job.seconds.as_integer_ratio(), cost, job.key, job.upload_via]


def _plain_finding(one: Diagnostic) -> list[Any]:
    related = [[r.span.start, r.span.end, r.message] for r in one.related]
    return [one.code, one.message, one.span.start, one.span.end, one.help, one.severity, related]


def _film(kept: Mapping[str, Any], source: Source, assets: Mapping[str, Asset]) -> Film:
    prices = {None: None}
    return Film(
        kept["title"],
        kept["aspect"],
        Fraction(*kept["fps"]),
        kept["default"],
        {name: Pass(*pass_) for name, pass_ in kept["passes"].items()},
        tuple(Shot(i, sc, w, tuple(said), Fraction(*a), Fraction(*t), s) for i, sc, w, said, a, t, s in kept["shots"]),
        {name: tuple(_job(job, assets, prices) for job in jobs) for name, jobs in kept["jobs"].items()},
        {name: tuple(_finding(one, source) for one in found) for name, found in kept["warnings"].items()},
        None if kept["budget"] is None else Decimal(kept["budget"]),
    )


def _job(kept: list[Any] | None, assets: Mapping[str, Asset], prices: dict[Any, Any]) -> Job | None:
    if kept is None:
        return None
    model, request, inputs, seconds, cost, key, via = kept
    given = (Input(label, sha, assets[label].path if file else None, url) for label, sha, file, url in inputs)
    if cost not in prices:
        prices[cost] = Decimal(cost)
    return Job(model, request, {one.name: one for one in given}, Fraction(*seconds), prices[cost], key, via)


def _finding(kept: list[Any], source: Source) -> Diagnostic:
    code, message, start, end, help_, severity, related = kept
    more = tuple(Related(source.span(first, last), said) for first, last, said in related)
    return Diagnostic(code, message, source.span(start, end), help_, severity, more)
