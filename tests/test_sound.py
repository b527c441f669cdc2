"""The film's sound: as loud as asked, in sync, without clicks, and the same however it is cut into stretches."""

import re
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import digest, media
from storyboard.cut import sound
from storyboard.cut.footage import Footage
from storyboard.cut.grid import SAMPLE_RATE, samples
from storyboard.cut.sound import limit, loudness, pcm
from storyboard.cut.sound.mix import Fade, Head, Mix, Placed, Sounds, lay
from storyboard.event import Event, Noted
from storyboard.film import Bed, Line
from storyboard.film import Mix as Asked
from storyboard.memo import Memo
from storyboard.store import Blob, Store
from storyboard.timeline import Clip, Join, Origin, Span, Timeline
from storyboard.tools import Tools
from tests.often import often

RATE = SAMPLE_RATE
FPS = Fraction(24)
FRAME = RATE // 24
LEVEL = Asked(Decimal(-16))


class Hall:
    """A folder with a store, where sounds are made, mixed and listened to."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", lambda: 0))
        self.noted: list[str] = []
        self._made: dict[tuple[str, ...], Blob] = {}

    def clip(self, heard: str, *after: str, before: tuple[str, ...] = (), length: float = 1) -> Blob:
        """A clip with a small picture; its sound, from ffmpeg's sources or none, is kept without loss."""
        known = (heard, *after, *before, str(length))
        if known not in self._made:
            inputs = ["-f", "lavfi", "-i", f"color=gray:s=64x36:r=24:d={length}"]
            if heard:
                inputs += [*before, "-f", "lavfi", "-i", heard]
            how = ("-c:a", "flac", "-strict", "-2", "-c:v", "mjpeg", "-threads", "1", "-t", str(length), *after)
            with self.store.workspace() as folder:
                media.run(self.tools.ffmpeg, [*inputs, *how, str(folder / "clip.mp4")], folder)
                made = self.store.put(digest.of(list(known)), {"clip": folder / "clip.mp4"}, {})
            self._made[known] = made.outputs["clip"]
        return self._made[known]

    def timeline(self, *shown: tuple[Any, ...], mix: Asked = LEVEL) -> Timeline:
        """A film of media, each shown for a number of frames from its start, and whatever else a clip is."""
        clips: list[Clip] = []
        at = 0
        for n, (blob, frames, *more) in enumerate(shown):
            clip = Clip(f"s{n}", "", "", at, frames, Span(Fraction(0), frames / FPS), blob, "p", "")
            clips.append(replace(clip, **(more[0] if more else {})))
            at += frames
        tails = [clip.join.frames for clip in clips[1:]] + [0]
        joined = (replace(clip, tail=tail) for clip, tail in zip(clips, tails, strict=True))
        return Timeline("Film", "p", FPS, 64, 36, tuple(joined), mix=mix)

    def sounds(self, film: Timeline, slates: tuple[int, ...] = ()) -> Sounds:
        footage = [Footage(clip.media, clip.source, n in slates) for n, clip in enumerate(film.clips) if clip.media]
        return sound.conform(film, footage, self.store, self.tools, 2, self._note)

    def heard(self, film: Timeline, head: Head | None = None, slates: tuple[int, ...] = ()) -> np.ndarray:
        """The mix as it goes into a WAV: shape (n, 2)."""
        path = self.folder / "mix.wav"
        sound.wave(film, self.sounds(film, slates), head, path)
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 3)
            data = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 3)
        whole = np.zeros((len(data), 4), np.uint8)
        whole[:, 1:] = data
        return whole.view("<i4").reshape(-1, 2) / 2.0**31

    def packets(self, film: Timeline) -> tuple[list[bytes], int]:
        return sound.packets(film, self.sounds(film), None, self.store, 2)

    def records(self) -> set[str]:
        return {path.name for path in (self.store.root / "ac").iterdir()}

    def file(self, name: str, *arguments: str) -> Bed:
        """A sound file beside the storyboard, as a bed."""
        path = self.folder / name
        media.run(self.tools.ffmpeg, [*arguments, str(path)], self.folder)
        return self.bed(path)

    def bed(self, path: Path) -> Bed:
        return Bed(path.name, str(path), digest.sha256_file(path), Decimal(0), Decimal(-12))

    def _note(self, event: Event) -> None:
        if isinstance(event, Noted):
            self.noted.append(event.message)


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Hall:
    return Hall(tmp_path_factory.mktemp("hall"), tools)


