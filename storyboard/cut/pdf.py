"""A small PDF writer (ISO 32000-1): pictures kept as the JPEG files they are, text in the built-in fonts.

Text is real text: it can be searched and copied, and is sharp at any size. Nothing in a file depends on when or
where it was made.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from storyboard import lettering

Colour = tuple[int, int, int]
_FACES: dict[lettering.Weight, str] = {"regular": "F1", "semibold": "F2"}


@cache
def _glyphs(weight: lettering.Weight) -> Mapping[int, int]:
    """The glyph of each character, from the font's `cmap` table of format 4 (OpenType 1.9)."""
    data = lettering.face(weight).read_bytes()
    records = range(12, 12 + 16 * struct.unpack_from(">H", data, 4)[0], 16)
    table = next(struct.unpack_from(">I", data, at + 8)[0] for at in records if data[at : at + 4] == b"cmap")
    count = struct.unpack_from(">H", data, table + 2)[0]
    starts = (table + struct.unpack_from(">I", data, table + 8 + 8 * n)[0] for n in range(count))
    at = next(start for start in starts if struct.unpack_from(">H", data, start)[0] == 4)
    segments = struct.unpack_from(">H", data, at + 6)[0] // 2
    rows = [struct.unpack_from(f">{segments}H", data, at + 14 + 2 * segments * n + 2 * bool(n)) for n in range(4)]
    found: dict[int, int] = {}
    for n, (last, first, delta, offset) in enumerate(zip(*rows, strict=True)):
        place = at + 16 + 6 * segments + 2 * n + offset
        for code in range(first, last + 1):
            glyph = code if not offset else struct.unpack_from(">H", data, place + 2 * (code - first))[0]
            if glyph and code != 0xFFFF:
                found[code] = (glyph + delta) & 0xFFFF
    return found


class Page:
    """One page; places are in points from its top left corner."""

    def __init__(self, document: "Document") -> None:
        self._document = document
        self.drawn: list[str] = []
        self.pictures: set[str] = set()

    def text(
        self, at: tuple[float, float], words: str, size: float, colour: Colour, face: lettering.Weight = "regular"
    ) -> None:
        """One line of text, its baseline starting at a place."""
        glyphs = self._document.spell(words, face)
        place = f"{at[0]:.2f} {self._document.height - at[1]:.2f} Td"
        self.drawn.append(f"{_colour(colour)} BT /{_FACES[face]} {size} Tf {place} <{glyphs}> Tj ET")

    def rectangle(self, at: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
        """A filled rectangle."""
        bottom = self._document.height - at[1] - size[1]
        self.drawn.append(f"{_colour(colour)} {at[0]:.2f} {bottom:.2f} {size[0]:.2f} {size[1]:.2f} re f")

    def picture(self, at: tuple[float, float], size: tuple[float, float], jpeg: Path, name: str) -> None:
        """A JPEG, stretched to a size; `name` is the same for the same bytes."""
        self._document.keep(jpeg, name)
        self.pictures.add(name)
        bottom = self._document.height - at[1] - size[1]
        self.drawn.append(f"q {size[0]:.2f} 0 0 {size[1]:.2f} {at[0]:.2f} {bottom:.2f} cm /{name} Do Q")


class Document:
    """Pages of one size, in points."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._title = title
        self._pages: list[Page] = []
        self._pictures: dict[str, tuple[Path, int, int]] = {}
        self._used: dict[lettering.Weight, dict[int, str]] = {face: {} for face in _FACES}

    def page(self) -> Page:
        """A new page at the end."""
        self._pages.append(Page(self))
        return self._pages[-1]

    def spell(self, words: str, face: lettering.Weight) -> str:
        """Text as the numbers of its glyphs, in hexadecimal."""
        glyphs = _glyphs(face)
        self._used[face] |= {glyphs[ord(letter)]: letter for letter in words if ord(letter) in glyphs}
        return "".join(f"{glyphs.get(ord(letter), 0):04x}" for letter in words)

    def keep(self, jpeg: Path, name: str) -> None:
        """Have a picture in the file, once."""
        if name not in self._pictures:
            with Image.open(jpeg, formats=["JPEG"]) as opened:
                self._pictures[name] = (jpeg, *opened.size)

    def write(self, path: Path) -> None:
        """Write the file."""
        with path.open("wb") as file:
            out = _Objects(file.write)
            fonts = {name: self._font(face, out) for face, name in _FACES.items()}
            pictures = {name: _picture(out, *one) for name, one in self._pictures.items()}
            pages = out.reserve()
            kids = []
            for page in self._pages:
                shown = " ".join(f"/{name} {pictures[name]} 0 R" for name in sorted(page.pictures))
                letters = " ".join(f"/{name} {font} 0 R" for name, font in fonts.items())
                drawn = out.stream("", zlib.compress("\n".join(page.drawn).encode("ascii")), "/FlateDecode")
                box = f"/MediaBox [0 0 {self.width} {self.height}]"
                resources = f"/Resources << /Font << {letters} >> /XObject << {shown} >> >>"
                kids.append(out.add(f"<< /Type /Page /Parent {pages} 0 R {box} {resources} /Contents {drawn} 0 R >>"))
            listed = " ".join(f"{kid} 0 R" for kid in kids)
            out.add(f"<< /Type /Pages /Kids [{listed}] /Count {len(kids)} >>", pages)
            catalog = out.add(f"<< /Type /Catalog /Pages {pages} 0 R >>")
            title = self._title.encode("utf-16-be", "replace").hex()
            out.end(catalog, out.add(f"<< /Title <feff{title}> >>"))

    def _font(self, face: lettering.Weight, out: "_Objects") -> int:
        """A composite font whose codes are the glyphs' numbers (9.7), with what they stand for (9.10.3)."""
        data = lettering.face(face).read_bytes()
        name = lettering.face(face).stem
        file = out.stream("/Subtype /OpenType", zlib.compress(data, 1), "/FlateDecode")
        metrics = "/Flags 4 /FontBBox [-800 -300 2600 1100] /ItalicAngle 0 /Ascent 969 /Descent -242 /CapHeight 727"
        described = out.add(f"<< /Type /FontDescriptor /FontName /{name} {metrics} /StemV 90 /FontFile3 {file} 0 R >>")
        scale = lettering.font(1000, face)
        used = sorted(self._used[face].items())
        widths = " ".join(f"{glyph} [{round(scale.getlength(letter))}]" for glyph, letter in used)
        system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        inner = out.add(
            f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{name} {system} /FontDescriptor {described} 0 R "
            f"/DW 600 /W [{widths}] >>"
        )
        meant = out.stream("", zlib.compress(_meanings(used).encode("ascii")), "/FlateDecode")
        return out.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H "
            f"/DescendantFonts [{inner} 0 R] /ToUnicode {meant} 0 R >>"
        )


