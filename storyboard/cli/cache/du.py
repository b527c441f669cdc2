"""`storyboard cache du`."""

from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project


@click.command("du")
@common.file_argument
@common.json_option
def command(file: Path, as_json: bool) -> None:
    """Show what takes up the store's space."""
    from storyboard.keeping import holdings  # noqa: PLC0415 -- help needs none of it
    from storyboard.keeping.sizes import NAMES, shown, sizes, summed  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    found = sizes(project.store, holdings(project.store), project.folder / ".storyboard")
    whole = summed(found)
    if as_json:
        kinds = {kind: {"count": one.number, "bytes": one.size} for kind, one in found.items()}
        common.print_json(
            {
                "format": 1,
                "kinds": kinds,
                "total": {"count": whole.number, "bytes": whole.size},
                "store": _place(project),
            }
        )
        return
    rows = [(NAMES[kind], str(one.number), shown(one.size)) for kind, one in found.items() if one.number]
    common.print_table(
        ("what", "count", "size"), [*rows, ("total", str(whole.number), shown(whole.size))], right=("count", "size")
    )
    click.echo(f"in {report.safe(_place(project))}")


def _place(project: Project) -> str:
    root = project.store.root
    return root.relative_to(project.folder).as_posix() if root.is_relative_to(project.folder) else str(root)
