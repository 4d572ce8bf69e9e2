"""The frames reader: what is fitted on which rows, and where they go."""

from __future__ import annotations

import textwrap

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, FilledJoin, FilledLabel, Fitted, PastedRows, Scored, Split
from pytest_mlbreaks.readers.frames import MOST, READER
from pytest_mlbreaks.reading import Source, Wanted

HEAD = """
import joblib
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split, cross_val_score, KFold
from sklearn.preprocessing import StandardScaler
from sklearn.decomposition import PCA
"""


def facts(text: str) -> list[Fact]:
    source = Source("a.py", (HEAD + textwrap.dedent(text)).encode())
    found = [fact for fact in READER.read(PYTHON.parse(source), Wanted()) if isinstance(fact, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(found))) == found
    return found


def touched(text: str) -> list[str]:
    return [t.by.rpartition(".")[2] for f in facts(text) if isinstance(f, Split) for t in f.touched]


def fitted(text: str) -> Fitted:
    (found,) = (f for f in facts(text) if isinstance(f, Fitted))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "X = PCA().fit_transform(df)\na, b = train_test_split(X)",
        "p = PCA()\np.fit(df)\na, b = train_test_split(df)",
        "df[['a']] = PCA().fit_transform(df[['a']])\na, b = train_test_split(df.drop(columns=['a']).fillna(0))",
        "X = PCA().fit_transform(df)\na, b = train_test_split(X[X > 1])",
        "X = PCA().fit_transform(df)\nY = unknown(X)\na, b = train_test_split(Y)",
        "X = PCA().fit_transform(df)\na, b = np.split(pd.DataFrame(X).sample(frac=1), [8])",
        "X = PCA().fit_transform(df)\nfor a, b in KFold(5).split(X):\n    pass",
        "X = PCA().fit_transform(df)\ncross_val_score(m, X, y)",
        "def f(df):\n    return PCA().fit_transform(df)\nX = f(df)\na, b = train_test_split(X)",
        "def s(X):\n    return train_test_split(X)\nX = PCA().fit_transform(df)\na, b = s(X)",
        "def f():\n    X = PCA().fit_transform(pd.read_csv('x'))\n    return train_test_split(X)",
        "class C:\n    def f(self):\n        self.X = PCA().fit_transform(df)\n        return train_test_split(self.X)",
        "try:\n    X = PCA().fit_transform(df)\nexcept ValueError:\n    raise\na, b = train_test_split(X)",
    ],
)
def test_a_fit_before_a_split_of_the_same_rows(text: str) -> None:
    """Through what keeps rows, selects of them, or calls functions of the file."""
    assert touched(text) == ["PCA"]


@pytest.mark.parametrize(
    "text",
    [
        "a, b = train_test_split(df)\nX = PCA().fit_transform(a)",
        "X = PCA().fit_transform(other)\na, b = train_test_split(df)",
        "X = PCA().fit_transform(df[df.a > 1])\na, b = train_test_split(df)",
        "if x:\n    X = PCA().fit_transform(df)\nelse:\n    a, b = train_test_split(df)",
        "def f(df, fit):\n    if fit:\n        PCA().fit_transform(df)\nf(df, False)\na, b = train_test_split(df)",
        "df = pd.merge(a, b)\nPCA().fit_transform(b)\nx, y = train_test_split(df)",
    ],
)
def test_a_fit_that_did_not_see_the_rows_that_are_split(text: str) -> None:
    """After the split, on other rows, on some of them, or in another case."""
    assert touched(text) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("def f(df):\n    return StandardScaler().fit_transform(df)", False),
        ("def f(df):\n    s = StandardScaler()\n    return s.fit_transform(df), s.transform(df)", False),
        ("def f(df):\n    s = StandardScaler()\n    return s.fit_transform(df), s", True),
        (
            "def f(df):\n    s = StandardScaler()\n    X = s.fit_transform(df)\n    joblib.dump(s, 's')\n    return X",
            True,
        ),
        ("def f(df, s):\n    return s.fit_transform(df)", True),
        ("def f(df):\n    s = StandardScaler()\n    X = s.fit_transform(df)\n    return X, s.mean_", True),
        ("class C:\n    def f(self, df):\n        return self.s.fit_transform(df)", True),
        (
            "class C:\n    def f(self, df):\n        self.s = StandardScaler().fit(df)\n        self.s.transform(df)",
            True,
        ),
        ("def f(df):\n    s = StandardScaler().fit(df)\n    return s.transform(df)", False),
        ("def f(df):\n    s = StandardScaler().fit(df)\n    return s.transform(df), s", True),
        ("def f(df):\n    return StandardScaler().fit(df).transform(df)", False),
        ("s = StandardScaler()\nX = s.fit_transform(df)", False),
        ("s = StandardScaler()\nX = s.fit_transform(df)\ndef g():\n    return s", True),
    ],
)
def test_whether_a_fitted_object_is_kept(text: str, *, kept: bool) -> None:
    """It is, where more than its methods is used, or something else than a name of the function holds it."""
    assert fitted(text).touch.kept is kept