def _meanings(used: list[tuple[int, str]]) -> str:
    lines = [f"<{glyph:04x}> <{letter.encode('utf-16-be').hex()}>" for glyph, letter in used]
    blocks = [lines[at : at + 100] for at in range(0, len(lines), 100)]  # as many as one block may hold
    maps = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Glyphs def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{maps}\nendcmap\nend\nend"
    )


def _picture(out: "_Objects", path: Path, width: int, height: int) -> int:
    kind = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8"
    return out.stream(kind, path.read_bytes(), "/DCTDecode")


def _colour(colour: Colour) -> str:
    return " ".join(f"{part / 255:.3f}" for part in colour) + " rg"


class _Objects:
    """The objects of a file, written as they come, and at the end the table of where each is (7.5.4)."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self._write = write
        self._at = 0
        self._places: list[int] = []
        self._put(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")

    def reserve(self) -> int:
        """The number of an object that is written later."""
        self._places.append(0)
        return len(self._places)

    def add(self, body: str, number: int | None = None) -> int:
        number = number or self.reserve()
        self._places[number - 1] = self._at
        self._put(f"{number} 0 obj\n{body}\nendobj\n".encode("ascii"))
        return number

    def stream(self, entries: str, data: bytes, filter_: str) -> int:
        number = self.reserve()
        self._places[number - 1] = self._at
        self._put(f"{number} 0 obj\n<< {entries} /Filter {filter_} /Length {len(data)} >>\nstream\n".encode("ascii"))
        self._put(data)
        self._put(b"\nendstream\nendobj\n")
        return number

    def end(self, catalog: int, info: int) -> None:
        start = self._at
        count = len(self._places) + 1
        rows = "".join(f"{place:010} 00000 n \n" for place in self._places)
        trailer = f"<< /Size {count} /Root {catalog} 0 R /Info {info} 0 R >>"
        table = f"xref\n0 {count}\n0000000000 65535 f \n{rows}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n"
        self._put(table.encode("ascii"))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self._at += len(data)
