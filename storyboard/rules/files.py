"""References: files of the project, of the right kind; URLs that may be used."""

from collections.abc import Iterator

from storyboard.assets import Asset, Problem
from storyboard.diagnostic import Diagnostic
from storyboard.model.reference import split_url
from storyboard.rules.context import Context
from storyboard.sniff import is_image, is_video
from storyboard.source import Span

_PROBLEMS: dict[Problem, tuple[str, str, str]] = {
    "missing": ("SB206", "the file '{}' isn't there", "paths start from the storyboard's folder"),
    "outside": ("SB207", "'{}' leaves the project", "copy the file beside the storyboard"),
    "absolute": (
        "SB207",
        "'{}' is an absolute path",
        "copy the file beside the storyboard, and write its path from there",
    ),
    "loop": ("SB206", "'{}' is a link that leads to itself", "put the file itself there"),
    "folder": ("SB208", "'{}' is a folder", "name a picture or a video in it"),
    "special": ("SB208", "'{}' isn't a regular file", "name a picture or a video"),
    "empty": ("SB208", "'{}' is empty", "put the picture or video back"),
    "large": ("SB208", "'{}' is larger than 1 GiB", "use a smaller picture or a shorter video"),
    "unreadable": ("SB206", "the file '{}' can't be read", "check its permissions"),
}


def usable_files(context: Context) -> Iterator[Diagnostic]:
    """SB206, SB207, SB208: each file is there, inside the project, and what it should be by its bytes."""
    for reference, span, picture in context.references():
        if reference.file is not None:
            finding = _file(context.assets[reference.file], span, picture=picture)
            if finding:
                yield finding


def _file(asset: Asset, span: Span, *, picture: bool) -> Diagnostic | None:
    if asset.problem:
        code, message, help_ = _PROBLEMS[asset.problem]
        return Diagnostic(code, message.format(asset.written), span, help_)
    if is_image(asset.media) or (is_video(asset.media) and not picture):
        return None
    if is_video(asset.media):
        help_ = "a start frame is a PNG, JPEG or WebP"
        return Diagnostic("SB208", f"'{asset.written}' is a video, not a picture", span, help_)
    help_ = "use PNG, JPEG or WebP" if picture else "use PNG, JPEG or WebP pictures, or MP4 videos"
    message = f"'{asset.written}' isn't a picture{'' if picture else ' or video'} by its bytes, whatever its name says"
    return Diagnostic("SB208", message, span, help_)


def reference_urls(context: Context) -> Iterator[Diagnostic]:
    """SB209: URLs are https, name a host, and hold no credentials."""
    for reference, span, _ in context.references():
        if reference.url is None:
            continue
        parts = split_url(reference.url)
        if parts is None:
            yield Diagnostic("SB209", "this isn't a URL", span, "write https://host/path")
        elif parts.secret:
            help_ = "remove what stands before the '@', and change that password: it is in the file's history"
            yield Diagnostic("SB209", "the URL holds credentials", span, help_)
        elif not parts.host:
            yield Diagnostic("SB209", "the URL names no host", span, "write https://host/path")
        elif parts.scheme != "https":
            yield Diagnostic("SB209", f"a reference can't be fetched over {parts.scheme}", span, "use an https URL")
