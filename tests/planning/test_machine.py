"""Machines: a file of rates goes out and comes back, and mistakes in it are one line."""

import pytest
import yaml

from googlenet.errors import UserError
from googlenet.planning.machine import Rates, key_of, read, save
from planning.flat_rates import MACHINE

AGAIN = "python -m googlenet.plan --experiment smoke --save abacus"


def measured(*seconds):
    rates = Rates([], lambda what, settings: {"seconds": settings["px"] / 7})
    for px in seconds:
        rates("forward", {"px": px})
    return rates


def test_rates_come_back_as_they_were_and_are_rounded_once(tmp_path):
    rates = measured(64)
    save(tmp_path, "abacus", MACHINE, rates, "nothing")
    machine, again, said = read(tmp_path, "abacus", AGAIN)
    assert machine == MACHINE and said["beside"] == "nothing" and said["torch"]
    assert again.rows == rates.rows and again("forward", {"px": 64}) == rates("forward", {"px": 64})
    assert again("forward", {"px": 64})["seconds"] == 9.143
    text = (tmp_path / "machines/abacus.yaml").read_text()
    assert text.startswith("# ") and "--save abacus" in text


def test_what_is_measured_later_is_added(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    save(tmp_path, "abacus", MACHINE, measured(224))
    _, rates, _ = read(tmp_path, "abacus", AGAIN)
    assert {row["settings"]["px"] for row in rates.rows.values()} == {64, 224}


def test_a_file_of_another_machine_is_not_added_to(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    with pytest.raises(
        UserError, match=r"^machines/abacus\.yaml: of a machine with Abacus, 4 cores.*another name"
    ):
        save(tmp_path, "abacus", MACHINE._replace(cpu="Slide rule"), measured(224))


def test_a_rate_that_is_lacking_says_how_it_is_measured(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    _, rates, _ = read(tmp_path, "abacus", AGAIN)
    with pytest.raises(UserError) as raised:
        rates("forward", {"px": 224})
    assert str(raised.value).startswith("machines/abacus.yaml: no rate of 'forward' for {\"px\": 224}; ")
    assert str(raised.value).endswith(AGAIN) and "\n" not in str(raised.value)


def test_an_unknown_machine_is_told_with_the_nearest(tmp_path):
    save(tmp_path, "epyc-2core", MACHINE, measured(64))
    with pytest.raises(
        UserError, match=r"no machine 'epyc-2cores' in machines/; did you mean 'epyc-2core'\?"
    ):
        read(tmp_path, "epyc-2cores", AGAIN)
    with pytest.raises(UserError, match=r"--save: 'a/b' is no name; use letters"):
        save(tmp_path, "a/b", MACHINE, measured(64))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"machine": None}, "needs the keys machine and rates"),
        ({"rates": 3}, "needs the keys machine and rates"),
        ({"machine": {"cpu": "Abacus"}}, "machine.cores must be int, not None"),
        ({"rates": ["fast"]}, r"rates\[0\]: needs 'what', 'settings' and numbers, not 'fast'"),
        ({"rates": [{"what": "job", "settings": 1}]}, r"rates\[0\]\.settings: must be keys, not 1"),
        (
            {"rates": [{"what": "job", "settings": {}, "seconds": "4"}]},
            r"rates\[0\]\.seconds: must be a number",
        ),
        (
            {"rates": [{"what": "job", "settings": {}, "seconds": -1}]},
            r"rates\[0\]\.seconds: must be a number",
        ),
        ({"rates": [{"what": "job", "settings": {}, "seconds": float("nan")}]}, r"seconds: must be a number"),
    ],
)
def test_a_file_that_is_wrong_is_told_in_one_line(tmp_path, change, said):
    path = save(tmp_path, "abacus", MACHINE, measured(64))
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    with pytest.raises(UserError, match=rf"^machines/abacus\.yaml: {said}|^machines/abacus\.yaml: .*{said}"):
        read(tmp_path, "abacus", AGAIN)


def test_equal_settings_have_one_key():
    assert key_of("a", {"x": 1, "y": [2]}) == key_of("a", {"y": [2], "x": 1})
    assert key_of("a", {"x": 1}) != key_of("b", {"x": 1})
