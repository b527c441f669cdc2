"""Effects of the author's own: their functions are there. Nothing of them is run."""

import ast
from collections.abc import Iterator
from pathlib import Path

from storyboard import functions
from storyboard.assets import Asset
from storyboard.diagnostic import Diagnostic, did_you_mean
from storyboard.source import Span
from storyboard.world import World


def own_functions(world: World) -> Iterator[Diagnostic]:
    """SB109, SB206, SB207, SB208: the module of each is a file of the project, and has the function."""
    for shot, _ in world.board.all_shots():
        for n, effect in enumerate(shot.effects):
            if effect.is_own:
                finding = _wrong(world, effect.name, world.at.of(shot, "effects", n))
                if finding:
                    yield finding


def _wrong(world: World, name: str, span: Span) -> Diagnostic | None:
    module, function = functions.split(name)
    place, package = functions.places(module)
    asset = world.assets[package]
    if asset.problem == "missing":
        asset = world.assets[place]
    if asset.problem:
        return _unusable(asset, span)
    try:
        parsed = functions.tree(functions.load(Path(asset.path), asset.written))
    except functions.Unreadable as error:
        return Diagnostic("SB208", str(error), span, f"'python -m py_compile {asset.written}' says more")
    except OSError:
        return Diagnostic("SB206", f"the file '{asset.written}' can't be read", span, "check its permissions")
    if functions.defines(parsed, function):
        return None
    known = [one.name for one in parsed.body if isinstance(one, ast.FunctionDef)]
    help_ = did_you_mean(function, known) or f"write 'def {function}(clip):' there"
    return Diagnostic("SB109", f"'{asset.written}' has no function '{function}'", span, help_)


def _unusable(asset: Asset, span: Span) -> Diagnostic:
    if asset.problem == "missing":
        help_ = "the module of an effect is a Python file in the storyboard's folder"
        return Diagnostic("SB206", f"the file '{asset.written}' isn't there", span, help_)
    if asset.problem == "outside":
        return Diagnostic("SB207", f"'{asset.written}' leaves the project", span, "copy the file beside the storyboard")
    return Diagnostic("SB208", f"'{asset.written}' can't be used as a module", span, "put a Python file there")
