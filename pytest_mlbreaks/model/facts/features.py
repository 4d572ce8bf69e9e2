"""Features, feature stores and vector stores."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class FeatureField(Part, frozen=True, kw_only=True):
    """A column of a feature view; *dtype* as written (``Float32``)."""

    name: str
    dtype: str = ""
    place: Place


class FeatureStore(Fact, frozen=True, kw_only=True):
    """A ``feature_store.yaml`` of Feast: which project, and where its registry and its stores are.

    *online* and *offline* name the type of each store as written, "" where the file leaves it to the provider;
    *online_address* is where the online store is, *registry* the registry's path or URL.
    """

    called: ClassVar[str] = "feature store"

    project: str
    provider: str = ""
    registry: Expr | None = None
    online: str = ""
    online_address: Expr | None = None
    offline: str = ""

    @property
    def identity(self) -> str:
        return f"feature-store:{self.path}#{self.project}"


class FeatureSource(Fact, frozen=True, kw_only=True):
    """A source of Feast: *target* is the file, table or topic, None where it has none of its own (a push source, whose
    *batch* names the source behind it, or a query). *variable* is the name that code has for it."""

    called: ClassVar[str] = "source of features"

    source: str  # FileSource, PushSource, ...
    name: Expr | None = None
    variable: str = ""
    target: Expr | None = None
    kind: L["path", "table", "topic"] = "path"
    batch: str = ""
    timestamp: str = ""

    @property
    def identity(self) -> str:
        return f"feature-source:{self.path}#{self.variable or (render(self.name) if self.name else '')}"


class FeatureView(Fact, frozen=True, kw_only=True):
    """A feature view of Feast: *view* is its class, *name* the one that readers ask by, *fields* its columns.

    *complete*: all of the fields are written (a view without a schema takes them from its source). *entities* and
    *sources* are the names that code has for them; *ttl_seconds* is how old a value may be (0: any age), None where
    that is not told.
    """

    called: ClassVar[str] = "feature view"

    view: str
    name: Expr
    variable: str = ""
    fields: tuple[FeatureField, ...] = ()
    complete: bool = True
    entities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ttl_seconds: float | None = None
    online: bool | None = None
    tags: tuple[tuple[str, Expr], ...] = ()

    @property
    def identity(self) -> str:
        return f"feature-view:{self.path}#{render(self.name)}"


class FeatureService(Fact, frozen=True, kw_only=True):
    """A feature service of Feast. *views* are the names that code has for its views; *columns* those that it takes of a
    view, by that name, where it does not take all."""

    called: ClassVar[str] = "feature service"

    name: Expr
    variable: str = ""
    views: tuple[str, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def identity(self) -> str:
        return f"feature-service:{self.path}#{render(self.name)}"


class FeatureRead(Fact, frozen=True, kw_only=True):
    """Code that asks a feature store for features: ``online`` for a request, ``historical`` for training.

    *features* are those asked for (``view:column``), or *service* the feature service. *complete*: all are told.
    """

    called: ClassVar[str] = "read of features"

    mode: L["online", "historical"]
    features: tuple[Expr, ...] = ()
    service: Expr | None = None
    complete: bool = True
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        names = ",".join(render(feature) for feature in self.features)
        service = render(self.service) if self.service is not None else ""
        return f"feature-read:{self.path}#{self.scope}:{self.mode}:{service}{names}"


class FeatureWrite(Fact, frozen=True, kw_only=True):
    """Code that fills the online store: ``materialize`` and ``incremental`` from the sources (of *views*, () for all),
    ``push`` and ``write`` with rows of its own for the one push source or view."""

    called: ClassVar[str] = "write into the online store"

    mode: L["materialize", "incremental", "push", "write"]
    views: tuple[Expr, ...] = ()
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        names = ",".join(render(view) for view in self.views)
        return f"feature-write:{self.path}#{self.scope}:{self.mode}:{names}"