@pytest.fixture
def fresh(tmp_path: Path, tools: Tools) -> Hall:
    return Hall(tmp_path, tools)


def tone(frequency: int = 440, level: float = 0.1) -> str:
    return f"aevalsrc={level}*sin({frequency}*2*PI*t)|{level}*sin({frequency}*2*PI*t):s=48000"


def rms(heard: np.ndarray) -> float:
    """In dB of full scale."""
    return float(10 * np.log10(np.mean(heard**2) + 1e-20))


def strength(heard: np.ndarray, frequency: int) -> float:
    """How much of one tone there is, in dB of full scale; other tones don't count."""
    left = heard[:, 0] * np.hanning(len(heard))
    wave_ = np.exp(-2j * np.pi * frequency * np.arange(len(left)) / RATE)
    return float(20 * np.log10(abs(left @ wave_) * 4 / len(left) + 1e-10))


def onset(heard: np.ndarray, level: float = 0.02) -> int:
    return int(np.argmax(np.abs(heard[:, 0]) > level))


def measured(tools: Tools, path: Path, *part: str) -> tuple[float, float]:
    """LUFS and dBTP by ffmpeg."""
    argv: list[Any] = [
        tools.ffmpeg,
        "-hide_banner",
        "-nostdin",
        *part,
        "-i",
        path,
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", out)[-1]), float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", out)[-1])


def decoded(packets: list[bytes], length: int) -> np.ndarray:
    """What a player makes of the film's packets, without the priming: shape (n, 2)."""
    encoder = sound.open_encoder()
    silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
    silence.sample_rate = RATE
    encoder.encode(silence)
    decoder = av.AudioCodecContext.create("aac", "r")
    decoder.extradata = encoder.extradata
    frames = [frame.to_ndarray() for packet in packets for frame in decoder.decode(av.Packet(packet))]
    return np.concatenate(frames, 1).T[1024 : 1024 + length]


def test_clips_of_any_loudness_come_out_alike_and_under_the_peak(hall: Hall, tmp_path: Path) -> None:
    chord = "+".join(f"sin({f}*2*PI*t)*(0.6+0.4*sin({n + 2}*PI*t))" for n, f in enumerate((220, 554, 1318)))
    levels = {-35: 0.022, -28: 0.049, -20: 0.124, -12: 0.312, -8: 0.496}
    film = hall.timeline(*((hall.clip(f"aevalsrc={level}*({chord}):s=44100"), 24) for level in levels.values()))
    found = [one.measured.loudness for one in hall.sounds(film).clips]
    assert found == pytest.approx([100 * lufs for lufs in levels], abs=150), "the spread that is asked for"
    data = decoded(*hall.packets(film)).astype("<f4")
    (tmp_path / "film.raw").write_bytes(data.tobytes())
    raw = ("-f", "f32le", "-ar", "48000", "-ac", "2")
    shots = [measured(hall.tools, tmp_path / "film.raw", *raw, "-ss", str(n), "-t", "1") for n in range(len(levels))]
    assert all(abs(lufs + 16) <= 0.5 for lufs, _ in shots), shots
    assert max(peak for _, peak in shots) <= -1


def test_the_measures_are_those_of_ffmpeg(hall: Hall) -> None:
    sources = [
        "anoisesrc=d=7.3:a=0.5:seed=1:c=pink",
        "aevalsrc='0.9*sin(2*PI*997*t)*lt(mod(t\\,2)\\,0.5)+0.003*sin(2*PI*80*t)':d=9:s=48000",
        "sine=60:d=0.45",
    ]
    for source in sources:
        raw = hall.folder / "measured.raw"
        how = ("-af", "aformat=sample_fmts=s16:sample_rates=48000:channel_layouts=stereo", "-f", "s16le")
        media.run(hall.tools.ffmpeg, ["-f", "lavfi", "-i", source, *how, str(raw)], hall.folder)
        ours = pcm.measured(raw, 0, pcm.length_of(raw))
        lufs, peak = measured(hall.tools, raw, "-f", "s16le", "-ar", "48000", "-ac", "2")
        assert ours.loudness == pytest.approx(100 * lufs, abs=7)
        assert ours.peak == pytest.approx(100 * peak, abs=15)


