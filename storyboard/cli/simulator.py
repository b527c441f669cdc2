"""`storyboard simulator`."""

import shlex
import signal
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import click

from storyboard import money, report
from storyboard.cli import common


@click.command("simulator")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; by default any that is free.")
@click.option("--latency", type=click.FloatRange(0), metavar="S", help="Seconds that every job takes.")
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    default=1.0,
    help="How many times faster than the real models.",
)
@click.option("--faults", type=click.Path(path_type=Path), metavar="FILE", help="A script of what goes wrong (JSON).")
@common.json_option
def command(port: int, latency: float | None, speed: float, faults: Path | None, as_json: bool) -> None:
    """Serve the providers' APIs on this machine, for rehearsals. Free of charge; ends with Ctrl-C."""
    from storyboard.catalog import Catalog, own  # noqa: PLC0415 -- decoders are imported when they are needed
    from storyboard.simulator import Fault, Seen, Simulator, load_faults  # noqa: PLC0415

    script: tuple[Fault, ...] = ()
    if faults is not None:
        try:
            script = load_faults(faults)
        except ValueError as error:
            raise click.UsageError(report.safe(str(error))) from error
        except OSError as error:
            raise click.UsageError(f"{report.safe(str(faults))} can't be read: {error.strerror}") from error
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    simulator = Simulator(
        common.find_tools(), Catalog(own.read(Path("models"), "models")[0]), speed=speed, latency=latency, faults=script
    )

    def show(seen: Seen) -> None:
        if seen.method == "POST" and not as_json and _submits(seen.path):
            click.echo(f"submit         {report.safe(seen.path)}  {seen.status or 'dropped'}")

    try:
        with ExitStack() as until_stopped:
            try:
                running = until_stopped.enter_context(simulator.serving(port, show))
            except OSError as error:
                raise click.UsageError(f"port {port} can't be used: {error.strerror or error}") from error
            _show_environment(running.environment(), as_json=as_json)
            stop.wait()
            ledger = running.ledger
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    booked = sum((entry.price for entry in ledger if entry.price is not None and not entry.refunded), Decimal("0.00"))
    unknown = sum(entry.price is None for entry in ledger)
    if not as_json:
        more = f", {unknown} without a known price" if unknown else ""
        click.echo(f"ledger         {len(ledger)} jobs, ${money.usd(booked)}{more}")


def _submits(path: str) -> bool:
    rest = path.removeprefix("/api/v3/")
    if rest != path:
        return not rest.startswith(("media/", "model/", "predictions", "billings/"))
    return path.endswith(("/video-model/start", "/video/generations", "/video-synthesis"))


def _show_environment(environment: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        common.print_json(environment)
    else:
        for name, value in environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
