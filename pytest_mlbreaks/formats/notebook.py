"""Jupyter notebooks (nbformat 3, 4 and 5) as Python: one module of all code cells, in the order of the file.

The outputs, which are most of a notebook's bytes, are skipped and never made into objects. Cells are numbered as people
count them and as ruff reports them: from 1, over all cells, Markdown ones too. What only IPython understands is blanked
out, line for line, so that lines keep their numbers: magics (``%``), shell commands (``!``), help (``?``), and all of a
cell that is of another language (``%%bash``, ``%%writefile``).
"""

from __future__ import annotations

import ast
import bisect
import re
import warnings
from collections.abc import Sequence
from typing import Final

import msgspec

from pytest_mlbreaks.formats.python import PythonFile, parse_python
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.reading import Source, Unreadable

_PYTHON_CELLS: Final = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "python", "python3", "local"})
"""Cell magics below which Python stands: https://ipython.readthedocs.io/en/stable/interactive/magics.html"""

_LINE_MAGIC: Final = re.compile(r"[ \t]*(?:[%!]|\?{1,2}[ \t]*[A-Za-z_])")
_ASSIGNED: Final = re.compile(r"(?P<target>[ \t]*[A-Za-z_][\w., \t\[\]'\"]*=[ \t]*)[%!][ \t]*[A-Za-z_./~{$(]")
_DOUBTFUL: Final = re.compile(r"\"\"\"|'''|^[ \t]*%[ \t(]", re.MULTILINE)
"""Where lines that look like magics may be Python: in a text over several lines, or with ``%`` as an operator."""

_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_MOST_SAID: Final = 3
"""Cells of one notebook that are told one by one when they can't be parsed."""

_HELP: Final = re.compile(r"[ \t]*[A-Za-z_%][\w.]*\?{1,2}[ \t]*$")


class _Kernel(msgspec.Struct):
    """``kernelspec`` and ``language_info``; *language* and *name* are both used for the language."""

    language: str = ""
    name: str = ""


class _Metadata(msgspec.Struct):
    kernelspec: _Kernel | None = None
    language_info: _Kernel | None = None


class _Cell(msgspec.Struct):
    """A cell of nbformat 4 (*source*) or of nbformat 3 (*input* where it is code)."""

    cell_type: str = ""
    source: msgspec.Raw = msgspec.Raw(b'""')
    input: msgspec.Raw = msgspec.Raw(b'""')
    language: str = ""


class _Worksheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Notebook(msgspec.Struct):
    cells: list[_Cell] | None = None
    worksheets: list[_Worksheet] | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_NOTEBOOK: Final = msgspec.json.Decoder(_Notebook)
_METADATA: Final = msgspec.json.Decoder(_Metadata)
_SOURCE: Final = msgspec.json.Decoder(str | list[str])


class CodeCell(msgspec.Struct):
    """A code cell: its *number*, its *lines* as Python will see them, and, where it can be told, the line of the
    ``.ipynb`` on which its first line stands (*file_line*; *spread*: each further line has a line of the file)."""

    number: int
    lines: list[str]
    file_line: int | None = None
    spread: bool = False


class NotebookFile(PythonFile):
    """A notebook, indexed like a module. Places are given by cell, and lines within it.

    *cells* are its code cells, none for a notebook of another language, which is left unread.
    """

    kind = "notebook"

    def __init__(self, path: str, cells: Sequence[CodeCell], notes: Sequence[Diagnostic] = ()) -> None:
        self.cells = cells
        self._firsts: list[int] = []
        line = 1
        for cell in cells:
            self._firsts.append(line)
            line += len(cell.lines)
        super().__init__(path, _joined(cells))
        self.diagnostics[:0] = notes
        # an import's line is told of a file, without a cell: the one on which it stands in the file
        self.imports = [msgspec.structs.replace(entry, line=self._file_line(entry.line)) for entry in self.imports]

    def _parsed(self) -> ast.Module | Diagnostic:
        tree = parse_python(self.path, self._data)
        if not isinstance(tree, Diagnostic):
            return tree
        broken: list[Diagnostic] = []
        for cell in self.cells:  # the cells that are no Python are left out, with a word about it
            if problem := _problem(cell.lines):
                line, message = problem
                place = self._in_cell(cell, min(line, len(cell.lines)))
                broken.append(Diagnostic(place, "warning", f"{message}; the cell is not read"))
                cell.lines = [""] * len(cell.lines)
        self.diagnostics += broken[:_MOST_SAID]
        if len(broken) > _MOST_SAID:
            more = f"{len(broken) - _MOST_SAID} more cells can't be parsed either, and are not read"
            self.diagnostics.append(Diagnostic(broken[_MOST_SAID].place, "warning", more))
        self._data = _joined(self.cells)
        return parse_python(self.path, self._data)

    def place(self, node: ast.AST) -> Place:
        """As for a module, with the cell, and lines counted in it."""
        whole = super().place(node)
        if whole.line is None or not self.cells:
            return Place(self.path)
        index = bisect.bisect_right(self._firsts, whole.line) - 1
        first = self._firsts[index]
        cell = self.cells[index]
        start = self._in_cell(cell, whole.line - first + 1, whole.column)
        if whole.end_line is None or whole.end_line >= first + len(cell.lines):
            return start
        return msgspec.structs.replace(start, end_line=whole.end_line - first + 1, end_column=whole.end_column)

    def definition_place(self, node: ast.AST) -> Place:
        """As for a module, with the cell."""
        return msgspec.structs.replace(self.place(node), end_line=None, end_column=None)

    def _file_line(self, line: int) -> int:
        index = bisect.bisect_right(self._firsts, line) - 1
        return self._in_cell(self.cells[index], line - self._firsts[index] + 1).file_line or 1

    def _in_cell(self, cell: CodeCell, line: int, column: int | None = None) -> Place:
        at = cell.file_line
        if at is not None and cell.spread:
            at += line - 1
        return Place(self.path, line, column, kind="cell", cell=cell.number, file_line=at)


