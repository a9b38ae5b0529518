"""The two houses: the whole smoke experiment from nothing, once by each engine."""

import time

import pytest

from workflow.houses import build, dvc, executed, snakemake

# Each needs what the one before it leaves in the houses.
ORDER = ("test_engines", "test_agreement", "test_clone", "test_errors")


def pytest_collection_modifyitems(items):
    """Bring the tests of this folder into their order; the others keep their places."""
    places = [
        place
        for place, item in enumerate(items)
        if item.path.stem in ORDER and item.path.parent.name == "workflow"
    ]
    ordered = sorted((items[place] for place in places), key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def room(tmp_path_factory):
    """The folder of the houses and of their DVC remote; both are copies of the same moment."""
    room = tmp_path_factory.mktemp("houses")
    for name in ("house", "dvc_house"):
        build(room / name)
    return room


@pytest.fixture(scope="session")
def first_runs():
    """The jobs of each house's first run, by engine."""
    return {}


@pytest.fixture(scope="session")
def house(room, first_runs, measured):
    """A house where Snakemake has run everything from nothing."""
    clock = time.monotonic()
    first_runs["snakemake"] = executed(snakemake(room / "house", "--cores", "2"))
    measured("smoke from nothing, snakemake --cores 2", time.monotonic() - clock)
    return room / "house"


@pytest.fixture(scope="session")
def dvc_house(room, first_runs, measured):
    """A house where DVC has run everything from nothing."""
    clock = time.monotonic()
    first_runs["dvc"] = executed(dvc(room / "dvc_house", "repro"))
    measured("smoke from nothing, dvc repro", time.monotonic() - clock)
    return room / "dvc_house"
