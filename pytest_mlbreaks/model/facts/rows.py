"""Rows, frames and tensors, and what is done with them."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class Touch(Part, frozen=True, kw_only=True):
    """Something that looked at all rows of a frame: a fit, a resampling, ``get_dummies``. *by* is the qualified class
    or function ("" where it can't be told); *kept* whether the fitted object may outlive its function; *shared* whether
    that function transforms other rows with it, too."""

    kind: L["scaler", "imputer", "vectorizer", "encoder", "projection", "selection", "resampler", "dummies", "unknown"]
    by: str = ""
    method: str = ""
    kept: bool = True
    shared: bool = False
    place: Place


class FitUse(Part, frozen=True, kw_only=True):
    """Rows that a fit sees: *frame* is what the code calls them where it comes to the fit, at *place*."""

    frame: str
    place: Place


class Fitted(Fact, frozen=True, kw_only=True):
    """A transformer fitted on rows that then go on: *feeds* is where the rows end first that can be told (a split,
    an estimator's ``fit``, a dataset that is written, the caller), *fed* the place of it. *uses* are the rows that it
    is fitted on, one for each way that leads to it. *labels*: it numbers what is to be predicted, and no feature."""

    called: ClassVar[str] = "transformer that is fitted"

    touch: Touch
    scope: str = ""
    feeds: L["split", "fit", "write", "return", ""] = ""
    fed: Place | None = None
    uses: tuple[FitUse, ...] = ()
    labels: bool = False

    @property
    def identity(self) -> str:
        return f"fitted:{self.path}#{self.scope}:{self.touch.by}.{self.touch.method}"


class Split(Fact, frozen=True, kw_only=True):
    """Rows divided into parts that are not to know of each other. *touched* are those before it that looked at all of
    them, in order; *frame* is what the code calls the rows."""

    called: ClassVar[str] = "split of a frame"

    api: str
    frame: str = ""
    scope: str = ""
    touched: tuple[Touch, ...] = ()

    @property
    def identity(self) -> str:
        return f"split:{self.path}#{self.scope}:{self.api}({self.frame})"


class PastedRows(Fact, frozen=True, kw_only=True):
    """Frames put side by side by their index (``pd.concat(axis=1)``), of which one was made of a transformer's array
    (*fresh*). *certain*: it is numbered anew from 0, and another one still has the numbers of rows that were taken out
    of more (*filtered*, at *by*)."""

    called: ClassVar[str] = "frames put side by side"

    fresh: str
    filtered: str = ""
    by: Place
    certain: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"pasted:{self.path}#{self.scope}:{self.fresh}+{self.filtered}"


class FilledJoin(Fact, frozen=True, kw_only=True):
    """An outer or left join whose gaps are filled in all columns at once. *how*: the kind of join; *value*: what they
    are filled with, as written; *written*: where the result goes into a dataset, if it does in the same function."""

    called: ClassVar[str] = "join whose gaps are filled"

    how: str
    value: str
    frame: str = ""
    counts: bool = False  # the other side counts or sums: nothing found is 0 there
    written: Place | None = None
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"filled-join:{self.path}#{self.scope}:{self.frame}"


class FilledLabel(Fact, frozen=True, kw_only=True):
    """A column that an estimator is trained on as its target, and whose gaps are filled. *value*: with what;
    *how*: the kind of the outer join that the rows come from ("" where none is in sight), *joined* its place; *used*:
    where it is the target."""

    called: ClassVar[str] = "target whose gaps are filled"

    column: str
    value: str
    how: str = ""
    joined: Place | None = None
    used: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"filled-label:{self.path}#{self.scope}:{self.column}"


class Scored(Fact, frozen=True, kw_only=True):
    """A model that was loaded predicts. *refitted* are those that looked at all rows that it is given, in order."""

    called: ClassVar[str] = "prediction of a loaded model"

    model: str
    method: str
    scope: str = ""
    refitted: tuple[Touch, ...] = ()

    @property
    def identity(self) -> str:
        return f"scored:{self.path}#{self.scope}:{self.method}"


class GrownInLoop(Fact, frozen=True, kw_only=True):
    """``x = concat([x, more])`` in a loop: *frame* is x, *api* the call, *over* what the innermost loop runs over, as
    written (``while`` for such a loop), *small* whether it is certainly short; *reset*: x begins anew in that loop;
    *needed*: each turn uses x as a whole, so that to join once behind the loop is no way out."""

    called: ClassVar[str] = "frame that grows in a loop"

    frame: str
    api: str
    over: str
    loop: Place
    small: bool = False
    reset: bool = False
    needed: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"grown:{self.path}#{self.scope}:{self.frame}"


class SparkSplit(Fact, frozen=True, kw_only=True):
    """``randomSplit`` of a Spark frame. *lottery*: what makes its rows depend on the order in which they arrive (with
    its place), *shuffle*: what makes that order change from run to run; "" where there is none before it in its
    function. *kept*: it is cached, checkpointed or read back before it is split;"""

    called: ClassVar[str] = "randomSplit of a Spark frame"

    frame: str
    lottery: str = ""
    lottery_place: Place | None = None
    shuffle: str = ""
    shuffle_place: Place | None = None
    kept: bool = False
    parts: int = 0
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"spark-split:{self.path}#{self.scope}:{self.frame}"


class EpochSampler(Fact, frozen=True, kw_only=True):
    """A ``DistributedSampler`` that shuffles. *result*: the name that holds it; *told*: its file calls ``set_epoch``;
    *loop*: a loop over epochs in that file; *trainer*: a framework that the file imports and that may call it."""

    called: ClassVar[str] = "distributed sampler that shuffles"

    result: str = ""
    told: bool = False
    loop: Place | None = None
    trainer: str = ""
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"epoch-sampler:{self.path}#{self.scope}:{self.result}"


class TorchWeights(Fact, frozen=True, kw_only=True):
    """``model.load_state_dict`` in a file: *model* is what the code calls the model, *by* its qualified class ("" where
    it can't be told), *used*: where the file calls the model to predict; *evaluated*: the file calls ``eval()`` on a
    module, or switches modes; *trains*: it also calls ``backward`` or makes an optimizer."""

    called: ClassVar[str] = "Torch model whose weights are loaded"

    model: str
    by: str = ""
    used: Place | None = None
    evaluated: bool = False
    trains: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"torch-weights:{self.path}#{self.scope}:{self.model}"


class TorchModule(Fact, frozen=True, kw_only=True):
    """A class that is a ``torch.nn.Module``. *moody*: the first layer in it that behaves otherwise while training
    (dropout, batch normalisation), *moody_place* its place; "" where it makes none. *opaque*: it is given layers or
    makes them of what is not in this file."""

    name: str
    moody: str = ""
    moody_place: Place | None = None
    opaque: bool = False

    @property
    def identity(self) -> str:
        return f"torch-module:{self.path}#{self.name}"
