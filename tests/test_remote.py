"""The shared cache: a strict server of the Bazel HTTP cache protocol, and a bucket, over real sockets."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from storyboard import digest
from storyboard.remote import Locking, Oversized, ReadOnly, Remote, Unreachable, open_remote
from storyboard.remote.chosen import Chosen, Damaged, Misspelt, checked_url, wanted
from tests.bazel import EMPTY, Bazel, Fault
from tests.between import Between
from tests.folder import Folder

RECORD = "ac/" + "0a" * 32
OTHER = "ac/" + "0b" * 32
DATA = b"a clip" * 5000
PASSWORD, TOKEN = "pass-word-of-mine", "token-of-mine-12345"


class Sleeps(list[float]):
    """A sleep that takes no time, and notes how long it was to be."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def using(
    url: str,
    act: Callable[[Remote], Awaitable[Any]],
    *,
    sleep: Sleeps | None = None,
    patience: float = 1.0,
    **environment: str,
) -> Any:
    """What `act` gives with the remote at a URL."""

    async def run() -> Any:
        sleeps = Sleeps() if sleep is None else sleep
        remote = open_remote(url, environment, sleeps, chance=lambda: 0.5, patience=patience)
        try:
            return await act(remote)
        finally:
            await remote.close()

    return asyncio.run(run())


def refused(url: str, act: Callable[[Remote], Awaitable[Any]], **more: Any) -> str:
    """The message of an `Unreachable`, which holds no credentials."""
    with pytest.raises(Unreachable) as caught:
        using(url, act, **more)
    message = str(caught.value)
    for secret in (PASSWORD, TOKEN, "Basic ", "X-Amz", "SECRETSECRET"):
        assert secret not in message
    return message


@pytest.fixture
def cache() -> Iterator[Bazel]:
    with Bazel() as running:
        yield running


# A server of the Bazel HTTP cache protocol


def test_what_is_put_there_is_had_back_and_what_is_not_there_is_nothing(cache: Bazel, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(DATA)
    blob = f"cas/{digest.sha256(DATA)}"

    async def act(remote: Remote) -> None:
        assert not isinstance(remote, Locking) and remote.shown == f"{cache.url}/films"
        assert await remote.read(RECORD, 100) is None
        assert not await remote.fetch(blob, tmp_path / "got", 1 << 20)
        assert not await remote.has(blob) and await remote.has(f"cas/{EMPTY}")
        await remote.write(RECORD, b"a record")
        await remote.send(blob, clip)
        assert await remote.read(RECORD, 8) == b"a record"
        assert await remote.fetch(blob, tmp_path / "got", len(DATA)) and await remote.has(blob)

    using(f"{cache.url}/films/", act)
    assert (tmp_path / "got").read_bytes() == DATA
    assert cache.kept == {RECORD: b"a record", blob: DATA}
    assert {one.path for one in cache.asked} == {f"/films/{n}" for n in (RECORD, blob, f"cas/{EMPTY}")}
    assert all(one.headers["Accept-Encoding"] == "identity" for one in cache.asked)
    assert [one.headers["Content-Length"] for one in cache.asked if one.method == "PUT"] == ["8", str(len(DATA))]


@pytest.mark.parametrize(
    "name", ["ac/../cas/x", "ac/" + "0A" * 32, "cas/" + "0" * 63, "lock/" + "0" * 64, "/ac/" + "0" * 64, f"{RECORD}?x"]
)
def test_a_name_of_another_form_is_never_asked_for(cache: Bazel, name: str) -> None:
    with pytest.raises(ValueError, match="isn't the name of anything"):
        using(cache.url, lambda remote: remote.read(name, 1))
    assert cache.asked == []


def test_a_gone_record_is_not_there(cache: Bazel) -> None:
    cache.faults.append(Fault("status", status=410))
    assert using(cache.url, lambda remote: remote.read(RECORD, 9)) is None


@pytest.mark.parametrize("kind", ["truncated", "cut", "status"])
def test_an_answer_that_breaks_off_once_is_asked_for_again(cache: Bazel, tmp_path: Path, kind: str) -> None:
    blob, sleeps = cache.put(DATA), Sleeps()
    cache.faults.append(Fault(kind, times=2))
    assert using(cache.url, lambda remote: remote.fetch(blob, tmp_path / "got", len(DATA)), sleep=sleeps)
    assert (tmp_path / "got").read_bytes() == DATA
    assert sleeps == [0.25, 0.5]


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("truncated", Unreachable, "broke off"),
        ("cut", Unreachable, "broke off"),
        ("status", Unreachable, "answers 503"),
        ("stuck", Unreachable, "doesn't answer|too slow"),
        ("drip", Unreachable, "too slow"),
        ("gzip", Unreachable, "another encoding"),
        ("unsaid", Unreachable, "doesn't say how long"),
        ("endless", Oversized, "more than the 30000 bytes"),
        ("huge", Oversized, "1099511627776 bytes"),
    ],
)
def test_bytes_that_are_not_whole_are_never_taken_for_it(
    cache: Bazel, tmp_path: Path, kind: str, error: type[Exception], says: str
) -> None:
    blob = cache.put(DATA)
    cache.faults.append(Fault(kind, times=None))
    patience = 0.01 if kind in {"stuck", "drip"} else 1.0
    for act in (
        lambda remote: remote.fetch(blob, tmp_path / "got", len(DATA)),
        lambda remote: remote.read(blob, len(DATA)),
    ):
        with pytest.raises(error, match=says):
            using(cache.url, act, patience=patience)
        assert not (tmp_path / "got").exists()


