"""The command line: the only place that reads arguments and the environment, prints, and exits.

One file a command, each imported when it is used.
"""

from collections.abc import Sequence

import click

from storyboard.cli.lazy import Lazy
from storyboard.diagnostic import Rejected
from storyboard.failure import Unreadable, Unwritable

COMMANDS = {
    "init": "Start a project that renders as it is.",
    "check": "Show every error at once, and how to cure it.",
    "explain": "Show what a finding means, and how to cure it.",
    "fmt": "Lay a storyboard out in the canonical form.",
    "plan": "Show what a render would make, why, and at what price.",
    "why": "Show what differs from a shot's last render.",
    "render": "Make the clips that are missing or changed, then the cut.",
    "cut": "Make the cut from the clips that are there.",
    "export": "Write the cut as OTIO, EDL, FCPXML, SRT or CSV.",
    "conform-edit": "Read an editor's timing back into the storyboard.",
    "trust": "Let effects run the code of a storyboard's own folder.",
    "status": "Show the state of every shot in every pass.",
    "diff": "Show what changed between revisions, and its price.",
    "take": "Roll a shot again: another take.",
    "takes": "Show a shot's takes side by side.",
    "pick": "Let the film show one take of a shot.",
    "approve": "Approve the clip that a shot has now.",
    "accept": "Keep a stale clip as it is.",
    "mv": "Rename a shot; nothing is bought again.",
    "reorder": "Move a shot; nothing is bought again.",
    "rename-character": "Rename a character; nothing is bought again.",
    "ledger": "Show what was spent on what.",
    "resolve": "Settle purchases whose answer was lost.",
    "recover": "Fetch everything that was bought and isn't here.",
    "audit": "Compare the ledger with the service's own bills.",
    "models": "List the models, or show what one takes and costs.",
    "cache": "List, check, clean and share the clips of the store.",
    "merge-lock": "Merge two versions of a lock: git's merge driver.",
    "simulator": "Serve the providers' APIs on this machine, for rehearsals.",
    "schema": "Print the JSON Schema of storyboards, for editors.",
}
"""Every command and its summary, here so that help and completion import none of them."""

HAS_ERRORS, USAGE, REFUSED = 1, 2, 4
INTERRUPTED = 130


@click.group(cls=Lazy, summaries=COMMANDS, package=__name__, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="storyboard", message="storyboard %(version)s")
def main() -> None:
    """Compile a film: a YAML storyboard in, one cut out."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    try:
        status = main.main(list(arguments), prog_name="storyboard", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted: what was finished is kept; run the same command again to go on", err=True)
        return INTERRUPTED
    except Rejected as rejected:
        from storyboard import report  # noqa: PLC0415

        click.echo(report.findings(rejected.diagnostics), err=True)
        return HAS_ERRORS
    except (Unreadable, Unwritable) as error:
        click.echo(f"Refused: {error}. Nothing was sent.", err=True)
        return REFUSED
    except OSError as error:
        click.echo(f"Error: {error.strerror or error}: {error.filename}", err=True)
        return USAGE
    return status if isinstance(status, int) else 0
