"""What belongs to imported weights: class order, checkpoints of our own, digests of the source."""

import re
from dataclasses import replace
from typing import get_args

import pytest
import torch
from safetensors.torch import save_file

from conf_copy import copied, override
from googlenet.config.schema.base import NetworkName
from googlenet.config.schema.shared import ImportedMember, Origin
from googlenet.data.wnids import wnids
from googlenet.errors import UserError
from googlenet.imports.import_weights import (
    CLASSIFIER,
    HEADS,
    OURS,
    READERS,
    check,
    classes_of,
    digest,
    imported,
    summary,
)
from googlenet.models import bundle
from googlenet.pipeline.experiment import experiment
from imports import writers
from imports.writers import CHECKPOINT, MODEL, ORIGIN, RAW, TORCHVISION, WIDTH
from models import small
from settings import changed, composed


@pytest.fixture(scope="module")
def caffemodel(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "a.caffemodel"
    path.write_bytes(writers.caffemodel(writers.layers_of(writers.small())))
    return path


@pytest.mark.parametrize(("kind", "number"), [("classification", 1000), ("detection", 200)])
def test_ilsvrcs_classes_are_in_the_order_of_the_alphabet(kind, number):
    known = wnids(kind)
    assert len(set(known)) == number and list(known) == sorted(known)
    assert all(len(wnid) == 9 and wnid[0] == "n" and wnid[1:].isdigit() for wnid in known)


def test_the_thousand_classes_are_those_of_caffes_outputs():
    known = wnids("classification")
    # tench, monastery and toilet tissue: first, 663rd and last of Caffe's and torchvision's outputs
    assert (known[0], known[663], known[999]) == ("n01440764", "n03781244", "n15075141")


def test_class_names_of_a_file(tmp_path, caffemodel):
    names = tmp_path / "names.txt"
    names.write_text("a\nb\n\n c\nd\ne\nf\ng\n")
    network = imported(caffemodel, changed(ORIGIN, classes=str(names)), MODEL, WIDTH)
    assert network.spec.classes == tuple("abcdefg")
    names.write_text("a\na\n")
    with pytest.raises(UserError, match=r"names\.txt: names a class twice"):
        classes_of(str(names), "origins")
    names.write_bytes("é\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"names\.txt: cannot be read as text .*; give a UTF-8 text file"):
        classes_of(str(names), "origins")


def test_another_class_count_is_reported_in_one_line(caffemodel):
    message = r"a\.caffemodel: has 7 classes, but its origin's class order 'ilsvrc2012' has 1000; give its own order"
    with pytest.raises(UserError, match=message):
        imported(caffemodel, changed(ORIGIN, classes="ilsvrc2012"), MODEL, WIDTH)


def test_a_network_of_another_width_is_reported_in_one_line(caffemodel):
    with pytest.raises(
        UserError, match=r"'conv1\.0\.weight' is \[2, 3, 7, 7\] where the network has \[64, .*origin and width"
    ):
        imported(caffemodel, ORIGIN, MODEL, 1.0)


def test_a_checkpoint_of_ours_says_itself_what_it_is(tmp_path):
    network = small.network(4)
    spec = replace(network.spec, channel_order="bgr", input_scale=(1.0, 2.0, 3.0))
    network = replace(network, spec=spec)
    path = tmp_path / "weights.safetensors"
    bundle.save(path, network, "stamp")
    again = imported(path, CHECKPOINT, MODEL, 1.0)
    assert again.spec == spec
    assert all(map(torch.equal, again.model.parameters(), network.model.parameters()))
    member = ImportedMember(name="m1", weights=str(path), origin="checkpoint", width=1.0)
    result = summary(again, member, CHECKPOINT, path)
    assert (result.classes, result.class_names, result.network) == (4, True, "paper")
    assert (result.member, result.format, result.source_sha256) == (member, "checkpoint", digest(path))
    assert (result.input_px, result.input_scale, result.channel_order) == (32, (1.0, 2.0, 3.0), "bgr")
    assert result.parameters == network.parameters and result.aux_heads == ("4a", "4d")
    assert not summary(replace(again, spec=replace(spec, classes=("",) * 4)), member, CHECKPOINT, path).class_names


def test_a_checkpoint_with_batch_normalisation(tmp_path):
    network = small.network(4, "batch_norm")
    network.model.train()(torch.randn(4, 3, 32, 32))
    bundle.save(tmp_path / "w.safetensors", network, "stamp")
    again = imported(tmp_path / "w.safetensors", changed(CHECKPOINT, network="batch_norm"), MODEL, 1.0)
    assert again.spec == network.spec
    for name, value in network.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name


@pytest.mark.parametrize(
    ("kind", "origin"), [("batch_norm", "paper"), ("paper", "batch_norm"), ("paper", "torchvision_bn")]
)
def test_a_checkpoint_of_another_network_than_its_origin_says(tmp_path, kind, origin):
    bundle.save(tmp_path / "w.safetensors", small.network(kind=kind), "stamp")
    with pytest.raises(UserError) as raised:
        imported(tmp_path / "w.safetensors", changed(CHECKPOINT, network=origin), MODEL, 1.0)
    assert str(raised.value) == (
        f"{tmp_path}/w.safetensors: the network is {kind}, but the origin says {origin}; name an origin in"
        f" conf/origins.yaml with network: {kind}, or give other weights"
    )


@pytest.mark.parametrize(
    ("origin", "network"), [(ORIGIN, "batch_norm"), (RAW, "torchvision_bn"), (TORCHVISION, "paper")]
)
def test_a_format_is_of_one_network(tmp_path, origin, network):
    path = tmp_path / "w"
    path.mkdir() if origin is RAW else path.write_bytes(b"")
    right = READERS[origin.format][1]
    check(path, origin, "ensemble.members.m1.weights")
    message = f"the network is {right}, but the origin says {network}; name an origin in conf/origins.yaml with network: {right}"
    with pytest.raises(
        UserError, match=f"ensemble.members.m1.weights: weights in the format {origin.format}: {message}"
    ):
        check(path, changed(origin, network=network), "ensemble.members.m1.weights")
    with pytest.raises(UserError, match=f"/w: {message}"):
        imported(path, changed(origin, network=network), MODEL, 1.0)


def test_what_is_looked_at_before_any_job(tmp_path, caffemodel):
    key = "ensemble.members.m1.weights"
    check(caffemodel, ORIGIN, key)
    with pytest.raises(UserError, match=f"{key}: no file or folder .*none; fetch the weights or correct the path"):
        check(tmp_path / "none", ORIGIN, key)
    with pytest.raises(UserError, match=f"{key}: .* is a file, which the format raw_float32 is not; give the right"):
        check(caffemodel, RAW, key)
    with pytest.raises(UserError, match=f"{key}: .* is a folder, which the format caffemodel is not"):
        check(tmp_path, ORIGIN, key)
    with pytest.raises(UserError, match=f"{key}: its origin's classes 'ilsvrc2021' is neither.*'ilsvrc2012'"):
        check(caffemodel, changed(ORIGIN, classes="ilsvrc2021"), key)


@pytest.mark.parametrize(
    ("content", "origin", "message"),
    [
        (
            b"PK\x03\x04",
            ORIGIN,
            r"a file of torch\.save \(\.pth\), which the format caffemodel is not; give the right origin",
        ),
        (b"\x80\x02}.", RAW, "a file of torch"),
        (b"\x89HDF\r\n", ORIGIN, "HDF5 .*; save it in"),
        (b"\x1f\x8b\x08", TORCHVISION, "a gzip archive, which the format torchvision is not; unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", ORIGIN, "a pointer of Git LFS, .*; run `git lfs pull`"),
    ],
)
def test_a_file_of_another_format_is_called_what_it_is(tmp_path, content, origin, message):
    path = tmp_path / "w.caffemodel"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^m1: .*w\.caffemodel is {message}"):
        check(path, origin, "m1")
    with pytest.raises(UserError, match=rf"w\.caffemodel: {message}"):
        imported(path, origin, MODEL, 1.0)


def test_the_origins_that_fit_are_named(tmp_path):
    origins = composed().composed.origins
    bundle.save(tmp_path / "ours", small.network(), "stamp")
    save_file({"fc.weight": torch.zeros(2, 2)}, tmp_path / "theirs", {"architecture": "googlenet"})
    for name, origin, fits in (
        ("ours", ORIGIN, "a checkpoint of this project, .*: checkpoint or checkpoint_batch_norm"),
        ("theirs", ORIGIN, "a safetensors file, .*: torchvision or torchvision_tuned or torchvision_own or checkpoint"),
        (".", ORIGIN, "a folder, .*: bvlc_raw"),
    ):
        with pytest.raises(UserError, match=f" is {fits}"):
            check(tmp_path / name, origin, "m1", origins)
    (tmp_path / "net.prototxt").write_text('name: "GoogleNet"')
    with pytest.raises(UserError, match=r"a network's definition \(\.prototxt\).*; give the \.caffemodel"):
        check(tmp_path / "net.prototxt", ORIGIN, "m1", origins)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not a whole safetensors file"), (b"\x80\x02}.", "not a whole safetensors file")]
)
def test_what_is_no_checkpoint_is_reported(tmp_path, content, message):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=message):
        imported(tmp_path / "w.safetensors", CHECKPOINT, MODEL, 1.0)