def test_a_peak_limits_how_loud_a_clip_becomes(hall: Hall) -> None:
    clicks = "aevalsrc='0.8*sin(2*PI*1000*t)*lt(mod(t\\,0.5)\\,0.004)+0.004*sin(2*PI*300*t)':s=48000"
    heard = hall.heard(hall.timeline((hall.clip(clicks), 24, {"gain": Decimal(12)})))
    peak = 20 * np.log10(loudness.true_peak(heard.astype(np.float32)))
    assert -1.7 < peak <= -1.5 + 0.01
    assert np.abs(heard[4800:20000]).max() == pytest.approx(0.004 * 10 ** ((-1.5 - 20 * np.log10(0.8)) / 20), rel=0.1)


@pytest.mark.parametrize("level", [0.0015, 0.0])
def test_a_hush_stays_one(hall: Hall, level: float) -> None:
    heard = hall.heard(hall.timeline((hall.clip(tone(440, level)), 24)))
    assert np.abs(heard).max() == pytest.approx(level, abs=1e-4)


def test_a_clip_of_our_own_renderer_keeps_its_bed_under_its_speech(hall: Hall) -> None:
    film = hall.timeline((hall.clip(tone(440, 0.01)), 24, {"origin": Origin("local/animatic")}))
    assert np.abs(hall.heard(film)).max() == pytest.approx(0.01 * 10 ** (4 / 20), rel=0.01)


def test_gain_is_added_and_mute_is_silent(hall: Hall) -> None:
    clip = hall.clip(tone())
    film = hall.timeline((clip, 24), (clip, 24, {"gain": Decimal("-6.5")}), (clip, 24, {"gain": None}))
    parts = [rms(hall.heard(film)[n * RATE + 1000 : (n + 1) * RATE - 1000]) for n in range(3)]
    assert parts[1] - parts[0] == pytest.approx(-6.5, abs=0.05)
    assert parts[2] < -120


def test_a_shot_of_a_few_frames_is_as_loud_as_the_others(hall: Hall) -> None:
    clip = hall.clip(tone(1000, 0.02))
    film = hall.timeline((clip, 24), (clip, 5))
    heard = hall.heard(film)
    assert rms(heard[RATE + 500 : RATE + 5 * FRAME - 500]) == pytest.approx(rms(heard[1000:40000]), abs=0.3)


def test_nothing_clicks_where_sounds_start_join_and_end(hall: Hall) -> None:
    """A full step of this tone is 0.018 at most from one sample to the next; a cut in it would be up to twenty times."""
    clip = hall.clip(tone(440, 0.3), length=2)
    late = {"source": Span(Fraction(1, 7), Fraction(1))}
    shots: list[tuple[Any, ...]] = [
        (clip, 24),
        (clip, 24, late),
        (clip, 24, {"lead": 5, **late}),
        (clip, 24, {"linger": 7}),
        (clip, 24),
    ]
    heard = hall.heard(hall.timeline(*shots, (hall.clip(""), 12), (clip, 12)))
    top = np.abs(heard).max()
    steps = np.abs(np.diff(heard[:, 0], prepend=0, append=0))
    assert steps.max() < 2 * np.pi * 440 / RATE * top + top * np.pi / 2 / pcm.FADE
    assert rms(heard[RATE - 400 : RATE + 400]) > rms(heard[5000:20000]) - 4, "no hole at a join"


def test_one_recording_in_two_shots_is_as_if_uncut(hall: Hall) -> None:
    clip = hall.clip(tone(441, 0.3), length=2)
    whole = hall.heard(hall.timeline((clip, 48)))
    halves = hall.timeline((clip, 24), (clip, 24, {"source": Span(Fraction(1), Fraction(1))}))
    assert np.abs(hall.heard(halves) - whole).max() < 2e-3


