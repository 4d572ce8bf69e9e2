"""The serving reader: handlers, routers, request models, HTTP calls, calls that hold their thread, retries."""

from __future__ import annotations

from typing import TypeVar

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import (
    FACTS,
    BlockingCall,
    Handler,
    RemoteCall,
    RequestModel,
    Retrying,
    Router,
    RouterMount,
)
from pytest_mlbreaks.readers.serving import READER
from pytest_mlbreaks.reading import Source, Wanted

F = TypeVar("F", bound=Fact)


def stated(kind: type[F], text: str) -> list[F]:
    facts = list(READER.read(PYTHON.parse(Source("app.py", text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode([f for f in facts if isinstance(f, Fact)]))) == facts
    return [fact for fact in facts if isinstance(fact, kind)]


FASTAPI = "from fastapi import FastAPI, APIRouter, Depends, Body, Request\napp = FastAPI()\n"


def test_a_route_of_fastapi() -> None:
    """Its verb, path, router and whether it is async, whatever the function is called."""
    (handler,) = stated(Handler, FASTAPI + "@app.post('/predict')\nasync def f(): ...")
    assert (handler.framework, handler.function, handler.methods, handler.router) == ("fastapi", "f", ("POST",), "app")
    assert handler.route == Literal("/predict")
    assert handler.asynchronous


def test_a_route_of_flask_answers_to_get_where_nothing_else_is_said() -> None:
    """``methods=`` says otherwise; without it Flask adds HEAD and OPTIONS to GET."""
    code = "from flask import Flask\napp = Flask(__name__)\n@app.route('/a')\ndef a(): ...\n"
    code += "@app.route('/b', methods=['POST'])\ndef b(): ..."
    assert [h.methods for h in stated(Handler, code)] == [("GET", "HEAD", "OPTIONS"), ("POST",)]


def test_a_route_of_an_imported_object_needs_a_path() -> None:
    """An object that is not known is a router only where what is given begins with a slash."""
    code = "from core import app, cache\n@app.get('/x')\ndef x(): ...\n@cache.get('x')\ndef y(): ..."
    (handler,) = stated(Handler, code)
    assert (handler.framework, handler.router) == ("web", "core.app")


@pytest.mark.parametrize(
    ("code", "framework", "function"),
    [
        ("import bentoml\nsvc = bentoml.Service('x')\n@svc.api(input=1)\ndef f(x): ...", "bentoml", "f"),
        ("import kserve\nclass M(kserve.Model):\n def predict(self, x): ...", "kserve", "M.predict"),
        ("class TritonPythonModel:\n def execute(self, r): ...", "triton", "TritonPythonModel.execute"),
        (
            "from ray import serve\n@serve.deployment\nclass D:\n async def __call__(self, r): ...",
            "ray-serve",
            "D.__call__",
        ),
        ("def model_fn(d): ...\ndef predict_fn(x, m): ...", "sagemaker", "predict_fn"),
        ("def lambda_handler(event, context): ...", "lambda", "lambda_handler"),
        ("from litestar import get\n@get('/x')\nasync def f(): ...", "litestar", "f"),
    ],
)
def test_handlers_of_other_frameworks(code: str, framework: str, function: str) -> None:
    """By decorator, base class or name, as each framework finds them."""
    assert [(h.framework, h.function) for h in stated(Handler, code)] == [(framework, function)]


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ("x: Item", "Item"),
        ("x: Item, request: Request, n: int = 1, db=Depends(f)", "Item"),
        ("x: Item = Body(...)", "Item"),
        ("id: Key, x: Item", "Item"),  # filled by the path
        ("x: Item, y: Other", ""),
        ("x: list[Item]", ""),
        ("x: Item = Body(..., embed=True)", ""),
        ("x", ""),
    ],
)
def test_the_body_of_a_route(parameters: str, body: str) -> None:
    """The one parameter that FastAPI fills from the body; none where there are several, or a list."""
    (handler,) = stated(Handler, FASTAPI + f"@app.post('/p/{{id}}')\ndef f({parameters}): ...")
    assert handler.body == body


def test_routers_and_what_takes_them_in() -> None:
    """Prefixes as written; imported routers by their qualified name; a mount takes all below its path."""
    code = FASTAPI + "from routes import users\nr = APIRouter(prefix='/v1')\napp.include_router(r, prefix='/api')\n"
    code += "app.include_router(users.router)\napp.mount('/files', Files())"
    assert [(r.name, r.app, r.prefix) for r in stated(Router, code)] == [
        ("app", True, None),
        ("r", False, Literal("/v1")),
    ]
    assert [(m.parent, m.child, m.prefix, m.whole) for m in stated(RouterMount, code)] == [
        ("app", "r", Literal("/api"), False),
        ("app", "routes.users.router", None, False),
        ("app", "", Literal("/files"), True),
    ]


