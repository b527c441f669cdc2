"""The compiled film, remembered: compiling again what has not changed would give the same.

A film is recalled only for the same text, the same code of this package (each file's size and time), the same
interpreter and pydantic, and files behind its references that hold the same bytes, looked at anew each time. It
checks itself, as the store's records do; damaged, or of another kind, it is compiled again.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from storyboard import atomic, digest, text
from storyboard.assets import Asset
from storyboard.diagnostic import Diagnostic, Related
from storyboard.files import Place
from storyboard.film import Bed, BurnIn, Effect, Film, Heard, Line, Mix, Pass, Shot, Take, Transition
from storyboard.job import Input, Job, Own, Producer
from storyboard.source import Source, Span


class Inputs(NamedTuple):
    """A film, and what it was compiled from: the storyboard's text, every reference that was looked at, and the folder
    from which paths start.
    """

    source: Source
    assets: Mapping[str, Asset]
    folder: Place
    film: Film

    def same(self, source: Source, assets: Mapping[str, Asset], folder: Place) -> bool:
        """Whether these would be compiled to the same film. Raises OSError where they can't be read."""
        return (
            source.text == self.source.text
            and _models(folder) == _models(self.folder)
            and all(_reads(folder, one.name, digest.sha256(one.text.encode())) for one in self.film.sources)
            and all(assets[written][2:] == asset[2:] for written, asset in self.assets.items())
        )


def _models(folder: Place) -> dict[str, str]:
    """The digests of the model files beside a storyboard."""
    return {one.name: digest.sha256(one.read_bytes()) for one in (folder / "models").glob("*.toml") if one.is_file()}


def _reads(folder: Place, name: str, sha256: str) -> Source | None:
    """A library whose text has that digest, if it has it."""
    library, found = text.read(folder / name, name)
    return None if found or digest.sha256(library.text.encode()) != sha256 else library


def code_of(folder: Place) -> str:
    """As `fingerprint`, for the model files of a folder that isn't on the disk."""
    return digest.sha256(repr([fingerprint(None), sorted(_models(folder).items())]).encode())


def fingerprint(models: Path | None) -> str:
    """What the front end's answer depends on besides its input: its code, and the model files of `models`."""
    pydantic = importlib.util.find_spec("pydantic")
    places = [str(path) for path in models.glob("*.toml")] if models else []
    places += [str(pydantic and pydantic.origin)]
    for folder, _, names in os.walk(Path(__file__).parent):
        places += [f"{folder}/{name}" for name in names if name.endswith((".py", ".toml", ".json")) and name[0] != "."]
    seen = []
    for place in sorted(map(str, places)):
        with suppress(OSError):
            status = os.stat(place)  # noqa: PTH116 -- a hundred times a plan
            seen.append((place, status.st_size, status.st_mtime_ns))
    return digest.sha256(repr([sys.version, seen]).encode())


def recall(
    path: Path, source: Source, assets: Mapping[str, Asset], code: str, folder: Place | None = None
) -> Film | None:
    """The film that `source` was compiled to, if nothing that it depends on changed. The libraries' names start from
    `folder`: where it isn't given, the one whose `.storyboard/compiled` `path` lies in.
    """
    try:
        kept = json.loads(digest.unseal(path.read_bytes()))
        if kept["code"] != code or kept["source"] != digest.sha256(source.text.encode()):
            return None
        libraries = []
        for name, sha256 in kept["libraries"]:
            library = _reads(folder or path.parents[2], name, sha256)
            if library is None:
                return None
            libraries.append(library)
        for written, facts in kept["assets"].items():
            asset = assets[written]
            if [asset.sha256, asset.media, asset.problem] != facts:
                return None
        return _film(kept["film"], [source, *libraries], assets)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def remember(path: Path, source: Source, assets: Mapping[str, Asset], code: str, film: Film) -> None:
    """Keep a film for `recall`; one that can't be written is only compiled again."""
    sources = [source, *film.sources]
    kept = {
        "code": code,
        "source": digest.sha256(source.text.encode()),
        "libraries": [[one.name, digest.sha256(one.text.encode())] for one in film.sources],
        "assets": {written: [asset.sha256, asset.media, asset.problem] for written, asset in assets.items()},
        "film": _plain(film, [one.name for one in sources]),
    }
    body = json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        atomic.ignored_folder(path.parent)
        atomic.write(path, digest.seal(body), durable=False)
    except OSError:
        return


def _plain(film: Film, sources: Sequence[str]) -> dict[str, Any]:
    return {
        "title": film.title,
        "aspect": film.aspect,
        "fps": film.fps.as_integer_ratio(),
        "default": film.default_pass,
        "passes": film.passes,
        "shots": [_plain_shot(shot) for shot in film.shots],
        "jobs": {name: [_plain_made(made) for made in jobs] for name, jobs in film.jobs.items()},
        "takes": {
            name: [[n, [[take.number, _plain_made(take.job)] for take in takes]] for n, takes in every.items()]
            for name, every in film.takes.items()
        },
        "budget": None if film.budget is None else str(film.budget),
        "mix": [str(film.mix.loudness), _plain_bed(film.mix.music), _plain_bed(film.mix.room_tone), film.mix.scratch],
        "warnings": {name: [_plain_finding(one, sources) for one in found] for name, found in film.warnings.items()},
    }


