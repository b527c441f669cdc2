"""A service, driven: references handed over, one POST, polls, and the clip fetched at once.

The POST that buys is sent once. It is sent again only where nothing can have been bought: no connection was made,
the service said to come back later (429), or it recognises repeats. An answer that was lost leaves the clip held.
"""

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from storyboard import digest
from storyboard.job import Job
from storyboard.media import MediaError, probe
from storyboard.providers import Limit, Progress, Setup, web, wire
from storyboard.providers.account import Account, Lost, NotSent
from storyboard.providers.calm import Calm, retry_after
from storyboard.providers.failure import ClipFailed, ClipHeld, Unconfigured
from storyboard.providers.host import Host, Memory
from storyboard.providers.wire import Answer, Api, Failure, Status, TakesFiles, Ticket, WrongShape
from storyboard.sniff import is_video

FIRST_POLL, SHORTEST, LONGEST = 0.6, 2.0, 10.0
"""The first poll comes at this share of the typical time; then every 2 s, growing to 10 s."""
PATIENCE = 4
"""Typical times after which a job counts as stuck; it may still be fetched by its id."""
AT_LEAST = 1200
"""Seconds that a job has in any case."""
POLLS_LOST, UNHEARD = 8, 300
"""Polls in a row that may fail, and seconds that must have passed since the last good one, before we stop asking."""
SENDS, UNREACHED = 5, 3
"""How often a submit may leave that buys nothing, and be tried where no connection is made."""