def test_more_than_was_allowed_is_never_written(cache: Bazel, tmp_path: Path) -> None:
    blob = cache.put(DATA)
    with pytest.raises(Oversized, match=f"{len(DATA)} bytes, of {len(DATA) - 1}"):
        using(cache.url, lambda remote: remote.fetch(blob, tmp_path / "got", len(DATA) - 1))
    assert not (tmp_path / "got").exists()


def test_a_server_out_of_order_is_tried_four_times_then_once_and_again_when_it_is_well(cache: Bazel) -> None:
    cache.faults.append(Fault("status", times=5, status=500))

    async def act(remote: Remote) -> None:
        with pytest.raises(Unreachable, match="answers 500"):
            await remote.has(RECORD)
        assert len(cache.asked) == 4
        with pytest.raises(Unreachable):
            await remote.has(RECORD)
        assert len(cache.asked) == 5
        assert not await remote.has(RECORD)
        cache.faults.append(Fault("status", times=1))
        assert not await remote.has(RECORD)

    using(cache.url, act)
    assert len(cache.asked) == 8


@pytest.mark.parametrize(
    ("told", "waited"),
    [("7", 7.25), ("9999", 30.25), ("Sun, 22 Nov 2026 10:00:05 GMT", 5.25), ("soon", 0.25), ("-1", 0.25)],
)
def test_a_busy_server_says_when_to_come_back(cache: Bazel, told: str, waited: float) -> None:
    sleeps, date = Sleeps(), "Sun, 22 Nov 2026 10:00:00 GMT"
    cache.faults.append(Fault("status", status=429, headers={"Retry-After": told, "Date": date}))
    using(cache.url, lambda remote: remote.has(RECORD), sleep=sleeps)
    assert sleeps == [waited]


