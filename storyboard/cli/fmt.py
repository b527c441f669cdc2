"""`storyboard fmt`."""

import sys
from difflib import unified_diff
from pathlib import Path
from shutil import copymode
from tempfile import NamedTemporaryFile

import click

from storyboard import atomic, report, syntax, text
from storyboard.cli import common
from storyboard.diagnostic import Diagnostic
from storyboard.layout import layout
from storyboard.source import Source

STANDARD_INPUT = Path("-")


@click.command("fmt")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 where a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="The same, and show what would change.")
@common.json_option
def command(files: tuple[Path, ...], only_check: bool, show_diff: bool, as_json: bool) -> None:
    """Lay a storyboard out in the canonical form.

    Keys in the order of the language, two spaces a level, every comment kept; nothing is made anew. FILE is
    storyboard.yaml here unless told; "-" reads standard input and writes standard output. A file that isn't YAML
    stays as it is.
    """
    if STANDARD_INPUT in files and len(files) > 1:
        raise click.UsageError("'-' goes alone")
    paths = [path if path == STANDARD_INPUT else common.storyboard_file(path) for path in files or [Path()]]
    would = only_check or show_diff
    changed: list[str] = []
    unchanged: list[str] = []
    found: list[Diagnostic] = []
    for path in dict.fromkeys(paths):
        source, written, wrong = _read(path)
        found += wrong
        if any(finding.is_error for finding in wrong):
            continue
        made = layout(source.text)
        is_same = made.encode() == written
        (unchanged if is_same else changed).append(source.name)
        if show_diff and not as_json:
            click.echo(_diff(source.name, written, made), nl=False)
        elif path == STANDARD_INPUT and not would and not as_json:
            sys.stdout.buffer.write(made.encode())
        elif path != STANDARD_INPUT and not would and not is_same:
            _replace(path.resolve(), made)
    if as_json:
        told = report.as_json(found) if found else {"format": 1}
        common.print_json({**told, "changed": changed, "unchanged": unchanged})
    else:
        if found:
            click.echo(report.findings(found, color=common.color(sys.stderr)), err=True)
        for name in changed if only_check else ():
            click.echo(f"would reformat {report.safe(name)}")
        if paths != [STANDARD_INPUT] and (changed or unchanged):
            click.echo(_summary(len(changed), len(unchanged), would=would), err=show_diff)
    if found or (would and changed):
        raise click.exceptions.Exit(common.HAS_ERRORS)


def _read(path: Path) -> tuple[Source, bytes, list[Diagnostic]]:
    """A file as text and as bytes, and what keeps it from being laid out."""
    if path == STANDARD_INPUT:
        with NamedTemporaryFile() as file:
            file.write(sys.stdin.buffer.read(text.MAX_BYTES + 1))
            file.flush()
            source, found = text.read(Path(file.name), "standard input")
            written = Path(file.name).read_bytes()
    else:
        source, found = text.read(path, str(path))
        written = b"" if found else path.read_bytes()
    return source, written, found or syntax.parse(source)[1]


def _replace(path: Path, made: str) -> None:
    with atomic.replacing(path) as temporary:
        temporary.write_text(made, "utf-8")
        copymode(path, temporary)


def _diff(name: str, before: bytes, after: str) -> str:
    name = report.safe(name)
    return "".join(unified_diff(_lines(before.decode()), _lines(after), name, f"{name} (laid out)"))


def _lines(text: str) -> list[str]:
    lines = [f"{report.safe(line)}\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}\\ No newline at end of file\n"]


def _summary(changed: int, unchanged: int, *, would: bool) -> str:
    parts = []
    if changed:
        parts.append(f"{report.count(changed, 'file')} {'would be reformatted' if would else 'reformatted'}")
    if unchanged:
        kept = "already laid out" if would else "left unchanged"
        parts.append(f"{report.count(unchanged, 'file')} {kept}")
    return ", ".join(parts)
