"""Trouble of every kind with every kind of request: one shot has it, and no other pays for it."""

from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from storyboard.tools import Tools
from tests.folder import Folder
from tests.money import BAD, KEY, Film, Rendered, Service, board, name_of, serving, shown, workshop
from tests.scripted import Server, ranged

ELSEWHERE, SOON = "<another server>", "<in nine seconds>"


def status(number: int, **more: Any) -> dict[str, Any]:
    return {"do": "status", "status": number, **more}


def told(body: str, media: str = "application/json", **more: str) -> dict[str, Any]:
    return status(200, body=body, headers={"Content-Type": media, **more})


def redirect(number: int) -> dict[str, Any]:
    return status(number, body="moved", headers={"Location": ELSEWHERE})


KINDS: dict[str, dict[str, Any]] = {
    **{str(number): status(number) for number in (400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 504)},
    "429-wait": status(429, retry_after=7),
    "429-date": status(429, headers={"Retry-After": SOON}),
    "429-odd": status(429, headers={"Retry-After": "soon"}),
    "502-html": status(502, body="<!doctype html><h1>Bad gateway", headers={"Content-Type": "text/html"}),
    "503-wait": status(503, retry_after=5),
    **{str(number): redirect(number) for number in (301, 302, 307, 308)},
    "drop": {"do": "drop"},
    "refuse": {"do": "refuse"},
    "reset": {"do": "reset"},
    "cut": {"do": "cut"},
    "hang": {"do": "hang", "seconds": 5},
    "html": {"do": "html"},
    "garbage": {"do": "garbage"},
    "empty": told(""),
    "204": status(204, body=""),
    "null": told("null"),
    "list": told("[1, {}]"),
    "number": told("1e999"),
    "deep": told("[" * 100_000),
    "long": told('{"message": "' + "x" * (4 << 20) + '"}'),
    "not-gzip": told("{}", **{"Content-Encoding": "gzip"}),
    "mistyped": {"do": "mistyped"},
    "bomb": {"do": "bomb"},
    "flood": {"do": "endless"},
    "drip": {"do": "endless", "seconds": 0.02},
}
IMPATIENT = {"hang": 0.01, "drip": 0.003}
"""By which the client's patience is shortened, where it is what ends the trouble."""
ON = ("submit", "poll", "output", "upload", "put", "list")
TABLE = """
kind          submit   poll     output   upload   put      list
400           refused  told     done     up       up       ask
401           refused  told     done     up       -        ask
402           refused  done     done     -        -        ask
403           refused  told     done     up       up       ask
404           refused  gone     done     up       up       ask
408           lost     done     done     up       -        done
409           lost     done     done     -        -        ask
413           refused  done     done     up       up       ask
422           refused  done     done     -        -        -
425           lost     done     done     -        -        done
429           again    done     done     up       up       done
429-wait      again    done     done     -        -        done
429-date      again    done     done     up       -        done
429-odd       again    done     done     -        -        -
500           lost     done     done     up       up       done
502-html      lost     done     done     up       -        done
503-wait      lost     done     done     up       up       done
504           lost     done     done     -        -        -
301           lost     done     away     up       up       ask
302           lost     done     away     -        -        -
307           lost     done     away     up       up       ask
308           lost     done     away     -        -        -
drop          found    done     done     up       up       done
refuse        lost     done     done     up       up       done
reset         found    done     done     up       done     done
cut           found    done     done     up       done     done
hang          found    done     done     up       up       done
html          lost     done     bad      up       missing  done
garbage       found    done     broken   up       done     done
empty         lost     done     bad      up       missing  done
204           lost     done     done     up       missing  done
null          lost     done     bad      up       missing  done
list          lost     done     bad      up       missing  ask
number        lost     done     bad      up       missing  ask
deep          lost     done     bad      up       -        done
long          lost     done     bad      up       -        ask
not-gzip      lost     done     bad      up       missing  done
mistyped      done     done     done     done     done     done
bomb          found    -        bad      -        done     -
flood         -        done     -        -        done     -
drip          found    -        done     -        done     -
401-ever      -        told     dead     -        -        -
404-ever      -        gone     dead     -        -        ask
429-ever      full     silent   bad      up       -        ask
500-ever      lost     silent   bad      up       -        ask
drop-ever     found    silent   bad      -        -        ask
html-ever     lost     silent   bad      -        missing  ask
garbage-ever  -        silent   broken   -        -        ask
null-ever     -        silent   bad      -        -        -
"""


class Outcome(NamedTuple):
    """What becomes of the shot that has the trouble, and of it in the next render, without trouble.

    Attributes:
        state: The render's word.
        said: Words of its error.
        purchase: What the journal says then; "" for no purchase at all.
        posts: How often this shot was sent.
        then: The state after the next render.
        more: How often that one sent it.
    """

    state: str
    said: str
    purchase: str
    posts: int
    then: str
    more: int


