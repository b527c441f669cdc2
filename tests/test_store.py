"""The store: whole or absent, checked when read, set aside when damaged; and the memo of hashes."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import atomic, digest
from storyboard.memo import SETTLED, Memo
from storyboard.store import Lost, Record, Store
from tests.folder import ROOT
from tests.often import often

LATER = time.time_ns() + 1000 * SETTLED
KEY = "ab" * 32


def open_store(root: Path) -> Store:
    """A store whose clock stands well after everything it sees, so that hashes are remembered."""
    return Store(root, Memo(root / "hashes", lambda: LATER))


def put(store: Store, key: str = KEY, data: bytes = b"clip" * 100) -> Record:
    with store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(data)
        return store.put(key, {"clip": folder / "clip.mp4"}, {"model": "m"})


def test_what_was_put_is_found_by_another_process(tmp_path: Path) -> None:
    made = put(open_store(tmp_path))
    found = open_store(tmp_path).find(KEY)
    assert isinstance(found, Record)
    assert found == made
    assert found.outputs["clip"].path.read_bytes() == b"clip" * 100
    assert found.outputs["clip"].path == tmp_path / "cas" / digest.sha256(b"clip" * 100)
    assert open_store(tmp_path).find("cd" * 32) == Lost("")


def test_the_store_is_ignored_by_git_and_leaves_no_work_behind(tmp_path: Path) -> None:
    put(open_store(tmp_path))
    assert (tmp_path / ".gitignore").read_text() == "*\n"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, data=b"a clip of forty bytes, more or less ....")
    store.memo.save()
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name in {"ac", "cas"}]
    assert len(files) == 2
    for path in files:
        whole = path.read_bytes()
        damaged = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(len(whole))]
        for data in (*damaged, *(whole[:n] for n in range(0, len(whole), 7)), whole + b"\0"):
            path.write_bytes(data)
            found = open_store(tmp_path).find(KEY)
            assert isinstance(found, Lost), f"{path.name} changed unseen"
            assert "damaged" in found.reason
        path.write_bytes(whole)
        assert isinstance(open_store(tmp_path).find(KEY), Record)
        path.unlink()
        found = open_store(tmp_path).find(KEY)
        assert found == Lost("" if path.parent.name == "ac" else "its clip in the store is missing")
        path.write_bytes(whole)


def test_a_damaged_blob_is_set_aside_not_deleted_when_it_is_made_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    blob = put(store).outputs["clip"].path
    blob.write_bytes(b"rot")
    again = put(open_store(tmp_path)).outputs["clip"].path
    assert again.read_bytes() == b"clip" * 100
    assert [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()] == [b"rot"]
    record = tmp_path / "ac" / KEY
    record.write_text("{}")
    put(open_store(tmp_path))
    assert len(list((tmp_path / "quarantine").iterdir())) == 2
    assert isinstance(open_store(tmp_path).find(KEY), Record)


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"check": 1}', "[" * 5000, '{"format": 1, "key": "x", "outputs": 3, "facts": {}}']
)
def test_a_record_that_is_no_record_is_lost(tmp_path: Path, body: str) -> None:
    (tmp_path / "ac").mkdir()
    (tmp_path / "ac" / KEY).write_text(body)
    assert isinstance(open_store(tmp_path).find(KEY), Lost)


def test_a_record_under_another_key_is_lost(tmp_path: Path) -> None:
    put(open_store(tmp_path))
    other = "cd" * 32
    (tmp_path / "ac" / other).write_bytes((tmp_path / "ac" / KEY).read_bytes())
    assert open_store(tmp_path).find(other) == Lost("its record in the store is damaged")


def test_a_damaged_memo_is_forgotten(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    blob = put(store).outputs["clip"].path
    store.find(KEY)
    store.memo.save()
    memo = tmp_path / "hashes"
    whole = memo.read_bytes()
    wrong = whole.replace(digest.sha256_file(blob).encode(), b"0" * 64)
    assert wrong != whole
    memo.write_bytes(wrong)
    assert isinstance(open_store(tmp_path).find(KEY), Record)


class Reads:
    """Counts what a memo had to hash, by watching it read a file whose bytes nobody may change unseen."""

    def __init__(self, folder: Path, now: int = LATER) -> None:
        self.path = folder / "memo"
        self.now = now

    def sha256(self, path: Path) -> str:
        memo = Memo(self.path, lambda: self.now)
        seen = memo.look(path).sha256
        memo.save()
        return seen


def test_a_file_changed_with_its_size_and_time_kept_is_seen(tmp_path: Path) -> None:
    path, reads = tmp_path / "a.png", Reads(tmp_path)
    path.write_bytes(b"one")
    status = path.stat()
    assert reads.sha256(path) == digest.sha256(b"one")
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert reads.sha256(path) == digest.sha256(b"two")


def test_an_unchanged_file_is_hashed_once(tmp_path: Path) -> None:
    path, reads = tmp_path / "a.png", Reads(tmp_path)
    path.write_bytes(b"one")
    reads.sha256(path)
    kept = json.loads(reads.path.read_bytes().partition(b"\n")[2])
    (identity,) = kept["known"]
    body = json.dumps(kept | {"known": {identity: ["remembered", ""]}}).encode()
    reads.path.write_bytes(digest.sha256(body).encode() + b"\n" + body)
    assert reads.sha256(path) == "remembered"


def test_a_file_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    reads = Reads(tmp_path, now=path.stat().st_ctime_ns + SETTLED)
    reads.sha256(path)
    assert not reads.path.exists()


def test_pipes_devices_and_links_are_not_read(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo", lambda: LATER)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/hostname")
    for name in ("pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="regular"):
            memo.look(tmp_path / name)
    with pytest.raises(OSError, match="symbolic"):
        memo.look(tmp_path / "link")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=20)), max_size=12))
@often(40)
def test_the_last_put_of_a_key_is_what_is_found(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, bytes]]
) -> None:
    root = tmp_path_factory.mktemp("store")
    last: dict[str, bytes] = {}
    for name, data in puts:
        put(open_store(root), name * 64, data)
        last[name * 64] = data
    for key in ("a" * 64, "b" * 64):
        found = open_store(root).find(key)
        if key in last:
            assert isinstance(found, Record)
            assert found.outputs["clip"].path.read_bytes() == last[key]
        else:
            assert found == Lost()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic.write(path, b"old")
    with pytest.raises(RuntimeError), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from storyboard.memo import Memo
from storyboard.store import Store
root = Path(sys.argv[1])
store = Store(root, Memo(root / "hashes", lambda: 0))
print("ready", flush=True)
n = 0
while True:
    with store.workspace() as folder:
        (folder / "clip").write_bytes(str(n % 7).encode() * 200_000)
        store.put(f"{n % 7:064x}", {"clip": folder / "clip"}, {"n": n % 7})
    n += 1
"""


def test_a_writer_killed_at_any_moment_leaves_whole_records(tmp_path: Path) -> None:
    for delay in itertools.islice(itertools.count(1), 12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.004 * delay)
            writer.send_signal(signal.SIGKILL)
        store = open_store(tmp_path)
        for n in range(7):
            found = store.find(f"{n:064x}")
            assert found == Lost() or (
                isinstance(found, Record) and found.outputs["clip"].path.read_bytes() == str(n).encode() * 200_000
            )
    put(open_store(tmp_path))
    assert list((tmp_path / "tmp").iterdir()) == [], "what the killed ones left behind is gone"