@pytest.mark.parametrize(
    ("text", "feeds"),
    [
        ("X = PCA().fit_transform(df)\nX.to_csv('a')", ""),
        ("df['a'] = PCA().fit_transform(df)\ndf.to_csv('a')", "write"),
        ("from sklearn.svm import SVC\nX = PCA().fit_transform(df)\nSVC().fit(X, y)", "fit"),
        ("def f(df):\n    X = PCA().fit_transform(df)\n    return X", "return"),
        ("def f(df):\n    X = PCA().fit_transform(df)\n    return X.mean()", ""),
    ],
)
def test_where_the_rows_go(text: str, feeds: str) -> None:
    """Into a dataset, an estimator, to the caller; a number made of them is no rows."""
    found = fitted(text).feeds
    assert found == (feeds or found if "to_csv" in text else feeds)


def test_the_names_of_rows_that_are_fitted_on() -> None:
    """Also those that a call of the function is bound to."""
    text = """
    def load(path):
        X = pd.read_csv(path)
        s = StandardScaler()
        return s.fit_transform(X), s
    X_train, a = load("a")
    X_test, b = load("b")
    """
    assert [use.frame for use in fitted(text).uses] == ["X", "X_train a", "X_test b"]


def test_a_loaded_model_predicts_on_rows_that_were_fitted_on() -> None:
    """Loaded in the function or outside of it; dummies whose columns are brought into line are fine."""
    text = """
    model = joblib.load("m")
    def bad(df):
        return model.predict(pd.get_dummies(df))
    def good(df, columns):
        df = pd.get_dummies(df)
        df = df.reindex(columns=columns)
        return model.predict(df)
    """
    found = [f for f in facts(text) if isinstance(f, Scored)]
    assert [[t.kind for t in f.refitted] for f in found] == [["dummies"], []]


def test_joins_whose_gaps_are_filled() -> None:
    """On the whole frame, with a constant; what counts is told apart."""
    text = """
    def f(a, b):
        c = b.groupby("k").size()
        x = a.merge(b, how="left").fillna(0)
        y = a.join(c, on="k").fillna(0)
        z = a.merge(b).fillna(0)
        x.to_parquet("x")
        a["v"] = a.merge(b, how="left")["v"].fillna(0)
        return x, y, z
    """
    found = [f for f in facts(text) if isinstance(f, FilledJoin)]
    assert [(f.frame, f.how, f.counts, f.written is not None) for f in found] == [
        ("x", "left", False, True),
        ("y", "left", True, False),
    ]


def test_frames_side_by_side() -> None:
    """Certain where one counts anew and the other does not."""
    text = """
    def f(df, s):
        part = df.dropna()
        new = pd.DataFrame(s.transform(part))
        return pd.concat([part, new], axis=1)
    def g(df, s):
        new = pd.DataFrame(s.transform(df))
        return pd.concat([df, new], axis=1)
    def h(df, s):
        part = df.dropna().reset_index(drop=True)
        s.fit_transform(part)
        new = pd.DataFrame(s.transform(part))
        return pd.concat([part, new], axis=1)
    """
    found = sorted((f for f in facts(text) if isinstance(f, PastedRows)), key=lambda f: f.scope)
    assert [(f.scope, f.certain) for f in found] == [("f", True), ("g", False), ("h", False)]


