"""Projects of dbt."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.place import Place


class DbtProject(Fact, frozen=True, kw_only=True):
    """A ``dbt_project.yml``: where its files are, relative to its folder. *settings* are configurations of folders:
    dotted keys (``models.shop.staging.+materialized``). *profile* is the `DbtProfile` that it connects with."""

    called: ClassVar[str] = "dbt project"

    name: str
    profile: str = ""
    model_paths: tuple[str, ...] = ("models",)
    seed_paths: tuple[str, ...] = ("seeds",)
    snapshot_paths: tuple[str, ...] = ("snapshots",)
    macro_paths: tuple[str, ...] = ("macros",)
    test_paths: tuple[str, ...] = ("tests",)
    analysis_paths: tuple[str, ...] = ("analyses", "analysis")
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt:{self.folder}"

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders, below its own, whose properties files dbt reads."""
        return (*self.model_paths, *self.seed_paths, *self.snapshot_paths)

    @property
    def folder(self) -> str:
        """The folder of the project, "" for the root."""
        return self.path.rpartition("/")[0]


class DbtTarget(Part, frozen=True, kw_only=True):
    """Where a profile may build models: *schema* is the one that a model without a schema of its own gets."""

    name: str
    adapter: str = ""
    schema: Expr
    place: Place


class DbtProfile(Fact, frozen=True, kw_only=True):
    """A profile of a ``profiles.yml``: its targets, of which *target* is the default. Nothing that is secret."""

    name: str
    target: str = ""
    targets: tuple[DbtTarget, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-profile:{self.path}#{self.name}"


class DbtPackages(Fact, frozen=True, kw_only=True):
    """A ``packages.yml`` or ``dependencies.yml``: what a project installs, as written."""

    packages: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-packages:{self.path}"


class DbtRef(Part, frozen=True, kw_only=True):
    """A ``ref()`` or ``source()`` of a file. *name* is the model's, or the table's; *group* the package's or the
    source's ("" where a ref names none). *version*: of the model, "" where none is asked for. *conditional*: only some
    runs come to it."""

    kind: L["ref", "source"]
    name: str
    group: str = ""
    version: str = ""
    conditional: bool = False
    place: Place


class DbtMacro(Part, frozen=True, kw_only=True):
    """What a macro refers to, and with it each model that calls it; *opaque* as of `DbtFile`."""

    name: str
    refs: tuple[DbtRef, ...] = ()
    opaque: bool = False


class DbtFile(Fact, frozen=True, kw_only=True):
    """A file of SQL with templates of dbt, or a model in Python. *config* are the arguments of ``config()``; *macros*
    and *snapshots* what it defines; *incremental*: it asks ``is_incremental()``; *opaque*: it names a ref or source by
    something computed; *own*: it reads ``this``; *calls*: the macros that it calls; *referring*: those of its macros
    that refer to something."""

    called: ClassVar[str] = "dbt file"

    refs: tuple[DbtRef, ...] = ()
    config: tuple[Argument, ...] = ()
    macros: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    incremental: bool = False
    opaque: bool = False
    own: bool = False
    referring: tuple[DbtMacro, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-file:{self.path}"


class DbtTest(Part, frozen=True, kw_only=True):
    """A data test. *name* with its package (``unique``, ``dbt_utils.unique_combination_of_columns``); *column* is ""
    for one of the whole model; *arguments* as written; *refs* are the models and sources that these name; *filtered*:
    it looks at some of the rows only (``where:``)."""

    name: str
    column: str = ""
    arguments: tuple[Argument, ...] = ()
    refs: tuple[DbtRef, ...] = ()
    filtered: bool = False
    place: Place


class DbtColumn(Part, frozen=True, kw_only=True):
    """A column that a properties file names."""

    name: str
    data_type: str = ""
    place: Place


class DbtVersion(Part, frozen=True, kw_only=True):
    """A version of a model: *file* is its file's name without the ending; *latest*: a ``ref`` without one means it."""

    name: str
    file: str
    latest: bool = False


class DbtExposure(Fact, frozen=True, kw_only=True):
    """What uses models outside dbt, as a properties file says: a dashboard, a notebook, an application. *kind* is its
    ``type``, *owner* the owner's name, or address where no name is given."""

    called: ClassVar[str] = "exposure of dbt"

    name: str
    kind: str = ""
    owner: str = ""
    url: str = ""
    refs: tuple[DbtRef, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-exposure:{self.path}#{self.name}"


class DbtProperties(Fact, frozen=True, kw_only=True):
    """What a properties file says of one model, seed, snapshot or table of a source.

    *source* is the source's name, "" for the others. *freshness*: it says how old data may be; *loaded_at*: and by
    which column. *enabled* is false where it is switched off, or that is computed.
    """

    called: ClassVar[str] = "entry of a dbt properties file"

    kind: L["model", "seed", "snapshot", "source"]
    name: str
    source: str = ""
    columns: tuple[DbtColumn, ...] = ()
    tests: tuple[DbtTest, ...] = ()
    config: tuple[Argument, ...] = ()
    freshness: Place | None = None
    loaded_at: str = ""
    relation: str = ""  # of a source: schema and table as written, where both are
    enabled: bool = True
    versions: tuple[DbtVersion, ...] = ()
    refs: tuple[DbtRef, ...] = ()  # of a snapshot that is defined here

    @property
    def identity(self) -> str:
        return f"dbt-properties:{self.path}#{self.kind}:{self.source}.{self.name}"
