"""`storyboard models`."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from storyboard import money, report
from storyboard.catalog import Catalog, Model, own
from storyboard.cli import common
from storyboard.diagnostic import did_you_mean

MARGIN = 14
"""Columns before a value of the sheet."""


@click.command("models")
@click.argument("model", required=False)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    default=Path("storyboard.yaml"),
    help="The storyboard whose own models/ are shown as well.",
)
@common.json_option
def command(model: str | None, file: Path, as_json: bool) -> None:
    """List the models, or show what one takes and costs."""
    folder = (file if file.is_dir() else file.parent) / "models"
    added, wrong = own.read(folder, folder.name)
    catalog = Catalog(added)
    if wrong:
        click.echo(report.findings(wrong, color=common.color(sys.stderr)), err=True)
    if model is not None and model not in catalog:
        raise click.UsageError(f"there is no model '{report.safe(model)}': {did_you_mean(model, catalog)}")
    chosen = [catalog[model]] if model else [catalog[name] for name in catalog]
    if as_json:
        common.print_json({"format": 1, "models": [_as_json(one, own=one.id in added) for one in chosen]})
    elif model:
        width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
        for line in _sheet(chosen[0], width, own=model in added):
            click.echo(report.safe(line))
    else:
        rows = [
            tuple(map(report.safe, (one.id, one.kind, _lengths(one), _from(one), "own" if one.id in added else "")))
            for one in chosen
        ]
        head = ("model", "kind", "seconds", "price", "")
        common.print_table(head if added else head[:-1], rows if added else [row[:-1] for row in rows])
    if wrong:
        raise click.exceptions.Exit(common.HAS_ERRORS)


def _lengths(model: Model) -> str:
    if model.any_length:
        return f"up to {model.lengths['maximum']}"
    sold = sorted(model.lengths["sold"])
    unbroken = len(sold) > 2 and sold == list(range(sold[0], sold[-1] + 1))
    return f"{sold[0]}-{sold[-1]}" if unbroken else ", ".join(map(str, sold))


def _from(model: Model) -> str:
    """The lowest price of the shortest clip, to compare models by."""
    if model.price.get("free"):
        return "free"
    costs = [cost for row in _prices(model) for cost in row.values() if cost is not None]
    return f"from ${money.usd(min(costs))}" if costs else "unknown"


def _prices(model: Model) -> list[Mapping[tuple[int, bool], Decimal | None]]:
    """Prices in US dollars by seconds and sound, a row a resolution."""
    return [
        {
            (seconds, audio): model.cost(resolution=resolution, seconds=Fraction(seconds), audio=audio)
            for seconds in _shown_lengths(model)
            for audio in ((False, True) if "audio" in model.fields else (False,))
        }
        for resolution in _resolutions(model)
    ]


def _resolutions(model: Model) -> list[str]:
    return list(dict.fromkeys(resolution for by in model.sizes.values() for resolution in by))


def _shown_lengths(model: Model) -> list[int]:
    """All lengths where they are few, else the ones that people compare: the ends and every fifth second."""
    sold = sorted(model.lengths["sold"])
    return sold if len(sold) <= 4 else [s for s in sold if s % 5 == 0 or s in {sold[0], sold[-1]}]


def _sheet(model: Model, width: int, *, own: bool) -> Iterator[str]:
    """A model as people read it, in lines of at most `width` columns where words allow."""
    yield model.id + (" (own)" if own else "")
    yield from textwrap.wrap(model.title, width)
    yield ""
    for name, value in _rows(model):
        yield from _row(name, value, width)
    yield ""
    yield from _switches(model, width)
    yield ""
    yield from _price_table(model)
    if not model.price.get("free"):
        yield from _row("", f"Read {model.price['date']}: {model.price['source']}.", width)
    if model.source:
        yield ""
        yield from _row("limits from", model.source, width)
    if model.readings:
        yield ""
        yield "Where its pages contradict themselves or leave a question open:"
    for reading in model.readings:
        yield ""
        yield from _wrapped(f"{reading.about}{f' ({reading.id})' if reading.id else ''}", width, "  ")
        yield from _wrapped(f"pages:  {reading.says}", width, "    ", "            ")
        yield from _wrapped(f"chosen: {reading.chosen}", width, "    ", "            ")


def _row(name: str, value: str, width: int) -> list[str]:
    return _wrapped(value, width, f"{name:<{MARGIN}}", " " * MARGIN)


def _wrapped(value: str, width: int, first: str, then: str | None = None) -> list[str]:
    then = first if then is None else then
    return textwrap.wrap(
        value,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _rows(model: Model) -> Iterator[tuple[str, str]]:
    if model.best:
        yield "for", model.best
    yield "takes", _takes(model)
    yield "files", _files(model)
    yield "characters", _mentions(model)
    yield "seconds", _lengths(model)
    for n, (aspect, by) in enumerate(model.sizes.items()):
        shown = ", ".join(f"{name} ({size})" for name, size in by.items())
        yield "" if n else "sizes", f"{'any shape' if aspect == 'any' else aspect}: {shown}"
    if "any" in model.sizes:
        yield "", "the picture's own shape decides"
    if model.prompt:
        yield "prompt", f"up to {model.prompt} characters"
    yield "usually", f"{_time(model.latency)} a clip"
    if model.provider != "local":
        yield "kept", f"{_time(model.kept)}, then the provider deletes the clip" if model.kept else "unknown"


def _takes(model: Model) -> str:
    if model.references:
        most = model.references
        kinds = [f"{n} {kind}" for n, kind in ((most.images, "images"), (most.videos, "videos")) if n]
        if len(kinds) == 1:
            return f"up to {kinds[0] if most.total > 1 else kinds[0][:-1]} as references; one at least"
        return f"up to {most.total} references, of which up to {' and '.join(kinds)}; one at least"
    if model.image:
        what = "the picture that it animates: a start_frame, or a character's first image"
        return what if model.image.required else f"{what}; or none"
    return "no pictures: characters are told in words"


def _files(model: Model) -> str:
    if model.provider == "local":
        return "files beside the storyboard; it fetches no URL"
    if model.files == "urls":
        return "https URLs only; for files, write 'upload_via: wavespeed' in the pass"
    return "files, which are uploaded, and https URLs"


def _mentions(model: Model) -> str:
    if model.mentions == "token":
        one, two = (model.token.replace("{n}", n) for n in "12")
        return f"@mira becomes {one}, the next one {two}, in the order of the references"
    if model.mentions == "look":
        return "@mira becomes her name, with her look in words at the first mention"
    return "@mira becomes her name"


def _time(seconds: int) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and (seconds >= 2 * unit or seconds % unit == 0):
            return f"{seconds // unit} {name}{'s' if seconds >= 2 * unit else ''}" + (
                f" {seconds % unit} s" if unit == 60 and seconds % unit else ""
            )
    return f"{seconds} s"


def _switches(model: Model, width: int) -> Iterator[str]:
    """The storyboard's words and the places they are sent at."""
    shown = {"size": "resolution", "references": "references", "image": "start_frame"}
    words = [(shown.get(word, word), place) for word, place in model.fields.items()]
    column = max(len(word) for word, _ in words) + 2
    yield "In the storyboard, and what it becomes in the request:"
    for word, places in words:
        yield from _wrapped(" and ".join(places.split()), width, f"  {word:<{column}}", " " * (column + 2))
    lacking = [word for word in ("audio", "shot_type", "prompt_expansion", "negative") if word not in model.fields]
    if lacking:
        yield from _wrapped(f"It has no {', '.join(lacking)}.", width, "  ")
    if model.constants:
        sent = ", ".join(f"{place} = {str(value).lower()}" for place, value in model.constants.items())
        yield from _wrapped(f"Always sent: {sent}.", width, "  ")


