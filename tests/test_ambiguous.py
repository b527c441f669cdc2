"""An answer to a submit that was lost: sent once, looked for in the service's list, taken up only without doubt."""

import tempfile
from collections.abc import Iterator
from email.utils import formatdate
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from storyboard.providers import Sighting, evidence
from storyboard.providers.wire import Answer
from storyboard.reconcile import candidates
from storyboard.tools import Tools
from tests.folder import Folder
from tests.money import BAD, FLASH, OTHER, SETTLE, Film, Rendered, Service, board, serving, workshop

LOST: dict[str, dict[str, Any]] = {
    "drop": {"do": "drop"},
    "reset": {"do": "reset"},
    "hang": {"do": "hang", "seconds": 5},
    "500": {"do": "status", "status": 500, "accepted": True},
    "502": {"do": "status", "status": 502, "accepted": True, "body": "<html>Bad gateway"},
    "504": {"do": "status", "status": 504, "accepted": True},
    "garbage": {"do": "garbage"},
    "no id": {"do": "no_id"},
}
CELLS = list(product(LOST, (0, 30), (0, 1, 2)))
"""How the answer is lost, after how many seconds the list shows a job, and how many foreign jobs are like ours."""
LIST = "/api/v3/predictions"
NOT_TAKEN: dict[str, dict[str, Any]] = {
    "refuse": {"do": "refuse"},
    "html": {"do": "html"},
    **{str(status): {"do": "status", "status": status} for status in (302, 408, 409, 425, 500, 502, 503, 504)},
}


class Killed(BaseException):
    """The process ends here."""


def kill() -> None:
    raise Killed


def lost(**how: Any) -> dict[str, Any]:
    """The rule for the one submit that goes wrong."""
    return {"on": "submit", "prompt": BAD, **(how or LOST["drop"])}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with workshop() as folder:
        yield folder


@pytest.fixture(scope="module")
def folder(place: Path) -> Folder:
    return board(Folder(place / "film"))


@pytest.fixture
def store(place: Path) -> Path:
    """A new one."""
    return Path(tempfile.mkdtemp(dir=place))


@pytest.fixture(scope="module")
def services(tools: Tools, tiny_clip: Path) -> Iterator[dict[int, Service]]:
    with serving(tools, tiny_clip) as prompt, serving(tools, tiny_clip, list_lag=30) as late:
        yield {0: prompt, 30: late}


@pytest.fixture
def service(services: dict[int, Service]) -> Service:
    services[0].begin()
    return services[0]


@pytest.fixture
def film(folder: Folder, service: Service, tools: Tools, store: Path) -> Film:
    return Film(folder, store, service, tools)


@pytest.fixture
def gate(folder: Folder, tools: Tools, tiny_clip: Path, store: Path) -> Iterator[Film]:
    """The same film from the gateway that recognises repeats: a new one, as it would know what was bought before."""
    with serving(tools, tiny_clip) as service:
        yield Film(folder, store, service, tools, "gate")


def require_held(film: Film, first: Rendered) -> None:
    """One shot is here, the other may have been bought; everything is written down, and priced."""
    assert first.states() == {"s010": "done", "s020": "held"}
    assert "may have accepted it" in first.error()
    assert film.service.posts == 2
    one = film.purchase()
    assert (one.state, one.ticket, one.booked) == ("lost", None, one.price)
    assert one.reason in first.error()
    assert film.state() == "held"


def require_adopted(film: Film, second: Rendered) -> None:
    """Our very job was taken up, and nothing was sent again."""
    assert second.states() == {"s010": "cached", "s020": "done"}, second.error()
    (ours,) = film.service.sold()
    one = film.purchase()
    assert (one.state, one.adopted, one.ticket, one.attempt) == ("stored", True, ours.id, 1)
    assert film.service.posts == 2
    assert film.state() == "cached"
    film.require_sound()


def require_still_held(film: Film, second: Rendered, why: str) -> None:
    """Nothing was taken up, and nothing was sent again."""
    assert second.states() == {"s010": "cached", "s020": "held"}
    assert why in second.error()
    one = film.purchase()
    assert (one.state, one.ticket, one.adopted, one.booked) == ("lost", None, False, one.price)
    assert film.service.posts == 2
    assert film.state() == "held"
    film.require_sound()


