"""Machines: a file of rates goes out and comes back, and mistakes in it are one line."""

import re

import pytest
import yaml

from googlenet.config.schema.base import replaced
from googlenet.errors import UserError
from googlenet.models.network import Architecture
from googlenet.planning.machine import read, save
from googlenet.planning.measure import Decode, Disk, EmptyJob
from googlenet.planning.measure_classification import CutCrops, Forward
from googlenet.planning.rates import CPU, NetworkShape, Rates, Seconds
from googlenet.planning.sizes import ImageSize
from planning.flat_rates import MACHINE

AGAIN = "googlenet plan --experiment smoke --save abacus"


def decoding(px):
    return Decode(image=ImageSize(width=px, height=px))


def measured(*sides):
    rates = Rates({}, lambda asked: Seconds(seconds=asked.image.width / 7))
    for px in sides:
        rates(decoding(px))
    return rates


def test_rates_come_back_as_they_were_and_are_rounded_once(tmp_path):
    rates = measured(64)
    save(tmp_path, "abacus", MACHINE, rates, "nothing")
    machine, again, by = read(tmp_path, "abacus", AGAIN)
    assert machine == MACHINE and by.beside == "nothing" and by.torch
    assert again.rows == rates.rows and again(decoding(64)) == rates(decoding(64))
    assert again(decoding(64)).seconds == 9.143
    text = (tmp_path / "machines/abacus.yaml").read_text()
    assert text.startswith("# ") and "--save abacus" in text


def test_a_network_comes_back_as_it_was(tmp_path):
    shape = NetworkShape(network="batch_norm", classes=7, architecture=Architecture(width=0.5, aux_heads=()))
    asked = Forward(network=shape, compute=CPU, batch_size=4)
    rates = Rates({}, lambda asked: Seconds(seconds=1.0))
    rates(asked)
    save(tmp_path, "abacus", MACHINE, rates)
    assert list(read(tmp_path, "abacus", AGAIN)[1].rows) == [asked]
    assert "architecture: {width: 0.5, aux_heads: []}" in (tmp_path / "machines/abacus.yaml").read_text()


def test_what_is_measured_later_is_added(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    save(tmp_path, "abacus", MACHINE, measured(224))
    _, rates, _ = read(tmp_path, "abacus", AGAIN)
    assert {asked.image.width for asked in rates.rows} == {64, 224}


def test_a_file_of_another_machine_is_not_added_to(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    with pytest.raises(UserError, match=r"^machines/abacus\.yaml: of a machine with Abacus, 4 cores.*another name"):
        save(tmp_path, "abacus", replaced(MACHINE, cpu="Slide rule"), measured(224))
    with pytest.raises(UserError, match=r"4 cores, no GPU; this one has Abacus, 4 cores, Loom: give it another name$"):
        save(tmp_path, "abacus", replaced(MACHINE, gpu="Loom", gpus=1), measured(224))


def test_a_file_to_which_nothing_is_added_keeps_its_date(tmp_path):
    path = save(tmp_path, "abacus", MACHINE, measured(64))
    earlier = re.sub(r'"date": "[-\d]+"', '"date": "1642-06-19"', path.read_text())
    path.write_text(earlier)
    save(tmp_path, "abacus", MACHINE, measured())
    assert path.read_text() == earlier
    save(tmp_path, "abacus", MACHINE, measured(224))
    assert "1642" not in path.read_text()


def test_the_error_for_a_missing_rate_says_how_to_measure_it(tmp_path):
    save(tmp_path, "abacus", MACHINE, measured(64))
    _, rates, _ = read(tmp_path, "abacus", AGAIN)
    with pytest.raises(UserError) as raised:
        rates(decoding(224))
    start = 'machines/abacus.yaml: no rate of \'decode\' for {"image": {"height": 224, "width": 224}}; '
    assert str(raised.value).startswith(start)
    assert str(raised.value).endswith(AGAIN) and "\n" not in str(raised.value)


def test_an_unknown_machine_is_rejected_with_the_nearest_name(tmp_path):
    save(tmp_path, "epyc-2core", MACHINE, measured(64))
    with pytest.raises(UserError, match=r"no machine 'epyc-2cores' in machines/; did you mean 'epyc-2core'\?"):
        read(tmp_path, "epyc-2cores", AGAIN)
    with pytest.raises(UserError, match=r"--save: 'a/b' is not a valid name; use letters"):
        save(tmp_path, "a/b", MACHINE, measured(64))
    (tmp_path / "machines/a.b.yaml").touch()
    with pytest.raises(UserError, match=r"^--machine: 'a\.b' is not a valid name"):
        read(tmp_path, "a.b", AGAIN)


ROW = {"what": "decode", "settings": {"image": {"width": 64, "height": 64}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"machine": None}, "machine: .*, not None"),
        ({"rates": 3}, "rates: .*, not 3"),
        ({"machine": {"cpu": "Abacus"}}, r"machine\.cores: Field required"),
        ({"rates": ["fast"]}, r"rates\[0\]: .*, not 'fast'"),
        ({"rates": [{"what": "job", "settings": 1}]}, r"rates\[0\]\.settings: .*, not 1"),
        ({"rates": [{"what": "decoding", "settings": {}}]}, r"rates\[0\]\.what: .*did you mean 'decode'\?"),
        ({"rates": [{"what": "job", "settings": {}}]}, r"rates\[0\]\.settings\.network: Field required"),
        ({"rates": [ROW]}, r"rates\[0\]\.seconds: Field required"),
        ({"rates": [ROW | {"seconds": "4"}]}, r"rates\[0\]\.seconds: Input should be a valid number"),
        ({"rates": [ROW | {"seconds": -1}]}, r"rates\[0\]\.seconds: Input should be greater than or equal to 0"),
        ({"rates": [ROW | {"seconds": float("nan")}]}, r"rates\[0\]\.seconds: Input should be"),
    ],
)
def test_an_invalid_file_is_reported_in_one_line(tmp_path, change, message):
    path = save(tmp_path, "abacus", MACHINE, measured(64))
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | change))
    with pytest.raises(UserError, match=rf"^machines/abacus\.yaml: {message}") as raised:
        read(tmp_path, "abacus", AGAIN)
    assert "\n" not in str(raised.value)


def test_equal_measurements_share_a_rate():
    size = ImageSize(width=64, height=64)
    cut = CutCrops(policies=(1, 10), px=32, mirror=True, image=size)
    same = CutCrops(image=size, mirror=True, px=32, policies=[1, 10])
    assert cut == same and {cut: 1}[same] == 1 and cut.to_json() == same.to_json()
    assert cut != replaced(cut, px=33)
    assert decoding(64) != decoding(65)
    assert Disk() != EmptyJob(network=False)
