"""What code answers, what callers make of answers, and the parts that a service goes on without."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import FACTS, Fact, GuardedLoad, Refusal, Reply, ReplyUse, ToleratedFailure
from pytest_mlbreaks.readers import training
from pytest_mlbreaks.reading import Source, Wanted


def facts(kind: type[Fact], text: str, path: str = "service/app.py") -> list[Any]:
    file = PYTHON.parse(Source(path, textwrap.dedent(text).encode()))
    found = [fact for fact in training.READER.read(file, Wanted()) if isinstance(fact, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(found))) == found
    return [fact for fact in found if isinstance(fact, kind)]


@pytest.mark.parametrize(
    ("body", "parts", "holders"),
    [
        (
            "global model\n    try:\n        model = joblib.load(p)\n    except Exception:\n        print(1)",
            ("app.model",),
            (),
        ),
        ("try:\n        app.state.model = load(p)\n    except Exception:\n        print(1)", ("state.model",), ()),
        ("try:\n        app.config['M'] = load(p)\n    except Exception:\n        print(1)", ("config.M",), ()),
        ("try:\n        loader.load_all()\n    except Exception as e:\n        log.error(e)", (), ("loading.loader",)),
        ("try:\n        await loader.start()\n    except:\n        pass", (), ("loading.loader",)),
    ],
)
def test_a_failure_at_start_that_is_tolerated(body: str, parts: tuple[str, ...], holders: tuple[str, ...]) -> None:
    """What a module binds, what the application holds, and objects whose method does the work."""
    head = "from service.loading import loader\napp = make()\nmodel = None\n"
    text = f"{head}async def begin():\n    {body}\n"
    (found,) = facts(ToleratedFailure, text)
    assert (found.parts, found.holders, found.scope) == (parts, holders, "begin")


def test_a_part_that_a_method_keeps() -> None:
    """It is named by its class, where it fails and where requests end for it."""
    text = """
    class Events:
        async def start(self):
            try:
                self.producer = Producer()
            except Exception:
                self.producer = None
        def send(self, event):
            if not self.producer:
                raise RuntimeError("the producer is not started")
    """
    (failure,) = facts(ToleratedFailure, text)
    (refusal,) = facts(Refusal, text)
    assert failure.parts == ("app.Events.producer",) == (refusal.part,)
    assert (refusal.status, refusal.scope) == (None, "Events.send")


@pytest.mark.parametrize(
    "body",
    [
        "try:\n        model = load(p)\n    except Exception:\n        raise",
        "try:\n        model = load(p)\n    except ValueError:\n        print(1)",
        "try:\n        model = load(p)\n    except Exception:\n        model = load(q)",
        "try:\n        found = load(p)\n    except Exception:\n        print(1)",
        "try:\n        model = 1\n    except Exception:\n        print(1)",
    ],
)
def test_failures_that_are_not_tolerated(body: str) -> None:
    """It is raised, of one kind, mended, of a local name, or no part is brought up."""
    assert facts(ToleratedFailure, f"model = None\ndef begin():\n    global model\n    {body}\n") == []


def test_a_failure_in_a_handler_is_none_at_start() -> None:
    """What a request brings up is there or not for that request."""
    text = """
    @app.post("/reload")
    def reload():
        global model
        try:
            model = load(p)
        except Exception:
            print(1)
    """
    assert facts(ToleratedFailure, text) == []


def test_who_calls_may_stop() -> None:
    """A handler that returns leaves it to the caller, who raises."""
    text = """
    def load_it():
        global model
        try:
            model = joblib.load(p)
        except Exception:
            return False
        return True
    def begin():
        if not load_it():
            raise SystemExit(1)
    """
    assert facts(ToleratedFailure, text) == []


@pytest.mark.parametrize(
    ("test", "answer", "status"),
    [
        ("model is None", "raise HTTPException(status_code=503)", 503),
        ("not model", "raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, 'x')", 503),
        ("not model.is_loaded() or row is None", "raise HTTPException(status_code=500)  # 503", 500),
        ("model is None", "return {'error': 'x'}, 503", 503),
        ("model is None", "return JSONResponse({}, status_code=503)", 503),
    ],
)
def test_requests_that_end_for_a_missing_part(test: str, answer: str, status: int) -> None:
    """By an exception of the framework, or a status that is returned."""
    text = (
        "from fastapi import FastAPI, HTTPException, status\nfrom fastapi.responses import JSONResponse\n"
        f"model = None\napp = FastAPI()\n@app.post('/predict')\ndef predict(row):\n    if {test}:\n        {answer}\n"
    )
    (found,) = facts(Refusal, text)
    assert (found.part, found.status, found.scope) == ("app.model", status, "predict")


def test_refusals_for_other_reasons() -> None:
    """A client's error, a part that is there, no condition, an error that was caught."""
    text = """
    from fastapi import HTTPException
    model = None
    def a(row):
        if model is None:
            raise HTTPException(status_code=404)
        if model is not None:
            raise HTTPException(status_code=503)
        if row is None:
            raise HTTPException(status_code=503)
        try:
            run()
        except ValueError:
            raise HTTPException(status_code=503)
    """
    assert facts(Refusal, text) == []


