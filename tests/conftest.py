"""What all tests share: how many edits the agreement executes, and measured times at the end of the output."""

import os

import pytest

# Before anything imports torch: with more threads than cores are free, tests beside a build take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

LINES = pytest.StashKey[list[str]]()
ROWS = ("three", "five", "all")


def pytest_addoption(parser):
    """--agreement: which rows of the table of edits are executed under both engines; all are planned anyway."""
    default = os.environ.get("GOOGLENET_AGREEMENT", ROWS[0])
    parser.addoption("--agreement", choices=ROWS, default=default, help="rows of the table of edits to execute")
    parser.addoption("--after", default="", help="with --agreement: begin with the edit after the one of this name")
    parser.addoption(
        "--faults",
        type=int,
        default=5,
        help="moments at which the fault test kills; from 20 on also one in every stage",
    )


def pytest_collection_modifyitems(config, items):
    """Leave the thorough tests to those who ask for more than three rows, as .ci/run does."""
    if config.getoption("agreement") == ROWS[0]:
        left = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def pytest_configure(config):
    config.stash[LINES] = []


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[LINES]:
        terminalreporter.section("measured")
        for line in config.stash[LINES]:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured(pytestconfig):
    """Call it with what was measured and the seconds: printed after the tests, asserted by none."""
    return lambda what, seconds: pytestconfig.stash[LINES].append(f"{seconds:7.1f} s  {what}")
