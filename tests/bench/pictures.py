"""What takes seconds: cutting again, cutting afresh, their memory, and the animatic."""

import importlib.util
import json
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from operator import truediv
from pathlib import Path

from films import FFMPEG, FPS, MANY, SECONDS, SHOTS, Clips, Film, busy, settle
from measure import BIN, EVERY, PYTHON, Memory, Result, Runner, Spent, interleaved

from storyboard import digest
from storyboard.animatic import Panel, render
from storyboard.cut import conform
from storyboard.media import probe

_CHANGED = {SHOTS: (11, 3, 17), MANY: (130, 30, 185)}
"""Number of shots -> the shot that gets another clip in each round."""
_FLOOR, _FILTER, _MOVIEPY, _COLD, _MEMORY = 2, 8, 30, 1.0, 400
"""Goals: at most twice the floor; that many times faster; no slower; MB."""
_CUT = (BIN / "storyboard", "cut")
_ENCODER = ("-nostdin", "-v", "error", "-y")
_STEP = re.compile(r"^\S+  ([a-z ]+)  ([0-9.]+) s$", re.MULTILINE)
"""A step that ended, as `cut` tells it on standard error."""
_JOINED = """
import json
import sys
from moviepy import VideoFileClip, concatenate_videoclips

*sources, target, options = sys.argv[1:]
film = concatenate_videoclips([VideoFileClip(source) for source in sources])
film.write_videofile(target, fps=24, codec="libx264", audio_codec="aac", logger=None, **json.loads(options))
"""
"""A cut as moviepy's documentation makes it."""
_ABSENT = "moviepy isn't installed: nothing to compare with"
_QUICK = {"preset": "veryfast", "ffmpeg_params": ["-crf", "18"]}


class _Floor:
    """The least that a re-cut is with ffmpeg's own program: one clip conformed, then all of them stream-copied.

    It encodes the clip with the cut's own options, and its sound to PCM. All other clips are conformed beforehand, and
    the sound of every one is AAC already: it measures, mixes, encodes and checks nothing, and draws no contact sheet.
    """

    def __init__(self, clips: Clips, runner: Runner) -> None:
        self._folder = clips.folder / "conformed"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._runner = runner

    def prepare(self, clips: Sequence[Path], new: Sequence[Path]) -> None:
        """Conform `clips`, and encode their sound and that of `new` ones, where this run hasn't yet."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._sound, {*clips, *new}))
            list(pool.map(self.conform, [one for one in {*clips} if not self.picture(one).exists()]))

    def picture(self, clip: Path) -> Path:
        """Where a clip's conformed picture is."""
        return self._folder / clip.name

    def recut(self, clip: Path, film: Sequence[Path], target: Path) -> list[Spent]:
        """Conform `clip`, and copy the whole film to `target`."""
        return [self.conform(clip), self._copy(film, target)]

    def conform(self, clip: Path) -> Spent:
        """As `storyboard.cut.conform` does, without stills."""
        frames = SECONDS * FPS
        chain = (
            f"[0:V:0]null,fps={FPS}/1:start_time=0,tpad=stop=-1:stop_mode=clone,trim=end_frame={frames},"
            f"scale=1280:720:force_original_aspect_ratio=decrease:force_divisible_by=2:{probe(clip).to_bt709},"
            "pad=1280:720:-1:-1:black,setsar=1,format=yuv420p,"
            "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709[video]"
        )
        return self._ffmpeg(
            *("-threads", conform.THREADS, "-i", clip, "-filter_complex", chain, "-filter_complex_threads", 1),
            *("-map", "[video]", "-frames:v", frames, *conform.encoding(Fraction(FPS)), self.picture(clip)),
            *("-map", "0:a:0", "-ar", 48000, "-ac", 2, "-c:a", "pcm_s16le", "-f", "s16le", f"{clip.stem}.raw"),
        )

    def _sound(self, clip: Path) -> None:
        path = self._folder / f"{clip.stem}.m4a"
        if not path.exists():
            self._ffmpeg("-i", clip, "-vn", "-ar", 48000, "-ac", 2, "-c:a", "aac", "-b:a", "256k", "-bitexact", path)

    def _copy(self, film: Sequence[Path], target: Path) -> Spent:
        for suffix in ("mp4", "m4a"):
            lines = [f"file '{clip.stem}.{suffix}'\n" for clip in film]
            (self._folder / f"{suffix}.txt").write_text("".join(lines), "utf-8")
        return self._ffmpeg(
            *("-f", "concat", "-i", "mp4.txt", "-f", "concat", "-i", "m4a.txt", "-map", "0:v", "-map", "1:a"),
            *("-c", "copy", "-movflags", "+faststart", target),
        )

    def _ffmpeg(self, *arguments: object) -> Spent:
        return self._runner.run([FFMPEG, *_ENCODER, *map(str, arguments)], self._folder)