def reply(body: str, route: str = "/health", decorator: str = "") -> Any:
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    text = f"from service.schemas import Out\nmodel = None\n@app.get({route!r}{decorator})\ndef health():\n{lines}\n"
    (found,) = facts(Reply, text)
    return found


@pytest.mark.parametrize(
    ("body", "fails"),
    [
        ("return {'ok': True}", False),
        ("return HealthResponse(status='ok')", False),
        ("return JSONResponse({'ok': True}, status_code=200)", False),
        ("return JSONResponse({'ok': True}, status_code=200 if model else 503)", True),
        ("return {'ok': False}, 503", True),
        ("response.status_code = 503\nreturn {}", True),
        ("if not model:\n    raise HTTPException(503)\nreturn {}", True),
        ("if not model:\n    abort(503)\nreturn {}", True),
    ],
)
def test_whether_a_handler_may_fail(body: str, *, fails: bool) -> None:
    """By an error of its own, or by a status that it sets."""
    assert reply(body).fails is fails


def test_parts_that_a_health_route_names_and_uses() -> None:
    """An attribute of a part fails where that is None; a question does not. Other routes are not asked."""
    body = "name = model.name\nreturn {'ready': model is not None}"
    assert (reply(body).asks, reply(body).touches) == (("app.model",), ("app.model",))
    assert reply("return {'v': model.version if model else None}").touches == ()
    assert reply(body, route="/items").asks == ()


@pytest.mark.parametrize(
    "body",
    [
        "return {'status': 'ok' if model else 'unhealthy'}",
        "return jsonify(status='not_ready')",
        "status = 'ok'\nif not model:\n    status = 'unavailable'\nreturn {'status': status}",
        "return Out(status='healthy' if model else 'not ready')",
    ],
)
def test_a_health_route_that_calls_the_service_unhealthy(body: str) -> None:
    """In the status of its answer, or a name for it."""
    assert len(reply(body).unwell) == 1
    assert reply("return {'status': 'degraded', 'parts': {'cache': {'status': 'down'}}}").unwell == ()


@pytest.mark.parametrize(
    ("body", "decorator", "keys", "model"),
    [
        ("return {'a': 1}", "", ("a",), ""),
        ("if x:\n    return {'a': 1}\nreturn jsonify(b=2)", "", ("a", "b"), ""),
        ("return {'a': 1, **more}", "", None, ""),
        ("return make()", "", None, ""),
        ("return make()", ", response_model=Out", None, "service.schemas.Out"),
        ("return {'a': 1}", ", response_model=list[Out]", None, ""),
    ],
)
def test_the_shape_of_an_answer(body: str, decorator: str, keys: tuple[str, ...] | None, model: str) -> None:
    """Keys that are written out in each answer, or the class that makes it."""
    found = reply(body, decorator=decorator)
    assert (found.keys, found.model) == (keys, model)


def test_failures_that_are_answered_as_success() -> None:
    """Of any error, with the status of success, by what the body says; and results that nobody looks at."""
    body = """
    try:
        loader.load_newest()
        return {"status": "reloaded"}
    except ValueError as e:
        return {"error": str(e)}
    except Exception as e:
        return {"status": "error", "detail": str(e)}
    """
    found = reply(body)
    assert [one.says for one in found.failures] == ["status: error"]
    assert found.drops == ("*.load_newest",)
    assert reply(body, decorator=", status_code=202").failures == ()
    assert reply("try:\n    f()\nexcept Exception as e:\n    return {'error': str(e)}, 500").failures == ()