class Remote:
    """A provider behind one service's adapter."""

    def __init__(self, api: Api, setup: Setup) -> None:
        self._api = api
        self._setup = setup
        self._account = Account(api.service, setup.environment, setup.patience)
        self._memory = Memory(setup.uploads)
        self._hosts: dict[str, Host] = {}
        self._accounts: dict[str, Account] = {api.service.name: self._account}
        self._begun: deque[float] = deque()
        self._minute = asyncio.Lock()
        self._odd: set[str] = set()
        self._calm = Calm(setup.now, setup.chance)
        self.title = api.service.title
        self.idempotent = api.service.idempotent
        if isinstance(api, TakesFiles):
            self._hosts[api.service.name] = Host(api, self._account, self._memory)

    @property
    def limit(self) -> Limit:
        """The user's own, else the lowest tier's."""
        service = self._api.service
        return self._setup.limits.get(service.name, Limit(service.concurrent, service.per_minute))

    def require(self, job: Job) -> None:
        """Whoever hosts its files must be usable too."""
        if any(given.url is None for given in job.inputs.values()):
            self._host(job)

    def work(self, job: Job) -> int:
        """Typical seconds."""
        return self._setup.models[job.model].latency

    async def close(self) -> None:
        """Close the connections."""
        for account in self._accounts.values():
            await account.close()

    async def prepare(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """Hand over the references and wait for a turn."""
        progress(0, "uploading")
        urls = {name: await self._url(job, name) for name in job.inputs}
        progress(0, "waiting for a turn")
        await self._turn()
        return dict(wire.filled(job.request, urls))

    async def submit(
        self, job: Job, body: Mapping[str, Any], nonce: str, still: Callable[[], None], progress: Progress
    ) -> Ticket:
        """Buy the job: the one POST."""
        progress(0, "submitting")
        try:
            ticket = await self._submit(job, body, nonce, still)
        except ClipFailed as error:
            if not (isinstance(error, ClipHeld) or error.unsent or error.moderated):
                self._forget(job)
            raise
        progress(0, f"submitted as {ticket.shown}")
        return ticket

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Progress, completed: Callable[[], None]
    ) -> Mapping[str, Any]:
        """Wait for what was bought, and fetch its clip."""
        try:
            status = await self._wait(job, ticket, progress)
            completed()
            progress(self.work(job), "downloading")
            await self._fetch(job, ticket, status, into)
            return self._facts(job, ticket, status, into)
        except BaseException:
            into.unlink(missing_ok=True)
            raise

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        """One poll."""
        try:
            answer, _ = await self._ask(job, ticket)
        except ClipHeld as error:
            return Status("expired", "unknown") if error.gone else None
        return self._api.status(answer) if answer else None

    # -- before the purchase

    async def _url(self, job: Job, name: str) -> str:
        given = job.inputs[name]
        if given.url is not None:
            return given.url
        return await self._host(job).reference(job, given, self._setup.wall())

    def _forget(self, job: Job) -> None:
        """What was refused may have been refused for a file that is no longer there: upload them anew next time."""
        for given in job.inputs.values():
            if given.url is None:
                self._host(job).forget(job, given, self._setup.wall())

    def _host(self, job: Job) -> Host:
        name = job.upload_via or self._api.service.name
        if name not in self._hosts:
            if name != "wavespeed":
                title = self._api.service.title
                raise Unconfigured(f"{title} hosts no files; write 'upload_via: wavespeed' in the pass")
            from storyboard.providers.wavespeed import WaveSpeed  # noqa: PLC0415 -- that module imports this one

            self._accounts[name] = Account(WaveSpeed.service, self._setup.environment, self._setup.patience)
            self._hosts[name] = Host(WaveSpeed(), self._accounts[name], self._memory)
        return self._hosts[name]

    async def _turn(self) -> None:
        """Wait until a submit more is within the minute's limit."""
        async with self._minute:
            while True:
                now = self._setup.now()
                while self._begun and now - self._begun[0] >= 60:
                    self._begun.popleft()
                if len(self._begun) < self.limit.per_minute:
                    self._begun.append(now)
                    return
                await self._setup.sleep(60 - (now - self._begun[0]))

    # -- the purchase

    async def _submit(self, job: Job, body: Mapping[str, Any], nonce: str, still: Callable[[], None]) -> Ticket:
        title, calm = self._api.service.title, self._calm
        call = self._api.submit(job, body, nonce)
        doubt = ""  # once one attempt may have bought it, no later one says that nothing was bought
        for attempt in range(1, SENDS + 1):
            while rest := calm.rest():
                await self._setup.sleep(rest)
            try:
                answer = await self._account.send(call, seconds=60, once=True, still=still)
            except NotSent as error:
                calm.note(good=False)
                if attempt >= UNREACHED or not calm.again():
                    if doubt:
                        raise _ambiguous(title, doubt) from error
                    message = f"{title} can't be reached: {error}; nothing was sent"
                    raise ClipFailed(message, unsent=True) from error
                await self._setup.sleep(calm.pause(attempt))
                continue
            except Lost as error:
                calm.note(good=False)
                if not self.idempotent or attempt == SENDS or not calm.again():
                    raise _ambiguous(title, str(error)) from error
                doubt = str(error)
                await self._setup.sleep(calm.pause(attempt))
                continue
            calm.note(good=answer.status < 500)
            told_to_wait = answer.status == 429
            repeatable = told_to_wait or (answer.status >= 500 and self.idempotent)
            if not repeatable or attempt == SENDS or not calm.again():
                return self._accepted(answer, doubt)
            doubt = doubt if told_to_wait else f"HTTP {answer.status}"
            pause = calm.pause(attempt, 2.0)
            await self._setup.sleep(retry_after(answer, pause, self._setup.wall()) if told_to_wait else pause)
        raise AssertionError

    def _accepted(self, answer: Answer, doubt: str = "") -> Ticket:
        title = self._api.service.title
        if 200 <= answer.status < 300:
            if answer.body is None:
                raise _ambiguous(title, "its answer isn't JSON")
            try:
                return self._api.accepted(answer)
            except WrongShape as error:
                raise _ambiguous(title, self._account.masked(str(error))) from error
        refused = self._api.refused(answer)
        said = f"HTTP {answer.status}: {self._account.masked(refused.message)}"
        if doubt:
            raise _ambiguous(title, f"{doubt}, and then {said}")
        if answer.status in {400, 401, 402, 403, 404, 413, 422, 429}:
            moderated = refused.kind == "moderated"
            raise ClipFailed(f"{title} refused it ({_kind(refused)}): {said}; nothing was bought", moderated=moderated)
        raise _ambiguous(title, said)

    # -- the wait

    async def _wait(self, job: Job, ticket: Ticket, progress: Progress) -> Status:
        """Poll until the job ends."""
        typical, fixed, started = self.work(job), self._setup.poll_seconds, self._setup.now()
        pause = fixed if fixed is not None else max(SHORTEST, typical * FIRST_POLL)
        next_pause = SHORTEST
        lost, heard, doing, stuck = 0, started, "queued", False
        while True:
            await self._pause(pause, started, typical, doing, progress)
            answer, trouble = await self._ask(job, ticket)
            now = self._setup.now()
            if answer is None:
                lost += 1
                if lost >= POLLS_LOST and now - heard > UNHEARD:
                    raise self._held(ticket, f"it can't be asked about: {trouble}")
            else:
                lost, heard = 0, now
                status = self._api.status(answer)
                doing = "queued" if status.state == "queued" else "rendering"
                self._note_odd(status)
                if status.state not in {"queued", "running"}:
                    return self._ended(ticket, status)
            if now - started > PATIENCE * typical:
                doing = "stuck"
                if not stuck:
                    stuck = True
                    self._setup.note(f"{ticket.shown} is stuck: {int(now - started)} s, typically {typical} s")
            if now - started > max(AT_LEAST, PATIENCE * typical):
                raise self._held(ticket, f"no end after {int(now - started)} s: it is stuck")
            pause = fixed if fixed is not None else next_pause
            next_pause = min(LONGEST, next_pause * 1.3)
            if answer is None:  # many clients must not come back all at once
                pause += self._calm.pause(min(lost, 5)) if self._calm.again() else self._calm.pause(9)

    async def _pause(self, seconds: float, started: float, typical: int, doing: str, progress: Progress) -> None:
        until = self._setup.now() + seconds
        while True:
            now = self._setup.now()
            progress(min(typical, int(now - started)), doing)
            if now >= until:
                return
            await self._setup.sleep(min(max(1.0, typical / 100), until - now))  # for a bar of a hundred steps

    async def _ask(self, job: Job, ticket: Ticket) -> tuple[Answer | None, str]:
        """The answer to one poll, or why there is none that can be used."""
        if self._calm.rest():
            return None, "it fails again and again"
        try:
            answer = await self._account.send(self._api.poll(job, ticket))
        except (NotSent, Lost) as error:
            self._calm.note(good=False)
            return None, str(error)
        self._calm.note(good=answer.status < 500)
        if answer.status in {404, 410}:
            raise self._held(ticket, "it no longer knows the job", gone=True)
        if answer.status in {400, 401, 403}:
            raise self._held(ticket, self._account.masked(self._api.refused(answer).message))
        if not 200 <= answer.status < 300 or answer.body is None:
            if answer.status == 429:
                await self._setup.sleep(retry_after(answer, 2.0, self._setup.wall()))
            return None, f"HTTP {answer.status}" if answer.status >= 300 else "its answers aren't JSON"
        try:
            self._api.status(answer)
        except WrongShape as error:
            return None, str(error)
        return answer, ""

    def _ended(self, ticket: Ticket, status: Status) -> Status:
        if status.state == "done":
            if not status.outputs:
                raise self._held(ticket, "it is done, but there is no clip")
            return status
        said = status.failure or Failure("transient", status.said)
        message = self._account.masked(said.message)
        if status.state == "expired" or said.kind == "expired":
            raise self._held(ticket, f"it no longer knows the job ({message})", gone=True)
        word = "cancelled it" if status.state == "cancelled" else "could not make it"
        what = f"; flagged: {', '.join(said.flagged)}" if said.flagged else ""
        raise ClipFailed(
            f"{self._api.service.title} {word} ({_kind(said)}): {message}{what} (id {ticket.shown})",
            accepted=True,
            moderated=said.kind == "moderated",
        )

    def _note_odd(self, status: Status) -> None:
        if not status.known and status.said not in self._odd:
            self._odd.add(status.said)
            self._setup.note(f"{self._api.service.title} says '{status.said}', a state we don't know: still waiting")

    # -- the clip

    async def _fetch(self, job: Job, ticket: Ticket, status: Status, into: Path) -> None:
        """The first output's bytes. A URL that has expired is asked for once more."""
        for attempt in range(2):
            output = status.outputs[0]
            try:
                if output.data:
                    into.write_bytes(base64.b64decode(output.data, validate=True))
                    return
                await web.fetch(
                    output.url,
                    into,
                    loopback=self._account.loopback,
                    wanted=is_video,
                    sleep=self._setup.sleep,
                    patience=self._setup.patience,
                )
                return
            except web.Gone as error:
                if attempt:
                    raise self._held(ticket, f"its clip is gone: {error}") from error
                answer, trouble = await self._ask(job, ticket)
                if answer is None:
                    raise self._held(ticket, f"its clip is gone, and {trouble}") from error
                again = self._api.status(answer)
                if again.state in {"queued", "running"}:
                    raise self._held(ticket, f"its clip is gone, and it says '{again.said}' again") from error
                status = self._ended(ticket, again)
            except (web.Refused, web.Broken) as error:
                raise self._held(ticket, f"its clip can't be fetched: {error}") from error
            except (binascii.Error, ValueError, httpx.InvalidURL) as error:
                raise self._held(ticket, f"its clip can't be read: {error}") from error

    def _facts(self, job: Job, ticket: Ticket, status: Status, into: Path) -> dict[str, Any]:
        """What is kept of the purchase, with what was asked beside what came."""
        wanted = self._setup.models[job.model].wanted(job.request)
        try:
            came = probe(into)
        except MediaError as error:
            into.unlink(missing_ok=True)
            raise self._held(ticket, f"its clip can't be used: {error}") from error
        seconds = came.frames / came.rate if came.rate else 0
        differs = []
        if abs(seconds - wanted.seconds) > wanted.seconds / 20:
            differs.append(f"{float(seconds):.2f} s instead of {float(wanted.seconds):g} s")
        if wanted.width and (came.width, came.height) != (wanted.width, wanted.height):
            differs.append(f"{came.width}x{came.height} instead of {wanted.width}x{wanted.height}")
        if wanted.audio is not None and came.sound != wanted.audio:
            differs.append("silent, though sound was asked for" if wanted.audio else "with sound that wasn't asked for")
        if len(status.outputs) > 1:
            differs.append(f"{len(status.outputs)} clips instead of one: the first is used")
        if status.facts.get("flagged"):
            differs.append("flagged as unsafe by the provider")
        identity = ticket.id if isinstance(ticket.id, str) else digest.sha256(repr(ticket.id).encode())
        facts: dict[str, Any] = {"provider": {"name": self._api.service.name, "id": identity, **_exact(ticket.facts)}}
        return facts | ({"differs": differs} if differs else {})

    def _held(self, ticket: Ticket, reason: str, *, gone: bool = False) -> ClipHeld:
        title = self._api.service.title
        return ClipHeld(f"{title} accepted it (id {ticket.shown}), but {reason}", accepted=True, gone=gone)


def _ambiguous(title: str, reason: str) -> ClipHeld:
    return ClipHeld(f"{title} may have accepted it, as its answer was lost ({reason})")


def _kind(failure: Failure) -> str:
    return "its own trouble" if failure.kind == "transient" else failure.kind


def _exact(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, (str, int)) else str(value) for name, value in facts.items()}