OUTCOMES = {
    "done": Outcome("done", "", "stored", 1, "cached", 0),
    "away": Outcome("done", "", "stored", 1, "cached", 0),  # from where a redirect led, without the key
    "again": Outcome("done", "", "stored", 2, "cached", 0),  # told to come back, which buys nothing
    "full": Outcome("failed", "nothing was bought", "rejected", 5, "done", 1),
    "refused": Outcome("failed", "nothing was bought", "rejected", 1, "done", 1),
    "missing": Outcome("failed", "media URL not accessible", "rejected", 1, "done", 1),  # a file that wasn't kept
    "up": Outcome("failed", "could not be uploaded", "dropped", 0, "done", 1),
    "lost": Outcome("held", "may have accepted it", "lost", 1, "held", 0),  # not bought, which nobody can know
    "found": Outcome("held", "may have accepted it", "lost", 1, "done", 0),  # bought, and found in the list
    "told": Outcome("held", "accepted it (id", "accepted", 1, "done", 0),
    "silent": Outcome("held", "can't be asked about", "accepted", 1, "done", 0),
    "gone": Outcome("held", "no longer knows the job", "gone", 1, "done", 0),  # and then it knows it again
    "dead": Outcome("held", "its clip is gone", "completed", 1, "done", 0),
    "bad": Outcome("held", "its clip can't be fetched", "completed", 1, "done", 0),
    "broken": Outcome("held", "its clip can't be", "completed", 1, "done", 0),
    "ask": Outcome("held", "can't be", "lost", 1, "done", 0),  # its list says nothing
}


def cells() -> Iterator[tuple[str, str, str]]:
    """Kind of trouble, kind of request, and the name of what becomes of it."""
    for line in TABLE.strip().splitlines()[1:]:
        kind, *names = line.split()
        yield from ((kind, on, name) for on, name in zip(ON, names, strict=True) if name != "-")


CELLS = list(cells())
WITH_CUT = {("drop", "submit"), ("html", "output")}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with workshop() as folder:
        yield folder


@pytest.fixture(scope="module")
def folder(place: Path) -> Folder:
    return board(Folder(place / "film"))


@pytest.fixture(scope="module")
def service(tools: Tools, tiny_clip: Path) -> Iterator[Service]:
    with serving(tools, tiny_clip) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(tiny_clip: Path) -> Iterator[Server]:
    """Where redirects lead."""
    server = Server()
    server.script("output", ranged(tiny_clip.read_bytes()))
    yield server
    server.close()


def rules(kind: str, on: str, folder: Folder, service: Service, elsewhere: Server) -> list[dict[str, Any]]:
    """The script of one cell: about s020 alone."""
    ever = kind.endswith("-ever")
    rule = {"on": on, "times": 0 if ever else 1, **KINDS[kind.removesuffix("-ever")]}
    if on != "list":
        rule["prompt"] = name_of(folder) if on in {"upload", "put"} else BAD
    if "headers" in rule:
        soon = formatdate(service.clock.wall() + 9, usegmt=True)
        values = {ELSEWHERE: f"{elsewhere.url}/out/clip.mp4", SOON: soon}
        rule["headers"] = {header: values.get(value, value) for header, value in rule["headers"].items()}
    lost = [{"on": "submit", "prompt": BAD, "do": "drop"}] if on == "list" else []
    return [*lost, rule]


@pytest.mark.parametrize(("kind", "on", "name"), CELLS)
def test_trouble_with_one_shot_ends_as_the_table_says(
    folder: Folder, service: Service, elsewhere: Server, tools: Tools, place: Path, kind: str, on: str, name: str
) -> None:
    wanted = OUTCOMES[name]
    service.begin()
    service.script(*rules(kind, on, folder, service, elsewhere))
    elsewhere.log.clear()
    film = Film(folder, place / f"{kind}-{on}", service, tools)
    film.patience = IMPATIENT.get(kind, 1.0)
    renders: list[Rendered] = [film.render()]
    if on == "list":  # the list is asked when the lost answer is looked for
        assert renders[0].states()["s020"] == "held"
        renders.append(film.render())
    last, posts = renders[-1], service.posts
    assert last.states()["s020"] == wanted.state, last.error()
    assert wanted.said in last.error()
    one = film.purchase()
    assert (one.state, one.attempt) == (wanted.purchase, 1)
    assert one.booked == (0 if wanted.purchase in {"rejected", "dropped"} else one.price)
    assert posts == 1 + wanted.posts
    assert renders[0].states()["s010"] == "done"
    if (kind, on) in WITH_CUT:
        sources = film.project().cut("draft", tools).sources
        assert sources == {"s010": "draft", "s020": "slate"}

    film.patience = 1.0
    service.script()
    renders.append(film.render())
    assert renders[-1].states() == {"s010": "cached", "s020": wanted.then}, renders[-1].error()
    assert service.posts == posts + wanted.more
    assert len(service.sold()) <= 1, "bought twice"
    assert len(service.sold("waits")) == 1
    assert "Traceback" not in shown(renders)
    assert len(elsewhere.log) == (name == "away")
    assert not any(request.holds(KEY) for request in elsewhere.log)
    film.require_sound()


def test_the_matrix_of_faults_is_large() -> None:
    by_request = {on: sum(cell[1] == on for cell in CELLS) for on in ON}
    print(f"\nfaults: {len(CELLS)} cells, {len(TABLE.split(chr(10))) - 3} kinds, {by_request}")
    assert len(CELLS) >= 120
    assert {name for _, _, name in CELLS} == OUTCOMES.keys()
    assert all(sum(cell[1] == on for cell in CELLS) >= 18 for on in ON)
