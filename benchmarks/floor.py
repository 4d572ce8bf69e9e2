"""The least that a tool can do that looks at these files: walk, read and parse them.

``floor.py TREE FILES WHAT``: FILES is a JSON file ``{"kind": ["path", ...]}``, WHAT is ``ast`` (read and parse the
Python files, no walk) or ``all``. Imports nothing but the parsers, and only those that it uses.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

Parse = Callable[[bytes], object]


def parse_python(data: bytes) -> object:
    """To an AST, as `ast.parse` does it; files that are no Python of this version cost what they cost."""
    import ast

    return compile(data, "<file>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)


def parse_notebook(data: bytes) -> object:
    """To objects, and the code cells to an AST each; cells with magics cost what they cost."""
    cells = json.loads(data).get("cells", [])
    trees = []
    for cell in cells:
        if cell.get("cell_type") == "code":
            source = cell.get("source", "")
            code = source if isinstance(source, str) else "".join(source)
            try:
                trees.append(parse_python(code.encode()))
            except SyntaxError:
                continue
    return trees


def parse_yaml(data: bytes) -> object:
    """To nodes, with positions, by libyaml."""
    import yaml

    loader: Any = yaml.CSafeLoader
    return list(yaml.compose_all(data, Loader=loader))


def parse_toml(data: bytes) -> object:
    """To a dictionary."""
    import tomllib

    return tomllib.loads(data.decode())


def parse_sql(data: bytes) -> object:
    """To trees, by sqlglot; a template by Jinja's parser first, and then with nothing in its place but names."""
    import logging
    import re

    import jinja2
    import sqlglot

    logging.getLogger("sqlglot").disabled = True
    text = data.decode()
    if "{{" in text or "{%" in text:
        jinja2.Environment(extensions=["jinja2.ext.do"]).parse(text)
        # what is alone on its lines (a configuration) is no part of a statement
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}|^[ \t]*\{\{[^{}]*\}\}[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"\{\{.*?\}\}", "a_name", text, flags=re.DOTALL)
    return sqlglot.parse(text, read="bigquery" if "`" in text else None)


PARSERS: dict[str, Parse] = {
    "python": parse_python,
    "notebook": parse_notebook,
    "yaml": parse_yaml,
    "json": json.loads,
    "toml": parse_toml,
    "sql": parse_sql,
}


def walk(folder: str) -> int:
    """List and stat all files below *folder*, following no link; how many there are."""
    files = 0
    pending = [folder]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != ".git":
                        pending.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    files += 1
    return files


def main(tree: str, files: str, what: str) -> None:
    """Do *what*, as the module says."""
    warnings.simplefilter("ignore")  # of escapes in the files that are parsed
    with open(files, "rb") as file:
        by_kind: dict[str, list[str]] = json.load(file)
    if what == "ast":
        by_kind = {"python": by_kind.get("python", [])}
    else:
        walk(tree)
    for kind, paths in by_kind.items():
        parse = PARSERS.get(kind)
        for path in paths:
            with open(os.path.join(tree, path), "rb") as file:
                data = file.read()
            if parse is not None:
                try:
                    parse(data)
                except Exception:  # a floor does not stop at a broken file either
                    continue


if __name__ == "__main__":
    main(*sys.argv[1:])
