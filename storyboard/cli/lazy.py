"""Groups of commands that are imported one at a time, so that help and completion import none."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


class Lazy(click.Group):
    """A group of the commands that a package's files are, one each; `summaries` has them all with a line about each."""

    def __init__(self, *arguments: Any, summaries: Mapping[str, str], package: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._summaries = summaries
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._summaries:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._summaries and not args[0].startswith("-"):
            from storyboard.diagnostic import did_you_mean  # noqa: PLC0415

            raise click.UsageError(f"no such command '{args[0]}': {did_you_mean(args[0], self._summaries)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        known = self._summaries.items()
        commands = [CompletionItem(name, help=text) for name, text in known if name.startswith(incomplete)]
        return commands or click.Command.shell_complete(self, ctx, incomplete)
