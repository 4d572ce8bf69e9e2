"""Scripts and settings of programs."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact
from pytest_mlbreaks.model.facts.images import Variable
from pytest_mlbreaks.model.facts.python import Argument
from pytest_mlbreaks.model.place import Place


class Script(Fact, frozen=True, kw_only=True):
    """A shell script: its *text*, with nothing for values that look like secrets."""

    text: str

    @property
    def identity(self) -> str:
        return f"script:{self.path}"


class EnvFile(Fact, frozen=True, kw_only=True):
    """A file of ``KEY=value`` lines. Values under keys that look like secrets are `SecretKey`, never kept."""

    entries: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"env-file:{self.path}"


class RepeatedKey(Fact, frozen=True, kw_only=True):
    """A mapping of a YAML file that has *key* twice, for a *tool* that refuses such a file. The place is where it
    stands again, *first* where it stood before."""

    called: ClassVar[str] = "repeated key"

    tool: L["github", "compose"]
    key: str
    first: Place

    @property
    def identity(self) -> str:
        return f"repeated-key:{self.path}#{self.key}"


class ConfigEntry(Fact, frozen=True, kw_only=True):
    """One scalar of a YAML, TOML or JSON configuration file: *key* is its dotted path."""

    key: str
    value: Expr

    @property
    def identity(self) -> str:
        return f"config:{self.path}#{self.key}"


class ConfigPackage(Fact, frozen=True, kw_only=True):
    """Where the entries of a configuration file belong in what Hydra composes: its line ``# @package NAME``."""

    package: str

    @property
    def identity(self) -> str:
        return f"config-package:{self.path}"


class LoadedConfig(Fact, frozen=True, kw_only=True):
    """A configuration that code loads from a YAML file: what *variable* holds in the function *scope* ("" at module
    level), for ``self.x`` in all methods of the class *scope*; what that function returns where *variable* is "".

    *file* is the path as written. *key*: only what is below it was taken. With *folder*, Hydra composes it from the
    files of that folder, which is seen from the code's own, and *file* is the name of the first.
    """

    called: ClassVar[str] = "configuration that code loads"

    variable: str
    scope: str = ""
    file: Expr
    folder: Expr | None = None
    key: str = ""
    api: str

    @property
    def identity(self) -> str:
        return f"loaded-config:{self.path}#{self.scope}:{self.variable}"


class TakenConfig(Fact, frozen=True, kw_only=True):
    """A variable that holds what *callee* gives, which is called as if it loaded a configuration; else as of
    `LoadedConfig`."""

    variable: str
    scope: str = ""
    callee: str
    arguments: tuple[Argument, ...] = ()
    key: str = ""

    @property
    def identity(self) -> str:
        return f"taken-config:{self.path}#{self.scope}:{self.variable}"
