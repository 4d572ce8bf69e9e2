"""What a compose file or a Dockerfile says in its first comment: whether it is for a developer's machine alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.facts import LocalPurpose

_MOST_LINES = 20
_SAYS = re.compile(
    r"\bfor\s+(?:\w+\s+)?local(?:[ -]only)?[ -](?:development|dev|demos?|testing)\b"
    r"|\blocal(?:[ -]only)?(?: \w+)? stack\b|\blocal development (?:stack|environment|setup)\b"
    r"|\bdevelopment (?:stack|only|docker[ -]compose|dockerfile)\b|\bfor development only\b"
    r"|\bfor (?:quick |local )*demos?\b|\bnot (?:meant |intended |suitable )?for (?:use in )?production\b"
    r"|\bruns? (?:[\w-]+ ){0,4}locally\b"
    r"|\bdemo local\b|\bdesarrollo local\b",
    re.IGNORECASE,
)
_AIRFLOW = "This configuration is for local development. Do not use it in a production deployment."
"""What the compose file that Airflow hands out says, which many run in production all the same:
https://airflow.apache.org/docs/apache-airflow/stable/howto/docker-compose/index.html"""


def stated(path: str, text: str) -> Iterator[LocalPurpose]:
    """The statement in the comment that the file *path* of *text* begins with, if there is one."""
    line = 0
    rest = text
    while line < _MOST_LINES and rest:
        row, _, rest = rest.partition("\n")
        line += 1
        said = row.strip()
        if said and not said.startswith("#"):
            return
        found = _SAYS.search(said)
        if found is not None and _AIRFLOW not in said:
            yield LocalPurpose(place=Place(path, line), said=found[0])
            return
