"""What all tests share: which edits the table of agreement executes, and measured times at the end of the output."""

import os
import time

import pytest

from remembered import remember

# Before anything imports torch: with more threads than cores are free, tests beside a build take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests make repositories of their own, and git would take one that these name for theirs.
for variable in [name for name in os.environ if name.startswith("GIT_")]:
    del os.environ[variable]

LINES = pytest.StashKey[list[str]]()
START = time.monotonic()


def pytest_addoption(parser):
    """The options of the tests that run the engines: see tests/workflow."""
    parser.addoption("--agreement", action="store_true", help="execute all edits of the table; write docs/agreement.md")
    parser.addoption("--after", default="", help="with --agreement: begin with the edit after the one of this name")
    parser.addoption(
        "--faults",
        type=int,
        default=2,
        help="moments at which the fault test kills; from 20 on also one in every stage",
    )
    parser.addoption("--slurm", choices=["brief", "whole"], help="run the tests on a real Slurm: one of them, or all")
    parser.addoption("--long-within", type=float, help="minutes after which long tests are skipped: a slow machine")
    parser.addoption("--fuzz", type=int, default=8, help="changed inputs of each format in tests/fuzz")
    parser.addoption("--fuzz-seed", type=int, default=0, help="of these changes")


@pytest.hookimpl(trylast=True)  # after -m has chosen
def pytest_collection_modifyitems(config, items):
    """Start with the tests that build the clones, beside unit tests for the other workers of pytest-xdist. The tests that
    use the clones come next: their files take minutes, and at the end one worker would wait for the other."""
    folders = ("classification", "cli", "config", "data", "workflow")
    places = {name: place for place, name in enumerate(folders)}

    def place(item):
        return -1 if item.path.stem == "test_engines" else places.get(item.path.parent.name, len(folders))

    items.sort(key=place)
    if any(item.get_closest_marker("long") for item in items):
        left_out = [item for item in items if item.get_closest_marker("short")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)  # before the test's fixtures, which can take minutes
def pytest_runtest_setup(item):
    """On a machine several times slower than others, say which tests there was no time for rather than end in none."""
    minutes = item.config.getoption("long_within")
    if minutes is not None and item.get_closest_marker("long") and time.monotonic() - START > 60 * minutes:
        pytest.skip(f"skipped: long, and the {minutes:g} minutes of --long-within are over")


def pytest_configure(config):
    config.stash[LINES] = []


def pytest_sessionfinish(session):
    """A worker hands its measurements to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["measured"] = session.config.stash[LINES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over what a worker has measured; one that crashed has nothing to hand over."""
    node.config.stash[LINES] += getattr(node, "workeroutput", {}).get("measured", [])


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[LINES]:
        terminalreporter.section("measured")
        for line in config.stash[LINES]:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def remembered():
    """Compose and parse the same configuration once in a process."""
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


@pytest.fixture(scope="session")
def measured(pytestconfig):
    """Call it with what was measured and the seconds: printed after the tests, asserted by none."""
    return lambda what, seconds: pytestconfig.stash[LINES].append(f"{seconds:7.1f} s  {what}")


@pytest.fixture
def machine():
    """What a job sets for its process is set back."""
    import cv2
    import torch  # here, since most tests need neither

    threads = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])