def use(body: str) -> Any:
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    (found,) = facts(ReplyUse, f"import requests, httpx\ndef call(url):\n{lines}\n")
    return found


@pytest.mark.parametrize(
    ("body", "status", "taken"),
    [
        ("requests.post(url)", "unread", False),
        ("r = requests.post(url)\nprint(f'it says {r.status_code}')", "shown", False),
        ("r = requests.post(url)\nlog.info(r.text)", "unread", False),
        ("r = requests.post(url)\nr.raise_for_status()", "read", False),
        ("r = requests.post(url)\nif r.ok:\n    done()", "read", False),
        ("requests.post(url).raise_for_status()", "read", False),
        ("r = requests.post(url)\ncheck(r)", "unknown", False),
        ("return requests.post(url)", "unknown", False),
        ("return requests.post(url).json()", "unread", True),
        ("with requests.get(url) as r:\n    r.raise_for_status()", "read", False),
    ],
)
def test_what_is_made_of_the_status(body: str, status: str, *, taken: bool) -> None:
    """Something depends on it, it is printed, or nothing asks; an answer that is handed on is not told."""
    found = use(body)
    assert (found.status, found.body) == (status, taken)


def test_keys_that_are_read_of_an_answer() -> None:
    """Directly, through one name, with an empty list for what is missing, or only asked for."""
    found = use(
        "r = requests.get(url)\nd = r.json()\nif 'error' in d:\n    stop()\nreturn d['a'], d.get('b', []), d.get('c')"
    )
    told = [(key.name, key.default, key.empty, key.tested) for key in found.keys]
    assert sorted(told) == [
        ("a", False, False, False),
        ("b", True, True, False),
        ("c", True, False, False),
        ("error", False, False, True),
    ]
    assert [key.empty for key in use("return requests.get(url).json().get('b') or []").keys] == [True]


def test_answers_under_one_name() -> None:
    """Each has its own uses where one follows the other; in two branches they share what comes behind."""
    text = """
    import requests
    def call(url):
        r = requests.get(url)
        r.raise_for_status()
        r = requests.post(url)
        return r.json()["a"]
    def other(url):
        if url:
            r = requests.get(url)
        else:
            r = requests.put(url)
        r.raise_for_status()
    """
    found = {one.api: one.status for one in facts(ReplyUse, text)}
    assert found == {"requests.get": "read", "requests.post": "unread", "requests.put": "read"}


def test_keys_of_answers_under_one_name() -> None:
    """Each key is read of the answer before it in its own ``try``; behind two branches, of neither for sure."""
    text = """
    import requests
    def call(url):
        try:
            r = requests.get(url)
            print(r.json()["a"])
        except OSError:
            print("no")
        try:
            r = requests.post(url)
            print(r.json().get("b"))
        except OSError:
            print("no")
    def other(url):
        if url:
            r = requests.put(url)
        else:
            r = requests.delete(url)
        return r.json()["c"]
    """
    found = {one.api: [key.name for key in one.keys] for one in facts(ReplyUse, text)}
    assert found == {"requests.get": ["a"], "requests.post": ["b"], "requests.put": [], "requests.delete": []}


def test_errors_of_a_request_that_are_only_reported() -> None:
    """Any error is taken and printed; one that is raised again, or returns, is not."""
    assert use("try:\n    requests.post(url)\nexcept Exception as e:\n    print(e)").reports
    assert not use("try:\n    requests.post(url)\nexcept Exception:\n    raise").reports
    assert not use("try:\n    requests.post(url)\nexcept Exception:\n    return None").reports


def test_callers_of_a_guarded_load_that_raise_nothing() -> None:
    """A load whose failure is returned as None is forgotten by a caller that only skips it."""
    text = """
    import mlflow
    class Loader:
        def _one(self, name):
            try:
                return mlflow.pyfunc.load_model(name)
            except Exception as e:
                log.error(e)
                return None
        def load_all(self):
            for name in NAMES:
                found = self._one(name)
        def load_strictly(self):
            if self._one("a") is None:
                raise RuntimeError("a")
    """
    (found,) = facts(GuardedLoad, text)
    assert found.callers == ("Loader.load_all",)
