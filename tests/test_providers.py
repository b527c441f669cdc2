"""Every provider's adapter through the same cases, over real HTTP, against a server that answers by a script."""

import asyncio
import base64
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from storyboard import digest, execute, media
from storyboard import job as jobs
from storyboard.buy import Terms
from storyboard.catalog import Catalog
from storyboard.film import Shot
from storyboard.job import Input, Job
from storyboard.journal import Journal
from storyboard.memo import Memo
from storyboard.plan import Plan, Step
from storyboard.providers import Limit, Provider, Setup, load, seconds_in, web
from storyboard.providers.failure import ClipFailed, ClipHeld, Unconfigured
from storyboard.providers.remote import Remote
from storyboard.providers.wire import Ticket
from storyboard.sniff import is_video
from storyboard.store import Store
from storyboard.tools import Tools
from tests.scripted import (
    HTML,
    ID,
    KEY,
    SERVICES,
    Clock,
    Reply,
    Request,
    Script,
    Server,
    Told,
    bought,
    page,
    ranged,
    told,
)

MODELS = Catalog()
PICTURE = "https://pictures.example/mira.png"
SHA = digest.sha256(b"mira")
LOST = Reply(fault="drop")
WHY = "no such thing here"

every = pytest.mark.parametrize("api", sorted(SERVICES))
uploading = pytest.mark.parametrize("api", ["wavespeed", "dashscope"])


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(running: Server) -> Server:
    """The server, as new."""
    running.reset()
    return running


@pytest.fixture(scope="module")
def silent_clip(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    """A real MP4 of one second without sound."""
    path = tmp_path_factory.mktemp("clips") / "silent.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=24:d=1", "-pix_fmt", "yuv420p")
    media.run(tools.ffmpeg, [*picture, str(path)], path.parent)
    return path


def remote(label: str = "mira", url: str = PICTURE) -> Input:
    """A reference that is a URL already."""
    return Input(label, SHA, url=url)


class Rig:
    """One service's real client, and the server that it speaks to."""

    def __init__(self, name: str, server: Server, tools: Tools, clip: Path, place: Path) -> None:
        self.told: Told = SERVICES[name]
        self.says = self.told.says
        self.server = server
        self.clock = Clock()
        self.noted: list[str] = []
        self.place = place
        self.into = place / "clip.mp4"
        self.bytes = clip.read_bytes()
        self.url = f"{server.url}/out/clip.mp4"
        environment = {other.base: f"{server.url}/{other.name}" for other in SERVICES.values()}
        environment |= {other.key: f"{KEY}" for other in SERVICES.values()}
        self.setup = Setup(
            tools=tools,
            environment=environment,
            models=MODELS,
            uploads=place / "uploads",
            workers=1,
            now=self.clock.now,
            wall=self.clock.wall,
            sleep=self.clock.sleep,
            chance=lambda: 0.5,
            poll_seconds=0.01,
            note=self.noted.append,
        )
        self.script("submit", told(self.says.accepted()))
        self.script("poll", told(self.says.done(self.url)))
        server.script("output", ranged(self.bytes))

    def script(self, role: str, *replies: Script) -> None:
        """What the service answers to its submits or polls."""
        self.server.script(f"{self.told.name} {role}", *replies)

    def of(self, role: str) -> list[Request]:
        """What it was sent."""
        return self.server.of(f"{self.told.name} {role}")

    def job(self, given: Input | None = None, *, via: str | None = None, seed: int = 7, **words: Any) -> Job:
        """A job of five seconds with one reference."""
        given = given or remote()
        aspect = {"aspect": "16:9"} if self.told.name == "aimlapi" else {}
        size = MODELS[self.told.model].size("16:9", "720p")
        values = {"references": [given.name], "prompt": "character1 waves", "negative": "", "size": size, "duration": 5}
        switches = {"shot_type": "single", "audio": False, "prompt_expansion": False, "seed": seed}
        body = MODELS[self.told.model].body({**values, **switches, **aspect, **words})
        return jobs.new(self.told.model, body, {given.name: given}, Fraction(5), None, via)

    def provider(self, **changes: Any) -> Provider:
        """The client, by the way that a render gets it."""
        return load({self.told.name}, replace(self.setup, **changes))[self.told.name]

    def run(self, *given: Job, at_once: bool = False, **changes: Any) -> list[Mapping[str, Any]]:
        """Make clips, one after another."""
        provider = self.provider(**changes)

        async def go() -> list[Mapping[str, Any]]:
            places = [self.into, *(self.place / f"{n}.mp4" for n in range(1, len(given)))]
            made = [bought(provider, job, place) for job, place in zip(given, places, strict=True)]
            try:
                return await asyncio.gather(*made) if at_once else [await one for one in made]
            finally:
                await provider.close()

        return asyncio.run(go())

    def clip(self, **changes: Any) -> Mapping[str, Any]:
        """Make one clip."""
        return self.run(self.job(), **changes)[0]

    def fails(self, kind: type[ClipFailed] = ClipFailed, job: Job | None = None, **changes: Any) -> ClipFailed:
        """Make one clip in vain; there is nothing left of it, and the message holds no key."""
        with pytest.raises(ClipFailed) as caught:
            self.run(job or self.job(), **changes)
        assert type(caught.value) is kind, caught.value
        assert not self.into.exists()
        assert KEY not in str(caught.value)
        return caught.value

    def held_with_id(self, **changes: Any) -> str:
        """Make one clip in vain that was bought."""
        error = self.fails(ClipHeld, **changes)
        assert error.accepted
        assert ID in str(error)
        assert len(self.of("submit")) == 1
        return str(error)


@pytest.fixture
def rig(api: str, server: Server, tools: Tools, tiny_clip: Path, tmp_path: Path) -> Rig:
    return Rig(api, server, tools, tiny_clip, tmp_path)


# -- what is sent