def test_a_clip_that_ends_early_fades_and_is_silent(hall: Hall) -> None:
    at_its_peak = "aevalsrc=0.3*cos(440*2*PI*t):s=48000"
    heard = hall.heard(hall.timeline((hall.clip(at_its_peak, length=0.5), 24)))
    assert rms(heard[20000:23000]) > -30
    assert np.abs(heard[RATE // 2 + 10 :]).max() < 1e-6
    assert np.abs(np.diff(heard[:, 0])).max() < 0.03


def two(hall: Hall, before: dict[str, object], after: dict[str, object]) -> np.ndarray:
    low, high = hall.clip(tone(500, 0.1), length=2), hall.clip(tone(2000, 0.1), length=2)
    start = Span(Fraction(1, 2), Fraction(1))
    film = hall.timeline((low, 24, {"source": start, **before}), (high, 24, {"source": start, **after}))
    return hall.heard(film)


def part(heard: np.ndarray, frame: int, frequency: int) -> float:
    """A tone's strength within a frame of the film, in dB of what it is at its steadiest."""
    steady = max(strength(heard[n * FRAME : (n + 1) * FRAME], frequency) for n in (4, 40))
    return strength(heard[frame * FRAME + 260 : (frame + 1) * FRAME], frequency) - steady


def test_a_j_cut_moves_the_edit_of_the_sound_to_earlier(hall: Hall) -> None:
    heard = two(hall, {}, {"lead": 6})
    assert part(heard, 17, 500) > -1 and part(heard, 17, 2000) < -40
    assert part(heard, 18, 500) < -40 and part(heard, 18, 2000) > -1
    assert part(heard, 24, 2000) > -1
    # To the sample: before the edit nothing of the later shot is there.
    assert np.abs(heard[18 * FRAME - 48 : 18 * FRAME, 0] - heard[6 * FRAME - 48 : 6 * FRAME, 0]).max() < 1e-3


def test_an_l_cut_moves_the_edit_of_the_sound_to_later(hall: Hall) -> None:
    heard = two(hall, {"linger": 6}, {})
    assert part(heard, 29, 500) > -1 and part(heard, 29, 2000) < -40
    assert part(heard, 30, 500) < -40 and part(heard, 30, 2000) > -1


def test_between_a_lead_and_a_tail_both_are_heard(hall: Hall) -> None:
    heard = two(hall, {"linger": 4}, {"lead": 4})
    for frame, low, high in ((19, True, False), (20, True, True), (27, True, True), (28, False, True)):
        assert (part(heard, frame, 500) > -3, part(heard, frame, 2000) > -3) == (low, high), frame


def test_leads_and_tails_stay_within_the_film_and_silent_clips_move_nothing(hall: Hall) -> None:
    clip = hall.clip(tone(500), length=2)
    long = {"lead": 40, "linger": 40}
    assert len(hall.heard(hall.timeline((clip, 12, long), (clip, 9, long), (clip, 12, long)))) == 33 * FRAME
    silent = hall.clip("")
    plain = hall.heard(hall.timeline((clip, 24), (silent, 12), (clip, 24)))
    moved = hall.heard(hall.timeline((clip, 24), (silent, 12, long), (clip, 24)))
    muted = hall.heard(hall.timeline((clip, 24), (clip, 12, {**long, "gain": None}), (clip, 24)))
    assert np.array_equal(plain, moved) and np.array_equal(plain, muted)


def test_under_a_transition_the_sounds_cross_at_an_even_power(hall: Hall) -> None:
    heard = two(hall, {}, {"join": Join("dissolve", 12)})
    assert part(heard, 23, 2000) < -40
    levels = [rms(heard[n * FRAME : (n + 1) * FRAME]) for n in range(20, 40)]
    assert levels[-1] - 0.6 < min(levels) and max(levels) < levels[0] + 0.3, "no hole, and no swell"
    for frame in (29, 30):
        assert part(heard, frame, 500) == pytest.approx(-3, abs=1.2)
        assert part(heard, frame, 2000) == pytest.approx(-3, abs=1.2)
    assert part(heard, 36, 500) < -40


def speech(*spans: tuple[Fraction, Fraction]) -> tuple[Line, ...]:
    return tuple(Line("Mira", "Not tonight.", start, length) for start, length in spans)


def test_music_gives_way_to_speech_and_comes_back(hall: Hall) -> None:
    music = hall.file("music.wav", "-f", "lavfi", "-i", tone(3000) + ":d=12")
    clip = hall.clip(tone(300), length=2)
    lines = {"lines": speech((Fraction(1), Fraction(1, 2)))}
    film = hall.timeline((clip, 48), (clip, 144, lines), mix=replace_mix(music=music))
    # The first shot has no lines, so what is heard of it counts; the second one is spoken in from 3 s to 3.5 s.
    heard = hall.heard(film)
    at = {t: strength(heard[round(t * RATE) : round(t * RATE) + 4800], 3000) for t in (0.5, 1.7, 2.7, 3.2, 3.4, 4.2, 5)}
    alone = strength(
        hall.heard(hall.timeline((hall.clip(""), 144), mix=replace_mix(music=music)))[RATE : 2 * RATE], 3000
    )
    assert at[4.2] == pytest.approx(alone, abs=0.1)
    assert {t: round(alone - at[t]) for t in (0.5, 1.7, 2.7, 3.2, 3.4)} == {0.5: 12, 1.7: 12, 2.7: 0, 3.2: 12, 3.4: 12}


def replace_mix(**fields: object) -> Asked:
    return LEVEL._replace(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "ogg", "m4a", "opus"])
def test_music_of_every_kind_repeats_without_a_seam_and_ends_with_the_film(hall: Hall, ending: str) -> None:
    music = hall.file(f"loop.{ending}", "-f", "lavfi", "-i", tone(1001, 0.02) + ":d=3")
    film = hall.timeline((hall.clip(""), 24 * 7), mix=replace_mix(music=music))
    heard = hall.heard(film)
    assert len(heard) == 7 * RATE
    steps = np.abs(np.diff(heard[4800 : 5 * RATE, 0])).max()
    assert steps < 1.7 * 2 * np.pi * 1001 / RATE * np.abs(heard[4800:RATE]).max(), "no step where a round begins"
    levels = [rms(heard[n : n + 4800]) for n in range(4800, 5 * RATE - 4800, 4800)]
    assert max(levels) - min(levels) < 3.5, "two rounds of one tone may add or cancel a little where they cross"
    assert measured_level(heard[RATE : 2 * RATE]) == pytest.approx(-16, abs=1)
    assert rms(heard[-RATE:]) < rms(heard[RATE : 2 * RATE]) - 6
    assert np.abs(heard[-3:]).max() < 1e-4 and np.abs(heard[:1]).max() < 1e-3
    assert not hall.noted


def measured_level(heard: np.ndarray) -> float:
    found = loudness.measure(lambda a, b: heard[a:b].astype(np.float32), len(heard)).loudness
    assert found is not None
    return found / 100


def test_room_tone_keeps_its_own_level(hall: Hall) -> None:
    room = hall.file("room.wav", "-f", "lavfi", "-i", tone(200, 0.001) + ":d=2")._replace(gain=Decimal(6))
    heard = hall.heard(hall.timeline((hall.clip(""), 48), mix=replace_mix(room_tone=room)))
    assert np.abs(heard[4800:RATE]).max() == pytest.approx(0.001 * 10 ** (6 / 20), rel=0.05)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("playlist.mp3", "#EXTM3U\n#EXTINF:1,\nfile://{secret}\n", "isn't sound by its bytes"),
        ("list.wav", "ffconcat version 1.0\nfile '{secret}'\n", "isn't sound by its bytes"),
        ("noise.mp3", "ID3\x03" + "x" * 400 + "file://{secret}", "can't be used"),
        (
            "hidden.mp3",
            "ID3\x04" + "\0" * 6 + "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
            "can't be used",
        ),
        ("broken.wav", "RIFF\x00\x00\x00\x00WAVEfmt ", "can't be used"),
    ],
)
def test_music_that_is_none_opens_nothing_and_the_film_is_without_it(
    fresh: Hall, name: str, text: str, words: str
) -> None:
    secret = fresh.file("secret.ts", "-f", "lavfi", "-i", tone() + ":d=1")
    (fresh.folder / name).write_text(text.format(secret=secret.file))
    film = fresh.timeline((fresh.clip(""), 24), mix=replace_mix(music=fresh.bed(fresh.folder / name)))
    assert np.abs(fresh.heard(film)).max() == 0
    assert len(fresh.noted) == 1 and words in fresh.noted[0] and name in fresh.noted[0]


