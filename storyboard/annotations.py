"""Findings as annotations of a pull request: GitHub's workflow commands, one a line.

A workflow prints them and GitHub shows each beside its line. It shows at most 10 errors and 10 warnings of a step, 50
of a job; the log has them all. Columns are only allowed where the place is on one line.
https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

import os
from collections.abc import Sequence
from pathlib import Path

from storyboard import report
from storyboard.diagnostic import Diagnostic
from storyboard.source import Span


def github(found: Sequence[Diagnostic], folder: Path, here: Path) -> str:
    """Every finding as `::error file=…::…`, and a count at the end. `folder` is the storyboard's; the files are named
    from `here`, where the workflow runs.
    """
    start = Path(os.path.relpath(folder, here))
    return "\n".join([*(_command(finding, start) for finding in found), report.summary(found)])


def _command(finding: Diagnostic, start: Path) -> str:
    line, column = finding.span.source.line_column(finding.span.start)
    end_line, end_column = finding.span.source.line_column(finding.span.end)
    properties = {"file": _name(finding.span, start), "line": line, "endLine": end_line}
    if line == end_line:
        properties |= {"col": column, "endColumn": end_column}
    properties["title"] = finding.code
    text = [finding.message]
    for related in finding.related:
        at, _ = related.span.source.line_column(related.span.start)
        text.append(f"{_name(related.span, start)}:{at}: {related.message}")
    if finding.help:
        text.append(f"help: {finding.help}")
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{finding.severity} {listed}::{_data(chr(10).join(map(report.safe, text)))}"


def _name(span: Span, start: Path) -> str:
    return (start / span.source.name).as_posix()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(report.safe(text)).replace(":", "%3A").replace(",", "%2C")
