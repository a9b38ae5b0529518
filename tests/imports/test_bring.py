"""What belongs to imported weights: class order, checkpoints of our own, digests of the source."""

from dataclasses import asdict

import pytest
import torch

from classification import tiny
from googlenet import trained
from googlenet.errors import UserError
from googlenet.imports.bring import FORMATS, classes_of, digest, imported, summary
from googlenet.imports.ilsvrc2012 import wnids
from imports import writers
from imports.writers import MODEL, ORIGIN, WIDTH


@pytest.fixture(scope="module")
def caffemodel(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "a.caffemodel"
    path.write_bytes(writers.caffemodel(writers.layers_of(writers.small())))
    return path


def test_the_thousand_classes_are_in_the_order_of_the_alphabet():
    assert len(set(wnids())) == 1000 and list(wnids()) == sorted(wnids())
    assert all(len(wnid) == 9 and wnid[0] == "n" and wnid[1:].isdigit() for wnid in wnids())
    # tench, monastery and toilet tissue: first, 663rd and last of Caffe's and torchvision's outputs
    assert (wnids()[0], wnids()[663], wnids()[999]) == ("n01440764", "n03781244", "n15075141")


def test_class_names_of_a_file(tmp_path, caffemodel):
    names = tmp_path / "names.txt"
    names.write_text("a\nb\n\n c\nd\ne\nf\ng\n")
    _, description = imported(caffemodel, ORIGIN | {"classes": str(names)}, MODEL, WIDTH)
    assert description.classes == list("abcdefg")
    names.write_text("a\na\n")
    with pytest.raises(UserError, match=r"names\.txt: names a class twice"):
        classes_of(str(names), "origins")


def test_another_class_count_is_told_in_one_line(caffemodel):
    message = r"a\.caffemodel: has 7 classes, but its origin's class order 'ilsvrc2012' has 1000; give its own order"
    with pytest.raises(UserError, match=message):
        imported(caffemodel, ORIGIN | {"classes": "ilsvrc2012"}, MODEL, WIDTH)


def test_a_network_of_another_width_is_told_in_one_line(caffemodel):
    with pytest.raises(
        UserError,
        match=r"'conv1\.0\.weight' is \[2, 3, 7, 7\] where the network has \[64, .*origin and width",
    ):
        imported(caffemodel, ORIGIN, MODEL, 1.0)


def test_a_checkpoint_of_ours_says_itself_what_it_is(tmp_path):
    described = trained.Description(
        **asdict(tiny.description(4)) | {"channel_order": "bgr", "input_scale": [1, 2, 3]}
    )
    network = tiny.network(described)
    trained.save(tmp_path / "weights.safetensors", network, described, "stamp")
    again, description = imported(tmp_path / "weights.safetensors", {"format": "checkpoint"}, MODEL, 1.0)
    assert description == described
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), network.parameters(), strict=True))
    told = summary(again, description)
    assert (told["classes"], told["class_names"], told["network"]) == (4, True, "paper")
    assert told["parameters"] == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a whole safetensors file"), (b"\x80\x02}.", "not a whole safetensors file")],
)
def test_what_is_no_checkpoint_is_told(tmp_path, content, message):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=message):
        imported(tmp_path / "w.safetensors", {"format": "checkpoint"}, MODEL, 1.0)


def test_every_format_has_an_origin():
    from conf_copy import ROOT
    from googlenet.config import load_yaml

    origins = load_yaml(ROOT / "conf/origins.yaml")
    assert {origin["format"] for origin in origins.values()} == set(FORMATS)
    assert origins["bvlc"] | {"format": "raw_float32"} == origins["bvlc_raw"]


def test_the_digest_follows_content_and_names(tmp_path):
    for name in ("a", "b/c"):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_text(name)
    before = digest(tmp_path / "x")
    assert before == digest(tmp_path / "x") and len(before) == 64
    (tmp_path / "x" / "a").rename(tmp_path / "x" / "d")
    assert digest(tmp_path / "x") != before
    assert digest(tmp_path / "x" / "d") == digest(tmp_path / "x" / "d") != before