def test_every_format_has_an_origin():
    origins = composed().composed.origins
    formats = set(get_args(Origin.model_fields["format"].annotation))
    assert {origin.format for origin in origins.values()} == formats == {*READERS, OURS}
    for origin in origins.values():
        assert origin.format == OURS or READERS[origin.format][1] == origin.network
    assert (
        {network for _, network in READERS.values()} == HEADS.keys() == CLASSIFIER.keys() < set(get_args(NetworkName))
    )
    assert origins["bvlc_raw"] == changed(origins["bvlc"], format="raw_float32")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            "format: torchvison",
            "bvlc.format' must be caffemodel, raw_float32, torchvision or checkpoint, not 'torchvison'",
        ),
        ("channel_order: gbr", "bvlc.channel_order' must be rgb or bgr, not 'gbr'"),
        ("input_mean: [1.0, 2.0]", "bvlc.input_mean"),
        ("network: vgg", "bvlc.network' must be paper, batch_norm or torchvision_bn, not 'vgg'"),
    ],
)
def test_an_origin_that_makes_no_sense_is_reported_before_any_job(tmp_path, changes, message):
    root = copied(tmp_path)
    override(root, f"{{origins: {{bvlc: {{{changes}}}}}}}")
    with pytest.raises(UserError, match=re.escape(f"params.yaml: 'origins.{message}")):
        experiment(root)


def test_the_digest_follows_content_and_names(tmp_path):
    for name in ("a", "b/c"):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_text(name)
    before = digest(tmp_path / "x")
    assert before == digest(tmp_path / "x") and len(before) == 64
    (tmp_path / "x" / "a").rename(tmp_path / "x" / "d")
    assert digest(tmp_path / "x") != before
    assert digest(tmp_path / "x" / "d") == digest(tmp_path / "x" / "d") != before