@pytest.mark.parametrize(("how", "lag", "others"), CELLS)
def test_a_lost_answer_is_found_where_there_is_no_doubt_and_never_sent_again(
    folder: Folder, services: dict[int, Service], tools: Tools, store: Path, how: str, lag: int, others: int
) -> None:
    service = services[lag]
    service.begin(lost(**LOST[how]))
    film = Film(folder, store, service, tools)
    film.patience = 0.01 if how == "hang" else 1.0
    first = film.render({"submitting": lambda: service.foreign(others)})
    require_held(film, first)
    film.patience = 1.0
    asked: list[float] = []
    service.on_request = lambda seen: asked.append(service.clock.wall()) if seen.path == LIST else None
    second = film.render()
    assert asked[0] >= (film.purchase().answered or 0) / 1000 + SETTLE
    if others:
        require_still_held(film, second, f"{others + 1} jobs in WaveSpeedAI's list could be it")
        service.clock.time += 3600
        require_still_held(film, film.render(), "could be it")
    else:
        require_adopted(film, second)


def test_the_matrix_of_lost_answers_is_whole() -> None:
    print(f"\nlost answers: {len(CELLS)} cells, and {len(NOT_TAKEN)} where nothing was bought")
    assert len(CELLS) == len(LOST) * 2 * 3 == 48


@pytest.mark.parametrize("how", NOT_TAKEN)
def test_a_request_that_may_not_have_been_carried_out_stays_held(film: Film, how: str) -> None:
    film.service.script(lost(**NOT_TAKEN[how]))
    require_held(film, film.render())
    assert film.service.sold() == []
    require_still_held(film, film.render(), "no job")


@pytest.mark.parametrize("other", ["model", "price", "earlier", "later", "key", "ours"])
def test_a_job_that_can_not_be_ours_is_no_doubt(film: Film, other: str) -> None:
    service = film.service
    service.script(lost())
    if other == "earlier":
        service.foreign(1)
        service.clock.time += 60
    meanwhile = {
        "model": lambda: service.foreign(2, model=OTHER),
        "price": lambda: service.foreign(2, audio=True),
        "key": lambda: service.foreign(2, key="sk-somebody-else"),
    }
    first = film.render({"submitting": meanwhile.get(other, lambda: None)})
    require_held(film, first)
    if other == "later":
        service.clock.time += 60
        service.foreign(1)
    if other == "ours":  # the other shot is of the same model, moment and price, and the journal knows its id
        (known,) = service.sold("waits")
        assert film.purchase("s010").ticket == known.id
    require_adopted(film, film.render())


def test_two_lost_answers_of_one_model_are_not_guessed_at(film: Film) -> None:
    film.service.script({"on": "submit", "do": "drop", "times": 2})
    assert film.render().states() == {"s010": "held", "s020": "held"}
    second = film.render()
    assert second.states() == {"s010": "held", "s020": "held"}
    assert "2 jobs in WaveSpeedAI's list could be it" in second.error()
    assert film.service.posts == 2
    film.require_sound()


def test_one_job_for_two_lost_answers_is_nobodys(film: Film) -> None:
    film.service.script({"on": "submit", "do": "drop"}, {"on": "submit", "do": "refuse"})
    film.render()
    assert len(film.service.ledger) == 1
    assert film.render().states() == {"s010": "held", "s020": "held"}
    assert {one.state for one in film.purchases().values()} == {"lost"}
    film.require_sound()


@pytest.mark.parametrize(
    "trouble",
    [
        {"do": "status", "status": 500},
        {"do": "status", "status": 403},
        {"do": "html"},
        {"do": "garbage"},
        {"do": "drop"},
        {"do": "status", "status": 200, "body": {"data": {"items": "none"}}},
    ],
)
def test_a_list_that_can_not_be_read_decides_nothing(film: Film, trouble: dict[str, Any]) -> None:
    film.service.script(lost(), {"on": "list", "times": 0, **trouble})
    require_held(film, film.render())
    require_still_held(film, film.render(), "WaveSpeedAI")
    film.service.script()
    require_adopted(film, film.render())


def test_bills_that_can_not_be_read_are_a_doubt_where_only_they_tell_the_jobs_apart(film: Film) -> None:
    film.service.script(lost(), {"on": "list", "do": "status", "status": 403, "after": 1, "times": 1})
    require_held(film, film.render({"submitting": lambda: film.service.foreign(1, audio=True)}))
    require_still_held(film, film.render(), "2 jobs in WaveSpeedAI's list could be it")
    require_adopted(film, film.render())