def _joined(cells: Sequence[CodeCell]) -> bytes:
    lines = "\n".join("\n".join(cell.lines) for cell in cells)
    return lines.encode("utf-8", "replace")


def _problem(lines: Sequence[str]) -> tuple[int, str] | None:
    """Where and why a cell can't be parsed; None if it can."""
    found = parse_python("", "\n".join(lines).encode("utf-8", "replace"))
    if isinstance(found, Diagnostic):
        return found.place.line or 1, found.message.removesuffix("; not read")
    return None


def parse(source: Source) -> NotebookFile:
    """The notebook of a file. Raises Unreadable where it is no JSON, or no notebook."""
    data = source.data.removeprefix(b"\xef\xbb\xbf")
    try:
        notebook = _NOTEBOOK.decode(data)
    except msgspec.ValidationError as error:
        raise Unreadable(Place(source.path, 1), f"is not a notebook: {str(error)[:200]}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        at = _BYTE.search(str(error))
        line = data.count(b"\n", 0, int(at[1])) + 1 if at else 1
        raise Unreadable(Place(source.path, line), f"is not JSON that can be read: {str(error)[:200]}") from error
    cells = notebook.cells
    if cells is None:
        if notebook.worksheets is None:
            raise Unreadable(Place(source.path, 1), "is not a notebook: it has no cells")
        cells = [cell for sheet in notebook.worksheets for cell in sheet.cells]
    language = _language(notebook.metadata, cells)
    if language not in ("", "python", "python3", "ipython", "python2", "pyspark", "pyspark3"):
        note = Diagnostic(Place(source.path), "note", f"a notebook of {language[:40]}; only Python is read")
        return NotebookFile(source.path, (), (note,))
    return NotebookFile(source.path, tuple(_code_cells(data, cells)))


def _language(metadata: msgspec.Raw, cells: Sequence[_Cell]) -> str:
    try:
        told = _METADATA.decode(metadata)
    except msgspec.DecodeError:
        told = _Metadata()
    kernel, info = told.kernelspec or _Kernel(), told.language_info or _Kernel()
    language = info.name or kernel.language or next((cell.language for cell in cells if cell.language), "")
    return language.lower()


def _code_cells(data: bytes, cells: Sequence[_Cell]) -> list[CodeCell]:
    """The code cells, with the lines of the file on which they stand."""
    found: list[CodeCell] = []
    position, line = 0, 1
    for number, cell in enumerate(cells, 1):
        if cell.cell_type != "code":
            continue
        raw = bytes(cell.source)
        if raw == b'""':
            raw = bytes(cell.input)
        try:
            source = _SOURCE.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        text = source if isinstance(source, str) else "".join(source)
        if not text.strip():
            continue
        at = data.find(raw, position)
        file_line: int | None = None
        spread = False
        if at >= 0:
            line += data.count(b"\n", position, at)
            position = at
            spread = isinstance(source, list) and raw.count(b"\n") > len(source)
            file_line = line + spread
        found.append(CodeCell(number, python_lines(text), file_line, spread))
    return found


def python_lines(text: str) -> list[str]:
    """The lines of a cell with everything blanked out that is not Python; as many lines as the cell has."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not any(symbol in text for symbol in "%!?"):
        return lines
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        words = lines[first][2:].split(None, 1)
        if not words or words[0] not in _PYTHON_CELLS:
            return [""] * len(lines)
        lines[first] = ""
    if not any(_is_magic(line) for line in lines):
        return lines
    if _DOUBTFUL.search(text) and _parses("\n".join(lines)):
        return lines
    return _without_magics(lines)


def _without_magics(lines: list[str]) -> list[str]:
    kept: list[str] = []
    continued = False
    for line in lines:
        if continued:
            kept.append("")
            continued = line.rstrip().endswith("\\")
            continue
        assigned = _ASSIGNED.match(line)
        if assigned is not None:
            kept.append(f"{assigned['target']}None")
        elif _is_magic(line):
            kept.append(line[: len(line) - len(line.lstrip())] + "pass")
        else:
            kept.append(line)
            continue
        continued = line.rstrip().endswith("\\")
    return kept


def _is_magic(line: str) -> bool:
    if "%" not in line and "!" not in line and "?" not in line:
        return False
    return bool(_LINE_MAGIC.match(line) or _HELP.match(line) or _ASSIGNED.match(line))


def _parses(text: str) -> bool:
    """Whether a cell with lines that look like magics is Python after all (``%`` as an operator on its own line)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