@every
def test_a_clip_is_bought_asked_for_and_fetched(rig: Rig) -> None:
    rig.script("poll", told(rig.says.pending()), told(rig.says.done(rig.url)))
    facts = rig.clip()
    assert rig.into.read_bytes() == rig.bytes
    assert facts["provider"]["name"] == rig.told.name
    (bought,) = rig.of("submit")
    assert (bought.method, bought.path) == ("POST", rig.told.path)
    assert bought.headers["authorization"] == f"Bearer {KEY}"
    assert bought.headers["content-type"] == "application/json"
    assert [asked.path for asked in rig.of("poll")] == [rig.told.asked] * 2
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in rig.of("poll"))
    (fetched,) = rig.server.of("output")
    assert not fetched.holds(KEY)
    assert "authorization" not in fetched.headers
    assert rig.server.of("astray") == []


@every
def test_the_request_is_the_jobs_with_urls_for_references(rig: Rig) -> None:
    job = rig.job()
    rig.run(job)
    sent = rig.of("submit")[0].json
    named = {"model": job.model.partition("/")[2]} if rig.told.name in {"aimlapi", "dashscope"} else {}
    expected = {**named, **job.request}
    assert "sha256:" not in str(sent)
    assert sent == _with(expected, f"sha256:{SHA}", PICTURE)


