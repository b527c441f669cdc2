"""The storyboard to what its cut needs of it: shots, lines of dialogue, the sound of the whole. Nothing of jobs."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from storyboard import film, prompt
from storyboard.assets import Asset
from storyboard.model import Pass, Scene, Shot, Storyboard
from storyboard.model.passes import BurnIn
from storyboard.model.sound import Bed, Sound
from storyboard.resolve import DEFAULTS, display_name

READING_SPEED = 17
"""Characters a second: the usual ceiling for subtitles for adults (BBC Subtitle Guidelines: 160-180 words a
minute; Netflix Timed Text Style Guide, English: up to 20)."""

TRANSITION = Fraction(1, 2)
"""Seconds that a transition takes where the storyboard doesn't say."""


def shots(board: Storyboard) -> list[film.Shot]:
    """Every shot, in order."""
    return [_shot(board, shot, scene) for shot, scene in board.all_shots()]


def _shot(board: Storyboard, shot: Shot, scene: Scene | None) -> film.Shot:
    fps = board.fps
    texts = (shot.prompt, *(beat.prompt for beat in shot.beats))
    words = [prompt.replace(text, board.characters, lambda one: display_name(board, one)) for text in texts]
    return film.Shot(
        id=shot.id,
        scene=(scene.title or scene.id) if scene else "",
        scene_id=scene.id if scene else "",
        setting=prompt.listed(*(_handed_down(key, shot, scene) for key in ("place", "time"))),
        words=prompt.sentences(*words) if shot.beats else words[0].strip(),
        lines=lines(board, shot) if shot.dialogue else (),
        asked=shot.duration.seconds(fps),
        trim_in=shot.trim.in_.seconds(fps),
        skip=shot.skip,
        transition=transition(board, shot),
        fit=shot.fit,
        framing=shot.framing,
        effects=tuple(film.Effect(one.name, one.parameters) for one in shot.effects),
        heard=_heard(board, shot.audio),
        notes=shot.notes,
    )


def _handed_down(key: Literal["place", "time"], shot: Shot, scene: Scene | None) -> str:
    """What a shot says, or its scene says for it."""
    own: str | None = getattr(shot, key)
    return own if own is not None else getattr(scene, key) if scene else ""


def lines(board: Storyboard, shot: Shot) -> tuple[film.Line, ...]:
    """What is said in a shot. A line without a length takes as long as reading does, at most to the shot's end."""
    fps, found = board.fps, []
    for line in shot.dialogue:
        start = line.at.seconds(fps)
        reading = Fraction(max(len(line.line), READING_SPEED), READING_SPEED)
        length = line.for_.seconds(fps) if line.for_ else min(reading, shot.duration.seconds(fps) - start)
        found.append(film.Line(display_name(board, line.who), line.line, start, length))
    return tuple(found)


_CUT = film.Transition()
_PLAIN = film.Heard()


def transition(board: Storyboard, shot: Shot) -> film.Transition:
    """How a shot follows the one before it; as long as it at most."""
    written = shot.transition
    if written.type == "cut":
        return _CUT
    length = written.duration.seconds(board.fps) if written.duration else TRANSITION
    return film.Transition(written.type, min(length, shot.duration.seconds(board.fps)))


def _heard(board: Storyboard, sound: Sound) -> film.Heard:
    if not sound.model_fields_set:
        return _PLAIN
    return film.Heard(sound.lead.seconds(board.fps), sound.tail.seconds(board.fps), sound.volume, sound.mute)


def mix(board: Storyboard, assets: Mapping[str, Asset]) -> film.Mix:
    """The sound of the whole film."""
    audio = board.audio
    return film.Mix(audio.loudness, _bed(audio.music, assets), _bed(audio.room_tone, assets), audio.scratch)


def _bed(bed: Bed | None, assets: Mapping[str, Asset]) -> film.Bed | None:
    if bed is None:
        return None
    asset = assets[bed.file]
    return film.Bed(bed.file, asset.path, asset.sha256, bed.volume, bed.duck)


def burn_in(pass_: Pass) -> film.BurnIn | None:
    """What a pass's cut has burned in: by default only that of a local model."""
    if isinstance(pass_.burn_in, BurnIn):
        return film.BurnIn(pass_.burn_in.watermark, pass_.burn_in.date)
    return film.BurnIn() if (pass_.model.startswith("local/") if pass_.burn_in is None else pass_.burn_in) else None


def resolution(pass_: Pass) -> str:
    """What a pass's cut has."""
    return pass_.resolution or str(DEFAULTS["resolution"])
