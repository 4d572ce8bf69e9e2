"""Serving: whole routes over routers and files, and what a handler comes to."""

from __future__ import annotations

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.model import Application, Endpoint, Pipeline, facts
from pytest_mlbreaks.tree import MemoryTree


def built(**files: str) -> Pipeline:
    """The pipeline of modules, each under its name."""
    return linked({f"{name}.py": text for name, text in files.items()})


def linked(files: dict[str, str]) -> Pipeline:
    """The pipeline of files."""
    tree = MemoryTree(files)
    return engine.build(tree, engine.read(tree, packs.load(), lambda *_: None))


APP = "from fastapi import FastAPI\nfrom routes import router\napp = FastAPI()\n"
ROUTES = (
    "from fastapi import APIRouter\nrouter = APIRouter(prefix='/v1')\n@router.get('/users/{id}')\ndef user(id): ...\n"
)


def test_a_route_has_all_its_prefixes() -> None:
    """That of the mount, that of the router, and its own; parameters are holes."""
    pipeline = built(app=APP + "app.include_router(router, prefix='/api')", routes=ROUTES)
    (application,) = pipeline.all(Application)
    assert [*application.routes] == ["/api/v1/users/{*}"]
    assert application.reason == ""
    assert [e.routes for e in pipeline.all(Endpoint)] == [("/api/v1/users/{*}",)]


def test_a_router_is_found_over_packages() -> None:
    """A name that an ``__init__`` passes on leads to where the router is made."""
    pipeline = linked(
        {
            "api/app.py": "from fastapi import FastAPI\nfrom .routers import u\napp = FastAPI()\napp.include_router(u)",
            "api/routers/__init__.py": "from .one import router as u",
            "api/routers/one.py": ROUTES,
            "api/__init__.py": "",
        }
    )
    assert [*pipeline.all(Application)[0].routes] == ["/v1/users/{*}"]


def test_a_router_that_is_not_known_leaves_the_application_open() -> None:
    """Then nobody can say that a path is not served."""
    pipeline = built(app=APP + "app.include_router(made())", routes=ROUTES)
    assert pipeline.all(Application)[0].reason == "a router that it takes in can't be told"


def test_a_prefix_of_a_blueprint_is_replaced() -> None:
    """Flask takes the prefix of the registration instead of the blueprint's own."""
    code = "from flask import Flask, Blueprint\napp = Flask('x')\nb = Blueprint('b', 'b', url_prefix='/own')\n"
    code += "@b.route('/<int:n>')\ndef f(n): ...\napp.register_blueprint(b, url_prefix='/given')"
    assert [*built(app=code).all(Application)[0].routes] == ["/given/{*}"]


def test_what_a_handler_comes_to() -> None:
    """Functions, methods and classes of other files, the way to them, and what is done only in some cases or once."""
    pipeline = built(
        app="from fastapi import FastAPI\nfrom model import Service, cached, maybe\napp = FastAPI()\n"
        "@app.get('/')\ndef f(x):\n Service().predict()\n cached()\n if x:\n  maybe()",
        model="from functools import lru_cache\nclass Service:\n def __init__(self): self.load()\n"
        " def load(self): ...\n def predict(self): ...\n@lru_cache\ndef cached(): ...\ndef maybe(): maybe()",
    )
    (endpoint,) = pipeline.all(Endpoint)
    found = {r.function.name: (len(r.via), r.sometimes, r.once) for r in endpoint.reached}
    assert found == {
        "f": (0, False, False),
        "Service.__init__": (1, False, False),
        "Service.load": (2, False, False),
        "Service.predict": (1, False, False),
        "cached": (1, False, True),
        "maybe": (1, True, False),
    }


def test_the_body_of_a_route_is_found_in_another_file() -> None:
    """The class that the annotation names; none where two have the name."""
    pipeline = built(
        app="from fastapi import FastAPI\nfrom schemas import Item\napp = FastAPI()\n"
        "@app.post('/')\ndef f(x: Item): ...",
        schemas="from pydantic import BaseModel\nclass Item(BaseModel):\n a: int",
    )
    body = pipeline.all(Endpoint)[0].body
    assert body is not None
    assert body.name == "Item"


def test_of_two_handlers_of_one_name_each_comes_to_its_own() -> None:
    """The function is the one that the decorator stands on."""
    pipeline = built(
        app="from fastapi import FastAPI\napp = FastAPI()\ndef one(): ...\ndef two(): ...\n"
        "@app.get('/a')\ndef f():\n one()\n@app.get('/b')\ndef f():\n two()",
    )
    reached = {e.routes: [r.function.name for r in e.reached] for e in pipeline.all(Endpoint)}
    assert reached == {("/a",): ["f", "one"], ("/b",): ["f", "two"]}


def test_calls_upon_clients_of_other_files() -> None:
    """A client that another file gives, by a name, a function or a method, makes the calls upon it wait; what is no
    client there is none."""
    pipeline = built(
        app="from fastapi import FastAPI\nfrom stores import Store, cache, rows, other\nimport stores\n"
        "app = FastAPI()\n"
        "@app.get('/')\nasync def f():\n cache.get(1)\n stores.cache.set(1)\n rows()['a'].find_one()\n"
        " Store().session().commit()\n other.get(1)\n other().get(1)",
        stores="import redis, pymongo\nfrom sqlalchemy.orm import Session\ncache = redis.Redis()\nother = {}\n"
        "def rows():\n return pymongo.MongoClient().db\n"
        "class Store:\n def session(self) -> Session: ...\n",
    )
    found = {(call.place.line, call.kind, call.api) for call in pipeline.all(facts.BlockingCall)}
    assert found == {
        (7, "query", "redis.Redis().get"),
        (8, "query", "redis.Redis().set"),
        (9, "query", "pymongo.MongoClient().db.find_one"),
        (10, "query", "sqlalchemy.orm.Session().commit"),
    }


def test_methods_of_objects_of_other_files() -> None:
    """What a name of another file, or a function that gets or makes it, is of a class of the tree; its methods are what
    the handler comes to."""
    pipeline = built(
        app="from fastapi import FastAPI\nfrom services import get_service, service, unknown\napp = FastAPI()\n"
        "@app.get('/')\nasync def f():\n service.one()\n get_service().two()\n unknown.one()\n"
        " s = get_service()\n s.three()",
        services="class Service:\n def one(self): ...\n def two(self): ...\n def three(self): ...\n"
        "service = Service()\nunknown = made()\ndef get_service():\n return service\n",
    )
    (endpoint,) = pipeline.all(Endpoint)
    names = [reached.function.name for reached in endpoint.reached]
    assert sorted(names) == ["Service.one", "Service.three", "Service.two", "f", "get_service"]