def _plain_shot(shot: Shot) -> list[Any]:
    heard = shot.heard
    return [
        *shot[:5],
        [[line.who, line.text, *_ratios(line.start, line.length)] for line in shot.lines],
        *_ratios(shot.asked, shot.trim_in),
        shot.skip,
        [shot.transition.type, *_ratios(shot.transition.length)],
        shot.fit,
        shot.framing,
        shot.effects,
        [*_ratios(heard.lead, heard.tail), str(heard.gain), heard.mute],
        shot.notes,
    ]


def _ratios(*values: Fraction) -> list[tuple[int, int]]:
    return [value.as_integer_ratio() for value in values]


def _plain_bed(bed: Bed | None) -> list[Any] | None:
    return bed and [bed.label, str(bed.gain), str(bed.duck)]


def _plain_made(made: Job | Own | None) -> list[Any] | None:
    if made is None:
        return None
    if isinstance(made, Own):
        return [made.label, made.sha256]
    inputs = [
        [one.label, one.sha256, one.file is not None, one.url, one.producer, one.part, one.said]
        for one in made.inputs.values()
    ]
    cost = None if made.cost is None else str(made.cost)
    seconds = made.seconds.as_integer_ratio()
    return [made.model, made.request, inputs, seconds, cost, made.key, made.upload_via, made.words]


def _plain_finding(one: Diagnostic, sources: Sequence[str]) -> list[Any]:
    related = [[_plain_span(r.span, sources), r.message] for r in one.related]
    return [one.code, one.message, _plain_span(one.span, sources), one.help, one.severity, related]


def _plain_span(span: Span, sources: Sequence[str]) -> list[int]:
    return [sources.index(span.source.name), span.start, span.end]


def _film(kept: Mapping[str, Any], sources: Sequence[Source], assets: Mapping[str, Asset]) -> Film:
    prices: dict[Any, Any] = {None: None}
    return Film(
        kept["title"],
        kept["aspect"],
        Fraction(*kept["fps"]),
        kept["default"],
        {name: _pass(*its) for name, its in kept["passes"].items()},
        tuple(_shot(*its) for its in kept["shots"]),
        {name: tuple(_made(made, assets, prices) for made in jobs) for name, jobs in kept["jobs"].items()},
        {
            name: {n: tuple(Take(number, _job(job, assets, prices)) for number, job in takes) for n, takes in every}
            for name, every in kept["takes"].items()
        },
        {name: tuple(_finding(one, sources) for one in found) for name, found in kept["warnings"].items()},
        None if kept["budget"] is None else Decimal(kept["budget"]),
        tuple(sources[1:]),
        _mix(kept["mix"], assets),
    )


def _pass(*its: Any) -> Pass:
    model, resolution, burned, states, guide, fallback, *more = its
    burn_in = None if burned is None else BurnIn(*burned)
    return Pass(model, resolution, burn_in, tuple(states), guide, None if fallback is None else tuple(fallback), *more)


def _shot(*its: Any) -> Shot:
    id_, scene, scene_id, setting, words, lines, asked, trim_in, skip, *edited = its
    (join, joined), fit, framing, effects, (lead, tail, gain, mute), notes = edited
    return Shot(
        id_,
        scene,
        scene_id,
        setting,
        words,
        tuple(Line(who, text, Fraction(*start), Fraction(*length)) for who, text, start, length in lines),
        Fraction(*asked),
        Fraction(*trim_in),
        skip,
        Transition(join, Fraction(*joined)),
        fit,
        framing,
        tuple(Effect(name, parameters) for name, parameters in effects),
        Heard(Fraction(*lead), Fraction(*tail), Decimal(gain), mute),
        notes,
    )


def _mix(kept: list[Any], assets: Mapping[str, Asset]) -> Mix:
    loudness, music, room_tone, scratch = kept
    return Mix(Decimal(loudness), _bed(music, assets), _bed(room_tone, assets), scratch)


def _bed(kept: list[Any] | None, assets: Mapping[str, Asset]) -> Bed | None:
    if kept is None:
        return None
    label, gain, duck = kept
    return Bed(label, assets[label].path, assets[label].sha256, Decimal(gain), Decimal(duck))


def _made(kept: list[Any] | None, assets: Mapping[str, Asset], prices: dict[Any, Any]) -> Job | Own | None:
    if kept is None:
        return None
    if len(kept) == 2:
        label, sha256 = kept
        return Own(label, sha256, assets[label].path)
    return _job(kept, assets, prices)


def _job(kept: list[Any], assets: Mapping[str, Asset], prices: dict[Any, Any]) -> Job:
    model, request, inputs, seconds, cost, key, via, words = kept
    given = [
        Input(label, sha, assets[label].path if file else None, url, Producer(*its) if its else None, part, said)
        for label, sha, file, url, its, part, said in inputs
    ]
    if cost not in prices:
        prices[cost] = Decimal(cost)
    return Job(model, request, {one.name: one for one in given}, Fraction(*seconds), prices[cost], key, via, words)


def _finding(kept: list[Any], sources: Sequence[Source]) -> Diagnostic:
    code, message, span, help_, severity, related = kept
    more = tuple(Related(_span(place, sources), said) for place, said in related)
    return Diagnostic(code, message, _span(span, sources), help_, severity, more)


def _span(kept: list[int], sources: Sequence[Source]) -> Span:
    number, start, end = kept
    return sources[number].span(start, end)
