"""What the checks of training and serving code share: whose code a file is, and how a fit is called."""

from __future__ import annotations

import re

from pytest_mlbreaks.api import Pipeline, facts

_TRIED_OUT = re.compile(r"(^|/)(notebooks?|experiments?|exploration|exploratory|scratch|sandbox|playground|eda)/", re.I)
_TESTED = re.compile(r"(^|[_\W])(x|y|df|data)?_?(test|testing|val|valid|validation|holdout|eval)([_\W]|$)", re.I)
_TRAINED = re.compile(r"train", re.I)

_KINDS = {
    "scaler": "a scaler",
    "imputer": "an imputer",
    "vectorizer": "a vectorizer",
    "encoder": "an encoder",
    "projection": "a projection",
    "selection": "a feature selection",
    "resampler": "a resampling",
    "dummies": "get_dummies",
    "unknown": "a transformer",
}


def tried_out(path: str) -> bool:
    """Whether *path* lies in a folder of experiments, which nobody runs but who wrote them."""
    return bool(_TRIED_OUT.search(path)) and not path.endswith(".ipynb")


def is_test_name(name: str) -> bool:
    """Whether rows are called what is only evaluated on (``X_test``, ``df_val``), and not also what is trained on."""
    return bool(_TESTED.search(name)) and not _TRAINED.search(name)


def is_train_name(name: str) -> bool:
    """Whether rows are called what is trained on."""
    return bool(_TRAINED.search(name))


def called(touch: facts.Touch) -> str:
    """A short name for people: the class (``StandardScaler``), or what kind of thing it is."""
    name = touch.by.rpartition(".")[2]
    return name if name[:1].isupper() or touch.kind in ("dummies", "resampler") else _KINDS[touch.kind]


def keeps_results(pipeline: Pipeline, path: str) -> bool:
    """Whether code of the file writes a dataset, or saves or registers a model: more than a look at data."""
    accesses = pipeline.index(facts.DatasetAccess, "path").get(path, ())
    models = pipeline.index(facts.ModelAccess, "path").get(path, ())
    return any(a.mode != "read" for a in accesses) or any(m.mode != "load" for m in models)