def recut(folder: Path, runner: Runner) -> list[Result]:
    """The second cut of 24 shots with one new clip; the concat filter and moviepy keep nothing from the first."""
    again = _Again("recut", folder, runner, SHOTS)
    again.round(0)
    whole = _filtered(again.clips, folder / "filter.mp4", runner)
    again.round(1)
    documented, quick = _joined(again.clips, folder, runner, {}), None
    again.round(2)
    if documented:
        quick = _joined(again.clips, folder, runner, _QUICK)
        _took(again.folder).write_text(str(documented.wall), "utf-8")
    note = f"with preset veryfast and crf 18: {quick.wall:.1f} s, {quick.wall / again.wall:.1f}x" if quick else _ABSENT
    return [
        *again.results(),
        again.faster("concat filter", whole, _FILTER, []),
        again.faster("moviepy", documented, _MOVIEPY, [note]),
    ]


def recut200(folder: Path, runner: Runner) -> list[Result]:
    """The second cut of 200 shots with one new clip.

    The 200 shots show 24 clips, again and again: what is conformed is kept by content, so the first cut conforms 24
    files and not 200, which would take minutes and be measured by nobody. A changed shot gets a clip that nothing
    else shows. Ours and the floor read the same 24 conformed pictures, and write all 24,000 frames.

    The concat filter gets all 200 clips, and is stopped once it has taken 10 times as long as our first re-cut: its
    ratio is then a lower bound. moviepy isn't run: it keeps every clip open, which took 4 GB for 24.
    """
    again = _Again("recut200", folder, runner, MANY)
    again.round(0)
    whole = _filtered(again.clips, folder / "filter.mp4", runner, limit=(_FILTER + 2) * again.wall)
    again.round(1)
    again.round(2)
    return [*again.results(), again.faster("concat filter", whole, _FILTER, []), _bound(again)]


def _bound(again: "_Again") -> Result:
    """moviepy's time for 24 such shots is less than for 200: a lower bound, where this run has measured it."""
    name, goal = "recut200: moviepy", f">= {_MOVIEPY}x faster"
    if not _took(again.folder).exists():
        note = f"moviepy wasn't run over {MANY} clips, nor before this in the same run over {SHOTS}"
        return Result(name, "wall, s", again.wall, notes=[note])
    wall = float(_took(again.folder).read_text("utf-8"))
    note = f"baseline: moviepy's cut of {SHOTS} such shots; it wasn't run over {MANY}"
    met = True if wall / again.wall >= _MOVIEPY else None
    return Result(name, "wall, s", again.wall, wall, wall / again.wall, goal, met, [note])


def _took(folder: Path) -> Path:
    return folder.parent / "moviepy.txt"


