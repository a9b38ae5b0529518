"""The sample's figures, drawn once for all tests of a process: that takes seconds."""

import warnings

import pytest

from report import sample


@pytest.fixture(scope="session")
def drawn():
    """Every figure of the sample's report, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit is a fault
        return sample.figures(sample.results())
