"""setup.py, by its syntax alone, and setup.cfg: what setuptools packages need."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.pep508 import parse
from pytest_mlbreaks.reading import Reader, Wanted

_SETUP = ("setuptools.setup", "distutils.core.setup", "numpy.distutils.core.setup", "skbuild.setup")
_LIST_FILE = re.compile(r"[\w./-]+\.(txt|in|pip)$")
_OPENS = frozenset({"builtins.open", "open", "io.open", "codecs.open", "pathlib.Path", "pip.req.parse_requirements"})
_DEPTH = 6
"""Names bound to names that a list is followed through."""


# ------------------------------------------------------------------------------------------------------ setup.py


@dataclasses.dataclass
class _Listed:
    """What an expression for a list of requirements holds: *texts* with where each stands, the files that it is read
    from, and why there may be more."""

    texts: list[tuple[str, ast.expr]] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    unknown: str = ""


def claims_py(path: str) -> bool:
    """``setup.py`` in any folder."""
    return path == "setup.py" or path.endswith("/setup.py")


def read_py(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Requirement` facts and the `RequirementFile` of the file's one call of ``setup``; nothing where there is no
    such call, or several."""
    sites = [site for name in _SETUP for site in file.sites(name)]
    if len(sites) != 1:
        return
    call = sites[0].node
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    reader = _Setup(file)
    listed = reader.listed(given.get("install_requires"))
    yield from reader.requirements(listed, "")
    for extra, value in reader.entries(given.get("extras_require")):
        yield from reader.requirements(reader.listed(value), str(canonicalize_name(extra)))
    if any(keyword.arg is None for keyword in call.keywords):
        listed.unknown = listed.unknown or "setup() is given arguments by unpacking"
    python = reader.text(given.get("python_requires"))
    yield RequirementFile(
        place=file.place(call),
        format="setup.py",
        includes=tuple(dict.fromkeys(listed.files)),
        python=python or "",
        package=canonicalize_name(reader.text(given.get("name")) or ""),
        scripts=tuple(_script_names(reader.scripts(given.get("entry_points")))),
        unknown=listed.unknown,
    )


