"""The figures of the sample's report: as they are, which takes seconds, and plain ones in their places."""

import io
import warnings

import pytest
from PIL import Image

from googlenet.report.captions import CAPTIONS
from report import sample


@pytest.fixture(scope="session")
def drawn():
    """Every figure of the sample's report, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a layout that does not fit is a fault
        return sample.figures(sample.results())


@pytest.fixture(scope="session")
def plain_figures():
    """A white PNG under the name of every figure of the report, for the tests of its pages."""
    file = io.BytesIO()
    Image.new("RGB", (1200, 500), "white").save(file, "PNG")
    return dict.fromkeys(CAPTIONS.keys() - {"ablation_differences"}, file.getvalue())  # that one is of another page
