"""`storyboard init`."""

from pathlib import Path

import click

from storyboard import schema
from storyboard.cli import common

STARTER = Path(__file__).parent.parent / "starter"


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@common.json_option
def command(folder: Path, as_json: bool) -> None:
    """Start a project that renders as it is."""
    files = {
        "storyboard.yaml": (STARTER / "storyboard.yaml").read_text("utf-8"),
        "storyboard.schema.json": schema.text(),
        ".gitignore": "build/\n.storyboard/\n",
    }
    if (folder / "storyboard.yaml").exists():
        raise click.UsageError(f"{folder / 'storyboard.yaml'} is already there; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    written = [name for name in files if not (folder / name).exists()]
    for name in written:
        (folder / name).write_text(files[name], "utf-8")
    if as_json:
        common.print_json({"format": 1, "folder": str(folder), "files": written})
        return
    for name in written:
        click.echo(f"wrote {folder / name}")
    click.echo(f"next: storyboard render {folder / 'storyboard.yaml'}")
