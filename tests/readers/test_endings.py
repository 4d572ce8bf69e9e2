"""The reader of training code: work whose failure is only reported."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.facts import EndsWell
from pytest_mlbreaks.readers.training import READER
from pytest_mlbreaks.reading import Source, Wanted

GUARD = '\n\nif __name__ == "__main__":\n    main()\n'
READ = "    try:\n        rows = pd.read_csv('a.csv')\n"
TAKE = "        rows.to_csv('b.csv')\n"
HEAD = "import asyncio\nimport sys\nimport pandas as pd\nlog = print\n\n\n"


def endings(text: str) -> list[EndsWell]:
    file = PYTHON.parse(Source("job.py", (HEAD + text).encode()))
    return [fact for fact in READER.read(file, Wanted()) if isinstance(fact, EndsWell)]


def line(place: Place | None) -> int | None:
    return place.line if place is not None else None


def test_all_of_a_function_in_a_try() -> None:
    """A try that holds all of a function's work is told with its handler, its first call, and what it reads and
    writes."""
    [one] = endings("def main():\n" + READ + TAKE + "    except Exception as e:\n        print(e)" + GUARD)
    assert (one.function, one.first, one.catches, one.then) == ("main", "pd.read_csv", "Exception", "reports")
    assert (one.whole, one.started, one.asked, one.answers) == (True, True, False, False)
    assert line(one.reads) == 9
    assert line(one.writes) == 10
    assert one.handler.line == 11


def test_only_the_input_in_a_try() -> None:
    """A handler that returns before the work is told with the names that the work needs."""
    text = (
        "def main():\n"
        + READ
        + "    except Exception as e:\n        print(e)\n        return\n    rows.to_csv('b.csv')"
    )
    [one] = endings(text + GUARD)
    assert (one.whole, one.needed) == (False, ("rows",))


def test_the_scripts_own_code() -> None:
    """What stands below the guard of the main module is told without a function."""
    [one] = endings("if __name__ == '__main__':\n" + READ + TAKE + "    except Exception as e:\n        print(e)\n")
    assert (one.function, one.started) == ("", True)


@pytest.mark.parametrize(
    ("guard", "started", "used"),
    [
        ("    main()", True, False),
        ("    asyncio.run(main())", True, False),
        ("    sys.exit(main())", True, False),
        ("    raise SystemExit(main())", True, False),
        ("    done = main()", False, True),
        ("    if not main():\n        sys.exit(1)", False, True),
    ],
)
def test_whether_a_script_takes_the_answer(guard: str, started: bool, used: bool) -> None:
    """A call that is a statement, or the status that the process ends with, takes no answer."""
    text = (
        "def main():\n"
        + READ
        + TAKE
        + "    except Exception as e:\n        print(e)\n        return False\n    return 1\n"
    )
    [one] = endings(f"{text}\n\nif __name__ == '__main__':\n{guard}\n")
    assert (one.started, one.asked, one.answers) == (started, used, True)


@pytest.mark.parametrize(
    "handler",
    [
        "except Exception as e:\n        print(e)\n        raise",
        "except Exception as e:\n        print(e)\n        sys.exit(1)",
        "except Exception as e:\n        print(e)\n        return 1",
        "except ValueError as e:\n        print(e)",
        "except Exception:\n        pass",
        "except Exception as e:\n        log.warning(e)",
        "except Exception as e:\n        print(f'skipping: {e}')",
    ],
)
def test_what_does_not_end_well_by_mistake(handler: str) -> None:
    """A handler that raises, ends with a status, takes one error only, says nothing, or means to go on."""
    assert endings("def main():\n" + READ + TAKE + "    " + handler + GUARD) == []


def test_a_handler_that_does_more() -> None:
    """A handler that also calls something else is told as such."""
    [one] = endings(
        "def main():\n" + READ + TAKE + "    except Exception as e:\n        print(e)\n        page(e)" + GUARD
    )
    assert one.then == "other"


def test_an_optional_last_step() -> None:
    """A try that holds a small part of the function's work is not told."""
    work = "".join(f"    a{n} = work({n})\n" for n in range(6))
    text = "def main():\n" + work + "    try:\n        a5.to_csv('b.csv')\n    except Exception as e:\n        print(e)"
    assert endings(text + GUARD) == []


def test_a_service() -> None:
    """What loops for ever is not told."""
    text = (
        "def main():\n    try:\n        while True:\n            step()\n    except Exception as e:\n        print(e)"
    )
    assert endings(text + GUARD) == []


def test_a_chain_of_spark() -> None:
    """Options may stand between the reader and what it reads; the write may stand behind the try."""
    text = (
        "def main(spark):\n    try:\n        rows = spark.read.option('h', 1).csv('a')\n    except Exception as e:\n"
        "        print(e)\n        return\n    rows.count().write.mode('overwrite').parquet('b')"
    )
    [one] = endings(text + GUARD)
    assert line(one.reads) == 9
    assert line(one.writes) == 13