class _Again:
    """A film that was cut once, and is cut again with one shot changed, by us and by the floor, in turn."""

    def __init__(self, name: str, folder: Path, runner: Runner, shots: int) -> None:
        self._name, self.folder, self._runner = name, folder, runner
        self._all = Clips(folder.parent / "clips", runner)
        self._shown, self._changed = self._all.spread(shots), _CHANGED[shots]
        self._new = [self._all.clip(SHOTS + n) for n in range(len(self._changed))]
        self._film = Film(folder, self._shown)
        settle()
        self._first = runner.timed(_CUT, folder)
        self._floor = _Floor(self._all, runner)
        self._floor.prepare(self.clips, self._new)
        settle()
        self._ours, self._least = list[Spent](), list[list[Spent]]()

    def round(self, number: int) -> None:
        """Change one shot, and cut."""
        shot, clip, cut = self._changed[number], self._new[number], self.folder / "build" / "draft" / "cut.mp4"
        self._shown[shot] = clip
        self._film.change(shot, clip)
        before = cut.stat().st_mtime_ns
        self._ours.append(self._runner.timed(_CUT, self.folder))
        self._least.append(self._floor.recut(clip, self.clips, self.folder / "floor.mp4"))
        assert cut.stat().st_mtime_ns != before, "the cut is the old one"
        _require_length(len(self._shown), cut, self.folder / "floor.mp4")

    @property
    def clips(self) -> list[Path]:
        """The film's clips as they are now."""
        return list(self._shown.values())

    @property
    def wall(self) -> float:
        """Seconds that our re-cut takes: the median so far."""
        return statistics.median(one.wall for one in self._ours)

    def results(self) -> list[Result]:
        """Ours against the floor: wall and CPU."""
        samples = {
            "ours": [one.wall for one in self._ours],
            "floor": [sum(part.wall for part in one) for one in self._least],
            "ours, CPU": [one.cpu for one in self._ours],
            "floor, CPU": [sum(part.cpu for part in one) for one in self._least],
        }
        rounds = map(truediv, samples["ours"], samples["floor"])
        ours, floor, ours_cpu, floor_cpu = map(statistics.median, samples.values())
        parts = [statistics.median(part.wall for part in one) for one in zip(*self._least, strict=True)]
        goal, name = f"<= {_FLOOR}x", self._name
        notes = [
            f"a re-cut: {_told(sorted(self._ours, key=lambda one: one.wall)[len(self._ours) // 2])}",
            f"the floor: conforming {parts[0]:.1f} s, copying {parts[1]:.1f} s; {self._compared()}",
            f"ours: {_listed(samples['ours'])}; floor: {_listed(samples['floor'])}; ratio by round: {_listed(rounds, 2)}",
            f"our first cut of it: {_told(self._first)}",
        ]
        return [
            Result(name, "wall, s", ours, floor, ours / floor, goal, ours <= _FLOOR * floor, notes, samples),
            Result(f"{name}: CPU", "CPU of the tree, s", ours_cpu, floor_cpu, ours_cpu / floor_cpu),
        ]

    def faster(self, name: str, other: Spent | None, goal: float, notes: Sequence[str]) -> Result:
        """Ours against something that makes the whole film anew, or was stopped before it had."""
        name, ours = f"{self._name}: {name}", self.wall
        if other is None:
            return Result(name, "wall, s", ours, notes=notes)
        ratio = other.wall / ours
        if not other.ended:
            notes = [*notes, f"stopped, unfinished, after {other.wall:.0f} s: the ratio is a lower bound"]
        met = None if ratio < goal and not other.ended else ratio >= goal
        notes = [*notes, "one run"]
        return Result(name, "wall, s", ours, other.wall, ratio, f">= {goal}x faster", met, notes)

    def _compared(self) -> str:
        """Whether the floor's clip is what ours is, byte for byte; if not, their encodings went apart."""
        kept = self.folder / ".storyboard" / "cas"
        same = all((kept / digest.sha256_file(self._floor.picture(clip))).exists() for clip in self._new)
        return f"its clips are {'byte for byte ours' if same else 'NOT the bytes that ours are'}"


def cold(folder: Path, runner: Runner) -> list[Result]:
    """The first cut of 24 clips, against ffmpeg's concat filter on every core."""
    shown = Clips(folder.parent / "clips", runner).spread(SHOTS)
    Film(folder / "warm", {0: shown[0]})
    runner.timed(_CUT, folder / "warm")  # bytecode
    ours, theirs = list[Spent](), list[Spent]()
    for n in range(2):
        place = folder / str(n)
        Film(place, shown)
        settle()
        ours.append(runner.timed(_CUT, place))
        theirs.append(_filtered(list(shown.values()), folder / "filter.mp4", runner))
        _require_length(SHOTS, place / "build" / "draft" / "cut.mp4", folder / "filter.mp4")
    walls = {"ours": [one.wall for one in ours], "concat filter": [one.wall for one in theirs]}
    cpus = {"ours": [one.cpu for one in ours], "concat filter": [one.cpu for one in theirs]}
    wall, other = map(statistics.median, walls.values())
    cpu, other_cpu = map(statistics.median, cpus.values())
    notes = [
        f"ours: {_told(min(ours, key=lambda one: one.wall))}",
        f"ours: {_listed(walls['ours'])}; concat filter: {_listed(walls['concat filter'])}",
    ]
    goal, met = f"<= {_COLD:.1f}x", wall <= _COLD * other
    return [
        Result("cold", "wall, s", wall, other, wall / other, goal, met, notes, walls),
        Result("cold: CPU", "CPU of the tree, s", cpu, other_cpu, cpu / other_cpu, samples=cpus),
    ]


def memory(folder: Path, runner: Runner) -> list[Result]:
    """The most memory that a cut of 200 shots takes, the first one and the next: Python and every ffmpeg together.

    The shots show 24 clips, as in `recut200`; the film is as long as with 200, and as many clips are open at once.
    """
    clips = Clips(folder.parent / "clips", runner)
    film = Film(folder, clips.spread(MANY))
    first = runner.watch(_CUT, folder)
    film.change(_CHANGED[MANY][0], clips.clip(SHOTS))
    second = runner.watch(_CUT, folder)
    _require_length(MANY, folder / "build" / "draft" / "cut.mp4")
    return [_peak(f"memory: {which} of {MANY}", peak) for which, peak in (("first cut", first), ("re-cut", second))]


def _peak(name: str, peak: Memory) -> Result:
    together = peak.root + peak.children * peak.child
    note = (
        f"Python {peak.root:.0f}, the largest of up to {peak.children} ffmpeg at once {peak.child:.0f}, "
        f"these peaks added up {together:.0f}; sampled every {EVERY * 1000:.0f} ms"
    )
    goal, met = f"< {_MEMORY} MB", peak.tree < _MEMORY
    return Result(name, "peak RSS of the tree, MB", peak.tree, _MEMORY, peak.tree / _MEMORY, goal, met, [note])