def test_music_that_changed_since_it_was_read_is_not_played(fresh: Hall) -> None:
    music = fresh.file("music.wav", "-f", "lavfi", "-i", tone() + ":d=1")._replace(sha256="0" * 64)
    assert np.abs(fresh.heard(fresh.timeline((fresh.clip(""), 24), mix=replace_mix(music=music)))).max() == 0
    assert "changed" in fresh.noted[0]


BEEP = "aevalsrc='0.5*sin(2*PI*1000*t)*between(t\\,{at}\\,{at}+0.1)':s={rate}"


@pytest.mark.parametrize("rate", [44100, 48000, 22050])
@pytest.mark.parametrize("codec", ["flac", "aac"])
def test_a_beep_is_where_it_was(hall: Hall, rate: int, codec: str) -> None:
    clip = hall.clip(BEEP.format(at=0.25, rate=rate), "-c:a", codec)
    assert onset(hall.heard(hall.timeline((clip, 24)))) == pytest.approx(RATE / 4, abs=200)


@pytest.mark.parametrize("offset", [0.3, -0.2])
def test_sound_that_starts_late_or_before_the_picture_stays_in_sync(hall: Hall, offset: float) -> None:
    """A beep 0.4 s after the sound's own start, which stands before or after the picture's."""
    clip = hall.clip(BEEP.format(at=0.4, rate=48000), "-c:a", "aac", before=("-itsoffset", str(offset)))
    with av.open(str(clip.path)) as opened:
        zero = min(float(stream.start_time * stream.time_base) for stream in opened.streams)  # type: ignore[operator]
    assert onset(hall.heard(hall.timeline((clip, 24)))) == pytest.approx((0.4 + offset - zero) * RATE, abs=480)


