"""`storyboard cache ls`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyboard import money, report
from storyboard.cli import common

if TYPE_CHECKING:
    from storyboard.keeping import Held, Holdings
    from storyboard.keeping.needs import Needs


@click.command("ls")
@click.argument("shots", metavar="[SHOT]...", nargs=-1)
@common.file_option
@common.json_option
def command(shots: tuple[str, ...], file: Path, as_json: bool) -> None:
    """List the clips of the store: what each is of, what made it, what it cost, and who needs it.

    With SHOTs, only theirs, of shots that the film doesn't have any more too.
    """
    from storyboard.cli.cache.keeping import needs_of, warn  # noqa: PLC0415 -- help needs none of it
    from storyboard.keeping import holdings  # noqa: PLC0415
    from storyboard.keeping.sizes import shown, sizes  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    needs, doubts = needs_of(project, as_json=as_json)
    warn(doubts)
    held = holdings(project.store)
    rows = [row for row in _rows(held, needs) if not shots or {shot for shot, _ in row["of"]} & set(shots)]
    derived = sizes(project.store, held, project.folder / ".storyboard")["derived"]
    damaged = sorted(held.damaged)
    if as_json:
        listed = [row | {"of": [{"shot": shot, "pass": pass_} for shot, pass_ in row["of"]]} for row in rows]
        common.print_json(
            {
                "format": 1,
                "clips": listed,
                "derived": {"count": derived.number, "bytes": derived.size},
                "damaged": damaged,
            }
        )
        return
    if rows:
        head = ("key", "shot", "pass", "made by", "when", "price", "size", "needed by")
        common.print_table(head, [_cells(row, shown(row["bytes"])) for row in rows], right=("price", "size"))
    else:
        click.echo(f"no clip of {report.safe(', '.join(shots))} is here" if shots else "no clip is here")
    if derived.number and not shots:
        click.echo(f"and {report.count(derived.number, 'derived thing')} ({shown(derived.size)}), made again for free")
    if damaged:
        click.echo(
            f"{report.count(len(damaged), 'record')} can't be read: 'storyboard cache verify' repairs what can be",
            err=True,
        )


def _rows(held: "Holdings", needs: "Needs") -> "list[dict[str, Any]]":
    clips = [one for one in held.records.values() if one.kind != "derived"]
    return sorted((_row(one, held, needs) for one in clips), key=lambda row: (row["of"], row["at"], row["key"]))


def _row(one: "Held", held: "Holdings", needs: "Needs") -> dict[str, Any]:
    size = sum(size for sha256, size in one.blobs if sha256 in held.blobs)
    return {
        "key": one.key,
        "of": list(needs.places.get(one.key, {})),
        "kind": one.kind,
        "model": str(one.facts["model"]),
        "at": str(one.facts.get("at") or ""),
        "id": str(one.facts.get("id") or ""),
        "price": money.usd(one.price),
        "bytes": size,
        "whole": all(sha256 in held.blobs for sha256, _ in one.blobs),
        "needed_by": needs.of(one) or None,
    }


def _cells(row: dict[str, Any], size: str) -> tuple[str, ...]:
    (shot, pass_), *more = row["of"] or [("-", "-")]
    also = f" and {len(more)} more" if more else ""
    price = "free" if row["kind"] == "made" else report.dollars(row["price"])
    needed = row["needed_by"] or "nothing"
    return (
        row["key"][:8],
        report.safe(shot) + also,
        report.safe(pass_),
        report.safe(row["model"]),
        report.safe(row["at"][:10]) or "-",
        price,
        size if row["whole"] else "bytes missing",
        report.safe(needed),
    )
