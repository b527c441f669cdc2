"""`storyboard schema`."""

import click

from storyboard import schema
from storyboard.cli import common


@click.command("schema")
@common.json_option
def command(as_json: bool) -> None:
    """Print the JSON Schema of storyboards, for editors."""
    click.echo(schema.text(), nl=False)