def test_a_hole_in_the_sound_stays_as_long_as_it_is(hall: Hall) -> None:
    clip = hall.clip(BEEP.format(at=0.75, rate=48000), "-af", "aselect=not(between(t\\,0.2\\,0.6))")
    assert onset(hall.heard(hall.timeline((clip, 24)))) == pytest.approx(RATE * 3 / 4, abs=480)


def test_a_trim_deep_in_a_clip_starts_at_its_sample(hall: Hall) -> None:
    clip = hall.clip(BEEP.format(at=8.5, rate=44100), "-c:a", "aac", length=10)
    shown = {"source": Span(Fraction(8), Fraction(1))}
    assert onset(hall.heard(hall.timeline((clip, 24, shown)))) == pytest.approx(RATE / 2, abs=240)


@pytest.mark.parametrize("speed", [Fraction(1, 2), Fraction(4, 5), Fraction(3), Fraction(5)])
def test_a_retimed_clip_keeps_its_pitch_and_its_place(hall: Hall, speed: Fraction) -> None:
    clip = hall.clip(f"aevalsrc='0.2*sin(2*PI*1000*t)*gt(t\\,{float(speed / 2)})':s=48000", length=5)
    heard = hall.heard(hall.timeline((clip, 24, {"source": Span(Fraction(0), speed)})))
    assert onset(heard) == pytest.approx(RATE / 2, abs=2 * FRAME)
    spectrum = np.abs(np.fft.rfft(heard[30000:46000, 0]))
    assert int(np.argmax(spectrum)) * RATE / 16000 == pytest.approx(1000, abs=4)


def test_mono_is_heard_on_both_sides_and_surround_is_mixed_down(hall: Hall) -> None:
    heard = hall.heard(hall.timeline((hall.clip("sine=440:r=44100"), 24)))
    assert np.array_equal(heard[:, 0], heard[:, 1]) and rms(heard) > -30
    six = "|".join(["0"] * 4 + ["0.2*sin(700*2*PI*t)", "0"])
    behind = hall.heard(hall.timeline((hall.clip(f"aevalsrc={six}:s=48000:c=5.1"), 24)))
    assert rms(behind[:, 0]) > -30 > -90 > rms(behind[:, 1])


def test_sound_that_cannot_be_decoded_is_silence_and_said(fresh: Hall) -> None:
    good = fresh.clip(tone())
    with fresh.store.workspace() as folder:
        (folder / "clip.mp4").write_bytes(good.path.read_bytes()[:900])
        bad = fresh.store.put("b" * 64, {"clip": folder / "clip.mp4"}, {}).outputs["clip"]
    heard = fresh.heard(fresh.timeline((bad, 12), (good, 12)))
    assert np.abs(heard[: 12 * FRAME]).max() == 0 < rms(heard[12 * FRAME :]) + 60
    assert [note.split(":")[0] for note in fresh.noted] == ["s0"]


def test_a_slate_is_silent(hall: Hall) -> None:
    assert np.abs(hall.heard(hall.timeline((hall.clip(tone()), 24)), slates=(0,))).max() == 0


