"""`storyboard mv`."""

import re
from contextlib import suppress
from pathlib import Path
from unicodedata import normalize

import click

from storyboard import report
from storyboard.cli import common, rewriting
from storyboard.diagnostic import Rejected


@click.command("mv")
@click.argument("old")
@click.argument("new")
@common.file_option
@rewriting.dry_run_option
@common.json_option
def command(old: str, new: str, file: Path, dry_run: bool, as_json: bool) -> None:
    """Rename a shot; nothing is bought again.

    Shots that go on from it, passes made for it alone, and the lock follow; every comment stays. No clip is made again:
    where one would be, nothing is written.
    """
    from storyboard.moves import Unmovable, same, shots  # noqa: PLC0415 -- a command imports what it needs

    texts = rewriting.Texts(file, as_json=as_json)
    old, new = normalize("NFC", old), rewriting.new_id(new, as_json=as_json)
    try:
        edits = shots.renamed(texts.roots()[0], old, new)
    except Unmovable as error:
        rewriting.refuse(error, as_json=as_json)
    film = texts.edit({0: edits})
    texts.require_same(same.others(texts.film, film, {old: new}))
    writes = not dry_run and old != new
    if writes:
        texts.write()
        try:
            texts.project.relock(lambda lock: lock.renamed(old, new))
        except BaseException:
            texts.restore()
            with suppress(OSError, Rejected):  # it may have been written before something failed
                texts.project.relock(lambda lock: lock.renamed(new, old))
            raise
    word = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w-]|\.\w)")
    still = texts.still(lambda line: bool(word.search(line))) if old != new else []
    if as_json:
        its = {"shot": new, "was": old, "lines": texts.lines(), "still": still, "written": writes}
        common.print_json({"format": 1, **its})
        return
    if dry_run:
        texts.show_lines()
    if old == new:
        click.echo(f"{report.safe(old)} has that id already")
        return
    count = report.count(sum(texts.lines().values()), "line")
    done = f"{count}, not written" if dry_run else count
    click.echo(report.safe(f"{old} -> {new}: {done}; no clip is made again"))
    if still:
        click.echo(report.safe(f"note: '{old}' still stands in {rewriting.listed(still)}: a comment, or a text"))