class _Setup:
    """Looks into the arguments of ``setup``."""

    def __init__(self, file: PythonFile) -> None:
        self._file = file
        self._bound: dict[str, list[ast.expr]] = {}
        for assignment in file.module.assignments:
            if assignment.value is not None:
                self._bound.setdefault(assignment.name, []).append(assignment.value)
        self._opened = {
            item.optional_vars.id: item.context_expr
            for statement in (file.tree.body if file.tree is not None else ())
            if isinstance(statement, ast.With)
            for item in statement.items
            if isinstance(item.optional_vars, ast.Name)
        }
        self._functions = {site.scope.qualname: site for site in file.functions}

    def text(self, node: ast.expr | None) -> str | None:
        """The text that *node* is, where that can be told."""
        found = self._file.text(node, self._file.module) if node is not None else None
        return found if isinstance(found, str) else None

    def listed(self, node: ast.expr | None, depth: int = _DEPTH) -> _Listed:
        """The requirements in *node*."""
        found = _Listed()
        self._gather(node, found, depth)
        return found

    def _gather(self, node: ast.expr | None, found: _Listed, depth: int) -> None:
        if node is None:
            return
        if depth == 0:
            found.unknown = found.unknown or "its list is computed"
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            for element in node.elts:
                self._element(element, found, depth)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            self._gather(node.left, found, depth)
            self._gather(node.right, found, depth)
        elif isinstance(node, ast.Name) and len(self._bound.get(node.id, ())) == 1:
            self._gather(self._bound[node.id][0], found, depth - 1)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.texts += [(line, node) for line in node.value.splitlines() if line.strip()]
        else:
            files = self._read_from(node, depth)
            if len(files) == 1:
                found.files += files
            else:
                found.unknown = found.unknown or "its list is computed"

    def _element(self, element: ast.expr, found: _Listed, depth: int) -> None:
        if isinstance(element, ast.Starred):
            self._gather(element.value, found, depth)
            return
        text = self.text(element)
        if text is None:
            found.unknown = found.unknown or "a requirement of its list is computed"
        else:
            found.texts.append((text, element))

    def _read_from(self, node: ast.expr, depth: int) -> list[str]:
        """The list files that *node* reads: ``open("requirements.txt").read().splitlines()``, the lines of a file that
        was opened by ``with``, ``parse_requirements(...)``, a function of the file that opens what it is given."""
        found: list[str] = []
        for part in walk(node):
            if isinstance(part, ast.Call) and self._opens(part):
                found += [text for inner in walk(part) if (text := self._list_file(inner))]
            elif isinstance(part, ast.Name) and part.id in self._opened and depth:
                found += self._read_from(self._opened[part.id], depth - 1)
            elif isinstance(part, ast.Name) and len(self._bound.get(part.id, ())) == 1 and depth:
                found += self._read_from(self._bound[part.id][0], depth - 1)
        return list(dict.fromkeys(found))

    def _list_file(self, node: ast.AST) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _LIST_FILE.match(node.value):
            return node.value
        return ""

    def _opens(self, call: ast.Call) -> bool:
        name = self._file.qualified(call.func, self._file.module) or ""
        if name in _OPENS or name.rpartition(".")[2] in ("parse_requirements", "read_text", "read_bytes"):
            return True
        site = self._functions.get(name)
        calls = site.scope.calls if site is not None else {}
        return any(called in _OPENS or called.rpartition(".")[2] in ("open", "read_text") for called in calls)

    def entries(self, node: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
        """The entries of a dictionary, written out or bound to a name."""
        if isinstance(node, ast.Name) and len(self._bound.get(node.id, ())) == 1:
            node = self._bound[node.id][0]
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = self.text(key)
                if name:
                    yield name, value

    def scripts(self, node: ast.expr | None) -> Iterator[str]:
        """The lines of the console scripts."""
        for group, value in self.entries(node):
            if group == "console_scripts":
                yield from (text for text, _ in self.listed(value).texts)

    def requirements(self, listed: _Listed, group: str) -> Iterator[Fact | Diagnostic]:
        """The facts of *listed*."""
        for text, node in listed.texts:
            place = self._file.place(node)
            requirement = parse(text, place, group)
            if requirement is None:
                yield Diagnostic(place, "warning", "not a requirement that PEP 508 allows; left out")
            elif requirement.name:
                yield requirement


def _script_names(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        name = line.partition("=")[0].strip()
        if name:
            yield name


SETUP_PY: Reader[PythonFile] = Reader("setup.py", 1, PYTHON, (Requirement, RequirementFile), claims_py, read_py)


# ----------------------------------------------------------------------------------------------------- setup.cfg


def claims_cfg(path: str) -> bool:
    """``setup.cfg`` in any folder."""
    return path == "setup.cfg" or path.endswith("/setup.cfg")


def read_cfg(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Requirement` facts and the `RequirementFile`; nothing for a file that only configures tools.
    https://setuptools.pypa.io/en/latest/userguide/declarative_config.html"""
    parser = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=("#",))
    try:
        parser.read_string("\n".join(file.lines), file.path)
    except configparser.Error as error:
        match = re.search(r"\[line: ?(\d+)|\[line +(\d+)\]", str(error))
        line = int(match[1] or match[2]) if match else 1
        yield Diagnostic(Place(file.path, line), "error", "not an INI file that can be parsed; not read")
        return
    if not parser.has_section("metadata") and not parser.has_section("options"):
        return
    options = dict(parser.items("options")) if parser.has_section("options") else {}
    text = options.get("install_requires", "").strip()
    includes = _file_directive(text)
    if not includes:
        yield from _lines_of(file, text, "")
    if parser.has_section("options.extras_require"):
        for extra, value in parser.items("options.extras_require"):
            if not _file_directive(value.strip()):
                yield from _lines_of(file, value, str(canonicalize_name(extra)))
    entry_points = dict(parser.items("options.entry_points")) if parser.has_section("options.entry_points") else {}
    name = parser.get("metadata", "name", fallback="")
    yield RequirementFile(
        place=Place(file.path, 1),
        format="setup.cfg",
        includes=includes,
        python=options.get("python_requires", "").strip(),
        package=canonicalize_name(name) if re.fullmatch(r"[\w.-]+", name) else "",
        scripts=tuple(_script_names(iter(entry_points.get("console_scripts", "").splitlines()))),
    )


def _file_directive(text: str) -> tuple[str, ...]:
    """The files of ``file: requirements.txt, more.txt``."""
    if not text.startswith("file:"):
        return ()
    return tuple(part.strip() for part in text.removeprefix("file:").split(",") if part.strip())


def _lines_of(file: TextFile, text: str, group: str) -> Iterator[Fact | Diagnostic]:
    for line in text.splitlines() if "\n" in text else text.split(";"):  # as setuptools takes its "list-semi" apart
        if not line.strip():
            continue
        number = next((n for n, own in enumerate(file.lines, 1) if line.strip() in own), 1)
        place = Place(file.path, number)
        requirement = parse(line.strip(), place, group)
        if requirement is None:
            yield Diagnostic(place, "warning", "not a requirement that PEP 508 allows; left out")
        elif requirement.name:
            yield requirement


SETUP_CFG: Reader[TextFile] = Reader("setup.cfg", 1, TEXT, (Requirement, RequirementFile), claims_cfg, read_cfg)
