"""References: files of the project, of the right kind; URLs that may be used."""

from collections.abc import Iterator
from dataclasses import replace

from storyboard.assets import Asset, Problem
from storyboard.diagnostic import Diagnostic
from storyboard.model.reference import split_url
from storyboard.model.sound import Bed
from storyboard.sniff import is_image, is_sound, is_video
from storyboard.source import Span
from storyboard.world import Used, World

_PROBLEMS: dict[Problem, tuple[str, str, str]] = {
    "missing": ("SB206", "the file '{}' isn't there", "paths start from the {}'s folder"),
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

_OF_SOUND: dict[Problem, str] = {
    "folder": "name a sound file in it",
    "special": "name a sound file",
    "empty": "put the sound back",
    "large": "use a shorter or a compressed sound",
}


def usable_files(world: World) -> Iterator[Diagnostic]:
    """SB206, SB207, SB208, SB214: each file is there, inside the project, and what it should be by its bytes."""
    for used in world.references():
        if used.reference.file is not None:
            finding = _file(world, world.assets[used.reference.file], used)
            if finding:
                yield finding
    for key in ("music", "room_tone"):
        bed: Bed | None = getattr(world.board.audio, key)
        if bed is not None:
            yield from _bed(world, world.assets[bed.file], world.at.of(world.board.audio, key))


def _bed(world: World, asset: Asset, span: Span) -> Iterator[Diagnostic]:
    if asset.problem:
        found = _unusable(world, asset, span)
        yield replace(found, help=_OF_SOUND.get(asset.problem, found.help))
    elif not is_sound(asset.media):
        message = f"'{asset.written}' isn't sound by its bytes, whatever its name says"
        yield Diagnostic("SB208", message, span, "use WAV, MP3, FLAC, Ogg, M4A or MP4")


def _file(world: World, asset: Asset, used: Used) -> Diagnostic | None:
    if asset.problem:
        return _unusable(world, asset, used.span)
    wanted = used.reference.sha256
    if wanted is not None and wanted != asset.sha256:
        message = f"'{asset.written}' isn't what its sha256 says: it is {asset.sha256[:16]}…, not {wanted[:16]}…"
        return Diagnostic("SB214", message, used.span, "put the right file there, or remove the sha256")
    if (is_image(asset.media) and used.wants != "video") or (is_video(asset.media) and used.wants != "picture"):
        return None
    if used.wants == "picture" and is_video(asset.media):
        help_ = "a start frame is a PNG, JPEG or WebP"
        return Diagnostic("SB208", f"'{asset.written}' is a video, not a picture", used.span, help_)
    if used.wants == "video" and is_image(asset.media):
        help_ = "a clip is an MP4; a picture can be a shot's start_frame"
        return Diagnostic("SB208", f"'{asset.written}' is a picture, not a video", used.span, help_)
    what, help_ = {
        "either": ("a picture or video", "use PNG, JPEG or WebP pictures, or MP4 videos"),
        "picture": ("a picture", "use PNG, JPEG or WebP"),
        "video": ("a video", "use MP4"),
    }[used.wants]
    message = f"'{asset.written}' isn't {what} by its bytes, whatever its name says"
    return Diagnostic("SB208", message, used.span, help_)


def _unusable(world: World, asset: Asset, span: Span) -> Diagnostic:
    assert asset.problem is not None
    code, message, help_ = _PROBLEMS[asset.problem]
    ours = world.at.start(world.board).source.name
    return Diagnostic(
        code,
        message.format(asset.written),
        span,
        help_.format("storyboard" if span.source.name == ours else "library"),
    )


def reference_urls(world: World) -> Iterator[Diagnostic]:
    """SB209: URLs are https, name a host, and hold no credentials; a clip is a file."""
    for reference, span, wants in world.references():
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
        elif wants == "video":
            yield Diagnostic("SB209", "a clip is a file, not a URL", span, "download it beside the storyboard")


def seconds_of_videos(world: World) -> Iterator[Diagnostic]:
    """SB220: only of a video that is a file here can some seconds be used."""
    for reference, span, _ in world.references():
        if reference.seconds is None:
            continue
        if reference.url is not None:
            help_ = "download the video beside the storyboard, so that it can be cut"
            yield Diagnostic("SB220", "the seconds of a URL can't be chosen", span, help_)
        elif reference.file is not None and is_image(world.assets[reference.file].media):
            yield Diagnostic("SB220", f"'{reference}' is a picture, which has no seconds", span, "remove 'seconds'")