def _price_table(model: Model) -> Iterator[str]:
    if model.price.get("free"):
        yield f"{'price':<{MARGIN}}free"
        return
    rows = _prices(model)
    if not any(cost is not None for row in rows for cost in row.values()):
        yield f"{'price':<{MARGIN}}unknown: a render asks for consent of its own, or needs --yes"
        return
    sound = "audio" in model.fields
    head = [f"{seconds} s{(', sound' if audio else ', silent') if sound else ''}" for seconds, audio in rows[0]]
    cells = [[f"${money.usd(cost)}" if cost is not None else "unknown" for cost in row.values()] for row in rows]
    # A length a line: a terminal is taller than wide.
    names = _resolutions(model)
    wide = max(map(len, head))
    columns = [max(len(name), *map(len, row)) for name, row in zip(names, cells, strict=True)]
    yield f"{'price':<{MARGIN}}{'':<{wide}}" + "".join(
        f"  {name:>{size}}" for name, size in zip(names, columns, strict=True)
    )
    for n, label in enumerate(head):
        row = "".join(f"  {by[n]:>{size}}" for by, size in zip(cells, columns, strict=True))
        yield f"{'':<{MARGIN}}{label:<{wide}}{row}"


def _as_json(model: Model, *, own: bool) -> dict[str, Any]:
    references = model.references
    return {
        "id": model.id,
        "title": model.title,
        "best": model.best,
        "kind": model.kind,
        "provider": model.provider,
        "own": own,
        "lengths": dict(model.lengths),
        "sizes": {aspect: dict(by) for aspect, by in model.sizes.items()},
        "references": vars(references) if references else None,
        "start_image": vars(model.image) if model.image else None,
        "mentions": model.mentions,
        "token": model.token or None,
        "fields": dict(model.fields),
        "constants": dict(model.constants),
        "request": model.request,
        "price": {key: value.isoformat() if isinstance(value, date) else value for key, value in model.price.items()},
        "latency": model.latency,
        "kept": model.kept or None,
        "files": model.files,
        "source": model.source,
        "readings": [vars(reading) for reading in model.readings],
    }
