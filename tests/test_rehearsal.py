"""A film made over real HTTP against the simulator: rehearsed, and with the simulator in the services' place."""

import json
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from PIL import Image

from storyboard import digest
from storyboard.catalog import Catalog
from storyboard.simulator import Fault, Running, Simulator, fault
from storyboard.tools import Tools
from tests.folder import ROOT, Folder

BOARD = """\
storyboard: 1
title: Two shots
aspect: 16:9
fps: 6
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  own: {model: dashscope/wan2.6-r2v-flash}
  gate: {model: vercel/alibaba/wan-v2.6-r2v-flash, upload_via: wavespeed}
  still: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash, audio: true}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
  - {id: s020, prompt: "@mira leaves", duration: 2}
"""
FAST = {"STORYBOARD_POLL_SECONDS": "0.05"}


@pytest.fixture
def film(project: Folder) -> Folder:
    project.picture("mira.png")
    project.write(BOARD)
    return project


def serving(tools: Tools, *faults: dict[str, Any]) -> Any:
    rules: tuple[Fault, ...] = tuple(fault(one) for one in faults)
    return Simulator(tools, Catalog(), latency=0, faults=rules, rate=Fraction(6)).serving()


@pytest.fixture
def services(tools: Tools, tiny_clip: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """The services; one test has its clips drawn for it, as a rehearsal has, which takes long."""
    drawn = "[draft]" in request.node.name
    with Simulator(
        tools, Catalog(), latency=0, rate=Fraction(6), clip=None if drawn else tiny_clip
    ).serving() as running:
        yield running


def rendered(film: Folder, running: Running, *arguments: str, status: int = 0, **more: str) -> dict[str, Any]:
    environment = running.environment() | FAST | more
    done = film.run("render", "--yes", "--json", *arguments, status=status, **environment)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.mark.parametrize("pass_", ["draft", "own", "gate", "still"])
def test_a_film_is_bought_once_and_only_a_changed_shot_again(film: Folder, services: Running, pass_: str) -> None:
    first = rendered(film, services, "-p", pass_, "--limit", "wavespeed=9/99")
    assert [result["state"] for result in first["results"]] == ["done", "done"]
    assert len(services.ledger) == 2
    assert (film.path / first["cut"]["path"]).stat().st_size > 10_000
    uploads = [seen for seen in services.requests if seen.method == "PUT" or "/upload" in seen.path]
    again = rendered(film, services, "-p", pass_)
    assert (again["total"]["submit"], again["spent"], len(services.ledger)) == (0, "0.00", 2)
    film.edit("@mira leaves", "@mira runs")
    changed = rendered(film, services, "-p", pass_)
    assert [result["state"] for result in changed["results"]] == ["cached", "done"]
    assert [entry.sequence for entry in services.ledger] == [1, 2, 3]
    later = [seen for seen in services.requests if seen.method == "PUT" or "/upload" in seen.path]
    assert later == uploads, "a file is uploaded once"
    booked = [entry.price for entry in services.ledger]
    assert None in booked or sum(booked) > 0  # type: ignore[arg-type]


def test_what_is_spent_is_what_the_plan_said_and_what_is_billed(film: Folder, services: Running) -> None:
    planned = json.loads(film.run("plan", "-p", "still", "--json").stdout)["total"]["cost"]
    done = rendered(film, services, "-p", "still")
    assert planned == done["spent"] == "0.20"
    assert sum(entry.price or 0 for entry in services.ledger) == 2 * Fraction(1, 10)


def test_a_rehearsal_spends_nothing_needs_no_key_and_stays_apart(film: Folder) -> None:
    shown = json.loads(film.run("render", "-p", "draft", "--rehearse", "--json").stdout)
    assert shown["rehearsal"] == {"submitted": 2, "cost": "0.50", "seconds": 60}
    assert (shown["spent"], shown["total"]["submit"]) == ("0.00", 2)
    assert shown["cut"]["path"] == "build/rehearsal/draft/cut.mp4"
    assert (film.path / shown["results"][0]["clip"]).exists()
    assert not (film.path / "build/draft").exists()
    again = json.loads(film.run("render", "-p", "draft", "--rehearse", "--json").stdout)
    assert again["rehearsal"]["submitted"] == again["total"]["submit"] == 0
    plan = json.loads(film.run("plan", "-p", "draft", "--json").stdout)
    assert [job["state"] for job in plan["jobs"]] == ["submit", "submit"]
    assert "rehearsed" in film.run("render", "-p", "draft", "--rehearse").stdout


def test_the_keeper_rehearses_with_its_own_references(tmp_path: Path) -> None:
    keeper = Folder(tmp_path / "keeper")
    ignore = shutil.ignore_patterns(".storyboard", "build", "__pycache__")
    shutil.copytree(ROOT / "examples/keeper", keeper.path, ignore=ignore)
    first_shot = (keeper.path / "storyboard.yaml").read_text("utf-8").partition("      - id: s020\n")[0]
    keeper.write(first_shot.replace("fps: 24", "fps: 6"))
    shown = json.loads(keeper.run("render", "--rehearse", "--json", "-p", "draft").stdout)
    assert (shown["rehearsal"]["submitted"], shown["rehearsal"]["cost"]) == (1, "0.25")
    assert shown["cut"]["sources"] == {"s010": "draft"}
    assert json.loads(keeper.run("plan", "--json", "-p", "final").stdout)["total"]["cost"] == "1.50"


def test_one_bad_shot_costs_no_other(film: Folder, tools: Tools) -> None:
    rule = {"on": "submit", "prompt": "leaves", "do": "moderate", "what": "prompt"}
    with serving(tools, rule) as running:
        shown = rendered(film, running, "-p", "draft", status=3)
    assert [result["state"] for result in shown["results"]] == ["done", "failed"]
    assert "moderated" in shown["results"][1]["error"]
    assert "flagged: prompt" in shown["results"][1]["error"]
    assert shown["cut"]["sources"] == {"s010": "draft", "s020": "slate"}


def test_a_lost_answer_is_held_and_sent_once(film: Folder, tools: Tools) -> None:
    with serving(tools, {"on": "submit", "prompt": "leaves", "do": "drop", "times": 0}) as running:
        shown = rendered(film, running, "-p", "draft", status=3)
        assert len(running.ledger) == 2
    assert [result["state"] for result in shown["results"]] == ["done", "held"]
    assert shown["spent"] == "0.50"


def test_a_clip_that_was_bought_and_cannot_be_kept_is_held(film: Folder, services: Running) -> None:
    (film.path / ".storyboard").mkdir()
    (film.path / ".storyboard/cas").touch()  # where a folder should be
    shown = rendered(film, services, "-p", "draft", status=3)
    assert [result["state"] for result in shown["results"]] == ["held", "held"]
    assert "can't be kept" in shown["results"][0]["error"]
    assert services.ledger[0].id in str(shown["results"])
    assert shown["spent"] == "0.50"


def test_without_a_key_or_with_a_base_in_the_clear_nothing_is_sent(film: Folder, services: Running) -> None:
    assert "WAVESPEED_API_KEY" in film.run("render", "-p", "draft", "--yes", status=5).stderr
    base = {"WAVESPEED_API_KEY": "k", "WAVESPEED_BASE_URL": "http://example.org"}
    assert "https" in film.run("render", "-p", "draft", "--yes", status=5, **base).stderr
    everything = services.environment()
    only_vercel = {name: value for name, value in everything.items() if name.startswith("AI_GATEWAY")}
    assert "WAVESPEED_API_KEY" in film.run("render", "-p", "gate", "--yes", status=5, **only_vercel).stderr
    assert services.requests == []


def test_quotes_stand_beside_the_table_and_say_where_they_differ(film: Folder, tools: Tools) -> None:
    with serving(tools, {"on": "price", "do": "price", "price": "0.30", "times": 0}) as running:
        asked = running.environment()
        shown = film.run("plan", "-p", "draft", "--quote", **asked).stdout
        jobs = json.loads(film.run("plan", "-p", "draft", "--quote", "--json", **asked).stdout)["jobs"]
        assert len(running.ledger) == 0
    assert "s010 $0.25 -> $0.30" in shown
    assert [job["quote"] for job in jobs] == ["0.30", "0.30"]
    with serving(tools) as running:
        assert "as in the table" in film.run("plan", "-p", "draft", "--quote", **running.environment()).stdout
    film.run("plan", "-p", "draft", "--quote", status=5)


def test_a_key_is_in_no_file_and_no_output(film: Folder, services: Running) -> None:
    canary = "canary-0f6b2c"
    keys = {name: canary for name in services.environment() if name.endswith("KEY")}
    done = film.run("render", "-p", "draft", "--yes", **(services.environment() | FAST | keys))
    assert canary not in done.stdout + done.stderr
    written = [path for path in film.path.rglob("*") if path.is_file()]
    assert len(written) > 10
    assert [path for path in written if canary.encode() in path.read_bytes()] == []


def test_a_model_of_the_users_own_is_rendered(film: Folder, tools: Tools) -> None:
    text = (ROOT / "storyboard/catalog/wavespeed-wan-2.6-reference-to-video-flash.toml").read_text("utf-8")
    film.write(text.replace("wan-2.6/reference", "wan-9.9/reference", 1), "models/next.toml")
    film.edit(
        "wavespeed/alibaba/wan-2.6/reference-to-video-flash", "wavespeed/alibaba/wan-9.9/reference-to-video-flash"
    )
    film.edit('  - {id: s020, prompt: "@mira leaves", duration: 2}\n', "")
    shown = json.loads(film.run("render", "-p", "draft", "--rehearse", "--json").stdout)
    assert [result["state"] for result in shown["results"]] == ["done"]
    assert shown["jobs"][0]["model"] == "wavespeed/alibaba/wan-9.9/reference-to-video-flash"


@pytest.fixture
def references(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A server of one picture over TLS on loopback: its URL, the certificate to trust, and the paths asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, secret = tmp_path / "trusted.pem", tmp_path / "secret.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    Image.new("RGB", (64, 36), "teal").save(tmp_path / "served.png")
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = (tmp_path / "served.png").read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted, secret)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_address[1]}/mira.png", trusted, asked
    server.shutdown()
    server.server_close()