@pytest.mark.parametrize(
    ("code", "mounts"), [("register(app)", 1), ("app.add_api_route('/x', f)", 1), ("CORS(app)", 0)]
)
def test_an_application_that_is_handed_on_may_have_more_routes(code: str, mounts: int) -> None:
    """A call that takes the application, or adds a route to it, is something that it takes in and can't be told."""
    assert len(stated(RouterMount, FASTAPI + code)) == mounts


@pytest.mark.parametrize(
    ("call", "verb", "deadline"),
    [
        ("requests.get(u)", "GET", "none"),
        ("requests.post(u, timeout=3)", "POST", "given"),
        ("requests.get(u, timeout=None)", "GET", "none"),
        ("requests.request('put', u)", "PUT", "none"),
        ("requests.get(u, **options)", "GET", "unknown"),
        ("requests.Session().get(u)", "GET", "none"),
        ("httpx.get(u)", "GET", "default"),
        ("httpx.get(u, timeout=None)", "GET", "none"),
        ("urllib.request.urlopen(u)", "GET", "none"),
        ("urllib.request.urlopen(u, None, 3)", "", "given"),
    ],
)
def test_http_calls_and_their_limits(call: str, verb: str, deadline: str) -> None:
    """What each library does where nothing is said is its own default."""
    (remote,) = stated(RemoteCall, f"import requests, httpx, urllib.request\n{call}")
    assert (remote.verb, remote.deadline) == (verb, deadline)


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("requests.post(u, json={'a': 1, 'b': 2})", ("a", "b")),
        ("d = {'a': 1}\nrequests.post(u, json=d)", ("a",)),
        ("d = {'a': 1}\nrequests.post(u, data=json.dumps(d))", ("a",)),
        ("d = {'a': 1}\nd['b'] = 2\nrequests.post(u, json=d)", None),
        ("d = {'a': 1}\nd.update(x)\nrequests.post(u, json=d)", None),
        ("requests.post(u, json={**d, 'a': 1})", None),
        ("requests.post(u, json=rows)", None),
    ],
)
def test_the_keys_of_a_body(code: str, keys: tuple[str, ...] | None) -> None:
    """Told where the dictionary is written out and nothing changes it."""
    (remote,) = stated(RemoteCall, f"import json, requests\n{code}")
    assert remote.keys == keys


def test_what_holds_its_thread() -> None:
    """Loads, predictions, training, sleeps and commands; a model is known by what made it, or by its name.
    A command that is given a few seconds at most is none."""
    code = "import joblib, time, subprocess\nm = joblib.load('x')\nm.predict(y)\nself.clf.fit(y)\ntime.sleep(1)\n"
    code += "subprocess.run(c)\nsubprocess.run(c, timeout=2)\nendpoint.predict(y)\nqueue.fit(y)"
    found = [(b.kind, b.api) for b in stated(BlockingCall, code)]
    assert found == [
        ("load", "joblib.load"),
        ("predict", "joblib.load().predict"),
        ("train", "*.fit"),
        ("sleep", "time.sleep"),
        ("command", "subprocess.run"),
    ]


def test_what_an_async_function_hands_on_does_not_hold_it() -> None:
    """What is awaited, and what stands in a lambda, is none; a generator is marked."""
    code = "async def f(model):\n await model.predict(1)\n run(lambda: model.predict(2))\n model.predict(3)\n"
    code += "def g(model):\n yield model.predict(4)"
    assert [(b.scope, b.lazy) for b in stated(BlockingCall, code)] == [("f", False), ("g", True)]


@pytest.mark.parametrize(
    ("decorator", "stops", "waits"),
    [
        ("@retry", False, False),
        ("@retry()", False, False),
        ("@retry(stop=stop_after_attempt(3))", True, False),
        ("@retry(stop=stop_never, wait=wait_fixed(1))", False, True),
        ("@retry(wait=wait_none())", False, False),
        ("@retry(**policy)", None, None),
    ],
)
def test_retries_of_tenacity(decorator: str, stops: bool | None, waits: bool | None) -> None:
    """It never stops and never waits where nothing else is said."""
    names = "retry, stop_after_attempt, stop_never, wait_fixed, wait_none"
    (retrying,) = stated(Retrying, f"from tenacity import {names}\n{decorator}\ndef f(): ...")
    assert (retrying.tool, retrying.function, retrying.stops, retrying.waits) == ("tenacity", "f", stops, waits)


@pytest.mark.parametrize(
    ("loop", "handler", "found"),
    [
        ("while True", "pass", [(False, False)]),
        ("for i in range(3)", "log(e)", [(True, False)]),
        ("for i in range(3)", "time.sleep(1)", [(True, True)]),
        ("while True", "raise", []),
        ("for u in urls", "pass", []),
    ],
)
def test_loops_that_repeat(loop: str, handler: str, found: list[tuple[bool, bool]]) -> None:
    """A loop that success leaves and failure does not; one over items takes the next instead."""
    code = (
        f"import requests, time\ndef f(u):\n {loop}:\n  try:\n   return requests.get(u)\n  except E as e:\n   {handler}"
    )
    assert [(r.stops, r.waits) for r in stated(Retrying, code)] == found


