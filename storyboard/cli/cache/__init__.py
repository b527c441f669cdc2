"""`storyboard cache`: the store, and the shared cache."""

from importlib import import_module

import click

SUBCOMMANDS = {
    "ls": "List the clips of the store.",
    "du": "Show what takes up the store's space.",
    "verify": "Check every byte of the store, and repair what can be.",
    "gc": "Show, or delete, what nothing needs any more.",
    "remote": "Show or set the shared cache.",
    "push": "Send clips to the shared cache.",
    "pull": "Fetch clips from the shared cache.",
    "unlock": "Let go of another seat's purchase lock.",
}


class _Lazy(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        command: click.Command = import_module(f"storyboard.cli.cache.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in SUBCOMMANDS and not args[0].startswith("-"):
            from storyboard.diagnostic import did_you_mean  # noqa: PLC0415

            raise click.UsageError(f"no such command '{args[0]}': {did_you_mean(args[0], SUBCOMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group("cache", cls=_Lazy)
def command() -> None:
    """List, check, clean and share the clips of the store."""