def test_a_leader_comes_first_and_moves_the_rest(hall: Hall) -> None:
    pop = np.zeros((2 * RATE, 2), "<i2")
    pop[RATE // 2 : RATE // 2 + 4000] = 3000
    with hall.store.workspace() as folder:
        (folder / "s.raw").write_bytes(pop.tobytes())
        blob = hall.store.put("d" * 64, {"sound": folder / "s.raw"}, {}).outputs["sound"]
    film = hall.timeline((hall.clip(BEEP.format(at=0.25, rate=48000)), 24))
    plain = hall.heard(film)
    heard = hall.heard(film, Head(48, blob))
    assert len(heard) == 3 * RATE
    assert onset(heard) == RATE // 2 and np.abs(heard[RATE : 2 * RATE]).max() == 0
    assert np.abs(heard[2 * RATE :] - plain).max() < 1e-6


VOICE = f"""#!{sys.executable}
import math, struct, sys, wave
target = sys.argv[sys.argv.index("-w") + 1]
with wave.open(target, "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(22050)
    sound.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n * 0.2))) for n in range(8000)))
"""
"""A voice that takes espeak-ng's options and hums for a third of a second."""


def test_scratch_dialogue_is_spoken_where_a_clip_has_no_sound(fresh: Hall) -> None:
    voice = fresh.folder / "voice"
    voice.write_text(VOICE, "utf-8")
    voice.chmod(0o755)
    lines = {"lines": speech((Fraction(1, 2), Fraction(1)))}
    silent, own = fresh.clip(""), fresh.clip(tone(2000))
    film = fresh.timeline((silent, 24, {**lines, "lead": 3}), (own, 24, lines), mix=replace_mix(scratch=True))
    assert np.abs(fresh.heard(film)[:RATE]).max() == 0, "no voice, no words"
    fresh.tools = replace(fresh.tools, voice=voice)
    heard = fresh.heard(film)
    assert onset(heard) == pytest.approx(RATE // 2, abs=500)
    assert measured_level(heard[:RATE]) == pytest.approx(-16, abs=0.5)
    assert strength(heard[RATE + 20000 : RATE + 40000], 702) < strength(heard[24500:38000], 702) - 30
    assert np.abs(fresh.heard(fresh.timeline((silent, 24, lines)))).max() == 0, "it wasn't asked for"
    before = fresh.records()
    fresh.heard(film)
    assert fresh.records() == before


def test_a_changed_clip_is_conformed_alone_and_costs_only_its_stretches(fresh: Hall) -> None:
    lengths = (4, 1, 5)
    shots = [(fresh.clip(tone(300 + 50 * n, 0.05), length=s), 24 * s) for n, s in enumerate(lengths)]
    fresh.packets(fresh.timeline(*shots))
    before = fresh.records()
    first, _ = fresh.packets(fresh.timeline(*shots))
    assert fresh.records() == before, "nothing is made twice"
    changed = fresh.clip(tone(200, 0.05))
    before = fresh.records()
    second, _ = fresh.packets(fresh.timeline(shots[0], (changed, 24), shots[2]))
    assert len(fresh.records() - before) == 2, "its sound, and one stretch"
    differ = [n for n, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    assert min(differ) >= sound.STRETCH and max(differ) < 2 * sound.STRETCH


def test_the_decoded_film_is_the_mix_sample_by_sample(hall: Hall) -> None:
    film = hall.timeline((hall.clip(tone(441, 0.2), length=7), 24 * 7))
    packets, length = hall.packets(film)
    assert length == 7 * RATE
    assert len(packets) == -(-length // 1024) + 1
    assert rms(decoded(packets, length) - hall.heard(film)) < rms(hall.heard(film)) - 35


def noise(seed: int, level: float, length: int = RATE) -> np.ndarray:
    """Low-passed noise with bursts, as whole numbers."""
    chance = np.random.default_rng(seed)
    rough = chance.standard_normal((length, 2)).cumsum(0)
    rough -= np.linspace(0, 1, length)[:, None] * rough[-1]
    rough += chance.standard_normal((length, 2)) * 20 * (chance.random((length, 1)) > 0.999)
    return np.asarray(rough / np.abs(rough).max() * level * 32767, "<i2")


@pytest.fixture(scope="module")
def loud(hall: Hall) -> list[Blob]:
    """Sounds that together pass full scale."""
    found = []
    for n in range(3):
        with hall.store.workspace() as folder:
            (folder / "s.raw").write_bytes(noise(n, 0.95).tobytes())
            found.append(hall.store.put(f"{n}" * 64, {"sound": folder / "s.raw"}, {}).outputs["sound"])
    return found


@st.composite
def mixes(draw: Callable[..., Any]) -> list[tuple[int, int, int, int, bool]]:
    """Starts, lengths, gains, fades: overlapping sounds in a film of a second."""
    number = draw(st.integers(1, 4))
    spans = [(draw(st.integers(0, RATE - 2000)), draw(st.integers(500, RATE))) for _ in range(number)]
    return [
        (
            start,
            min(length, RATE - start),
            draw(st.integers(-900, 600)),
            draw(st.integers(1, 4000)),
            draw(st.booleans()),
        )
        for start, length in spans
    ]


def built(loud: list[Blob], parts: list[tuple[int, int, int, int, bool]]) -> Mix:
    placed = [
        Placed(loud[n % 3], start, start, start + length, Fade(fade, level), Fade(fade // 2 + 1, level), gain)
        for n, (start, length, gain, fade, level) in enumerate(sorted(parts))
    ]
    return Mix(RATE, tuple(placed), (), ())


@often(25)
@given(parts=mixes(), cuts=st.sets(st.integers(1, RATE - 1), max_size=6))
def test_a_mix_in_stretches_is_the_mix_as_a_whole(
    loud: list[Blob], parts: list[tuple[int, int, int, int, bool]], cuts: set[int]
) -> None:
    mix = built(loud, parts)
    whole = mix.render(0, RATE)
    edges = [0, *sorted(cuts), RATE]
    pieces = [mix.render(a, b) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(pieces), whole)
    assert 20 * np.log10(loudness.true_peak(whole) + 1e-9) <= -1.4


def test_the_limiter_leaves_alone_what_is_not_near_a_peak(loud: list[Blob]) -> None:
    parts = [(0, RATE, -1200, 1, False)]
    quiet = built(loud, parts).render(0, RATE)
    expected = np.fromfile(loud[0].path, "<i2").reshape(-1, 2) / 32768 * 10 ** (-12 / 20)
    assert np.abs(quiet[10:-10] - expected[10:-10]).max() < 1e-6
    burst = np.zeros((RATE, 2), np.float32)
    burst[24000:24100] = 1.4
    burst[12000:12100] = 0.5
    held = limit.limited(burst)
    assert np.array_equal(held[: 20000 - limit.MARGIN], burst[limit.MARGIN : 20000])
    assert np.abs(held).max() <= 10 ** (limit.CEILING / 2000)


def test_stretches_with_beds_speech_and_moved_edits_are_the_whole(hall: Hall) -> None:
    music = hall.file("bed.wav", "-f", "lavfi", "-i", "anoisesrc=d=1.7:a=0.9:seed=5:c=pink:r=48000")
    shots = [(hall.clip(tone(300, 0.4), length=2), 20, {"lead": n, "linger": 7 - n}) for n in range(7)]
    spoken = (hall.clip(tone(600, 0.4), length=2), 24, {"lines": speech((Fraction(1, 4), Fraction(1, 3)))})
    film = hall.timeline(*shots, spoken, mix=replace_mix(music=music, room_tone=music._replace(duck=Decimal(0))))
    mix = lay(film, hall.sounds(film), None)
    whole = mix.render(0, mix.length)
    assert mix.length == samples(164, FPS)
    edges = [0, 1024, 70001, 70010, 150000, 240640, mix.length]
    pieces = [mix.render(a, b) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(pieces), whole)
    assert 20 * np.log10(loudness.true_peak(whole)) <= -1.4


def test_what_a_stretch_is_made_of_says_whether_its_samples_are_the_same(hall: Hall) -> None:
    """The key of a stretch changes where its samples do, and nowhere else."""
    music = hall.file("key.wav", "-f", "lavfi", "-i", tone(3000) + ":d=2")
    lines = {"lines": speech((Fraction(1, 4), Fraction(1, 2)))}
    clips = [hall.clip(tone(300 + 100 * n)) for n in range(4)]
    plain: list[tuple[Any, ...]] = [(clip, 24, {}) for clip in clips]
    changes = [
        [(clips[1], 24, {}), *plain[1:]],
        [(clips[0], 24, {"gain": Decimal(-3)}), *plain[1:]],
        [plain[0], (clips[1], 24, {"lead": 3}), *plain[2:]],
        [(clips[0], 24, {"linger": 3}), *plain[1:]],
        [plain[0], (clips[1], 24, {"join": Join("dissolve", 6)}), *plain[2:]],
        [(clips[0], 24, lines), *plain[1:]],
        [(clips[0], 23, {}), (clips[1], 25, {}), *plain[2:]],
    ]

    def look(shots: list[tuple[Any, ...]], mix: Asked) -> list[tuple[str, bytes]]:
        film = hall.timeline(*shots, mix=mix)
        laid = lay(film, hall.sounds(film), None)
        parts = [(n * RATE, (n + 1) * RATE) for n in range(4)]
        return [(digest.of(laid.content(*one)), laid.render(*one).tobytes()) for one in parts]

    for mix in (LEVEL, replace_mix(music=music)):
        base = look(plain, mix)
        for shots in changes:
            for (key, data), (other_key, other) in zip(base, look(shots, mix), strict=True):
                assert (data == other) or key != other_key
            assert look(shots, mix)[3][0] == base[3][0], "the last second has nothing to do with it"
