"""`storyboard ledger`."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.purchase import bought

HEAD = ("purchases", "stored", "failed", "held", "spent")


@click.command("ledger")
@common.file_argument
@click.option("--by", type=click.Choice(["shot", "pass", "model", "day"]), default="shot", help="What to sum up by.")
@click.option("--csv", "as_csv", is_flag=True, help="Print every purchase as CSV.")
@common.json_option
def command(file: Path, by: Any, as_csv: bool, as_json: bool) -> None:
    """Show what was spent on what.

    And what was saved by using clips again instead of buying them.
    """
    from storyboard import ledger  # noqa: PLC0415 -- help needs none of it

    project = common.open_project(file, as_json=as_json)
    purchases, runs = project.journal.all(), project.journal.runs()
    rows, total = ledger.entries(purchases, by), ledger.entry("total", bought(purchases))
    saved = sum((run["saved"] for run in runs), Decimal(0))
    if as_csv:
        click.echo(_csv([_purchase(one) for one in bought(purchases)]), nl=False)
    elif as_json:
        budget = project.film().budget
        common.print_json(
            {
                "format": 1,
                "by": by,
                "entries": [_json(row) for row in rows],
                "total": _json(total),
                "spent": money.usd(total.spent),
                "saved": money.usd(saved),
                "budget": money.usd(budget),
                "purchases": [_purchase(one) for one in bought(purchases)],
            }
        )
    elif not rows:
        click.echo("nothing was bought")
    else:
        common.print_table((by, *HEAD), [_row(row) for row in [*rows, total]], right=HEAD)
        if saved:
            click.echo(f"saved {report.dollars(money.usd(saved))} by using clips again")
        if project.film().budget is not None:
            click.echo(f"budget {report.dollars(money.usd(project.film().budget))}")


def _row(row: Any) -> tuple[str, ...]:
    unknown = f" + {row.unknown} unknown" if row.unknown else ""
    counts = (str(number) for number in row[1:5])
    return (report.safe(row.what), *counts, f"{report.dollars(money.usd(row.spent))}{unknown}")


def _json(row: Any) -> dict[str, Any]:
    return {**row._asdict(), "spent": money.usd(row.spent)}


def _purchase(one: Any) -> dict[str, Any]:
    from storyboard.ledger import moment  # noqa: PLC0415

    return {
        "shot": one.shot,
        "pass": one.pass_id,
        "model": one.model,
        "key": one.key,
        "attempt": one.attempt,
        "state": one.state,
        "price": money.usd(one.price),
        "spent": money.usd(one.booked),
        "id": one.shown,
        "adopted": one.adopted,
        "sent": moment(one.intended),
        "accepted": moment(one.accepted),
        "stored": moment(one.stored),
        "refunded": moment(one.refunded),
        "reason": one.reason,
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    names = list(rows[0]) if rows else ["shot", "pass", "model"]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet doesn't take for a formula."""
    text = report.safe(value) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in {"=", "+", "-", "@"} else text
