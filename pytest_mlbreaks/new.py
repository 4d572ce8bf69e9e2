"""A new check: the two files to start from, which already work on their own example."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from pytest_mlbreaks import __version__, taxonomy
from pytest_mlbreaks.packs import Packs

BUILT_IN = Path("checks", "mlbreaks_checks")
"""Where the checks of this project lie, seen from its root."""

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")

_MODULE = '''"""TITLE."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="SINCE")


@check.over(facts.Container)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """A container that runs an image of ``example``: replace this by what the check is about."""
    image = pipeline.resolve(container.image)
    if image.text is None:
        yield Unjudged(container.place, "the image cannot be told")
    elif image.text.startswith("example/"):
        yield Finding(at=container.place, message=f"{container.name} runs {image.text}.")
'''

_PAGE = """# TITLE

How this becomes an outage, for someone who has never had it: replace this text.

## Breaks

```yaml title="compose.yaml"
services:
  server:
    image: example/server:1.0
```

```text
compose.yaml:2 CATEGORY/ID
  server runs example/server:1.0.
```

## Holds

```yaml title="compose.yaml"
services:
  server:
    image: another/server:1.0
```

## Cannot tell

```yaml title="compose.yaml"
services:
  server:
    image: ${IMAGE}
```

```text
unjudged compose.yaml:2: the image cannot be told
```

## Traps

| trap | where |
|---|---|
| What looks like the danger and is none: replace this row | Holds |
| The image is computed | Cannot tell |

## What to do

What mends it, in a sentence or two.

## Sources

- Where the mechanism, and each default that the check relies on, is documented.
"""


class NewError(Exception):
    """Why the check can't be started; the text says what would do."""


def write(name: str, packs: Packs, pack: Path | None) -> list[Path]:
    """Write the files of the check *name* (``CATEGORY/ID``) into the package folder *pack* and return their paths.

    *pack* None stands for `BUILT_IN` under the current folder. Raises NewError, and then nothing is written.
    """
    category, _, identifier = name.partition("/")
    _vet(category, identifier, packs)
    folder = pack if pack is not None else BUILT_IN
    if not folder.is_dir():
        hint = "" if pack is not None else "; give the folder of your pack's checks with --pack DIR"
        raise NewError(f"{folder}: no such folder{hint}")
    inside = folder / category.replace("-", "_")
    module = inside / f"{identifier.replace('-', '_')}.py"
    page = module.with_suffix(".md")
    for path in (module, page):
        if path.exists():
            raise NewError(f"{path} is there already")
    title = identifier.replace("-", " ").capitalize()
    since = ".".join(__version__.split(".")[:2])
    files = {
        inside / "__init__.py": f'"""{taxonomy.category(category).name}."""\n',
        module: _MODULE.replace("TITLE", title).replace("SINCE", since),
        page: _PAGE.replace("TITLE", title).replace("CATEGORY/ID", name),
    }
    written = []
    try:
        inside.mkdir(exist_ok=True)
        for path, text in files.items():
            if not path.exists():
                path.write_text(text, encoding="utf-8", newline="\n")
                written.append(path)
    except OSError as error:
        raise NewError(f"{error.filename}: can't be written: {error.strerror}") from error
    return written


def _vet(category: str, identifier: str, packs: Packs) -> None:
    if category not in taxonomy.categories():
        near = difflib.get_close_matches(category, taxonomy.categories(), n=1, cutoff=0)
        raise NewError(f"no category {category!r}; the nearest is {near[0]!r} (`mlbreaks taxonomy` lists them)")
    if not _ID.fullmatch(identifier):
        raise NewError(f"{identifier!r} is no id: lower-case words joined by '-', at least two (CATEGORY/ID)")
    taken = packs.check(identifier)
    if taken is not None:
        raise NewError(f"the id {identifier!r} is taken by {taken.category}/{taken.id}: ids are unique over all packs")
