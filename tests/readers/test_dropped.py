"""The reader of calls whose result nothing takes."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import FACTS, DroppedResult
from pytest_mlbreaks.readers.dropped import READER
from pytest_mlbreaks.reading import Source, Wanted


def dropped(text: str) -> list[tuple[int | None, str, bool]]:
    """Line, what is called, and whether it may only be tried; written and read back."""
    read = READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted())
    found = [one for one in read if isinstance(one, DroppedResult)]
    codec = FactCodec(FACTS)
    assert codec.decode(codec.encode(found)) == found
    return [(one.place.line, one.written, one.tried) for one in found]


@pytest.mark.parametrize(
    ("call", "written"),
    [
        ("df.rename(columns={'a': 'b'})", "df.rename"),
        ("df.drop(columns=['a'])", "df.drop"),
        ("df['a'].fillna(0)", "df['a'].fillna"),
        ("df.groupby('a').sum().reset_index()", "(...).reset_index"),
        ("pd.concat([df, df])", "pd.concat"),
        ("np.append(df, 1)", "np.append"),
        ("np.random.permutation(df)", "np.random.permutation"),
        ("sorted(df)", "sorted"),
        ("random_state.permutation(df)", "random_state.permutation"),
    ],
)
def test_a_call_that_is_a_statement(call: str, written: str) -> None:
    """What only makes a copy is told where nothing takes the copy."""
    assert dropped(f"import pandas as pd\nimport numpy as np\n\ndef f(df):\n    {call}\n") == [(5, written, False)]


@pytest.mark.parametrize(
    "call",
    [
        "df = df.rename(columns={'a': 'b'})",
        "print(df.dropna())",
        "df.dropna(inplace=True)",
        "df.dropna(**options)",
        "df.dropna(0, 'any', None, None, True)",
        "path.rename('b')",
        "graph.drop('name', False)",
        "names.append(1)",
        "np.random.shuffle(df)",
        "np.concatenate([df], out=df)",
    ],
)
def test_a_call_that_acts_or_is_used(call: str) -> None:
    """What is used, works in place, or is known from a keyword that is not there, is not told."""
    assert (
        dropped(f"import pandas as pd\nimport numpy as np\n\ndef f(df, path, graph, names, options):\n    {call}\n")
        == []
    )


def test_without_a_library_of_frames() -> None:
    """Methods are those of frames only where a library of frames is named."""
    assert dropped("def f(form):\n    form.fillna(0)\n") == []


def test_the_end_of_a_cell() -> None:
    """In a script of cells only what stands in a function is told."""
    text = "# %%\nimport pandas as pd\ndf.dropna()\n\ndef f(df):\n    df.dropna()\n"
    assert dropped(text) == [(6, "df.dropna", False)]


def test_an_attempt() -> None:
    """A call that is the whole of a try, or stands where an error is expected, may be an attempt."""
    text = (
        "import pandas as pd, contextlib\n\ndef f(df):\n    try:\n        df.astype(float)\n        return True\n"
        "    except ValueError:\n        pass\n    with contextlib.suppress(ValueError):\n        df.astype(int)\n"
    )
    assert dropped(text) == [(5, "df.astype", True), (10, "df.astype", True)]