def test_an_https_reference_is_fetched_once_to_be_hashed(
    film: Folder, services: Running, references: tuple[str, Path, list[str]], tmp_path: Path
) -> None:
    url, trusted, asked = references
    film.edit("references: [mira.png]", f'references: ["{url}"]')
    plan = json.loads(film.run("plan", "-p", "draft", "--json").stdout)
    assert [job["key"] for job in plan["jobs"]] == [None, None]
    assert "aren't known yet" in plan["jobs"][0]["reasons"][0]
    assert asked == []
    done = rendered(film, services, "-p", "draft", SSL_CERT_FILE=str(trusted))
    assert [result["state"] for result in done["results"]] == ["done", "done"]
    sha256 = digest.sha256_file(tmp_path / "served.png")
    assert done["jobs"][0]["request"]["reference_urls"] == [f"sha256:{sha256}"]
    assert services.ledger[0].request["reference_urls"] == [url]
    assert [job["state"] for job in json.loads(film.run("plan", "-p", "draft", "--json").stdout)["jobs"]] == [
        "cached"
    ] * 2
    film.edit("@mira leaves", "@mira runs")
    rendered(film, services, "-p", "draft")
    assert asked == ["/mira.png"]


def test_a_reference_on_this_machine_is_only_fetched_for_a_service_on_this_machine(
    film: Folder, references: tuple[str, Path, list[str]]
) -> None:
    url, trusted, asked = references
    film.edit("references: [mira.png]", f'references: ["{url}"]')
    done = film.run("render", "-p", "draft", "--yes", status=5, SSL_CERT_FILE=str(trusted))
    assert "isn't a public address" in done.stderr
    assert asked == []