def test_a_job_on_the_second_page_is_found(film: Film) -> None:
    film.service.script(lost())
    require_held(film, film.render())
    film.service.clock.time += 20
    film.service.foreign(130)
    require_adopted(film, film.render())
    asked = [seen for seen in film.service.seen if seen.path == LIST]
    assert len(asked) == 2


def test_candidates_on_two_pages_are_a_doubt(film: Film) -> None:
    film.service.script(lost())
    require_held(film, film.render({"submitting": lambda: film.service.foreign(101)}))
    require_still_held(film, film.render(), "102 jobs in WaveSpeedAI's list could be it")


def test_the_services_clock_is_told_from_an_answer_that_takes_long() -> None:
    begun = 1_800_000_000.0
    answer = Answer(200, {"date": formatdate(begun, usegmt=True)}, {})
    assert evidence._ahead(answer, begun, begun + 20) == 0
    assert evidence._ahead(answer, begun - 20, begun) == 0
    assert abs(evidence._ahead(answer, begun - 600, begun - 599) - 600) < 2
    assert abs(evidence._ahead(answer, begun + 600, begun + 610) + 600) < 2
    assert evidence._ahead(Answer(200, {"date": "today"}, {}), begun, begun) == 0


def test_only_a_job_of_the_same_model_can_be_ours(film: Film) -> None:
    film.service.script(lost())
    require_held(film, film.render())
    one = film.purchase()
    moment = (one.intended or 0) / 1000
    assert candidates(one, [Sighting("x", FLASH, moment, "completed")], ()) != []
    assert candidates(one, [Sighting("x", OTHER, moment, "completed")], ()) == []


# -- killed in between


def test_a_render_killed_before_the_request_left_leaves_a_doubt_and_no_second_request(film: Film) -> None:
    film.render(only=["s010"])
    with pytest.raises(Killed):
        film.render({"submitting": kill})
    assert film.purchase().state == "intent"
    assert film.service.sold() == []
    second = film.render()
    assert second.states() == {"s010": "cached", "s020": "held"}
    assert "no job" in second.error()
    assert film.service.posts == 1
    film.require_sound()


def test_a_render_killed_before_the_id_was_written_down_finds_its_job(film: Film) -> None:
    film.render(only=["s010"])
    with pytest.raises(Killed):
        film.render({"submitted as": kill})
    assert film.purchase().state == "intent"
    (ours,) = film.service.sold()
    assert film.render().states()["s020"] == "done"
    one = film.purchase()
    assert (one.state, one.adopted, one.ticket) == ("stored", True, ours.id)
    assert film.service.posts == 2
    film.require_sound()


# -- a service that recognises repeats


@pytest.mark.parametrize("how", LOST)
def test_the_gateway_is_sent_a_lost_request_again_and_makes_one_job(gate: Film, how: str) -> None:
    gate.service.script(lost(**LOST[how]))
    gate.patience = 0.01 if how == "hang" else 1.0
    first = gate.render()
    if how in {"garbage", "no id"}:  # an answer, though one that says nothing: held rather than tried
        assert first.states() == {"s010": "done", "s020": "held"}
        assert gate.service.posts == 2
    else:
        assert first.states() == {"s010": "done", "s020": "done"}, first.error()
        assert gate.service.posts == 3
    assert len(gate.service.sold()) == 1
    gate.require_sound()


def test_the_gateway_that_lost_one_answer_and_refuses_the_repeat_is_not_believed(gate: Film) -> None:
    gate.service.script(lost(), lost(do="status", status=400))
    first = gate.render()
    assert first.states() == {"s010": "done", "s020": "held"}
    one = gate.purchase()
    assert (one.state, one.booked) == ("lost", one.price)


def test_a_render_killed_at_the_gateway_goes_on_with_the_same_job(gate: Film) -> None:
    with pytest.raises(Killed):
        gate.render({"submitted as": kill})
    assert (gate.purchase().state, gate.purchase().ticket) == ("intent", None)
    (ours,) = gate.service.sold()
    second = gate.render()
    assert second.states()["s020"] == "done", second.error()
    one = gate.purchase()
    assert (one.state, one.attempt, one.ticket["job"]["id"]) == ("stored", 1, ours.id)
    assert len(gate.service.sold()) == 1
    gate.require_sound()


