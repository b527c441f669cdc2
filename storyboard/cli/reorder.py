"""`storyboard reorder`."""

from pathlib import Path
from unicodedata import normalize

import click

from storyboard import report
from storyboard.cli import common, rewriting


@click.command("reorder")
@click.argument("shot")
@click.option("--before", metavar="SHOT", help="Put it before this one.")
@click.option("--after", metavar="SHOT", help="Put it after this one.")
@click.option("--first", is_flag=True, help="Put it first among the shots, or those of its scene.")
@click.option("--last", is_flag=True, help="Put it last among them.")
@common.file_option
@rewriting.dry_run_option
@common.json_option
def command(
    shot: str,
    before: str | None,
    after: str | None,
    first: bool,
    last: bool,
    file: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Move a shot; nothing is bought again.

    Its comments go with it. No clip is made again: where one would be, as another scene has other words, nothing is
    written.
    """
    from storyboard.moves import Unmovable, same, shots  # noqa: PLC0415 -- a command imports what it needs

    if [bool(before), bool(after), first, last].count(True) != 1:
        raise click.UsageError("say where: --before SHOT, --after SHOT, --first or --last")
    shot, before, after = (normalize("NFC", name or "") for name in (shot, before, after))
    texts = rewriting.Texts(file, as_json=as_json)
    try:
        edits = shots.reordered(texts.roots()[0], shot, before=before, after=after, last=last)
    except Unmovable as error:
        rewriting.refuse(error, as_json=as_json)
    film = texts.edit({0: edits})
    texts.require_same(same.others(texts.film, film, {}))
    warnings = rewriting.new_warnings(texts.film, film)
    writes = not dry_run and bool(edits)
    if writes:
        texts.write()
    order = [one.id for one in film.shots]
    if as_json:
        found = [one.as_json() for one in warnings]
        common.print_json({"format": 1, "shot": shot, "order": order, "warnings": found, "written": writes})
        return
    if dry_run:
        texts.show_lines()
    rewriting.show_warnings(warnings)
    if not edits:
        click.echo(report.safe(f"{shot} stands there already"))
        return
    n = order.index(shot)
    place = f"after {order[n - 1]}" if n else "first"
    click.echo(report.safe(f"{shot}: {place}{', not written' if dry_run else ''}; no clip is made again"))