def _filtered(clips: Sequence[Path], target: Path, runner: Runner, limit: float | None = None) -> Spent:
    """One film of all clips by ffmpeg's concat filter, every frame decoded and encoded, on as many threads as it likes."""
    inputs = [part for clip in clips for part in ("-i", clip)]
    each = "[{0}:v]scale=1280:720,fps={1},setsar=1,format=yuv420p[v{0}];[{0}:a]aresample=48000[a{0}];"
    graph = "".join(each.format(n, FPS) for n in range(len(clips)))
    pads = "".join(f"[v{n}][a{n}]" for n in range(len(clips)))
    (target.parent / "graph.txt").write_text(f"{graph}{pads}concat=n={len(clips)}:v=1:a=1[v][a]", "utf-8")
    return runner.timed(
        [
            *(FFMPEG, *_ENCODER, *inputs, "-/filter_complex", "graph.txt", "-map", "[v]", "-map", "[a]"),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "aac", "-b:a", "256k"),
            *("-movflags", "+faststart", target),
        ],
        target.parent,
        limit,
    )


def _joined(clips: Sequence[Path], folder: Path, runner: Runner, options: dict[str, object]) -> Spent | None:
    """moviepy's cut; None where there is no moviepy."""
    if importlib.util.find_spec("moviepy") is None:
        return None
    target = folder / "moviepy.mp4"
    spent = runner.timed([PYTHON, "-c", _JOINED, *clips, target, json.dumps(options)], folder)
    _require_length(len(clips), target)
    return spent


def _told(spent: Spent) -> str:
    """What one cut of ours went to: its steps as it tells them, and whose CPU it was."""
    steps: dict[str, list[float]] = {}
    for doing, took in _STEP.findall(spent.err):
        steps.setdefault(doing, []).append(float(took))
    shown = [
        f"{doing} {sum(took):.1f} s{f' in {len(took)} steps, some side by side' if len(took) > 1 else ''}"
        for doing, took in steps.items()
    ]
    cpu = f"CPU: Python {spent.own:.1f} s, its ffmpegs {spent.cpu - spent.own:.1f} s"
    return f"{spent.wall:.1f} s; {', '.join([*shown, cpu])}"


def _listed(numbers: Iterable[float], places: int = 1) -> str:
    return ", ".join(f"{one:.{places}f}" for one in numbers)


def _require_length(shots: int, *films: Path) -> None:
    for film in films:
        found = probe(film).frames
        assert abs(found - shots * SECONDS * FPS) <= shots, f"{film.name} has {found} frames"


def animatic(folder: Path, runner: Runner) -> list[Result]:
    """Frames a second of two animatic clips at once, against ffmpeg's own zoom over the same picture."""
    for n in range(2):
        busy(folder / f"{n}.png", n)
    medians, samples = interleaved(
        3,
        ours=lambda: _pace(lambda n: _panel(folder, n)),
        zoompan=lambda: _pace(lambda n: _zoompan(folder, n, runner)),
    )
    ours, theirs = medians["ours"], medians["zoompan"]
    notes = [f"ratio: to the goal of 30; baseline: ffmpeg's zoompan with no lettering, {ours / theirs:.2f}x"]
    return [Result("animatic", "frames/s, wall", ours, theirs, ours / 30, ">= 30 frames/s", ours >= 30, notes, samples)]


def _pace(make: Callable[[int], None]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(2)))
    return 2 * SECONDS * FPS / (time.perf_counter() - started)


def _panel(folder: Path, number: int) -> None:
    words = "The keeper climbs to the lamp while the bay darkens behind her."
    picture = folder / f"{number}.png"
    panel = Panel(1280, 720, Fraction(FPS), SECONDS * FPS, picture, words, "slow dolly in", (), number)
    render(panel, folder / f"{number}.mp4", ffmpeg=Path(FFMPEG), voice=None, threads=1, tick=lambda _: None)


def _zoompan(folder: Path, number: int, runner: Runner) -> None:
    frames = SECONDS * FPS
    runner.run(
        [
            *(FFMPEG, "-nostdin", "-v", "error", "-y", "-i", f"{number}.png"),
            *("-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:a=0.01:r=48000", "-filter_threads", "1"),
            *(
                "-vf",
                f"zoompan=z='1+0.1*on/{frames}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={frames}:s=1280x720:fps={FPS}",
            ),
            *("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads:v", "1"),
            *("-c:a", "aac", "-shortest", f"zoompan{number}.mp4"),
        ],
        folder,
    )