def test_what_the_gateway_never_heard_of_is_sent_with_its_files(gate: Film) -> None:
    gate.render(only=["s010"])
    with pytest.raises(Killed):
        gate.render({"submitting": kill})
    assert (gate.purchase().state, gate.service.sold()) == ("intent", [])
    (gate.root / "uploads").unlink()
    assert gate.render().states() == {"s010": "cached", "s020": "done"}
    assert "/uploads/" in str(gate.service.sold()[0].request)
    gate.require_sound()


def test_a_repeat_that_is_killed_too_is_still_a_doubt(gate: Film) -> None:
    with pytest.raises(Killed):
        gate.render({"submitted as": kill})
    with pytest.raises(Killed):
        gate.render({"uploading": kill})
    one = gate.purchase()
    assert (one.state, one.attempt, one.booked) == ("intent", 1, one.price)
    assert gate.render().states()["s020"] == "done"
    assert len(gate.service.sold()) == 1


def test_a_render_killed_again_and_again_does_not_outlast_the_gateways_memory(gate: Film) -> None:
    for _ in range(2):
        with pytest.raises(Killed):
            gate.render({"submitted as": kill})
        gate.service.clock.time += 40 * 60
    posts = gate.service.posts
    last = gate.render()
    assert last.states()["s020"] == "held"
    assert "has no list" in last.error()
    assert gate.service.posts == posts
    assert len(gate.service.sold()) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"on": "upload", "do": "drop"},
        {"on": "submit", "do": "status", "status": 401},
        {"on": "submit", "do": "status", "status": 429},
        {"on": "poll", "do": "status_word"},  # none at all but that the references are uploaded to another place
    ],
)
def test_trouble_with_a_repeat_does_not_forget_what_may_have_been_bought(gate: Film, trouble: dict[str, Any]) -> None:
    with pytest.raises(Killed):
        gate.render({"submitted as": kill})
    (gate.root / "uploads").unlink()
    gate.service.script({"times": 0, **trouble})
    assert gate.render().states()["s020"] == "held"
    one = gate.purchase()
    assert one.state in {"intent", "lost"}
    assert (one.attempt, one.booked) == (1, one.price)
    assert gate.state() == "held"
    assert len(gate.service.sold()) == 1
    gate.require_sound()


def test_the_next_attempt_at_a_clip_is_another_purchase_to_the_gateway(gate: Film) -> None:
    gate.service.script({"on": "submit", "prompt": BAD, "do": "fail"})
    assert gate.render().states() == {"s010": "done", "s020": "failed"}
    assert gate.purchase().attempt == 1
    assert gate.state() == "submit"
    assert gate.render().states() == {"s010": "cached", "s020": "done"}
    assert gate.purchase().attempt == 2
    assert len(gate.service.sold()) == 2
    gate.require_sound()


# -- the user's word


def test_what_is_waived_is_bought_exactly_once_more(film: Film) -> None:
    film.service.script(lost())
    require_held(film, film.render())
    film.settle("waived")
    assert film.state() == "submit"
    second = film.render()
    assert second.states() == {"s010": "cached", "s020": "done"}
    one = film.purchase()
    assert (one.attempt, one.state, one.adopted) == (2, "stored", False)
    sold = film.service.sold()
    assert [entry.id for entry in sold][1:] == [one.ticket]
    assert film.render().states() == {"s010": "cached", "s020": "cached"}
    assert film.service.posts == 3
    film.require_sound()


def test_what_is_given_up_is_neither_looked_for_nor_bought(film: Film) -> None:
    film.service.script(lost())
    require_held(film, film.render())
    film.settle("given up")
    assert film.state() == "blocked"
    seen = len(film.service.seen)
    second = film.render()
    assert second.states() == {"s010": "cached", "s020": "failed"}
    assert "given up" in second.error()
    assert len(film.service.seen) == seen
    assert film.purchase().state == "given up"
    film.require_sound()


def test_a_lost_answer_that_is_lost_again_after_consent_is_two_doubts(film: Film) -> None:
    film.service.script(lost(), lost())
    require_held(film, film.render())
    film.settle("waived")
    assert film.render().states()["s020"] == "held"
    third = film.render()
    assert third.states()["s020"] in {"held", "done"}
    assert film.service.posts == 3
    film.require_sound()
