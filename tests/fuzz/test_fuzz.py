"""Changed inputs of every format end as a record or in one line that names the file, and in no other way.

Hypothesis draws the changes from a seed, and shrinks what fails. `make fuzz` reads ten thousand inputs.
"""

from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.child import Child, Files, formats, written

KINDS = ("annotations", "lists", "archives", "weights", "images")
CASES = [pytest.param(kind, name, id=f"{kind}: {name}") for kind in KINDS for name in formats(kind)]


@pytest.fixture(scope="module")
def children(measured):
    """A guarded process for every kind of input, and at the end what each has read."""
    made = {kind: Reader(kind) for kind in KINDS}
    yield made
    for reader in made.values():
        reader.close()
        if reader.ends:
            measured(f"fuzz, {reader}", reader.seconds)


class Changed(dict):
    """Changed files, shown by their sizes."""

    def __repr__(self):
        return ", ".join(f"{name}: {len(content):,} bytes" for name, content in self.items())


class Reader(Child):
    """A child that counts."""

    def __init__(self, module):
        super().__init__(module)
        self.ends, self.seconds, self.memory_mb = Counter(), 0.0, 0.0

    def __str__(self):
        counts = ", ".join(f"{self.ends[kind]:,} {kind}s" for kind in ("record", "error", "fault"))
        return f"{self.module}: {self.ends.total():,} inputs, {counts}, at most {self.memory_mb:.0f} MB for one"

    def read(self, name: str, files: Files):
        start = monotonic()
        outcome = super().read(name, files)
        self.seconds += monotonic() - start
        self.ends[outcome.kind] += 1
        self.memory_mb = max(self.memory_mb, outcome.memory_mb)
        return outcome


@pytest.mark.long
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_it_ends_as_a_record_or_in_one_line(kind, name, children, pytestconfig):
    form, number = formats(kind)[name], pytestconfig.getoption("fuzz_seed")
    kept = Path(".googlenet/fuzz") / f"{kind}-{list(formats(kind)).index(name)}-{number}"

    @seed(number)
    @settings(
        max_examples=pytestconfig.getoption("fuzz"),
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(form.changed(form.files()).map(Changed))
    def ends_well(files):
        outcome = children[kind].read(name, dict(files))
        if outcome.kind == "fault":
            written(files, kept)  # the last one that fails is the smallest
        assert outcome.kind != "fault", f"seed {number}; the changed file is below {kept}\n{outcome.text}"

    children[kind].start()
    ends_well()
