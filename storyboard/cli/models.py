"""`storyboard models`."""

from typing import Any

import click

from storyboard import report
from storyboard.catalog import Catalog, Model
from storyboard.cli import common
from storyboard.diagnostic import did_you_mean


@click.command("models")
@click.argument("model", required=False)
@common.json_option
def command(model: str | None, as_json: bool) -> None:
    """List the models, or show what one takes and costs."""
    catalog = Catalog()
    if model is not None and model not in catalog:
        raise click.UsageError(f"there is no model '{report.safe(model)}': {did_you_mean(model, catalog)}")
    chosen = [catalog[model]] if model else [catalog[name] for name in catalog]
    if as_json:
        common.print_json({"format": 1, "models": [_as_json(one) for one in chosen]})
    elif model:
        for name, value in _sheet(chosen[0]):
            click.echo(f"{name:<12} {value}")
    else:
        rows = [(one.id, one.kind, _lengths(one), _from(one)) for one in chosen]
        common.print_table(("model", "kind", "seconds", "price"), rows)


def _lengths(model: Model) -> str:
    if model.any_length:
        return f"up to {model.lengths['maximum']}"
    sold = model.lengths["sold"]
    return f"{sold[0]}-{sold[-1]}" if len(sold) > 3 else ", ".join(map(str, sold))


def _from(model: Model) -> str:
    prices = _prices(model)
    return prices[0].partition("  ")[2] if model.price.get("free") else f"from {prices[0].partition('  ')[2]}"


def _prices(model: Model) -> list[str]:
    if model.price.get("free"):
        return ["any  free"]
    rows = []
    for row in (*model.price.get("cells", ()), *model.price.get("rates", ())):
        seconds = f"{row['seconds']} s" if "seconds" in row else f"per {row['per_seconds']} s"
        sound = {True: ", with sound", False: ", silent", None: ""}[row.get("audio")]
        rows.append(f"{row['resolution']}, {seconds}{sound}  ${row['usd']}")
    return rows


def _sheet(model: Model) -> list[tuple[str, str]]:
    takes = "no references"
    if model.references:
        most = model.references
        takes = f"up to {most.total} references: {most.images} images, {most.videos} videos"
    elif model.image:
        takes = f"one start picture{'' if model.image.required else ', or none'}"
    switches = [word for word in ("audio", "shot_type", "prompt_expansion", "negative") if word in model.fields]
    sizes = (
        f"{aspect} {' '.join(f'{name} ({size})' for name, size in by.items())}" for aspect, by in model.sizes.items()
    )
    rows = [
        ("model", model.id),
        ("what", model.title),
        ("takes", takes),
        ("mentions", {"token": f"as {model.token}", "look": "in words", "name": "by name"}[model.mentions]),
        ("seconds", _lengths(model)),
        ("sizes", "; ".join(sizes)),
        ("switches", ", ".join(switches) or "none"),
        ("takes about", f"{model.latency} s a clip"),
    ]
    rows += [("price" if n == 0 else "", price) for n, price in enumerate(_prices(model))]
    return [*rows, ("source", f"{model.price['source']}, {model.price['date']}")]


def _as_json(model: Model) -> dict[str, Any]:
    references = model.references
    return {
        "id": model.id,
        "title": model.title,
        "kind": model.kind,
        "provider": model.provider,
        "lengths": dict(model.lengths),
        "sizes": {aspect: dict(by) for aspect, by in model.sizes.items()},
        "references": vars(references) if references else None,
        "start_image": vars(model.image) if model.image else None,
        "fields": dict(model.fields),
        "price": {key: str(value) if key == "date" else value for key, value in model.price.items()},
        "latency": model.latency,
    }