def test_what_is_sent_is_sent_whole_again_after_an_error(cache: Bazel, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(bytes(3 << 20))
    blob = f"cas/{digest.sha256(bytes(3 << 20))}"
    cache.faults += [Fault("status", on="PUT", status=502), Fault("cut", on="PUT")]
    using(cache.url, lambda remote: remote.send(blob, clip))
    assert cache.kept[blob] == clip.read_bytes()
    assert cache.counted() == {"PUT cas": 3}


def test_a_cache_that_only_lets_itself_be_read_says_so_and_is_read_on() -> None:
    with Bazel(writable=False) as cache:
        cache.kept[RECORD] = b"a record"

        async def act(remote: Remote) -> None:
            with pytest.raises(ReadOnly, match=r"only lets itself be read \(405\)"):
                await remote.write(OTHER, b"x")
            assert await remote.read(RECORD, 99) == b"a record"

        using(cache.url, act)
        assert cache.counted() == {"PUT ac": 1, "GET ac": 1}


def test_a_bazel_remote_that_checks_records_is_told_from_a_full_one(cache: Bazel) -> None:
    with Bazel(strict_records=True) as strict, pytest.raises(ReadOnly, match="--disable_http_ac_validation"):
        using(strict.url, lambda remote: remote.write(RECORD, b"x"))
    cache.faults.append(Fault("status", status=507))
    with pytest.raises(ReadOnly, match="is full"):
        using(cache.url, lambda remote: remote.write(RECORD, b"x"))


def test_nobody_is_first_where_a_put_replaces_what_was(cache: Bazel) -> None:
    server, bucket = (open_remote(url, KEYS, asyncio.sleep) for url in (cache.url, "s3://films"))
    assert not isinstance(server, Locking)
    assert isinstance(bucket, Locking)


# Credentials

BASIC = {"STORYBOARD_REMOTE_USER": "mira", "STORYBOARD_REMOTE_PASSWORD": PASSWORD}
BEARER = {"STORYBOARD_REMOTE_TOKEN": TOKEN}


@pytest.mark.parametrize(("server", "given"), [({"user": ("mira", PASSWORD)}, BASIC), ({"token": TOKEN}, BEARER)])
def test_credentials_of_the_environment_let_in_and_others_are_told(
    server: dict[str, Any], given: dict[str, str]
) -> None:
    with Bazel(**server) as cache:
        using(cache.url, lambda remote: remote.write(RECORD, b"x"), **given)
        assert using(cache.url, lambda remote: remote.read(RECORD, 9), **given) == b"x"
        assert "lets nobody in without credentials (401): set" in refused(cache.url, lambda r: r.has(RECORD))
        wrong = {name: f"{text}-not" for name, text in given.items()}
        message = refused(cache.url, lambda remote: remote.has(RECORD), **wrong)
        assert f"doesn't take what {' and '.join(given)} holds" in message
        with pytest.raises(ReadOnly):
            using(cache.url, lambda remote: remote.write(RECORD, b"x"), **wrong)


def test_a_cache_that_all_may_read_takes_nothing_from_strangers() -> None:
    with Bazel(token=TOKEN, reads=True) as cache:
        cache.kept[RECORD] = b"x"
        assert using(cache.url, lambda remote: remote.read(RECORD, 9)) == b"x"
        with pytest.raises(ReadOnly, match="STORYBOARD_REMOTE_TOKEN"):
            using(cache.url, lambda remote: remote.write(OTHER, b"x"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (BASIC | BEARER, "exclude each other"),
        ({"STORYBOARD_REMOTE_USER": "mira"}, "STORYBOARD_REMOTE_PASSWORD is missing"),
        ({"STORYBOARD_REMOTE_PASSWORD": PASSWORD}, "STORYBOARD_REMOTE_USER is missing"),
        ({"STORYBOARD_REMOTE_USER": "a:b", "STORYBOARD_REMOTE_PASSWORD": PASSWORD}, "colon"),
        ({"STORYBOARD_REMOTE_TOKEN": f"{TOKEN}\nX: y"}, "characters that no token has"),
        ({"STORYBOARD_REMOTE_KEY": "/nowhere/key.pem"}, "needs STORYBOARD_REMOTE_CERT"),
        ({"STORYBOARD_REMOTE_CERT": "/nowhere/cert.pem"}, "/nowhere/cert.pem, which isn't a file"),
        ({"STORYBOARD_REMOTE_CA": "/nowhere/ca.pem"}, "/nowhere/ca.pem, which can't be read"),
    ],
)
def test_credentials_that_contradict_themselves_are_told_before_anything_is_asked(
    cache: Bazel, given: dict[str, str], says: str
) -> None:
    assert says in refused(cache.url, lambda remote: remote.has(RECORD), **given)
    assert cache.asked == []


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_redirect_takes_no_credentials_to_another_host(cache: Bazel, method: str) -> None:
    with Bazel() as other:
        other.kept[RECORD] = b"x"
        cache.faults.append(Fault("redirect", times=None, to=other.url))
        act = (lambda r: r.read(RECORD, 9)) if method == "read" else (lambda r: r.write(RECORD, b"x"))
        assert "redirects elsewhere" in refused(cache.url, act, **BEARER)
        assert [one.headers["Authorization"] for one in cache.asked] == [f"Bearer {TOKEN}"]
        assert other.asked == []


def test_neither_a_proxy_nor_a_netrc_has_a_say_on_loopback(
    cache: Bazel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Bazel() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert not using(cache.url, lambda remote: remote.has(RECORD))
        assert not using(cache.url, lambda remote: remote.has(RECORD), **BEARER)
        assert proxy.asked == []
    assert [one.headers.get("Authorization") for one in cache.asked] == [None, f"Bearer {TOKEN}"]


class Papers(NamedTuple):
    """Certificates and their keys, as files."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    root = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "studio")])

    def made(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=36500))
        )

    ca = made("studio", root).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    (folder / "ca.pem").write_bytes(ca.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM))
    for name in ("localhost", "mira"):
        key = ec.generate_private_key(ec.SECP256R1())
        one = made(name, key).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        (folder / f"{name}.pem").write_bytes(one.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.key").write_bytes(secret)
    return Papers(
        folder / "ca.pem",
        (folder / "localhost.pem", folder / "localhost.key"),
        (folder / "mira.pem", folder / "mira.key"),
    )


def test_a_client_with_a_certificate_is_let_in_and_one_without_is_told(papers: Papers) -> None:
    ca = {"STORYBOARD_REMOTE_CA": str(papers.ca)}
    own = {"STORYBOARD_REMOTE_CERT": str(papers.client[0]), "STORYBOARD_REMOTE_KEY": str(papers.client[1])}
    with Bazel(certificate=papers.server, clients=papers.ca) as cache:
        using(cache.url, lambda remote: remote.write(RECORD, b"x"), **ca, **own)
        assert cache.kept == {RECORD: b"x"}
        assert "set STORYBOARD_REMOTE_CERT" in refused(cache.url, lambda remote: remote.has(RECORD), **ca)
        message = refused(cache.url, lambda remote: remote.has(RECORD), **own)
        assert "isn't trusted here: STORYBOARD_REMOTE_CA" in message
        assert len(cache.asked) == 1


def test_a_key_that_is_none_or_asks_for_a_password_is_told_of(papers: Papers, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    key = ec.generate_private_key(ec.SECP256R1())
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    for name in (locked, papers.ca):
        given = {"STORYBOARD_REMOTE_CERT": str(papers.client[0]), "STORYBOARD_REMOTE_KEY": str(name)}
        assert "isn't a certificate and its open key" in refused("https://h.example", lambda r: r.has(RECORD), **given)


# Which remote


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cache.example.org", "a remote is a URL"),
        ("", "a remote is a URL"),
        ("htps://cache.example.org", "did you mean 'https'?"),
        ("gs://films", "known: https, s3, http"),
        ("http://cache.example.org", "must be an https URL"),
        ("http://127.0.0.1.example.org", "must be an https URL"),
        ("http://2130706433.example.org", "must be an https URL"),
        (f"https://mira:{PASSWORD}@cache.example.org", "holds no credentials: set STORYBOARD_REMOTE_USER"),
        (f"https://{TOKEN}@cache.example.org", "holds no credentials"),
        (f"s3://key:{PASSWORD}@films/x", "set AWS_ACCESS_KEY_ID"),
        (f"https://cache.example.org/x?sig={TOKEN}", "ends before '?'"),
        (f"https://cache.example.org/#{TOKEN}", "ends before '?'"),
        ("https://cache.example.org/a/../b", "no '.' or '..'"),
        ("https://cache.example.org/a/%2e%2e/b", "no '.' or '..'"),
        ("https://cache.example.org/a b", "only plain characters"),
        ("https://cache.example.org/films/cas", "ends before /cas"),
        ("https://cache.example.org:99999", "can't be read"),
        ("https://[::1", "can't be read"),
        ("https://", "no host"),
        ("https://ca\\che.example.org", "no host"),
        ("s3://Films", "isn't a bucket's name"),
        ("s3://films/../other", "no '..'"),
        ("s3://films//x", "empty part"),
    ],
)
def test_a_url_of_no_remote_is_refused_without_repeating_what_may_be_secret(text: str, says: str) -> None:
    with pytest.raises(Misspelt) as caught:
        checked_url(text)
    assert says in str(caught.value)
    assert PASSWORD not in str(caught.value) and TOKEN not in str(caught.value)
    with pytest.raises(Unreachable):
        open_remote(text, {}, Sleeps())


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" HTTPS://Cache.Example.org:8443/Films/ ", "https://cache.example.org:8443/Films"),
        ("http://localhost:9090", "http://localhost:9090"),
        ("http://[::1]:9090/", "http://[::1]:9090"),
        ("s3://films", "s3://films"),
        ("s3://studio.films/shared/2026/", "s3://studio.films/shared/2026"),
    ],
)
def test_a_url_has_one_form(text: str, url: str) -> None:
    assert checked_url(text) == url == checked_url(url)


def test_a_choice_is_the_users_own_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    chosen = Chosen(tmp_path / "config" / "remotes.json")
    film, other = tmp_path / "film", tmp_path / "other"
    film.mkdir()
    assert wanted(film, {}, chosen) is None
    chosen.choose(film, "https://a.example")
    chosen.choose(other, "s3://films")
    assert chosen.path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(film)
    assert wanted(tmp_path / "link", {}, chosen) == "https://a.example"
    assert wanted(film / "inside", {}, chosen) is None
    assert wanted(film, {"STORYBOARD_REMOTE": "https://b.example/"}, chosen) == "https://b.example"
    assert wanted(film, {"STORYBOARD_REMOTE": "none"}, chosen) is None
    with pytest.raises(Misspelt, match="STORYBOARD_REMOTE: "):
        wanted(film, {"STORYBOARD_REMOTE": "b.example"}, chosen)
    assert chosen.unset(film) == "https://a.example" and chosen.unset(film) is None
    assert chosen.remotes() == {str(other): "s3://films"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 1}',
        '{"format": 1, "remotes": []}',
        '{"format": 2, "remotes": {}}',
        f'{{"format": 1, "remotes": {{"/x": "https://mira:{PASSWORD}@h.example"}}}}',
        '{"format": 1, "remotes": {"/x": 7}}',
    ],
)
def test_a_damaged_file_of_choices_is_told_of_and_never_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "remotes.json"
    path.write_text(text)
    for act in (lambda c: c.get(tmp_path), lambda c: c.choose(tmp_path, "s3://films"), lambda c: c.unset(tmp_path)):
        with pytest.raises(Damaged, match=r"is damaged|of a later version") as caught:
            act(Chosen(path))
        assert PASSWORD not in str(caught.value)
    assert path.read_text() == text


def test_the_command_shows_sets_and_unsets_the_remote_of_its_folder(project: Folder, cache: Bazel) -> None:
    assert "no shared cache: 'storyboard cache remote URL'" in project.run("cache", "remote").stdout
    assert project.run("cache", "remote", f"{cache.url}/films/").stdout == f"the shared cache is {cache.url}/films\n"
    assert [(one.method, one.path) for one in cache.asked] == [("HEAD", f"/films/cas/{EMPTY}")]
    kept = project.path / ".config" / "storyboard" / "remotes.json"
    assert json.loads(kept.read_text())["remotes"] == {str(project.path): f"{cache.url}/films"}
    assert project.run("cache", "remote").stdout == f"{cache.url}/films\n"
    shown = json.loads(project.run("cache", "remote", "--json", STORYBOARD_REMOTE="s3://films").stdout)
    assert shown == {"format": 1, "remote": "s3://films", "source": "environment"}
    inside = project.path / "inside"
    inside.mkdir()
    assert "no shared cache" in Folder(inside).run("cache", "remote", HOME=str(project.path)).stdout
    assert "it was http" in project.run("cache", "remote", "--unset").stdout
    assert json.loads(project.run("cache", "remote", "--json").stdout)["remote"] is None


def test_the_command_keeps_and_shows_no_credentials(project: Folder) -> None:
    with Bazel(token=TOKEN) as cache:
        done = project.run("cache", "remote", cache.url, "--json", **BEARER)
        assert json.loads(done.stdout)["reachable"] is True
        wrong = project.run("cache", "remote", cache.url, STORYBOARD_REMOTE_TOKEN=f"{TOKEN}x")
        assert "Warning: it can't be used now" in wrong.stderr
    url = f"https://mira:{PASSWORD}@cache.example.org"
    refused = project.run("cache", "remote", url, status=2)
    of_the_environment = project.run("cache", "remote", STORYBOARD_REMOTE=url, status=5)
    for text in (done, wrong, refused, of_the_environment):
        assert PASSWORD not in text.stdout + text.stderr and TOKEN not in text.stdout + text.stderr
    for path in project.path.rglob("*"):
        assert path.is_dir() or not re.search(rf"{PASSWORD}|{TOKEN}", path.read_text())


def test_no_file_of_a_project_chooses_where_credentials_go(project: Folder, cache: Bazel) -> None:
    text = json.dumps({"format": 1, "remotes": {str(project.path): cache.url}})
    for name in ("remotes.json", "storyboard/remotes.json", ".storyboard/remotes.json"):
        project.write(text, name)
    for home in (".", "", "storyboard", ".storyboard"):
        shown = project.run("cache", "remote", "--json", XDG_CONFIG_HOME=home, HOME="/nonexistent").stdout
        assert json.loads(shown)["remote"] is None


# A bucket

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFMINE", "AWS_SECRET_ACCESS_KEY": "SECRETSECRET"}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """moto, with the bucket `films`."""
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",  # noqa: S106 -- moto takes any
    ).create_bucket(Bucket="films")
    yield url
    server.stop()


@pytest.fixture
def between(service: str) -> Iterator[Callable[..., Between]]:
    made: list[Between] = []

    def make(*orders: str | int) -> Between:
        made.append(Between(service, *orders))
        return made[-1]

    yield make
    for one in made:
        one.close()


def hexed(n: int) -> str:
    return f"{n:064x}"


def test_a_bucket_keeps_what_it_is_given_under_its_prefix(service: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.write_bytes(bytes(6 << 20))
    blob = f"cas/{hexed(1)}"

    async def act(remote: Remote) -> None:
        assert isinstance(remote, Locking) and remote.shown == "s3://films/a/b"
        assert not await remote.has(RECORD) and await remote.read(RECORD, 9) is None
        assert not await remote.fetch(blob, tmp_path / "got", 1 << 30) and not (tmp_path / "got").exists()
        await remote.write(RECORD, b"a record")
        await remote.send(blob, clip)
        assert await remote.has(RECORD) and await remote.read(RECORD, 8) == b"a record"
        assert await remote.fetch(blob, tmp_path / "got", 6 << 20)
        with pytest.raises(Oversized):
            await remote.fetch(blob, tmp_path / "more", (6 << 20) - 1)
        await remote.delete(RECORD)
        await remote.delete(RECORD)
        assert not await remote.has(RECORD)

    using("s3://films/a/b/", act, AWS_ENDPOINT_URL=service, **KEYS)
    assert (tmp_path / "got").read_bytes() == clip.read_bytes() and not (tmp_path / "more").exists()
    other = using("s3://films/a", lambda remote: remote.has(blob), AWS_ENDPOINT_URL=service, **KEYS)
    assert other is False


@pytest.mark.parametrize("same", [False, True])
def test_of_sixteen_who_create_one_name_one_succeeds(service: str, *, same: bool) -> None:
    name = f"lock/{hexed(2 + same)}"

    async def act(first: Remote) -> tuple[list[bool], bytes | None]:
        seats = [
            open_remote("s3://films", {"AWS_ENDPOINT_URL": service, **KEYS}, Sleeps(), chance=lambda: 0.5)
            for _ in range(16)
        ]
        made = await asyncio.gather(*(seat.create(name, b"" if same else b"%d" % n) for n, seat in enumerate(seats)))
        for seat in seats:
            await seat.close()
        return made, await first.read(name, 9)

    made, kept = using("s3://films", act, AWS_ENDPOINT_URL=service, **KEYS)
    assert sum(made) == 1
    assert kept == (b"" if same else b"%d" % made.index(True))


def test_who_was_first_is_told_even_where_the_answer_was_lost(between: Callable[..., Between]) -> None:
    stands = between("lose")
    made = using("s3://films", lambda r: r.create(f"lock/{hexed(4)}", b"ours"), AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert made is True
    stands.orders.append("lose")
    made = using("s3://films", lambda r: r.create(f"lock/{hexed(4)}", b"their"), AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert made is False


def test_a_race_that_nobody_has_won_yet_is_run_again(between: Callable[..., Between]) -> None:
    stands, sleeps = between(409, 409), Sleeps()

    async def act(remote: Remote) -> bool:
        return await remote.create(f"lock/{hexed(5)}", b"ours")

    assert using("s3://films", act, sleep=sleeps, AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert sleeps == [0.25, 0.5]
    assert not using("s3://films", act, AWS_ENDPOINT_URL=stands.url, **KEYS)
    stands.orders += [409] * 4
    assert "can't say who was first" in refused("s3://films", act, AWS_ENDPOINT_URL=stands.url, **KEYS)


def test_a_service_that_lets_everybody_be_first_is_found_out(between: Callable[..., Between]) -> None:
    stands = between("ignore", "ignore")
    message = refused(
        "s3://films", lambda r: r.create(f"lock/{hexed(6)}", b"ours"), AWS_ENDPOINT_URL=stands.url, **KEYS
    )
    assert "lets everybody be first" in message


def test_what_is_replaced_is_what_was_there(between: Callable[..., Between], service: str) -> None:
    name, stands = f"lock/{hexed(8)}", between()
    at = {"AWS_ENDPOINT_URL": stands.url, **KEYS}

    def there() -> bytes | None:
        return using("s3://films", lambda remote: remote.read(name, 99), AWS_ENDPOINT_URL=service, **KEYS)

    def put(data: bytes) -> None:
        using("s3://films", lambda remote: remote.write(name, data), AWS_ENDPOINT_URL=service, **KEYS)

    def replaced(was: bytes, data: bytes) -> bool:
        return using("s3://films", lambda remote: remote.replace(name, was, data), **at)  # type: ignore[no-any-return]

    assert replaced(b"one", b"two") is False
    assert there() is None
    put(b"one")
    assert replaced(b"one", b"two") is True
    assert there() == b"two"
    assert replaced(b"one", b"two") is True, "it is there already"
    assert replaced(b"one", b"three") is False
    put(b"x" * 90)
    assert replaced(b"one", b"three") is False
    put(b"two")
    stands.orders += ["", lambda: put(b"somebody's")]
    assert replaced(b"two", b"three") is False, "somebody came in between"
    assert there() == b"somebody's"
    stands.orders += ["", lambda: using("s3://films", lambda r: r.delete(name), AWS_ENDPOINT_URL=service, **KEYS)]
    assert replaced(b"somebody's", b"three") is False, "it was removed in between"
    assert there() is None
    put(b"two")
    stands.orders += ["", "lose"]
    assert replaced(b"two", b"three") is True, "whose answer was lost"
    assert there() == b"three"
    stands.orders += ["", 409]
    assert replaced(b"three", b"four") is True
    assert there() == b"four"


def test_a_bucket_follows_no_redirect_and_keeps_its_token_to_itself(between: Callable[..., Between]) -> None:
    other = between()
    for method, *arguments in (
        ("read", 9),
        ("has",),
        ("write", b"x"),
        ("create", b"x"),
        ("replace", b"x", b"y"),
        ("delete",),
    ):
        stands = between(other.url, other.url, other.url)
        message = refused(
            "s3://films",
            lambda remote, m=method, a=arguments: getattr(remote, m)(RECORD, *a),
            AWS_ENDPOINT_URL=stands.url,
            AWS_SESSION_TOKEN=TOKEN,
            **KEYS,
        )
        assert "redirects elsewhere" in message
        assert len(stands.asked) == 1 and TOKEN in stands.asked[0][1]
    assert other.asked == []


def test_a_bucket_is_signed_for_as_amazons_own_client_would(between: Callable[..., Between]) -> None:
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    stands = between()
    environment = {"AWS_ENDPOINT_URL": stands.url, "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": TOKEN, **KEYS}
    using("s3://films/a=b", lambda remote: remote.write(RECORD, b"x"), **environment)
    method, path, headers = stands.asked[0]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    signature = asked.pop("X-Amz-Signature")
    assert "Authorization" not in headers and asked["X-Amz-SignedHeaders"] == "host"
    credentials = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], TOKEN)
    auth = S3SigV4QueryAuth(credentials, "s3", "eu-west-1", expires=int(asked["X-Amz-Expires"]))
    plain, _, query = (stands.url + path).partition("?")
    query = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature"))
    request = AWSRequest(method, f"{plain}?{query}", headers={"host": urlsplit(stands.url).netloc})
    request.context["timestamp"] = asked["X-Amz-Date"]
    assert auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request) == signature


def test_a_bucket_that_is_out_of_order_is_tried_again(between: Callable[..., Between], tmp_path: Path) -> None:
    stands = between(503, "lose")
    using("s3://films", lambda remote: remote.write(OTHER, b"x"), AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert [method for method, _, _ in stands.asked] == ["PUT"] * 3
    stands.orders += [500] * 4
    message = refused("s3://films", lambda r: r.fetch(OTHER, tmp_path / "x", 9), AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert message == "s3://films answers 500"


@pytest.mark.parametrize("method", ["has", "read", "write"])
def test_a_bucket_that_is_not_there_is_not_one_that_is_empty(service: str, method: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"read": (9,), "write": (b"x",)}
    message = refused(
        "s3://nowhere",
        lambda remote: getattr(remote, method)(RECORD, *arguments.get(method, ())),
        AWS_ENDPOINT_URL=service,
        **KEYS,
    )
    assert "there is no bucket of that name" in message


def test_without_keys_nothing_is_signed_and_a_refusal_names_them(between: Callable[..., Between]) -> None:
    stands = between("", 403, 403)
    assert using("s3://films", lambda remote: remote.read(f"ac/{hexed(7)}", 9), AWS_ENDPOINT_URL=stands.url) is None
    with pytest.raises(ReadOnly, match=r"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY aren't set"):
        using("s3://films", lambda remote: remote.write(RECORD, b"x"), AWS_ENDPOINT_URL=stands.url)
    with pytest.raises(Unreachable, match=r"AWS_ACCESS_KEY_ID doesn't allow it; that takes s3:GetObject"):
        using("s3://films", lambda remote: remote.read(RECORD, 9), AWS_ENDPOINT_URL=stands.url, **KEYS)
    assert "?" not in stands.asked[0][1] + stands.asked[1][1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET_ACCESS_KEY is missing"),
        ({"AWS_SECRET_ACCESS_KEY": "SECRETSECRET"}, "AWS_ACCESS_KEY_ID is missing"),
        ({"AWS_ENDPOINT_URL": "http://minio.example.org"}, "AWS_ENDPOINT_URL: an endpoint must be an https URL"),
        ({"AWS_ENDPOINT_URL": f"https://key:{PASSWORD}@minio.example.org"}, "holds no credentials"),
        ({"AWS_ENDPOINT_URL_S3": "minio"}, "an endpoint is a URL"),
        ({"AWS_ENDPOINT_URL": "s3://films"}, "there is no endpoint of the kind 's3'"),
        ({"AWS_REGION": "eu west"}, "isn't the name of a region"),
        ({"STORYBOARD_REMOTE_CA": "/nowhere.pem"}, "/nowhere.pem, which can't be read"),
    ],
)
def test_a_bucket_that_the_environment_gets_wrong_is_refused(given: dict[str, str], says: str) -> None:
    assert says in refused("s3://films", lambda remote: remote.has(RECORD), **given)


def test_a_bucket_is_asked_where_it_is_told_whatever_else_the_process_holds(
    between: Callable[..., Between], monkeypatch: pytest.MonkeyPatch
) -> None:
    stands, wrong = between(), between()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": wrong.url,
        "AWS_ENDPOINT": wrong.url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_BUCKET": "other",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_SECRET_ACCESS_KEY": "another",
        "HTTP_PROXY": wrong.url,
        "http_proxy": wrong.url,
    }.items():
        monkeypatch.setenv(name, value)
    assert using("s3://films", lambda r: r.read(f"ac/{hexed(8)}", 9), AWS_ENDPOINT_URL=stands.url, **KEYS) is None
    assert [path.partition("?")[0] for _, path, _ in stands.asked] == [f"/films/ac/{hexed(8)}"]
    assert "X-Amz-Signature" in stands.asked[0][1] and wrong.asked == []


def test_the_command_checks_a_bucket(project: Folder, service: str) -> None:
    done = project.run("cache", "remote", "s3://films/x", "--json", AWS_ENDPOINT_URL=service, **KEYS)
    assert json.loads(done.stdout)["reachable"] is True
    done = project.run("cache", "remote", "s3://nowhere", AWS_ENDPOINT_URL=service, **KEYS)
    assert "there is no bucket of that name" in done.stderr and "SECRETSECRET" not in done.stderr
