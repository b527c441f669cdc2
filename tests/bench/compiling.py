"""One compile, stage by stage, in a process of its own: `compiling.py FOLDER SHOTS`, or `compiling.py FOLDER SHOTS yaml`
for the same text read by ruamel.yaml's safe loader.
"""

import gc
import json
import resource
import sys
import time
from pathlib import Path


def spent(since: list[float]) -> float:
    """CPU seconds since the last call."""
    since.append(time.process_time())
    return since[-1] - since[-2]


def baseline(path: Path) -> dict[str, float]:
    """The text to plain values."""
    from ruamel.yaml import YAML

    text, since = path.read_text("utf-8"), [time.process_time()]
    YAML(typ="safe").load(text)
    return {"total": spent(since)}


def compiled(path: Path) -> dict[str, float]:
    """The text to a film with keys, each reference's hash remembered."""
    since = [time.process_time()]
    from storyboard.__main__ import GARBAGE

    gc.set_threshold(*GARBAGE)
    from storyboard import rules, syntax, text
    from storyboard.assets import Assets
    from storyboard.catalog import Catalog
    from storyboard.decode import decode
    from storyboard.expand import expand
    from storyboard.front import Front
    from storyboard.include import Included
    from storyboard.lint import lint
    from storyboard.memo import Memo
    from storyboard.model import Storyboard
    from storyboard.pins import Pins
    from storyboard.world import World

    assert lint
    Storyboard.model_validate({"storyboard": "1", "shots": [{"id": "a", "prompt": "b"}]})  # validators are built once
    stages = {"imports": spent(since)}
    source, _ = text.read(path, path.name)
    root, _ = syntax.parse(source)
    assert root is not None
    stages["parse"] = spent(since)
    whole, _ = expand(Included(root, path.parent).root)
    stages["expand"] = spent(since)
    board, positions, _ = decode(whole)
    assert board is not None
    assert positions is not None
    stages["decode"] = spent(since)
    memo = Memo(path.parent / "memo", time.time_ns)
    assets = Assets(path.parent, memo, Pins(path.parent / "pins"))
    rules.check(World(board, positions, Catalog(), assets))
    stages["rules"] = spent(since)
    front = Front(source, assets, path.parent, path.parent / "models")
    again = spent(since)
    film = front.film()
    stages["lower"] = spent(since) - stages["rules"]
    assert all(job and getattr(job, "key", None) for jobs in film.jobs.values() for job in jobs)
    assert again > 0
    memo.save()
    stages["total"] = sum(seconds for stage, seconds in stages.items() if stage != "imports")
    return stages


def write(folder: Path, shots: int) -> Path:
    """A film of many shots with eight characters, each shot of two of them, in scenes of 25."""
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    lines = ["storyboard: 1", "title: Wide", "style: {prompt: 35mm film, negative: text}", "characters:"]
    for n in range(8):
        (folder / f"refs/{n}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([n]) * 64)
        (folder / f"refs/{n}.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes([n]) * 64)
        lines.append(f"  c{n}: {{look: a person, references: [refs/{n}.png, refs/{n}.mp4]}}")
    lines += ["passes:", "  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}", "scenes:"]
    for n in range(shots):
        if n % 25 == 0:
            lines += [
                f"  - id: scene{n // 25:03}",
                f"    title: Scene {n // 25}",
                "    style: {prompt: rain}",
                "    shots:",
            ]
        lines += [
            f"      - id: s{n:05}",
            f'        prompt: "@c{n % 8} walks past @c{(n + 3) % 8} in shot {n}, further off than before."',
            "        camera: slow dolly in",
            f"        duration: {3 + n % 4}",
        ]
    path = folder / "storyboard.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    place, number, *yaml = sys.argv[1:]
    film = Path(place) / "storyboard.yaml"
    if not film.exists():
        write(Path(place), int(number))
    told = baseline(film) if yaml else compiled(film)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told | {"peak": peak}))
