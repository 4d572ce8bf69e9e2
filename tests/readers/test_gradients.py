"""The reader of calls of PyTorch models that are only evaluated."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, GradientGuard, RecordedForward
from pytest_mlbreaks.readers.gradients import READER
from pytest_mlbreaks.reading import Source, Wanted

HANDLER = """\
import torch

class Handler:
    def initialize(self, path):
        self.model = torch.load(path)
        self.model.eval()

    def inference(self, batch):
        return self.model(batch)
"""


def read(text: str, path: str = "a.py") -> list[Fact]:
    """The facts of a module, written and read back."""
    found = [one for one in READER.read(PYTHON.parse(Source(path, text.encode())), Wanted()) if isinstance(one, Fact)]
    codec = FactCodec(FACTS)
    assert codec.decode(codec.encode(found)) == found
    return found


def test_a_method_calls_what_another_one_evaluates() -> None:
    """The call and the switch are of one class, and both places are told."""
    (call,) = read(HANDLER)
    assert isinstance(call, RecordedForward)
    assert (call.written, call.place.line, call.switched.line) == ("self.model", 9, 6)


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nmodel = load().eval()\n\ndef predict(batch):\n    return model(batch)\n",
        "import torch\n\ndef predict(path, batch):\n    model = torch.load(path).eval()\n    return model(batch)\n",
    ],
)
def test_names_of_modules_and_functions(text: str) -> None:
    """A model in a name of the module, or of the function."""
    assert [type(one) for one in read(text)] == [RecordedForward]


def test_a_file_that_turns_gradients_off_says_so_alone() -> None:
    """One mention is enough: which calls it concerns is not asked."""
    assert [type(one) for one in read(HANDLER + "\n    @torch.no_grad()\n    def other(self): ...\n")] == [
        GradientGuard
    ]


@pytest.mark.parametrize(
    "text",
    [
        HANDLER.replace("class Handler", "class Handler(torch.nn.Module)"),
        HANDLER.replace("def inference", "def forward"),
        HANDLER.replace("torch.load", "torch.jit.load"),
        HANDLER.replace("self.model.eval()", "self.model.train()"),
        HANDLER.replace("self.model.eval()", "model = self.other\n        model.eval()"),
        HANDLER + "\nclass Other:\n    pass\n\ndef step(loss):\n    loss.backward()\n",
        HANDLER.replace("import torch", "import pandas").replace("torch.", "pandas."),
        "import torch\n\ndef a(model):\n    model.eval()\n\ndef b(model, batch):\n    return model(batch)\n",
        "import torch\n\ndef a(model):\n    model.eval()\n\ndef b(",
    ],
)
def test_what_is_no_such_call(text: str) -> None:
    """Parts of models, TorchScript, files that train, other objects of the same name, and what does not parse."""
    assert read(text) == []
