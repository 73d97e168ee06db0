"""What the table says of torchrecurrent's settings, and what the zoo says of its defaults, against the package."""

import inspect

import pytest
import torchrecurrent

from symcell import zoo
from symcell.bench.packaged import PACKAGED


@pytest.mark.parametrize("name", [name for name, package in PACKAGED.items() if package.settings])
def test_what_pages_call_no_default_is_none(name):
    package, ours = PACKAGED[name], dict(zoo.find(name).spec.constants)
    theirs = inspect.signature(getattr(torchrecurrent, f"{package.name}Cell")).parameters
    assert all(theirs[option].default != value for option, value in package.options.items())
    assert all(ours[constant] != value for constant, value in package.constants.items())


@pytest.mark.parametrize("name", ["fastgrnn", "fastgrnn_lowrank"])
def test_the_gate_of_the_package_is_stated(name):
    assert inspect.signature(torchrecurrent.FastGRNNCell).parameters["nonlinearity"].default == "tanh"
    text = " ".join(zoo.find(name).spec.doc.split())
    assert "default" in text
    assert "tanh" in text
