"""Functions of the author's own, `module:function`: their files in the storyboard's folder, read and never run.

What a module imports from the folder is found in its syntax tree, so that all the code which a function needs is known
before any of it runs. A worker is given these files and no others.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from storyboard import digest

MAX_BYTES = 1 << 20
"""Of one file."""
MOST = 200
"""Files that one function may need."""


class Module(NamedTuple):
    """A module's file: its path from the storyboard's folder, and its code."""

    path: str
    code: str
    package: bool
    sha256: str


class Unreadable(ValueError):
    """A file can't be used as a module; the message says why."""


def split(name: str) -> tuple[str, str]:
    """The module and the function of `module:function`."""
    module, _, function = name.partition(":")
    return module, function


def places(module: str) -> tuple[str, str]:
    """Where a module may stand, from the storyboard's folder: as a file, and as a package."""
    base = module.replace(".", "/")
    return f"{base}.py", f"{base}/__init__.py"


def find(folder: Path, module: str) -> Module | None:
    """A module of the folder; None where it has no file there.

    Raises:
        Unreadable: its file is outside the folder, or isn't Python.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    for place in reversed(places(module)):  # a package comes before a file of its name, as Python has it
        try:
            real = (folder / place).resolve(strict=True)
            if not real.is_relative_to(folder.resolve()):
                raise Unreadable(f"{place} leaves the project")
            if real.is_file():
                return load(real, place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, RuntimeError) as error:  # a link that leads to itself
            raise Unreadable(f"{place} can't be read") from error
    return None


def load(path: Path, place: str) -> Module:
    """The module in a regular file; `place` is its path from the storyboard's folder.

    Raises:
        Unreadable: it is too large, or isn't text.
        OSError: it can't be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(f"{place} is larger than {MAX_BYTES >> 20} MiB")
    data = path.read_bytes()
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{place} isn't UTF-8 text") from error
    return Module(place, code, place.endswith("/__init__.py"), digest.sha256(data))


def needed(folder: Path, modules: Iterable[str]) -> dict[str, Module]:
    """The modules of the folder that these are, and import, by name.

    Raises:
        Unreadable: a file can't be used.
    """
    found: dict[str, Module] = {}
    waiting, seen = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
        module = find(folder, name)
        if module is None:
            continue
        found[name] = module
        if len(found) > MOST:
            raise Unreadable(f"it needs more than {MOST} files")
        waiting += _imports(tree(module), name if module.package else name.rpartition(".")[0])
    return dict(sorted(found.items()))


def tree(module: Module) -> ast.Module:
    """The syntax tree of a module.

    Raises:
        Unreadable: it isn't Python.
    """
    try:
        return ast.parse(module.code)
    except SyntaxError as error:
        raise Unreadable(f"{module.path} isn't Python: line {error.lineno or 1}, {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{module.path} isn't Python that can be read") from error


def _imports(parsed: ast.Module, package: str) -> set[str]:
    """What a module imports, wherever in it; of `from a import b`, both `a` and `a.b`."""
    found = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1] if package else []
                base = ".".join([*parents, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" if base else alias.name for alias in node.names)}
    return found - {""}


def defines(parsed: ast.Module, name: str) -> bool:
    """Whether a module has a name at its top; a star import may bring any."""
    return _binds(parsed.body, name)


def _binds(body: Iterable[ast.stmt], name: str) -> bool:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                if node.name == name:
                    return True
            case ast.Assign():
                if any(
                    isinstance(one, ast.Name) and one.id == name for target in node.targets for one in ast.walk(target)
                ):
                    return True
            case ast.AnnAssign(target=ast.Name(id=target)):
                if target == name:
                    return True
            case ast.Import() | ast.ImportFrom():
                if any(name == (alias.asname or alias.name) or alias.name == "*" for alias in node.names):
                    return True
            case ast.If() | ast.Try() | ast.With():
                parts = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
                parts += [handler.body for handler in getattr(node, "handlers", [])]
                if any(_binds(part, name) for part in parts):
                    return True
            case _:
                pass
    return False


def untrusted(found: Mapping[str, Module], trusted: Iterable[str]) -> list[str]:
    """The paths of the modules whose bytes aren't among the SHA-256 that are trusted."""
    known = frozenset(trusted)
    return [module.path for module in found.values() if module.sha256 not in known]
