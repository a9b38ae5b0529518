"""The guard notices each thing that no input may cause, and the next input is read all the same."""

import pytest

from fuzz.child import Child
from fuzz.misbehaviour import BEHAVIOURS

pytestmark = pytest.mark.long
FAULTS = {
    "one line without a name": "names no file and no key: wrong; correct it",
    "traceback": "ZeroDivisionError",
    "loop": "no end within 1 s",
    "memory": "more than 1024 MB of memory",
    "process": "forbidden: subprocess.Popen",
    "shell": "forbidden: os.system",
    "fork": "forbidden: os.fork",
    "connection": "forbidden: socket.",
    "code": "forbidden: pickle.find_class",
    "file elsewhere": "forbidden: open",
    "crash": "the process died, exit code -11",
}


@pytest.fixture(scope="module")
def child():
    made = Child("misbehaviour", busy_s=1.0)
    yield made
    made.close()


@pytest.mark.parametrize("behaviour", [name for name in BEHAVIOURS if name != "sleep"])
def test_how_an_input_ends(child, behaviour):
    outcome = child.read("any", {"x.txt": behaviour.encode()})
    kind = "fault" if behaviour in FAULTS else "error" if behaviour == "one line" else "record"
    assert (outcome.kind, FAULTS.get(behaviour, "") in outcome.text) == (kind, True), outcome
    assert child.read("any", {"x.txt": b"record"}).kind == "record"


def test_an_input_that_waits_for_ever_ends():
    child = Child("misbehaviour", wait_s=1.0)
    outcome = child.read("any", {"x.txt": b"sleep"})
    child.close()
    assert (outcome.kind, outcome.text) == ("fault", "no end within 20 s")
