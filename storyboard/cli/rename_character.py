"""`storyboard rename-character`."""

from pathlib import Path
from unicodedata import normalize

import click

from storyboard import report
from storyboard.cli import common, rewriting


@click.command("rename-character")
@click.argument("old")
@click.argument("new")
@common.file_option
@rewriting.dry_run_option
@common.json_option
def command(old: str, new: str, file: Path, dry_run: bool, as_json: bool) -> None:
    """Rename a character; nothing is bought again.

    Every comment stays, and no clip is made again: where prompts have the id in words, the character gets a 'name' with
    these words. A library that has the character is edited too.
    """
    from storyboard.diagnostic import did_you_mean  # noqa: PLC0415 -- a command imports what it needs
    from storyboard.moves import Unknown, Unmovable, characters, same  # noqa: PLC0415
    from storyboard.resolve import display_name  # noqa: PLC0415

    texts = rewriting.Texts(file, as_json=as_json)
    old, new = normalize("NFC", old.removeprefix("@")), rewriting.new_id(new.removeprefix("@"), as_json=as_json)
    board, roots = texts.project.board, texts.roots()
    if old not in board.characters:
        error = Unknown(f"there is no character '{old}'", did_you_mean(old, board.characters))
        rewriting.refuse(error, as_json=as_json)
    name = ""
    for spoken in ("", display_name(board, old)):
        try:
            edits = {n: characters.renamed(root, old, new, board.characters, spoken) for n, root in enumerate(roots)}
        except Unmovable as error:
            rewriting.refuse(error, as_json=as_json)
        if old == new:
            edits = {}
        film, name = texts.edit(edits), spoken
        others = list(same.others(texts.film, film, {}))
        if not others or board.characters[old].name is not None:
            break
    texts.require_same(others)
    writes = not dry_run and bool(edits)
    if writes:
        texts.write()
    libraries = [source.name for source in texts.sources[1:] if source.name in texts.changed]
    sent = [n for root in roots for n in characters.mentioned(root, old, board.characters)] if edits else []
    still = [f"{one.span.source.name}:{one.span.source.line_column(one.span.start)[0]}" for one in sent]
    if as_json:
        its = {"character": new, "was": old, "name": name or None, "lines": texts.lines(), "still": still}
        common.print_json({"format": 1, **its, "libraries": libraries, "written": writes})
        return
    if dry_run:
        texts.show_lines()
    if old == new:
        click.echo(f"{report.safe(old)} has that id already")
        return
    count = report.count(sum(texts.lines().values()), "line")
    files = f" of {' and '.join(texts.lines())}" if len(texts.lines()) > 1 else ""
    done = f"{count}{files}{', not written' if dry_run else ''}"
    click.echo(report.safe(f"@{old} -> @{new}: {done}; no clip is made again"))
    if name:
        click.echo(report.safe(f"note: 'name: {name}' is written, as prompts call it so in words"))
    if still:
        words = f"note: '@{old}' stays in {rewriting.listed(still)}: there it binds nobody"
        click.echo(report.safe(words))
    for library in libraries:
        words = f"note: other storyboards that include {library} name '{old}' still: rename it in them by hand"
        click.echo(report.safe(words))
