"""Which remote a storyboard has: the environment's, else the one that the user chose for its folder.

Kept with the user's own configuration, beside whose code he trusts: credentials go to the host that stands there, and
no file of a project may choose it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from storyboard import atomic
from storyboard.diagnostic import did_you_mean

FORMAT = 1
VARIABLE = "STORYBOARD_REMOTE"
NONE = "none"
"""What the variable holds to have no remote, whatever was chosen."""
KINDS = ("https", "s3", "http")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._=+-]+)*")


class Misspelt(Exception):
    """A URL isn't one of a remote; the message says why, and holds nothing of it that may be secret."""


class Damaged(Exception):
    """The file that remembers remotes can't be read; the message says why."""


class Chosen:
    """The remotes that a user chose, by the storyboard's folder, in a file of his own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remotes(self) -> dict[str, str]:
        """URLs by the folders' real paths.

        Raises:
            Damaged: the file isn't what was written here.
        """
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            if kept["format"] != FORMAT:
                raise Damaged(f"{self.path} is of a later version")
            return {str(folder): checked_url(url) for folder, url in kept["remotes"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Misspelt) as error:
            raise Damaged(f"{self.path} is damaged: remove it, and choose your remotes again") from error

    def get(self, folder: Path) -> str | None:
        """The remote of one folder, and of no folder above or below it."""
        return self.remotes().get(str(folder.resolve()))

    def choose(self, folder: Path, url: str) -> None:
        """Write down a checked URL for a folder."""
        self._write(self.remotes() | {str(folder.resolve()): url})

    def unset(self, folder: Path) -> str | None:
        """Forget a folder's remote; what it was."""
        known = self.remotes()
        was = known.pop(str(folder.resolve()), None)
        if was is not None:
            self._write(known)
        return was

    def _write(self, remotes: Mapping[str, str]) -> None:
        text = json.dumps({"format": FORMAT, "remotes": remotes}, indent=1, ensure_ascii=False, sort_keys=True)
        with atomic.replacing(self.path) as temporary:
            temporary.touch(0o600)
            temporary.write_text(f"{text}\n", "utf-8")


def wanted(folder: Path, environment: Mapping[str, str], chosen: Chosen) -> str | None:
    """The URL of the remote that a storyboard's folder has: STORYBOARD_REMOTE, else the one chosen for it.

    Raises:
        Misspelt: the variable's isn't one.
        Damaged: the file of those that were chosen can't be read.
    """
    told = environment.get(VARIABLE, "").strip()
    if told == NONE:
        return None
    if told:
        try:
            return checked_url(told)
        except Misspelt as error:
            raise Misspelt(f"{VARIABLE}: {error}") from error
    return chosen.get(folder)


def checked_url(text: str) -> str:
    """A remote's URL in its one form: scheme and host in lower case, no slash at the end.

    Raises:
        Misspelt: it isn't the URL of a remote.
    """
    return _checked(text.strip(), KINDS, "a remote")


def checked_server(text: str) -> str:
    """The same for an endpoint, which is an https URL, or http on loopback.

    Raises:
        Misspelt: it isn't one.
    """
    return _checked(text.strip(), ("https", "http"), "an endpoint")


def _checked(text: str, kinds: Sequence[str], what: str) -> str:
    found = _SCHEME.match(text)
    if not found:
        also = " or s3://bucket/films" if "s3" in kinds else ""
        raise Misspelt(f"{what} is a URL, such as https://cache.example.org{also}")
    if (scheme := found[1].lower()) not in kinds:
        raise Misspelt(f"there is no {what.split()[1]} of the kind '{scheme}': {did_you_mean(scheme, kinds)}")
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError as error:  # whose words hold parts of it, which may be a password
        raise Misspelt("that isn't a URL: its host or port can't be read") from error
    if "@" in parts.netloc:
        cure = _PLACE["s3" if "s3" not in kinds else scheme]
        raise Misspelt(f"{what}'s URL holds no credentials: {cure}")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise Misspelt(f"{what}'s URL ends before '?' and '#'")
    path = parts.path.rstrip("/")
    return _bucket(parts.netloc, path) if scheme == "s3" else _server(scheme, host, port, path, what)


_HTTP_PLACE = "set STORYBOARD_REMOTE_USER and STORYBOARD_REMOTE_PASSWORD, or STORYBOARD_REMOTE_TOKEN, instead"
_PLACE = {
    "http": _HTTP_PLACE,
    "https": _HTTP_PLACE,
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
}


def _server(scheme: str, host: str, port: int | None, path: str, what: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(shown) or port == 0:
        raise Misspelt("that isn't a URL: it has no host that could be one")
    if not _PATH.fullmatch(path) or _steps(path):
        raise Misspelt(f"{what}'s path has only plain characters, and no '.' or '..' or empty part")
    if path.endswith(("/ac", "/cas")):
        raise Misspelt(f"{what}'s URL ends before {path[path.rindex('/') :]}, which is added for each record and clip")
    if scheme == "http" and not on_loopback(host):
        raise Misspelt(f"{what} must be an https URL (http only on this machine's loopback)")
    return f"{scheme}://{shown}{f':{port}' if port else ''}{path}"


def _bucket(name: str, path: str) -> str:
    if not _BUCKET.fullmatch(name) or ".." in name:
        raise Misspelt("that isn't a bucket's name: s3://BUCKET/PREFIX, with 3 to 63 of a-z, 0-9, '-' and '.'")
    if not _PREFIX.fullmatch(path) or _steps(path):
        raise Misspelt("a bucket's prefix has letters, digits, '-', '_', '.', '=' and '+', and no '..' or empty part")
    return f"s3://{name}{path}"


def _steps(path: str) -> bool:
    return any(part in {".", ".."} for part in path.split("/")) or "%2e" in path.lower() or "%2f" in path.lower()


def on_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone."""
    from storyboard.providers.account import is_loopback  # noqa: PLC0415 -- only http asks

    return host == "localhost" or is_loopback(host)
