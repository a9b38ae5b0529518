"""Where the real data of some tests lies, for those who have it."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    """The folder with clothing/ and bccd/ that GOOGLENET_TEST_DATA names."""
    return Path(os.environ["GOOGLENET_TEST_DATA"])
