"""The two houses: the whole smoke experiment from nothing, once by each engine."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from workflow.houses import build, dvc, executed, snakemake

# Each needs what the one before it leaves in the houses.
ORDER = (
    "test_engines",
    "test_faults",
    "test_full_disk",
    "test_ablations",
    "test_agreement",
    "test_clone",
    "test_remotes",
    "test_linked_caches",
    "test_errors",
)
BEGIN = "test_a_copy_of_the_repository_is_clean"


def pytest_collection_modifyitems(items):
    """Bring the tests of this folder into their order; the others keep their places.

    The one that begins to build the houses comes first of all: they are built while the units are tested.
    """
    places = [
        place for place, item in enumerate(items) if item.path.stem in ORDER and item.path.parent.name == "workflow"
    ]
    ordered = sorted((items[place] for place in places), key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
    items.sort(key=lambda item: item.originalname != BEGIN)


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
def first_builds(room, first_runs, measured):
    """Futures of the houses: both are built at once, since a run of smoke leaves half of two cores idle."""

    def ran(name, engine, run, *words):
        clock = time.monotonic()
        first_runs[engine] = executed(run(room / name, *words))
        measured(f"smoke from nothing, {' '.join((engine, *words))}, beside the other", time.monotonic() - clock)
        return room / name

    with ThreadPoolExecutor(2) as pool:
        yield {
            "house": pool.submit(ran, "house", "snakemake", snakemake, "--cores", "2"),
            "dvc_house": pool.submit(ran, "dvc_house", "dvc", dvc, "repro"),
        }


@pytest.fixture(scope="session")
def house(first_builds):
    """A house where Snakemake has run everything from nothing."""
    return first_builds["house"].result()


@pytest.fixture(scope="session")
def dvc_house(first_builds):
    """A house where DVC has run everything from nothing."""
    return first_builds["dvc_house"].result()
