"""The references of a storyboard as they were in a commit: their bytes' digests, each object looked at once ever."""

import json
import re
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from storyboard import atomic, digest
from storyboard.assets import MAX_BYTES, Asset, Referred
from storyboard.git import File, GitError, Objects
from storyboard.pins import Pins
from storyboard.revision.tree import Nowhere, Tree
from storyboard.sniff import KINDS, NEEDED, sniff

MOST = 50_000
"""Objects remembered; beyond it only those used in this run are kept."""

_POINTER_BYTES = 1024
_POINTER = re.compile(
    rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n"
)
"""https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the keys are sorted after `version`, a pointer is under
1,024 bytes, and says the SHA-256 and size of what it stands for."""

_ENDINGS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".mov": "video/mp4",
    ".m4v": "video/mp4",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}
"""What `sniff` would say, by the name's ending."""


class Held(NamedTuple):
    """What an object holds: its bytes' SHA-256, media type, and size; of a pointer those of the file that it stands
    for, whose media type isn't known (None).
    """

    sha256: str
    media: str | None
    size: int


class Hashes:
    """What objects hold, kept in one file: an object never changes. Damaged, it is forgotten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known, self._used = _load(path), set[str]()
        self._changed = False

    def look(self, file: File, objects: Objects) -> Held:
        """What a file of a commit holds. Raises GitError where its object isn't there."""
        found = self._known.get(file.object)
        if found is None:
            found = self._known[file.object] = _hashed(file, objects)
            self._changed = True
        self._used.add(file.object)
        return found

    def save(self) -> None:
        """Keep what was learnt; where it can't be written, it is only looked at again."""
        if not self._changed:
            return
        if len(self._known) > MOST:
            self._known = {name: self._known[name] for name in self._used}
        body = json.dumps({"kinds": KINDS, "known": self._known}, separators=(",", ":")).encode()
        try:
            atomic.ignored_folder(self._path.parent)
            atomic.write(self._path, digest.seal(body), durable=False)
        except OSError:
            return
        self._changed = False


def _load(path: Path) -> dict[str, Held]:
    try:
        body: dict[str, Any] = json.loads(digest.unseal(path.read_bytes()))
        return {name: Held(*its) for name, its in body["known"].items()} if body["kinds"] == KINDS else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _hashed(file: File, objects: Objects) -> Held:
    hashed, head = sha256(), b""
    for piece in objects.pieces(file.object):
        if len(head) < _POINTER_BYTES:
            head += piece[:_POINTER_BYTES]
        hashed.update(piece)
    pointer = _POINTER.fullmatch(head) if file.size < _POINTER_BYTES else None
    if pointer:
        return Held(pointer[1].decode(), None, int(pointer[2]))
    return Held(hashed.hexdigest(), sniff(head[:NEEDED]), file.size)


class PastAssets(Referred):
    """The references of a commit. `common` is the repository's own folder, where Git LFS keeps what it fetched."""

    def __init__(self, tree: Tree, known: Hashes, pins: Pins, common: Path, own: Path) -> None:
        super().__init__(Path(tree.root), pins)
        self._tree = tree
        self._held = known
        self._large = common / "lfs" / "objects"
        self._code = own / "modules"

    def _at(self, written: str, path: str) -> Asset:
        try:
            real, file = self._tree.file(written)
            held = self._held.look(file, self._tree.objects)
        except Nowhere as error:
            return Asset(written, path, problem=error.problem)
        except GitError:
            return Asset(written, path, problem="unreadable")
        path = f"{self._tree.root}/{real}"
        if not held.size:
            return Asset(written, path, problem="empty")
        if held.size > MAX_BYTES:
            return Asset(written, path, problem="large")
        if real.endswith(".py"):
            path = self._module(file)
        media = self._media(held.sha256, real) if held.media is None else held.media
        return Asset(written, path, held.sha256, media)

    def _media(self, sha: str, name: str) -> str:
        """The media type of what a pointer stands for: by its bytes where they are here, else by the name's ending."""
        try:
            with (self._large / sha[:2] / sha[2:4] / sha).open("rb") as stream:
                return sniff(stream.read(NEEDED))
        except OSError:
            return _ENDINGS.get(PurePosixPath(name).suffix.lower(), "")

    def _module(self, file: File) -> str:
        """Where a module of the author's own is read from: a copy beside the remembered films."""
        path = self._code / f"{file.object}.py"
        if not path.exists():
            atomic.ignored_folder(path.parent)
            atomic.write(path, self._tree.objects.read(file.object), durable=False)
        return str(path)