@pytest.mark.parametrize(
    ("taken", "waits"),
    [
        ("requests.exceptions.Timeout", True),
        ("(requests.Timeout, ValueError)", True),
        ("ValueError", False),
        ("(requests.Timeout, requests.ConnectionError)", False),
        ("Exception", False),
        ("errors", False),
    ],
)
def test_a_loop_that_repeats_timeouts_alone(taken: str, waits: bool) -> None:
    """A timeout was a pause itself; what fails at once was none."""
    code = (
        "import requests\ndef f(u):\n for i in range(3):\n  try:\n   return requests.get(u, timeout=60)\n"
        f"  except {taken}:\n   continue"
    )
    assert [r.waits for r in stated(Retrying, code)] == [waits]


def test_a_loop_that_takes_all_errors() -> None:
    """A bare `except` takes what fails at once, too."""
    code = "import requests\ndef f(u):\n while True:\n  try:\n   return requests.get(u)\n  except:\n   pass"
    assert [r.waits for r in stated(Retrying, code)] == [False]


def test_a_request_model() -> None:
    """Required fields, inherited ones, and what is done with keys that are not known."""
    code = "from pydantic import BaseModel, Field, ConfigDict\nfrom typing import Optional\n"
    code += "class A(BaseModel):\n a: int\n b: int = 1\n c: Optional[int]\n d: int = Field(..., gt=0)\n"
    code += "class B(A):\n model_config = ConfigDict(extra='forbid')\n e: float = Field(alias='f')\n"
    code += "class C(Other, BaseModel):\n g: int"
    first, second, third = stated(RequestModel, code)
    assert [(f.name, f.required) for f in first.fields] == [("a", True), ("b", False), ("c", False), ("d", True)]
    assert (first.extra, first.complete) == ("ignore", True)
    assert (second.extra, second.complete, len(second.fields)) == ("forbid", False, 5)
    assert not third.complete


@pytest.mark.parametrize("code", ["@app.get()\ndef f(): ...", "def f(:", "requests.get()", "class A(B): x: int"])
def test_odd_code_is_no_error(code: str) -> None:
    """The reader says nothing of what it does not know, and never raises."""
    assert stated(Handler, code) == []


def test_clients_that_wait_for_a_store_or_an_api() -> None:
    """Those of a class that has another one for code that awaits; what is awaited, or not known, is none."""
    code = (
        "import boto3\nimport openai\nimport redis\nimport redis.asyncio\nfrom sqlalchemy.orm import Session\n"
        "cache = redis.from_url('redis://c')\nlater = redis.asyncio.from_url('redis://c')\nclient = openai.OpenAI()\n"
        "def ask(db: Session, other):\n    db.query(1).filter(2).first()\n    other.execute('x')\n    db.query(1)\n"
        "    boto3.client('s3').get_object(Bucket='b', Key='k')\n    boto3.client('s3').generate_presigned_url('x')\n"
        "    cache.get('k')\n    client.chat.completions.create(model='m')\n"
        "async def asks():\n    await later.get('k')\n"
    )
    found = [(call.kind, call.api.rpartition(".")[2]) for call in stated(BlockingCall, code)]
    assert sorted(found) == [("answer", "create"), ("query", "first"), ("query", "get"), ("query", "get_object")]


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        ("pd.read_parquet(f'gs://{b}/x')", ["fetch"]),
        ("pd.read_csv('https://a/' + name)", ["fetch"]),
        ("pd.read_csv(path, storage_options={})", []),
        ("pd.read_parquet(path, filesystem=gcsfs.GCSFileSystem())", ["fetch"]),
        ("pd.read_csv('data/x.csv')", []),
        ("pd.read_sql('select 1', create_engine(u))", ["query"]),
        ("pd.read_sql('select 1', sqlite3.connect(u))", []),
        ("psutil.cpu_percent(interval=1)", ["sleep"]),
        ("psutil.cpu_percent(0.1)", []),
        ("psutil.cpu_percent()", []),
        ("Maker(e)().execute(q)", ["query"]),
        ("sessionmaker(e, class_=AsyncSession)().execute(q)", []),
    ],
)
def test_tables_from_elsewhere_and_measurements(call: str, kinds: list[str]) -> None:
    """A table that lies elsewhere is waited for, one that lies here is not; psutil sleeps where it is told to."""
    code = "import gcsfs, psutil, sqlite3\nimport pandas as pd\nfrom sqlalchemy import create_engine\n"
    code += "from sqlalchemy.orm import sessionmaker\n"
    code = code.replace("orm import sessionmaker", "orm import sessionmaker" + " as Maker" * ("Maker" in call))
    assert [blocking.kind for blocking in stated(BlockingCall, code + call)] == kinds
