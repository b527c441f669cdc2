"""A file to text."""

from pathlib import Path

from storyboard.diagnostic import Diagnostic
from storyboard.source import Source

MAX_BYTES = 4 << 20


def read(path: Path, name: str) -> tuple[Source, list[Diagnostic]]:
    """A file's text as a Source shown as `name`; with findings, the text is empty or cut short."""
    nowhere = Source(name, "").span(0, 0)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return nowhere.source, [Diagnostic("SB001", f"{name} can't be read: {reason}", nowhere)]
    if len(data) > MAX_BYTES:
        message = f"{name} is larger than {MAX_BYTES >> 20} MiB"
        return nowhere.source, [
            Diagnostic("SB003", message, nowhere, "a storyboard is text; split the film into several files")
        ]
    try:
        return Source(name, data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        source = Source(name, before)
        message = f"byte 0x{data[error.start]:02x} isn't UTF-8 text"
        return source, [Diagnostic("SB002", message, source.span(len(before), len(before)), "save the file as UTF-8")]
