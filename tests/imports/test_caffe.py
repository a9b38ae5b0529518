"""Caffe's files of either format give the network that wrote them; anything else is reported in one line."""

import numpy as np
import pytest
import torch

from googlenet.errors import UserError
from googlenet.imports import caffemodel, raw_folder
from googlenet.imports.caffemodel import Malformed, blobs_of, fields
from googlenet.imports.import_weights import imported
from googlenet.models.network import Architecture
from imports import writers
from imports.writers import MODEL, ORIGIN, RAW, WIDTH, blob, field, layer, varint
from settings import changed

BOTH = ("4a", "4d")


@pytest.fixture(scope="module")
def layers():
    return writers.layers_of(writers.small())


def same_weights(network, other):
    assert network.model.state_dict().keys() == other.model.state_dict().keys()
    for name, tensor in other.model.state_dict().items():
        assert torch.equal(network.model.state_dict()[name], tensor), name


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.long
@pytest.mark.parametrize("heads", [(), BOTH])
@pytest.mark.parametrize("how", [{}, {"old": True}, {"packed": False}, {"double": True}, {"old": True, "double": True}])
def test_a_caffemodel_is_the_network_that_wrote_it(tmp_path, how, heads):
    network = writers.small(heads)
    path = written(tmp_path / "a.caffemodel", writers.caffemodel(writers.layers_of(network), **how))
    again = imported(path, ORIGIN, MODEL, WIDTH)
    assert again.spec.architecture.aux_heads == heads and again.spec.classes == ("",) * 7
    same_weights(again, network)


def test_a_raw_folder_is_the_network_that_wrote_it(tmp_path):
    network = writers.small(BOTH)
    folder = writers.raw_folder(writers.layers_of(network), tmp_path)
    for path in (folder, folder / "weights"):
        again = imported(path, RAW, MODEL, WIDTH)
        assert again.spec.architecture.aux_heads == BOTH
        same_weights(again, network)


def test_preprocessing_goes_with_the_weights_and_the_channels_are_not_turned(tmp_path, layers):
    path = written(tmp_path / "a.caffemodel", writers.caffemodel(layers))
    network = imported(path, ORIGIN, MODEL, WIDTH)
    spec, shape = network.spec, network.spec.architecture
    assert (spec.channel_order, spec.input_px) == ("bgr", 224)
    assert (spec.input_mean, spec.input_scale) == ((104.0, 117.0, 123.0), (1.0, 1.0, 1.0))
    assert (spec.network, shape.dropout, shape.aux_dropout, shape.lrn) == ("paper", 0.4, 0.7, True)
    assert (shape.inception, shape.classifier, shape.repeat_modules) == ("reduced", "average_pool", ())
    assert torch.equal(network.model.conv1[0].weight, torch.tensor(layers["conv1/7x7_s2"][0]))


def test_only_what_the_weights_do_not_say_is_the_models(tmp_path, layers):
    path = written(tmp_path / "a.caffemodel", writers.caffemodel(layers))
    other = changed(
        MODEL,
        lrn=False,
        dropout=0.1,
        inception="naive",
        repeat_modules=["4a"],
        aux_heads=["4a"],
        width=0.5,
        initialisation="he",
    )
    spec = imported(path, ORIGIN, other, 2 * WIDTH).spec
    assert spec.architecture == Architecture(width=WIDTH, lrn=False, dropout=0.1, aux_heads=())
    assert spec.initialisation == "he"  # of layers that MultiBox adds


def test_the_wire_by_hand():
    # field 1, varint 300 (ac 02); field 2, bytes "ab"; field 3, fixed 32; field 4, fixed 64
    message = b"\x08\xac\x02" + b"\x12\x02ab" + b"\x1d\x01\x02\x03\x04" + b"\x21" + bytes(8)
    read = [(number, kind, bytes(content), value) for number, kind, content, value in fields(memoryview(message))]
    assert read == [(1, 0, b"", 300), (2, 2, b"ab", 0), (3, 5, b"\x01\x02\x03\x04", 0), (4, 1, bytes(8), 0)]
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    (values,) = blobs_of(layer("x", [blob(array)]))["x"]
    assert values.shape == (2, 3) and np.array_equal(values, array)
    two_runs = field(5, array[0].tobytes()) + field(5, array[1].tobytes()) + field(7, field(1, 2) + field(1, 3))
    assert np.array_equal(blobs_of(layer("x", [two_runs]))["x"][0], array)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x12\x05ab", "ends early: a field of 5 bytes, 2 left"),
        (b"\x08\xff", "ends early"),
        (b"\x08" + b"\xff" * 12, "endless number"),
        (b"\x0b\x01", "byte 1 begins no field"),  # wire type 3, a group
        (b"\x00\x01", "begins no field"),
        (varint(2 << 3 | 2) + varint(1 << 60), "a field of 1152921504606846976 bytes"),
        (layer("x", [field(5, b"abc")]), "not a list of numbers"),
        (layer("x", [field(5, bytes(8)) + field(7, field(1, 3))]), r"layer 'x' has 2 numbers for the shape \[3\]"),
        (layer("x", [blob(np.zeros(2))]) * 2, "has two layers 'x'"),
        (field(100, field(1, b"\xff\xfe")), "a name that is not text"),
        (field(2, field(1, b"old")), "Caffe's first format; upgrade it with upgrade_net_proto_binary"),
    ],
)
def test_bytes_that_are_no_net(content, reason):
    with pytest.raises(Malformed, match=reason):
        blobs_of(content)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.77, 0.9999])
