"""What the author wrote once and means in many places, written out: `extends`, `defaults`, and a scene's passes.

Nodes are shared, never copied, so each value still stands where the author wrote it.
"""

from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import Defaults
from storyboard.syntax import Mapping, Node, Scalar, Sequence

_DEFAULTS = frozenset(field.alias or name for name, field in Defaults.model_fields.items())
_OWN = frozenset({"extends", "allow"})
"""What a pass doesn't hand on."""


def expand(root: Mapping) -> tuple[Mapping, list[Diagnostic]]:
    """The document with everything that its passes and shots inherit, and what is wrong with the inheritance."""
    found: list[Diagnostic] = []
    entries = dict(root.entries)
    passes = root.value("passes")
    if isinstance(passes, Mapping):
        _put(entries, "passes", _extended(passes, found))
    defaults = _defaults(root)
    if defaults is not None:
        _hand_down(entries, defaults, None)
    scenes = root.value("scenes")
    if isinstance(scenes, Sequence):
        _put(entries, "scenes", Sequence([_scene(scene, defaults) for scene in scenes.items], scenes.span))
    return Mapping(entries, root.span), found


def _put(entries: dict[str, tuple[Scalar, Node]], key: str, node: Node) -> None:
    entries[key] = (entries[key][0], node)


def _defaults(owner: Mapping) -> Mapping | None:
    defaults = owner.value("defaults")
    return defaults if isinstance(defaults, Mapping) else None


def _scene(scene: Node, defaults: Mapping | None) -> Node:
    if not isinstance(scene, Mapping):
        return scene
    its, passes = _defaults(scene), scene.value("passes")
    if defaults is None and its is None and passes is None:
        return scene
    entries = dict(scene.entries)
    shared = _over(its, defaults) if its and defaults else its or defaults
    _hand_down(entries, shared, passes if isinstance(passes, Mapping) else None)
    return Mapping(entries, scene.span)


def _hand_down(entries: dict[str, tuple[Scalar, Node]], defaults: Mapping | None, passes: Mapping | None) -> None:
    """Give each shot among `entries` what it doesn't say itself."""
    shots = entries["shots"][1] if "shots" in entries else None
    if not isinstance(shots, Sequence):
        return
    shared = {key: entry for key, entry in (defaults.entries if defaults else {}).items() if key in _DEFAULTS}
    made: list[Node] = []
    for item in shots.items:
        shot = item
        if isinstance(shot, Mapping):
            mixed = shared | shot.entries if shared else dict(shot.entries)
            if passes is not None:
                own = shot.value("passes")
                if own is None or isinstance(own, Mapping):
                    key = shot.entries["passes"][0] if own else next(iter(passes.entries.values()))[0]
                    mixed["passes"] = (key, _merged(own, passes))
            shot = Mapping(shot.entries | mixed, shot.span)  # the shot's own keys stay first
        made.append(shot)
    _put(entries, "shots", Sequence(made, shots.span))


def _over(own: Mapping, base: Mapping) -> Mapping:
    """`own`, and what only `base` says."""
    return Mapping(own.entries | {key: e for key, e in base.entries.items() if key not in own.entries}, own.span)


def _merged(own: Mapping | None, passes: Mapping) -> Mapping:
    """A shot's overrides over its scene's, pass by pass."""
    if own is None:
        return passes
    entries = dict(own.entries)
    for name, (key, override) in passes.entries.items():
        mine = entries.get(name)
        if mine is None:
            entries[name] = (key, override)
        elif isinstance(mine[1], Mapping) and isinstance(override, Mapping):
            entries[name] = (mine[0], _over(mine[1], override))
    return Mapping(entries, own.span)


def _extended(passes: Mapping, found: list[Diagnostic]) -> Mapping:
    """The passes, each with the keys of those that it extends."""
    done: dict[str, Node] = {}
    for name in passes.entries:
        chain: list[tuple[str, Mapping]] = []
        at: str | None = name
        while at is not None and at not in done:
            node = passes.value(at)
            if not isinstance(node, Mapping):
                if node is not None:
                    done[at] = node
                break
            chain.append((at, node))
            at = _base(at, node, passes, found)
            if at is not None and at in (links := [link for link, _ in chain]):
                found.append(_cycle(chain[links.index(at) :]))
                done.update({link: _orphan(node) for link, node in chain})
                chain = []
                break
        for link, own in reversed(chain):
            node, base = own, done.get(at) if at is not None else None
            if node.value("extends") is not None and base is None:
                node = _orphan(node)
            elif isinstance(base, Mapping):
                node = _over(node, Mapping({k: e for k, e in base.entries.items() if k not in _OWN}, base.span))
            done[link], at = node, link
    return Mapping({name: (key, done[name]) for name, (key, _) in passes.entries.items()}, passes.span)


def _orphan(node: Mapping) -> Mapping:
    """A pass whose base can't be had: with a model, so that nothing is said of the lack of one."""
    key, value = node.entries["extends"]
    return _over(node, Mapping({"model": (key, Scalar("local/animatic", False, value.span))}, node.span))


def _base(name: str, node: Mapping, passes: Mapping, found: list[Diagnostic]) -> str | None:
    """The pass that one extends, if there is such a pass."""
    value = node.value("extends")
    if not isinstance(value, Scalar) or value.is_null:
        return None
    if value.text not in passes.entries:
        help_ = did_you_mean(value.text, [other for other in passes.entries if other != name])
        found.append(Diagnostic("SB202", f"there is no pass '{value.text[:64]}' to extend", value.span, help_))
        return None
    return value.text


def _cycle(links: list[tuple[str, Mapping]]) -> Diagnostic:
    names = [name for name, _ in links]
    spans = [node.entries["extends"][1].span for _, node in links]
    shown = " -> ".join([*names, names[0]])
    related = tuple(
        Related(span, f"'{name}' extends '{base}'")
        for name, base, span in zip(names[1:], [*names[1:], names[0]][1:], spans[1:], strict=True)
    )
    return Diagnostic(
        "SB213", f"passes extend each other: {shown}", spans[0], "let one of them name its model", related=related
    )