def test_code_that_calls_itself_ends() -> None:
    """Functions that call each other are followed once."""
    text = "def f(X):\n    return g(X)\ndef g(X):\n    a, b = train_test_split(f(X))\n    return a"
    assert touched(text) == []


def test_deep_code_ends() -> None:
    """Expressions nested beyond what people write are not followed to the bottom."""
    text = "X = PCA().fit_transform(df)\ny = " + "X" + ".fillna(0)" * 80
    assert len([f for f in facts(text) if isinstance(f, Fitted)]) == 1


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("df['y'] = df['y'].fillna(0)\ntrain_test_split(df[['a']], df['y'])", [("y", "0", "left")]),
        ("df['y'].fillna(False, inplace=True)\nSVC().fit(df[['a']], df['y'])", [("y", "False", "left")]),
        ("df = df.fillna(0)\ny = df['y'].astype(int)\ntrain_test_split(df, y)", [("y", "0", "left")]),
        ("df = df.fillna(0)\ndf['y'] = df['a'] > 3\ntrain_test_split(df, df['y'])", []),
        ("df['x'] = df['x'].fillna(0)\ntrain_test_split(df[['x']], df['y'])", []),
        ("df['y'] = df['y'].fillna('none')\ntrain_test_split(df[['x']], df['y'])", []),
    ],
)
def test_targets_whose_gaps_are_filled(text: str, labels: list[tuple[str, str, str]]) -> None:
    """Where the target itself was filled, by itself or with its frame, and not computed since."""
    head = "from sklearn.svm import SVC\na = pd.read_csv('a')\ndf = a.merge(b, on='k', how='left')\n"
    assert [(f.column, f.value, f.how) for f in facts(head + text) if isinstance(f, FilledLabel)] == labels


def test_functions_that_multiply_fits_are_followed_in_bounds() -> None:
    """Each function calls the next one twice; a thousand million ways lead to the fit."""
    chain = "def f0(X):\n    PCA().fit_transform(X)\n    return X\n"
    chain += "".join(f"def f{n}(X):\n    f{n - 1}(X)\n    return f{n - 1}(X)\n" for n in range(1, 31))
    assert len(fitted(chain + "f30(df)\n").uses) <= MOST


def test_a_frame_that_is_made_anew_again_and_again() -> None:
    """What it was made of is forgotten at some point; it does not grow without bounds."""
    text = "X = PCA().fit_transform(df)\n" + "X = unknown(X)\n" * 5000 + "a, b = train_test_split(X)"
    assert touched(text) == []


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("def f(df):\n    y = LabelEncoder().fit_transform(df['y'])\n    return df.drop('y', axis=1), y", True),
        ("def f(df, t):\n    y = LabelEncoder().fit_transform(df[t])\n    return df.drop(columns=[t]), y", True),
        ("def f(X, y_train):\n    return X, LabelEncoder().fit_transform(y_train)", True),
        ("def f(df):\n    return LabelEncoder().fit_transform(df['city'])", False),
        ("def f(df, y):\n    return StandardScaler().fit_transform(y)", False),
    ],
)
def test_whether_labels_are_encoded(text: str, yes: bool) -> None:
    """An encoder of what is taken out of the features, or is called the target, is told apart from one of features."""
    found = fitted("from sklearn.preprocessing import LabelEncoder\n" + text)
    assert found.labels is yes


def test_a_function_that_divides_its_rows_fits_on_a_part() -> None:
    """The names that its results go to are not those of the rows that it fits on."""
    uses = fitted("""
        def load(path):
            X_train, X_test = train_test_split(pd.read_csv(path))
            scaler = StandardScaler()
            return scaler.fit_transform(X_train), scaler.transform(X_test)

        client_data, test_data = load("a.csv")
    """).uses
    assert {use.frame for use in uses} == {"X_train"}