def test_a_file_that_is_cut_short_is_reported_in_one_line(tmp_path, layers, share):
    content = writers.caffemodel(layers)
    path = written(tmp_path / "a.caffemodel", content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"a\.caffemodel: not a whole \.caffemodel \(.*\); fetch it again$"):
        caffemodel.read(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>404</html>", b"PK\x03\x04" + bytes(500), b"\x89HDF\r\n\x1a\n" + bytes(500), bytes(64),
     np.random.default_rng(1).bytes(5000)],
)  # fmt: skip
def test_what_is_not_caffes_is_reported_in_one_line(tmp_path, content):
    with pytest.raises(UserError, match=r"a\.caffemodel: not a (whole )?\.caffemodel .*fetch it again$"):
        caffemodel.read(written(tmp_path / "a.caffemodel", content))


def without(layers, *names):
    return {name: parts for name, parts in layers.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: without(x, "conv2/3x3"), r"lacks the layer 'conv2/3x3'; get the whole bvlc_googlenet"),
        (lambda x: without(x, "inception_3a/1x1", "inception_5b/5x5"), r"lacks the layer 'inception_3a/1x1' and 1 more"),
        (lambda x: without(x, "loss3/classifier"), r"lacks the layer 'loss3/classifier'"),
        (lambda x: x | {"loss1/conv": x["conv2/3x3"]}, r"lacks the layer 'loss1/fc' and 1 more"),
        (lambda x: x | {"loss3/classifier_pets": x["loss3/classifier"]},
         r"has a layer 'loss3/classifier_pets', which bvlc_googlenet does not; did you mean 'loss3/classifier'"),
        (lambda x: x | {"conv2/3x3": x["conv2/3x3_reduce"]},
         r"'conv2\.0\.weight' is \[2, 2, 1, 1\] where the network has \[6, 2, 3, 3\]; the weights are of another"),
        (lambda x: x | {"conv1/7x7_s2": (x["conv1/7x7_s2"][0] * np.nan, x["conv1/7x7_s2"][1])},
         r"'conv1\.0\.weight' contains NaN or infinite values"),
        (lambda x: x | {"conv1/7x7_s2": x["conv1/7x7_s2"][:1]}, r"layer 'conv1/7x7_s2' has 1 blobs, not weights and"),
    ],
)  # fmt: skip
def test_another_network_is_reported_in_one_line(tmp_path, layers, change, message):
    path = written(tmp_path / "a.caffemodel", writers.caffemodel(change(layers)))
    with pytest.raises(UserError, match=rf"a\.caffemodel: {message}"):
        imported(path, ORIGIN, MODEL, WIDTH)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "conv2/3x3_bias.bin").unlink(), r"conv2/3x3_bias\.bin: not found, though its neighbour is"),
        (lambda f: [path.unlink() for path in f.glob("conv2/3x3_*.bin")], r"lacks the layer 'conv2/3x3"),
        (lambda f: (f / "conv2/3x3_filter.bin").write_bytes(bytes(50)), r"50 bytes are not whole float32 numbers"),
        (lambda f: (f / "conv2/3x3_filter.bin").write_bytes(bytes(52)), r"13 numbers do not divide into 6 kernels of 3x3"),
        (lambda f: (f / "conv2/3x3_filter.bin").write_bytes(b""), r"0 numbers do not divide"),
        (lambda f: (f / "conv2/3x3_filter.bin").write_bytes(bytes(4 * 6 * 9)), r"'conv2\.0\.weight' is \[6, 1, 3, 3\]"),
    ],
)  # fmt: skip
def test_a_spoilt_folder_is_reported_in_one_line(tmp_path, layers, spoil, message):
    folder = writers.raw_folder(layers, tmp_path)
    spoil(folder / "weights")
    with pytest.raises(UserError, match=message):
        imported(folder, RAW, MODEL, WIDTH)


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(UserError, match=r"not a folder; the raw float32 format is a folder"):
        raw_folder.read(written(tmp_path / "a.bin", b""))