def _with(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _with(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_with(item, old, new) for item in value]
    return new if value == old else value


@pytest.mark.parametrize("api", ["vercel"])
def test_the_gateways_operation_goes_back_whole(rig: Rig) -> None:
    rig.clip()
    assert rig.of("poll")[0].json == {"operation": rig.says.accepted()["operation"]}
    bought = rig.of("submit")[0].headers
    assert bought["ai-model-id"] == "alibaba/wan-v2.6-r2v-flash"
    assert bought["ai-gateway-protocol-version"] == "0.0.1"
    assert bought["ai-gateway-auth-method"] == "api-key"
    assert bought["ai-video-model-specification-version"] == "4"
    assert bought["idempotency-key"]


@pytest.mark.parametrize("api", ["dashscope"])
def test_dashscope_is_told_to_work_in_the_background(rig: Rig) -> None:
    rig.clip()
    assert rig.of("submit")[0].headers["x-dashscope-async"] == "enable"
    assert "x-dashscope-ossresourceresolve" not in rig.of("submit")[0].headers


@pytest.mark.parametrize(("api", "suffix"), [("wavespeed", "/api/v3"), ("aimlapi", "/v1")])
def test_a_base_may_end_as_the_published_clients_have_it(rig: Rig, suffix: str) -> None:
    environment = {**rig.setup.environment, rig.told.base: f"{rig.server.url}/{rig.told.name}{suffix}/"}
    rig.clip(environment=environment)
    assert rig.of("submit")[0].path == rig.told.path


# -- states


WAITING = [(name, word) for name, service in SERVICES.items() for word in service.waiting]
ENDS = [(name, word) for name, service in SERVICES.items() for word in service.ends]


@pytest.mark.parametrize(("api", "word"), WAITING)
def test_a_job_under_way_is_asked_about_again(rig: Rig, word: str) -> None:
    rig.script("poll", *[told(rig.says.pending(word))] * 3, told(rig.says.done(rig.url)))
    rig.clip()
    assert len(rig.of("poll")) == 4
    assert rig.noted == []


@pytest.mark.parametrize(("api", "word"), ENDS)
def test_a_job_that_ended_without_a_clip_has_failed_and_was_accepted(rig: Rig, word: str) -> None:
    rig.script("poll", told(rig.says.pending()), told(rig.says.failed(word, "the model fell over")))
    error = rig.fails()
    assert error.accepted
    assert "the model fell over" in str(error)
    assert ID in str(error)
    assert len(rig.of("poll")) == 2
    assert rig.server.of("output") == []


@pytest.mark.parametrize("api", ["dashscope"])
def test_a_task_that_is_unknown_is_held(rig: Rig) -> None:
    rig.script("poll", told(rig.says.pending()), told(rig.says.failed("UNKNOWN", "")))
    assert "no longer knows" in rig.held_with_id()


@every
def test_a_state_that_nobody_knows_is_waited_out_and_noted_once(rig: Rig) -> None:
    rig.script("poll", *[told(rig.says.pending("simmering"))] * 3, told(rig.says.done(rig.url)))
    rig.clip()
    assert len(rig.of("poll")) == 4
    (note,) = rig.noted
    assert "simmering" in note
    assert rig.told.title in note


@every
@pytest.mark.parametrize("item", ["the prompt", "the reference image"])
def test_moderation_is_named_with_what_was_flagged(rig: Rig, item: str) -> None:
    rig.script("poll", told(rig.says.failed(rig.told.ends[0], f"{item} may contain inappropriate content")))
    error = rig.fails()
    assert error.accepted
    assert "moderated" in str(error)
    assert f"flagged: {item.removeprefix('the ')}" in str(error)


@every
def test_moderation_at_the_door_buys_nothing(rig: Rig) -> None:
    rig.script("submit", told(rig.says.error(400, "the prompt may contain inappropriate content"), 400))
    error = rig.fails()
    assert not error.accepted
    assert "moderated" in str(error)
    assert "prompt" in str(error)


@pytest.mark.parametrize(
    ("api", "answer"),
    [
        ("wavespeed", {"code": 200, "data": {"id": ID, "status": "failed", "code": 1200, "error": "the prompt"}}),
        ("wavespeed", {"code": 200, "data": {"id": ID, "status": "completed", "has_nsfw_contents": [True]}}),
        ("dashscope", {"output": {"task_status": "FAILED", "code": "DataInspectionFailed", "message": "the prompt"}}),
    ],
)
def test_moderation_by_a_services_own_code(rig: Rig, answer: Any) -> None:
    rig.script("poll", told(answer))
    assert "moderated" in str(rig.fails())


@pytest.mark.parametrize(
    ("api", "status", "answer", "kind"),
    [
        ("vercel", 400, {"error": {"message": WHY, "type": "insufficient_funds"}}, "no credit"),
        ("vercel", 404, {"error": {"message": WHY, "type": "model_not_found"}}, "bad request"),
        ("vercel", 400, {"error": {"message": WHY, "type": "authentication_error"}}, "bad key"),
        ("dashscope", 400, {"code": "Arrearage", "message": WHY}, "no credit"),
        ("dashscope", 400, {"code": "InvalidApiKey", "message": WHY}, "bad key"),
        ("dashscope", 400, {"code": "InvalidParameter.Size", "message": WHY}, "bad request"),
        ("dashscope", 400, {"code": "DataInspectionFailed", "message": WHY}, "moderated"),
        ("wavespeed", 400, {"message": WHY, "data": {"code": 1200}}, "moderated"),
    ],
)
def test_a_refusal_by_a_services_own_word(rig: Rig, status: int, answer: Any, kind: str) -> None:
    rig.script("submit", told(answer, status))
    assert f"({kind})" in str(rig.fails())


# -- the purchase


@every
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_refused_submit_is_sent_once_and_its_kind_is_named(rig: Rig, status: int) -> None:
    rig.script("submit", told(rig.says.error(status, WHY), status))
    error = rig.fails()
    kinds = {401: "bad key", 402: "no credit", 403: "no credit" if rig.told.name == "aimlapi" else "bad key"}
    assert f"({kinds.get(status, 'bad request')})" in str(error)
    assert WHY in str(error)
    assert not error.accepted
    assert len(rig.of("submit")) == 1
    assert rig.of("poll") == []


@every
@pytest.mark.parametrize(("wait", "slept"), [(7, 7.0), (3600, 120.0), (0, 0.0)])
@pytest.mark.parametrize("dated", [False, True])
def test_too_many_requests_are_sent_again_when_the_service_says(
    rig: Rig, wait: int, slept: float, *, dated: bool
) -> None:
    later = formatdate(rig.clock.start + wait, usegmt=True) if dated else str(wait)
    refused = told(rig.says.error(429, "slow down"), 429, **{"Retry-After": later})
    rig.script("submit", refused, told(rig.says.accepted()))
    rig.clip()
    assert len(rig.of("submit")) == 2
    assert rig.clock.slept[0] == slept
    assert rig.into.read_bytes() == rig.bytes


@every
@pytest.mark.parametrize("later", ["", "soon", "-5", "Wed, 99 Foo 2026"])
def test_a_retry_after_that_says_nothing_is_a_short_wait(rig: Rig, later: str) -> None:
    refused = told(rig.says.error(429, "slow down"), 429, **{"Retry-After": later})
    rig.script("submit", refused, told(rig.says.accepted()))
    rig.clip()
    assert len(rig.of("submit")) == 2
    assert 0 <= rig.clock.slept[0] <= 10


@every
def test_too_many_requests_for_ever_buys_nothing(rig: Rig) -> None:
    rig.script("submit", told(rig.says.error(429, "slow down"), 429))
    error = rig.fails()
    assert "rate limited" in str(error)
    assert not error.accepted
    assert 2 <= len(rig.of("submit")) <= 5


AMBIGUOUS = {
    "500": page(500),
    "502": page(502),
    "503": page(503),
    "504": page(504),
    "dropped": LOST,
    "cut off": told({"data": {"id": ID}, "id": ID}),
}


@every
@pytest.mark.parametrize("trouble", AMBIGUOUS)
def test_a_submit_whose_answer_is_lost_is_held_and_never_bought_again(rig: Rig, trouble: str) -> None:
    lost = AMBIGUOUS[trouble]
    rig.script("submit", lost._replace(fault="cut") if trouble == "cut off" else lost)
    error = rig.fails(ClipHeld)
    assert "may have accepted it" in str(error)
    sent = rig.of("submit")
    assert len(sent) == (5 if rig.told.name == "vercel" else 1)
    assert len({request.headers.get("idempotency-key") for request in sent}) == 1
    assert len({request.body for request in sent}) == 1
    assert rig.of("poll") == []


@every
@pytest.mark.parametrize(
    "reply",
    [
        page(200),
        Reply(200, b'{"data": {"id": "jo'),
        Reply(200),
        told({"message": "done"}),
        told([]),
        told({"id": 7, "data": {"id": 7}, "output": {"task_id": 7}}),
    ],
    ids=["html", "half", "empty", "no id", "list", "number"],
)
def test_a_submit_whose_answer_holds_no_id_is_held(rig: Rig, reply: Reply) -> None:
    rig.script("submit", reply)
    rig.fails(ClipHeld)
    sent = rig.of("submit")
    assert 1 <= len(sent) <= (5 if rig.told.name == "vercel" else 1)
    assert len({request.headers.get("idempotency-key") for request in sent}) == 1


@every
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_of_a_submit_is_followed(rig: Rig, status: int) -> None:
    rig.script("submit", Reply(status, b"", {"Location": f"{rig.server.url}/elsewhere"}))
    rig.fails(ClipHeld)
    assert len(rig.of("submit")) == 1
    assert rig.server.of("astray") == []


@pytest.mark.parametrize("api", ["vercel"])
@pytest.mark.parametrize("trouble", [page(503), LOST], ids=["503", "dropped"])
def test_the_gateway_recognises_a_repeat(rig: Rig, trouble: Reply) -> None:
    rig.script("submit", trouble, trouble, told(rig.says.accepted()))
    rig.clip()
    keys = [request.headers["idempotency-key"] for request in rig.of("submit")]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert rig.into.read_bytes() == rig.bytes


@pytest.mark.parametrize("api", ["vercel"])
def test_another_job_is_another_purchase_for_the_gateway(rig: Rig) -> None:
    rig.run(rig.job(), rig.job(seed=8))
    first, second = (request.headers["idempotency-key"] for request in rig.of("submit"))
    assert first != second


def free_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@every
def test_where_nothing_listens_nothing_was_sent(rig: Rig) -> None:
    error = rig.fails(environment={**rig.setup.environment, rig.told.base: f"http://127.0.0.1:{free_port()}"})
    assert "nothing was sent" in str(error)
    assert not error.accepted


# -- the wait


TROUBLES = {
    "503": page(503),
    "html": page(200),
    "half": Reply(200, b'{"data": {"status": "comp'),
    "cut": told({"data": {"status": "completed"}, "status": "completed"})._replace(fault="cut"),
    "dropped": LOST,
    "429": Reply(429, b"{}", {"Retry-After": "3"}),
    "redirect": Reply(302, b"", {"Location": "/elsewhere"}),
}


@every
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_poll_that_went_wrong_is_made_again(rig: Rig, trouble: str) -> None:
    rig.script("poll", *[TROUBLES[trouble]] * 7, told(rig.says.done(rig.url)))
    rig.clip()
    assert len(rig.of("poll")) == 8
    assert len(rig.of("submit")) == 1
    assert rig.server.of("astray") == []


@every
def test_a_poll_whose_answer_has_another_shape_is_made_again(rig: Rig) -> None:
    rig.script("poll", *map(told, rig.told.unusable), told(rig.says.done(rig.url)))
    rig.clip()
    assert len(rig.of("poll")) == len(rig.told.unusable) + 1


@every
def test_a_service_that_does_not_answer_for_minutes_is_left_alone(rig: Rig) -> None:
    bad, good = page(503), told(rig.says.pending())
    rig.script("poll", *[bad] * 7, good, bad)
    assert "can't be asked" in rig.held_with_id()
    assert 300 < rig.clock.time < 600
    assert 16 <= len(rig.of("poll")) < 60, "a service in trouble is asked less often"


@every
@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_is_no_longer_known_is_held(rig: Rig, status: int) -> None:
    rig.script("poll", told(rig.says.pending()), told(rig.says.error(status, WHY), status))
    rig.held_with_id()
    assert len(rig.of("poll")) == 2


@every
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_poll_that_is_refused_is_held(rig: Rig, status: int) -> None:
    rig.script("poll", told(rig.says.error(status, WHY), status))
    assert WHY in rig.held_with_id()


@every
def test_done_without_a_clip_is_held(rig: Rig) -> None:
    rig.script("poll", told(rig.says.done()))
    rig.held_with_id()


@pytest.mark.parametrize(
    ("api", "answer"),
    [
        ("wavespeed", {"data": {"status": "completed", "outputs": 7}}),
        ("wavespeed", {"data": {"status": "completed", "outputs": [7, None, {}]}}),
        ("vercel", {"status": "completed", "videos": 7}),
        ("vercel", {"status": "completed", "videos": [7, {"type": "uploaded"}, {"type": "url", "url": 7}]}),
        ("aimlapi", {"status": "completed", "video": 7}),
        ("aimlapi", {"status": "completed", "video": {"url": 7}}),
        ("dashscope", {"output": {"task_status": "SUCCEEDED", "video_url": 7}}),
        ("dashscope", {"output": {"task_status": "SUCCEEDED", "video_url": {"url": "x"}}}),
    ],
)
def test_done_with_outputs_that_are_none_is_held(rig: Rig, answer: Any) -> None:
    rig.script("poll", told(answer))
    rig.held_with_id()
    assert rig.server.of("output") == []


def times_of_polls(rig: Rig, count: int) -> list[float]:
    """When each of so many polls came, with the last of them done."""
    times: list[float] = []

    def answer(_request: Request) -> Reply:
        times.append(rig.clock.time)
        return told(rig.says.done(rig.url) if len(times) == count else rig.says.pending())

    rig.script("poll", answer)
    rig.clip(poll_seconds=None)
    assert len(times) == count
    return times


@every
def test_polls_come_after_most_of_the_typical_time_and_then_ever_more_slowly(rig: Rig) -> None:
    times = times_of_polls(rig, 14)
    assert times[0] == pytest.approx(0.6 * MODELS[rig.told.model].latency)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[0] == pytest.approx(2)
    assert all(after >= before - 1e-9 for before, after in pairwise(pauses))
    assert pauses[-1] == pytest.approx(10)
    assert max(pauses) <= 10 + 1e-9


@every
@pytest.mark.parametrize(("latency", "patience"), [(60, 1200), (500, 2000)])
def test_a_job_that_never_ends_is_held(rig: Rig, latency: int, patience: int) -> None:
    models = {**MODELS, rig.told.model: replace(MODELS[rig.told.model], latency=latency)}
    rig.script("poll", told(rig.says.pending()))
    assert "stuck" in rig.held_with_id(models=models, poll_seconds=100)
    assert patience < rig.clock.time <= patience + 100


# -- the clip


@every
def test_of_two_clips_the_first_is_used_and_the_facts_say_so(rig: Rig) -> None:
    rig.script("poll", told(rig.says.done(rig.url, f"{rig.url}?second")))
    facts = rig.clip()
    assert any("2 clips instead of one" in line for line in facts["differs"])
    assert [request.path for request in rig.server.of("output")] == ["/out/clip.mp4"]


@pytest.mark.parametrize("api", ["wavespeed"])
def test_outputs_may_be_an_object_of_urls(rig: Rig) -> None:
    rig.script("poll", told({"data": {"status": "completed", "outputs": {"video": rig.url}}}))
    rig.clip()
    assert rig.into.read_bytes() == rig.bytes


@pytest.mark.parametrize("api", ["vercel"])
def test_a_clip_may_come_in_base64(rig: Rig) -> None:
    data = base64.b64encode(rig.bytes).decode()
    rig.script("poll", told({"status": "completed", "videos": [{"type": "base64", "data": data}]}))
    rig.clip()
    assert rig.into.read_bytes() == rig.bytes
    assert rig.server.of("output") == []


@pytest.mark.parametrize("api", ["vercel"])
@pytest.mark.parametrize("data", ["not base64!", base64.b64encode(HTML).decode(), "QQ=", ""])
def test_base64_that_holds_no_clip_is_held(rig: Rig, data: str) -> None:
    rig.script("poll", told({"status": "completed", "videos": [{"type": "base64", "data": data}]}))
    rig.held_with_id()


@every
@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_output_whose_url_ran_out_is_asked_for_again(rig: Rig, status: int) -> None:
    rig.script("poll", told(rig.says.done(rig.url)), told(rig.says.done(f"{rig.url}?fresh")))
    rig.server.script("output", Reply(status, b"<Error>expired</Error>"), ranged(rig.bytes))
    rig.clip()
    assert [request.path for request in rig.server.of("output")] == ["/out/clip.mp4", "/out/clip.mp4?fresh"]
    assert rig.into.read_bytes() == rig.bytes


@every
def test_an_output_that_ran_out_twice_is_held(rig: Rig) -> None:
    rig.server.script("output", Reply(403))
    assert "gone" in rig.held_with_id()
    assert len(rig.server.of("output")) == 2


@every
def test_an_output_that_is_a_page_is_held(rig: Rig) -> None:
    rig.server.script("output", page())
    rig.held_with_id()


@every
def test_an_output_that_only_begins_like_a_clip_is_held(rig: Rig) -> None:
    rig.server.script("output", Reply(200, rig.bytes[:200]))
    rig.held_with_id()


@every
def test_an_output_cut_off_is_gone_on_with(rig: Rig) -> None:
    whole = rig.bytes + (400_000).to_bytes(4, "big") + b"free" + bytes(range(250)) * 1600
    whole = whole[: len(rig.bytes) + 400_000]
    rig.server.script("output", Reply(200, whole, {"ETag": '"tag"'}, "cut"), ranged(whole))
    rig.clip()
    first, second = rig.server.of("output")
    assert "range" not in first.headers
    begins = re.fullmatch(r"bytes=(\d+)-", second.headers["range"])
    assert begins
    assert 0 < int(begins[1]) <= len(whole) // 2
    assert second.headers["if-range"] == '"tag"'
    assert rig.into.read_bytes() == whole


@every
def test_a_store_that_knows_no_range_begins_again(rig: Rig) -> None:
    rig.server.script("output", Reply(200, rig.bytes, fault="cut"), LOST, page(503), Reply(200, rig.bytes))
    rig.clip()
    assert len(rig.server.of("output")) == 4
    assert rig.into.read_bytes() == rig.bytes


@every
def test_an_output_that_always_breaks_off_is_held(rig: Rig) -> None:
    rig.server.script("output", LOST)
    rig.held_with_id()


@every
@pytest.mark.parametrize("target", ["https://10.0.0.1/clip.mp4", "http://10.0.0.1/", "http://[fe80::1]/", "file:///x"])
@pytest.mark.parametrize("redirected", [False, True])
def test_an_output_at_a_place_that_isnt_public_is_held(rig: Rig, target: str, *, redirected: bool) -> None:
    if redirected:
        rig.server.script("output", Reply(302, b"", {"Location": target}))
    else:
        rig.script("poll", told(rig.says.done(target)))
    rig.held_with_id()
    assert len(rig.server.of("output")) == redirected


# -- bytes from a URL that somebody else chose


@contextmanager
def canary() -> Iterator[tuple[int, Callable[[], int]]]:
    """A listener on loopback: its port, and how often it was connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)

        def hits() -> int:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return 0
            connection.close()
            return 1

        yield listener.getsockname()[1], hits


def fetch(url: str, into: Path, *, loopback: bool = True, **options: Any) -> str:
    return asyncio.run(
        web.fetch(url, into, loopback=loopback, wanted=is_video, sleep=Clock().sleep, **options),
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "127.1", "0.0.0.0", "[::1]"],  # noqa: S104
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_spelling_of_this_machine_is_connected_to(scheme: str, host: str, tmp_path: Path, server: Server) -> None:
    with canary() as (port, hits):
        with pytest.raises(web.Refused):
            fetch(f"{scheme}://{host}:{port}/clip.mp4", tmp_path / "clip.mp4", loopback=False)
        assert hits() == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/clip.mp4",
        "https://10.0.0.1/clip.mp4",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://224.0.0.1/",
        "ftp://127.0.0.1/",
    ],
)
@pytest.mark.parametrize("loopback", [False, True])
def test_no_private_address_is_connected_to(url: str, tmp_path: Path, server: Server, *, loopback: bool) -> None:
    with pytest.raises(web.Refused):
        fetch(url, tmp_path / "clip.mp4", loopback=loopback)
    server.script("output", Reply(307, b"", {"Location": url}))
    if loopback:
        with pytest.raises(web.Refused):
            fetch(f"{server.url}/out/clip.mp4", tmp_path / "clip.mp4")


def test_a_redirect_to_an_allowed_place_is_followed_three_times(
    tmp_path: Path, server: Server, tiny_clip: Path
) -> None:
    onward = Reply(302, b"", {"Location": "/out/next.mp4?secret=1"})
    server.script("output", *[onward] * 3, ranged(tiny_clip.read_bytes()))
    assert fetch(f"{server.url}/out/clip.mp4", tmp_path / "clip.mp4") == "video/mp4"
    assert [request.path for request in server.of("output")] == ["/out/clip.mp4", *["/out/next.mp4?secret=1"] * 3]
    server.script("output", onward)
    with pytest.raises(web.Refused) as caught:
        fetch(f"{server.url}/out/clip.mp4", tmp_path / "clip.mp4")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("fault", ["", "endless"])
def test_more_bytes_than_wanted_are_refused(fault: str, tmp_path: Path, server: Server, tiny_clip: Path) -> None:
    data = tiny_clip.read_bytes()
    server.script("output", Reply(200, data, fault=fault))
    into = tmp_path / "clip.mp4"
    with pytest.raises(web.Refused, match="larger"):
        fetch(f"{server.url}/out/clip.mp4", into, most=len(data) - 1)
    assert fetch(f"{server.url}/out/clip.mp4", into, most=len(data)) == "video/mp4"
    assert into.read_bytes() == data


# -- the key


@every
def test_a_key_that_the_service_repeats_is_told_to_nobody(rig: Rig) -> None:
    rig.script("submit", told(rig.says.error(400, f"no access for {KEY}"), 400))
    assert "***" in str(rig.fails())
    rig.script("submit", told({"message": f"{KEY} {KEY}"}))
    rig.fails(ClipHeld)
    rig.script("submit", told(rig.says.error(500, f"no access for {KEY}"), 500))
    rig.fails(ClipHeld)
    rig.script("submit", told(rig.says.accepted()))
    rig.script("poll", told(rig.says.failed(rig.told.ends[0], f"no access for {KEY}")))
    assert "***" in str(rig.fails())
    rig.script("poll", told(rig.says.error(401, f"no access for {KEY}"), 401))
    assert "***" in str(rig.fails(ClipHeld))


# -- uploads


FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def local(place: Path, data: bytes = FILE) -> Input:
    """A reference that is a file."""
    path = place / "mira's own face.png"
    path.write_bytes(data)
    return Input("mira", digest.sha256(data), file=str(path))


def takes_files(rig: Rig, host: str = "") -> str:
    """Script the upload of `host`; what stands for a file afterwards."""
    store = f"{rig.server.url}/store/here"
    rig.server.script("store", Reply(200))
    if (host or rig.told.name) == "wavespeed":
        upload = {
            "method": "PUT",
            "url": f"{store}?signed=1",
            "headers": {"x-signed": "yes", "Content-Type": "image/png"},
        }
        reference = "https://files.example/mira.png"
        rig.server.script("wavespeed ask", told({"code": 200, "data": {"download_url": reference, "upload": upload}}))
        return reference
    policy = {
        "upload_host": store,
        "upload_dir": "dashscope-instant/abc",
        "oss_access_key_id": "id",
        "signature": "sign",
        "policy": "pol",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    rig.server.script("dashscope ask", told({"request_id": "r", "data": policy}))
    return f"oss://dashscope-instant/abc/{digest.sha256(FILE)[:16]}.png"


def part(request: Request, name: str) -> bytes:
    """One part of a form."""
    border = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    found = [one for one in request.body.split(b"--" + border) if f'name="{name}"'.encode() in one]
    assert len(found) == 1, (name, request.body)
    return found[0].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


@uploading
def test_a_files_bytes_are_handed_over_without_the_key(rig: Rig) -> None:
    reference = takes_files(rig)
    rig.run(rig.job(local(rig.place)))
    (asked,), (handed,) = rig.of("ask"), rig.server.of("store")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert not handed.holds(KEY)
    assert "authorization" not in handed.headers
    assert not any(request.holds("own face") for request in rig.server.log)
    assert reference in str(rig.of("submit")[0].json)
    if rig.told.name == "wavespeed":
        assert asked.json["size"] == len(FILE)
        assert asked.json["content_type"] == "image/png"
        assert (handed.method, handed.body) == ("PUT", FILE)
        assert handed.path == "/store/here?signed=1"
        assert handed.headers["x-signed"] == "yes"
        assert handed.headers["content-type"] == "image/png"
    else:
        assert "action=getPolicy" in asked.path
        assert "model=wan2.6-r2v-flash" in asked.path
        assert handed.method == "POST"
        assert part(handed, "file") == FILE
        assert part(handed, "key").decode() == reference.removeprefix("oss://")
        assert part(handed, "policy") == b"pol"
        assert part(handed, "Signature") == b"sign"
        assert part(handed, "OSSAccessKeyId") == b"id"
        assert handed.body.rindex(b'; name="') == handed.body.index(b'; name="file"')
        assert rig.of("submit")[0].headers["x-dashscope-ossresourceresolve"] == "enable"


@uploading
def test_a_file_is_uploaded_once_a_day(rig: Rig) -> None:
    takes_files(rig)
    job = rig.job(local(rig.place))
    rig.run(job, rig.job(local(rig.place), seed=8))
    assert len(rig.server.of("store")) == 1
    rig.run(job)  # by another process
    assert len(rig.server.of("store")) == 1
    rig.clock.start += 24 * 3600
    rig.run(job)
    assert len(rig.server.of("store")) == 2


@uploading
def test_other_bytes_are_another_upload(rig: Rig) -> None:
    takes_files(rig)
    rig.run(rig.job(local(rig.place)))
    rig.run(rig.job(local(rig.place, FILE + b"more")))
    assert len(rig.server.of("store")) == 2


@uploading
def test_two_jobs_at_once_upload_a_file_once(rig: Rig) -> None:
    takes_files(rig)
    given = local(rig.place)
    rig.run(rig.job(given), rig.job(given, seed=8), at_once=True)
    assert len(rig.of("ask")) == len(rig.server.of("store")) == 1
    assert len(rig.of("submit")) == 2


@uploading
def test_a_file_that_changed_meanwhile_isnt_sent(rig: Rig) -> None:
    takes_files(rig)
    given = local(rig.place)
    (rig.place / "mira's own face.png").write_bytes(FILE + b"!")
    error = rig.fails(job=rig.job(given))
    assert "changed" in str(error)
    assert not error.accepted
    assert rig.server.log == []
    (rig.place / "mira's own face.png").unlink()
    assert "can't be read" in str(rig.fails(job=rig.job(given)))


@uploading
@pytest.mark.parametrize(
    "reply",
    [page(503), page(200), LOST, told({"data": {}}), told([]), Reply(302, b"", {"Location": "/store/here"})],
    ids=["503", "html", "dropped", "empty", "list", "redirect"],
)
def test_a_place_that_isnt_given_buys_nothing(rig: Rig, reply: Reply) -> None:
    takes_files(rig)
    rig.script("ask", reply)
    error = rig.fails(job=rig.job(local(rig.place)))
    assert "mira could not be uploaded" in str(error)
    assert not error.accepted
    assert rig.of("submit") == []
    assert rig.server.of("store") == []


@uploading
def test_a_refused_upload_tells_no_key(rig: Rig) -> None:
    takes_files(rig)
    rig.script("ask", told(rig.says.error(400, f"no access for {KEY}"), 400))
    assert "***" in str(rig.fails(job=rig.job(local(rig.place))))


@uploading
@pytest.mark.parametrize("status", [302, 403, 503])
def test_a_store_that_refuses_buys_nothing_and_is_asked_again_next_time(rig: Rig, status: int) -> None:
    takes_files(rig)
    rig.server.script("store", Reply(status, b"", {"Location": "/elsewhere"}), Reply(200))
    error = rig.fails(job=rig.job(local(rig.place)))
    assert str(status) in str(error)
    assert rig.of("submit") == rig.server.of("astray") == []
    rig.run(rig.job(local(rig.place)))
    assert len(rig.server.of("store")) == 2


@uploading
def test_a_store_that_hangs_up_buys_nothing(rig: Rig) -> None:
    takes_files(rig)
    rig.server.script("store", LOST)
    error = rig.fails(job=rig.job(local(rig.place)))
    assert "mira could not be uploaded" in str(error)
    assert not error.accepted
    assert rig.of("submit") == []


@pytest.mark.parametrize("api", ["vercel", "aimlapi"])
def test_files_may_go_by_way_of_another_service(rig: Rig) -> None:
    reference = takes_files(rig, "wavespeed")
    environment = {**rig.setup.environment, "WAVESPEED_API_KEY": "another-key"}
    rig.run(rig.job(local(rig.place), via="wavespeed"), environment=environment)
    (asked,), (handed,) = rig.server.of("wavespeed ask"), rig.server.of("store")
    assert asked.headers["authorization"] == "Bearer another-key"
    assert not asked.holds(KEY)
    assert handed.body == FILE
    assert not handed.holds(KEY)
    assert not handed.holds("another-key")
    assert reference in str(rig.of("submit")[0].json)
    assert not rig.of("submit")[0].holds("another-key")


@pytest.mark.parametrize("api", ["vercel", "aimlapi"])
def test_a_service_without_files_says_where_they_can_go(rig: Rig) -> None:
    provider = rig.provider()
    provider.require(rig.job())
    with pytest.raises(Unconfigured, match="upload_via: wavespeed"):
        provider.require(rig.job(local(rig.place)))
    keyless = {name: value for name, value in rig.setup.environment.items() if name != "WAVESPEED_API_KEY"}
    with pytest.raises(Unconfigured, match="WAVESPEED_API_KEY"):
        rig.provider(environment=keyless).require(rig.job(local(rig.place), via="wavespeed"))
    provider.require(rig.job(local(rig.place), via="wavespeed"))


# -- limits


@every
def test_no_more_are_begun_in_a_minute_than_the_limit(rig: Rig) -> None:
    times: list[float] = []

    def answer(_request: Request) -> Reply:
        times.append(rig.clock.time)
        return told(rig.says.accepted())

    rig.script("submit", answer)
    rig.run(*(rig.job(seed=n) for n in range(5)), limits={rig.told.name: Limit(9, 2)})
    assert [int(time // 60) for time in times] == [0, 0, 1, 1, 2]
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(times, times[2:], strict=False))


@every
def test_the_limits_are_the_lowest_tiers_unless_the_user_has_others(rig: Rig) -> None:
    assert rig.provider().limit == Limit(2, 2 if rig.told.name == "wavespeed" else 10)
    assert rig.provider(limits={rig.told.name: Limit(7, 70)}).limit == Limit(7, 70)


class Counted(Remote):
    """A service with a count of the jobs that are under way at once."""

    now = most = 0

    async def submit(self, *given: Any) -> Ticket:
        self.now += 1
        self.most = max(self.most, self.now)
        return await super().submit(*given)

    async def collect(self, *given: Any) -> Mapping[str, Any]:
        try:
            return await super().collect(*given)
        finally:
            self.now -= 1


@every
def test_no_more_are_under_way_than_the_limit(rig: Rig) -> None:
    plain = rig.provider(limits={rig.told.name: Limit(2, 100)})
    assert isinstance(plain, Remote)
    counted = Counted(plain._api, plain._setup)
    rig.script("poll", *[told(rig.says.pending())] * 6, told(rig.says.done(rig.url)))
    shot = Shot("a", "", "", "", "", (), Fraction(5), Fraction(0), skip=False)
    steps = tuple(Step(shot._replace(id=f"s{n}"), "draft", rig.job(seed=n), "submit", ("new",)) for n in range(5))
    store = Store(rig.place / "store", Memo(rig.place / "store" / "hashes", lambda: 0))
    plan, sellers, clock = Plan("film", "draft", steps), {rig.told.name: counted}, rig.clock
    journal = Journal(None, lambda: int(clock.wall() * 1e9))
    terms = Terms(journal.begin("one", lambda _name: True), clock.wall, asyncio.sleep, clock.now)
    results = asyncio.run(
        execute.execute(plan, [], sellers, store, journal, terms, lambda _event: None, lambda _step: None)
    )
    assert [one.state for one in journal.all()] == ["stored"] * 5
    assert [(result.state, result.error) for result in results] == [("done", None)] * 5
    assert counted.most == 2
    assert len(rig.of("submit")) == 5
    for result in results:
        assert result.record
        assert result.record.outputs["clip"].path.read_bytes() == rig.bytes
        assert result.record.facts["provider"]["name"] == rig.told.name


# -- what was delivered


@every
def test_a_clip_other_than_asked_is_told_of(rig: Rig) -> None:
    differs = rig.clip()["differs"]
    assert "1.00 s instead of 5 s" in differs
    assert "64x36 instead of 1280x720" in differs
    assert ("with sound that wasn't asked for" in differs) == (rig.told.name != "aimlapi")


@pytest.mark.parametrize("api", ["wavespeed", "vercel", "dashscope"])
def test_a_clip_without_the_sound_that_was_asked_for_is_told_of(rig: Rig, silent_clip: Path) -> None:
    rig.server.script("output", ranged(silent_clip.read_bytes()))
    (facts,) = rig.run(rig.job(audio=True))
    assert "silent, though sound was asked for" in facts["differs"]


@every
def test_a_clip_as_asked_is_told_of_by_silence(rig: Rig) -> None:
    size = {"aimlapi": "36p", "vercel": "64x36"}.get(rig.told.name, "64*36")
    (facts,) = rig.run(rig.job(size=size, duration=1, audio=True))
    assert "differs" not in facts


@pytest.mark.parametrize("api", ["aimlapi"])
def test_the_credits_used_are_kept(rig: Rig) -> None:
    assert rig.clip()["provider"]["credits"] == 3150000


# -- what is set up wrongly


@every
@pytest.mark.parametrize("key", [None, "", "  ", "ключ", "a\nb"])
def test_without_a_usable_key_there_is_no_provider(rig: Rig, key: str | None) -> None:
    environment = dict(rig.setup.environment)
    del environment[rig.told.key]
    with pytest.raises(Unconfigured, match=rig.told.key):
        rig.provider(environment=environment if key is None else {**environment, rig.told.key: key})


@every
@pytest.mark.parametrize(
    "base",
    [
        "http://api.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "https://",
        "api.example",
        "https://user:pa55word@api.example",
        "http://user@127.0.0.1:9",
        "https://[::1",
    ],
)
def test_a_base_to_which_no_key_may_go_is_refused(rig: Rig, base: str) -> None:
    with pytest.raises(Unconfigured, match=rig.told.base) as caught:
        rig.provider(environment={**rig.setup.environment, rig.told.base: base})
    assert "pa55word" not in str(caught.value)


@every
@pytest.mark.parametrize(
    "base", ["https://api.example", "http://localhost:9", "http://127.0.0.2:9/x", "http://[::1]:9"]
)
def test_a_base_may_be_https_or_on_this_machine(rig: Rig, base: str) -> None:
    assert rig.provider(environment={**rig.setup.environment, rig.told.base: base}).limit


@pytest.mark.parametrize("api", ["vercel"])
def test_a_provider_that_nobody_wrote_is_named(rig: Rig) -> None:
    with pytest.raises(Unconfigured, match=r"'nobody' .*vercel, wavespeed"):
        load({"vercel", "nobody"}, rig.setup)


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("  ", None), ("0", 0.0), (" 2.5 ", 2.5), ("3599", 3599.0)])
def test_poll_seconds(text: str, seconds: float | None) -> None:
    assert seconds_in({"STORYBOARD_POLL_SECONDS": text}, "STORYBOARD_POLL_SECONDS") == seconds
    assert seconds_in({}, "STORYBOARD_POLL_SECONDS") is None


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf", "3600", "1,5", "1s"])
def test_poll_seconds_that_are_none(text: str) -> None:
    with pytest.raises(Unconfigured, match="STORYBOARD_POLL_SECONDS"):
        seconds_in({"STORYBOARD_POLL_SECONDS": text}, "STORYBOARD_POLL_SECONDS")


# -- answers that nobody should give


@every
def test_an_output_that_ran_out_while_the_job_is_under_way_again_is_held(rig: Rig) -> None:
    rig.script("poll", told(rig.says.done(rig.url)), told(rig.says.pending()))
    rig.server.script("output", Reply(403))
    rig.held_with_id()


@every
def test_a_key_is_masked_where_a_message_is_cut(rig: Rig) -> None:
    rig.script("submit", told(rig.says.error(400, "x" * 490 + KEY), 400))
    assert KEY[:6] not in str(rig.fails())


@pytest.mark.parametrize("api", ["wavespeed"])
@pytest.mark.parametrize("code", [500, "200", [], {}])
def test_an_envelope_with_another_code_is_held(rig: Rig, code: Any) -> None:
    rig.script("submit", told({"code": code, "data": {"id": ID}}))
    rig.fails(ClipHeld)


@every
@pytest.mark.parametrize(
    "url", ["http://[", "https://", "nowhere", "https://127.0.0.1:99999/", "http://127.0.0.1:99999/", "https://a b/"]
)
def test_an_output_url_that_is_none_is_held(rig: Rig, url: str) -> None:
    rig.script("poll", told(rig.says.done(url)))
    rig.held_with_id()


@pytest.mark.parametrize("target", ["http://[", "http://127.0.0.1:99999/", "https://a b/", "/out/\\u0000"])
def test_a_redirect_to_nowhere_is_refused_or_broken(target: str, tmp_path: Path, server: Server) -> None:
    server.script("output", Reply(302, b"", {"Location": target}), Reply(500))
    with pytest.raises((web.Refused, web.Broken)):
        fetch(f"{server.url}/out/clip.mp4", tmp_path / "clip.mp4")


@pytest.mark.parametrize("api", ["wavespeed"])
@pytest.mark.parametrize(
    "upload",
    [{"url": "http://["}, {"url": "http://127.0.0.1:99999/"}, {"headers": {"x": "a\nb"}}, {"headers": {"x": "é€"}}],
)
def test_an_upload_ticket_that_leads_nowhere_buys_nothing(rig: Rig, upload: Any) -> None:
    whole = {"method": "PUT", "url": f"{rig.server.url}/store/here", "headers": {}} | upload
    rig.script("ask", told({"code": 200, "data": {"download_url": "https://files.example/a", "upload": whole}}))
    error = rig.fails(job=rig.job(local(rig.place)))
    assert "mira" in str(error)
    assert rig.of("submit") == []


@every
@pytest.mark.parametrize("base", ["http://127.evil.example", "http://127.0.0.1.evil.example"])
def test_a_name_that_begins_like_loopback_isnt_this_machine(rig: Rig, base: str) -> None:
    with pytest.raises(Unconfigured):
        rig.provider(environment={**rig.setup.environment, rig.told.base: base})


def test_a_part_other_than_asked_for_isnt_joined(tmp_path: Path, server: Server, tiny_clip: Path) -> None:
    whole = tiny_clip.read_bytes() + bytes(400_000)
    other = Reply(206, whole[1000:], {"Content-Range": f"bytes 1000-{len(whole) - 1}/{len(whole)}"})
    server.script("output", Reply(200, whole, fault="cut"), other, Reply(200, whole))
    fetch(f"{server.url}/out/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == whole
