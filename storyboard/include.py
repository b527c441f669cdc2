"""Shared libraries of characters and styles, brought into a storyboard as if they stood in it.

A library is a file inside the storyboard's folder; the paths in it start from its own folder. Two places that say the
same thing are an error that shows both, as neither could be meant to win.
"""

import posixpath
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping

from storyboard import syntax, text
from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.files import Place, is_inside
from storyboard.model import Library
from storyboard.model.reference import is_url
from storyboard.source import Source, Span
from storyboard.syntax import Mapping, Node, Scalar, Sequence

MOST = 100
"""Libraries in one storyboard."""


class Included:
    """A storyboard's document with its libraries, their texts in the order met, and what is wrong with them. `texts`
    are those that some libraries are to have, by their names, instead of what their files hold.
    """

    def __init__(self, root: Mapping, folder: Place, texts: AnyMapping[str, str] = {}) -> None:
        self._texts = texts
        self.sources: list[Source] = []
        self.found: list[Diagnostic] = []
        self._folder = folder
        self._open: list[tuple[str, Span]] = [(root.span.source.name, root.span)]
        self._met: set[str] = set()
        self._characters: dict[str, tuple[Scalar, Node]] = {}
        self._style: dict[str, tuple[Scalar, Node]] = {}
        self._visit(root, "")
        self.root = self._with(root) if self.sources else root

    def _with(self, root: Mapping) -> Mapping:
        entries = dict(root.entries)
        for key, shared in (("characters", self._characters), ("style", self._style)):
            own = root.value(key)
            if shared and (own is None or isinstance(own, Mapping)):
                self._add(shared, own, key)
                first = next(iter(shared.values()))[0]
                entries[key] = (entries[key][0] if own else first, Mapping(shared, own.span if own else root.span))
        return Mapping(entries, root.span)

    def _visit(self, document: Mapping, name: str) -> None:
        """Bring in what a document includes, before what it says itself."""
        for path in _paths(document.value("include")):
            self._include(path, posixpath.dirname(name))
        if name:
            for key, into in (("characters", self._characters), ("style", self._style)):
                node = document.value(key)
                if isinstance(node, Mapping):
                    self._add(into, _moved(node, posixpath.dirname(name)) if key == "characters" else node, key)
                elif node is not None:
                    help_ = "write 'key: value', one a line"
                    self.found.append(Diagnostic("SB103", f"'{key}' isn't keys and values", node.span, help_))

    def _add(self, into: dict[str, tuple[Scalar, Node]], node: Mapping | None, key: str) -> None:
        for name, entry in (node.entries if node else {}).items():
            other = into.setdefault(name, entry)
            if other is not entry:
                what = f"the character '{name[:64]}'" if key == "characters" else f"the style's '{name[:64]}'"
                related = (Related(other[0].span, "it is also written here"),)
                help_ = "rename one of the two" if key == "characters" else "write it in one place"
                message = f"{what} is written in two files"
                self.found.append(Diagnostic("SB211", message, entry[0].span, help_, related=related))

    def _include(self, written: Scalar, base: str) -> None:
        name = posixpath.normpath(posixpath.join(base, written.text))
        path = self._folder / name
        problem = self._problem(written.text, name, path)
        if problem:
            self.found.append(Diagnostic(problem[0], problem[1], written.span, problem[2]))
            return
        links = [link for link, _ in self._open]
        if name in links:
            since = links.index(name)
            shown = " -> ".join([*links[since:], name])
            related = tuple(Related(span, f"'{link}' is included here") for link, span in self._open[max(since, 1) :])
            message = f"libraries include each other: {shown}"
            self.found.append(Diagnostic("SB210", message, written.span, "remove one of the includes", related=related))
        elif name not in self._met:
            self._met.add(name)
            self._open.append((name, written.span))
            self._read(path, name, written.span)
            self._open.pop()

    def _problem(self, written: str, name: str, path: Place) -> tuple[str, str, str] | None:
        """The code, message and cure where a path can't be a library."""
        shown = written if len(written) <= 80 else written[:79] + "…"
        if is_url(written):
            return "SB207", f"'{shown}' is a URL, and a library is a file", "copy the file beside the storyboard"
        if written.startswith(("/", "~", "\\")) or "\0" in written:
            return "SB207", f"'{shown}' is an absolute path", "write the path from this file's folder"
        try:
            inside, is_file = is_inside(path, self._folder), path.is_file()
        except (OSError, ValueError):
            return "SB206", f"the file '{shown}' can't be read", "check its name"
        if not inside or name.startswith(".."):
            return "SB207", f"'{shown}' leaves the project", "copy the library into the storyboard's folder"
        if not is_file:
            return "SB206", f"the file '{shown}' isn't there", "paths start from the folder of the file that includes"
        if len(self._met) >= MOST:
            return "SB212", f"more than {MOST} libraries", "put them together into fewer files"
        return None

    def _read(self, path: Place, name: str, place: Span) -> None:
        source, found = (Source(name, self._texts[name]), []) if name in self._texts else text.read(path, name)
        self.sources.append(source)
        if found:
            self.found += [Diagnostic(one.code, one.message, place, one.help or "check the file") for one in found]
            return
        document, found = syntax.parse(source)
        self.found += found
        if document is None:
            return
        known = [field.alias or key for key, field in Library.model_fields.items()]
        for key, (node, value) in document.entries.items():
            if key not in known:
                close = did_you_mean(key, known)
                help_ = close if close.startswith("did") else "a library holds 'characters', 'style' and 'include'"
                self.found.append(Diagnostic("SB212", f"a library has no key '{key[:40]}'", node.span, help_))
            elif key == "storyboard" and not (isinstance(value, Scalar) and value.text == "1"):
                help_ = "write 'storyboard: 1', if the file fits it"
                self.found.append(Diagnostic("SB106", "the format version isn't known", value.span, help_))
        self._visit(document, name)


def _paths(node: Node | None) -> Iterator[Scalar]:
    """What `include` names; what isn't a path is said when the document is decoded."""
    for item in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(item, Scalar) and item.text and not item.is_null:
            yield item


def _moved(characters: Mapping, folder: str) -> Mapping:
    """Characters whose references start from the storyboard's folder."""
    if not folder:
        return characters
    entries = {name: (key, _moved_character(node, folder)) for name, (key, node) in characters.entries.items()}
    return Mapping(entries, characters.span)


def _moved_character(node: Node, folder: str) -> Node:
    references = node.value("references") if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(references, Sequence):
        return node
    moved = Sequence([_moved_reference(item, folder) for item in references.items], references.span)
    return Mapping(node.entries | {"references": (node.entries["references"][0], moved)}, node.span)


def _moved_reference(node: Node, folder: str) -> Node:
    if isinstance(node, Scalar):
        if not node.text or node.is_null or is_url(node.text) or node.text.startswith(("/", "~", "\\")):
            return node
        return Scalar(posixpath.normpath(posixpath.join(folder, node.text)), node.plain, node.span, node.anchored)
    file = node.value("file") if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and isinstance(file, Scalar):
        return Mapping(node.entries | {"file": (node.entries["file"][0], _moved_reference(file, folder))}, node.span)
    return node
