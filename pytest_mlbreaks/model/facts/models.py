"""Models as a server has them."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.place import Place


class ModelTensor(Part, frozen=True, kw_only=True):
    """An input or output of a served model. *dims* as written, -1 for any size."""

    name: str
    dtype: str = ""
    dims: tuple[int, ...] = ()
    place: Place


class EnsembleStep(Part, frozen=True, kw_only=True):
    """A model that an ensemble of Triton runs, and its maps: tensor of the model to tensor of the ensemble."""

    model: str
    version: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    place: Place


class ServedModel(Fact, frozen=True, kw_only=True):
    """A model as a server is told of it: Triton's ``config.pbtxt``, TorchServe's ``model-config.yaml``, a service of
    BentoML, a deployment of Ray Serve.

    *name* "" where the file leaves it to its folder. *backend* is what runs it (Triton: backend or platform).
    *instances* by kind (``KIND_GPU``), None for as many as the server takes. *batching*: requests are put together;
    *max_batch* and *delay_ms* bound that. *policy*: which versions are served, as written. *settings* are what else the
    file says of scale and limits, by dotted name.
    """

    called: ClassVar[str] = "model as a server is told of it"

    server: L["triton", "torchserve", "bentoml", "ray-serve"]
    name: str
    backend: str = ""
    max_batch: int | None = None
    batching: bool | None = None
    delay_ms: float | None = None
    instances: tuple[tuple[str, int | None], ...] = ()
    inputs: tuple[ModelTensor, ...] = ()
    outputs: tuple[ModelTensor, ...] = ()
    policy: str = ""
    steps: tuple[EnsembleStep, ...] = ()
    target: Expr | None = None  # the code or service that it runs
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"served-model:{self.path}#{self.name}"

    def setting(self, name: str) -> Argument | None:
        """What the file says under the dotted *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class VectorStoreUse(Fact, frozen=True, kw_only=True):
    """Code that makes, fills or asks a vector store. *target* is the collection, index, table or folder; *embedding*
    the model that makes its vectors, where the call names one."""

    called: ClassVar[str] = "use of a vector store"

    store: str  # chroma, qdrant, pinecone, pgvector, faiss, weaviate, milvus
    mode: L["create", "write", "read", "open"]
    target: Expr
    embedding: Expr | None = None
    dimensions: Expr | None = None
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"vector-store:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


class NotebookRun(Fact, frozen=True, kw_only=True):
    """Code that runs a notebook: *target* is its path as written, *api* the call."""

    target: Expr
    api: str

    @property
    def identity(self) -> str:
        return f"notebook-run:{self.path}#{self.api}:{render(self.target)}"
