"""torchvision's variant is torchvision's own module; its files are read, and a pickle that would run code is not."""

import pickle
from argparse import Namespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from googlenet.errors import UserError
from googlenet.imports import torchvision_state
from googlenet.imports.import_weights import imported
from googlenet.models import bundle
from imports.writers import MODEL, TORCHVISION, Malicious


@pytest.fixture(scope="module")
def theirs():
    """torchvision's module with both heads, random weights and moved batch statistics."""
    from torchvision.models import googlenet  # takes seconds, of every process that collects tests

    torch.manual_seed(5)
    network = googlenet(num_classes=11, aux_logits=True, init_weights=False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture(scope="module")
def brought(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "theirs.pth"
    torch.save(theirs.state_dict(), path)
    return imported(path, TORCHVISION, MODEL, 0.25)


def test_the_wrapper_equals_torchvisions_own_module_bit_for_bit(theirs, brought):
    network, shape = brought.model, brought.spec.architecture
    assert (brought.spec.network, shape.aux_heads, shape.width, shape.lrn) == (
        "torchvision_bn",
        ("4a", "4d"),
        1.0,
        False,
    )
    x = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, heads = network.eval()(x)
        assert heads == [] and torch.equal(logits, theirs(x))
        theirs.train(), network.train()
        theirs.dropout.p = network.network.dropout.p
        torch.manual_seed(7)
        expected = theirs(x)
        torch.manual_seed(7)
        logits, heads = network(x)
        theirs.eval(), network.eval()
    assert torch.equal(logits, expected.logits)
    assert torch.equal(heads[0], expected.aux_logits1) and torch.equal(heads[1], expected.aux_logits2)


def test_saved_and_loaded_as_the_variant_that_it_is(brought, tmp_path):
    bundle.save(tmp_path / "w.safetensors", brought, "stamp")
    again = bundle.load(tmp_path / "w.safetensors")
    assert again.spec == brought.spec
    for name, tensor in brought.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name


def test_our_preprocessing_is_torchvisions_with_transform_input(theirs, brought):
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    ours = brought.to_input(images, "cpu")
    theirs.transform_input = True
    transformed = theirs._transform_input(normalised)
    theirs.transform_input = False
    assert (transformed - ours).abs().max() < 1e-6


def named(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


WRAPPED = {  # what training programs make of a state dict
    "DataParallel": lambda s: named("module.", s),
    "torch.compile": lambda s: named("_orig_mod.", s),
    "DDP of a compiled model": lambda s: named("module._orig_mod.", s),
    "Lightning": lambda s: {"epoch": 3, "state_dict": named("model.", s) | {"loss.weight": torch.ones(11)}, "lr": [{"x": 1}]},
    "Lightning, another attribute": lambda s: {"state_dict": named("backbone.net.", s)},
    "SWA": lambda s: named("module.", s) | {"n_averaged": torch.tensor(3)},
    "torchvision's training script": lambda s: {"model": s, "optimizer": {"state": {0: {"x": torch.ones(2)}}}, "args": Namespace(lr=0.1), "model_ema": named("module.", s)},
    "PyTorch's tutorial": lambda s: {"epoch": 3, "model_state_dict": s, "optimizer_state_dict": {"state": {}}},
    "another key": lambda s: {"weights": s, "accuracy": 0.9},
    "before torch 0.4.1": lambda s: {name: value for name, value in s.items() if "num_batches" not in name},
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_wraps_a_state_dict_is_taken_off(theirs, tmp_path, wrap):
    state = theirs.state_dict()
    torch.save(wrap(state), tmp_path / "w.pth")
    found = torchvision_state.read(tmp_path / "w.pth")
    assert found.keys() == {f"network.{name}" for name in state}
    counted = {"network." + name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert all(torch.equal(found[name], value) for name, value in counted.items())


@pytest.mark.long
@pytest.mark.parametrize("form", ["safetensors", "old .pth"])
def test_every_form_of_the_file(theirs, tmp_path, form):
    path, state = tmp_path / "w", theirs.state_dict()
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=False)
    network = imported(path, TORCHVISION, MODEL, 1.0).model
    for name, tensor in state.items():
        assert torch.equal(network.network.state_dict()[name], tensor), name


def test_a_single_auxiliary_head_is_left_out(theirs, tmp_path):
    state = {name: value for name, value in theirs.state_dict().items() if not name.startswith("aux2")}
    torch.save(state, tmp_path / "w.pth")
    assert not any("aux" in name for name in torchvision_state.read(tmp_path / "w.pth"))


def test_without_heads_the_network_has_none(theirs, tmp_path):
    state = {name: value for name, value in theirs.state_dict().items() if not name.startswith("aux")}
    torch.save(state, tmp_path / "w.pth")
    network = imported(tmp_path / "w.pth", TORCHVISION, MODEL, 1.0)
    assert network.spec.architecture.aux_heads == ()
    with torch.inference_mode():
        assert network.model.train()(torch.zeros(2, 3, 64, 64))[1] == []


@pytest.mark.parametrize("protocol", [0, 2, 5, "torch", "old torch"])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, protocol):
    content, path = {"conv1.conv.weight": Malicious(tmp_path / "made")}, tmp_path / "w.pth"
    if isinstance(protocol, int):
        path.write_bytes(pickle.dumps(content, protocol))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=protocol == "torch")
    with pytest.raises(UserError, match=r"w\.pth: (refused, not read: it|neither a file of)") as raised:
        imported(path, TORCHVISION, MODEL, 1.0)
    assert "\n" not in str(raised.value) and not (tmp_path / "made").exists()


def test_what_the_pickle_calls_is_named(tmp_path):
    torch.save({"a": Malicious(tmp_path / "made")}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"refused, not read: it would run code \(posix\.mkdir\); save model"):
        imported(tmp_path / "w.pth", TORCHVISION, MODEL, 1.0)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            lambda net: net,
            r"it holds a whole model \(torchvision\.models\.googlenet\.GoogLeNet\), .*save model\.state_dict",
        ),
        (
            lambda net: {"model": {}, "best": np.float64(0.9)},
            r"it holds numpy's values \(numpy\..*scalar\), .*save model\.state",
        ),
        (lambda net: None, r"a TorchScript program; save torch\.jit\.load"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_model_instead_of_its_weights_is_called_one(theirs, tmp_path, what, message):
    if (content := what(theirs)) is None:
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "w.pth")
    else:
        torch.save(content, tmp_path / "w.pth")
    with pytest.raises(UserError, match=rf"w\.pth: .*{message}"):
        imported(tmp_path / "w.pth", TORCHVISION, MODEL, 1.0)


@pytest.mark.parametrize("form", ["zip", "safetensors", "empty", "html", "eight bytes"])
def test_a_file_that_is_cut_short_or_something_else_is_reported(tmp_path, form):
    path, state = tmp_path / "w.pth", {"fc.weight": torch.zeros(50, 50)}
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    content = path.read_bytes()
    made = {"empty": b"", "html": b"<html>404 not found</html>", "eight bytes": content[:8]}
    path.write_bytes(made.get(form, content[: len(content) // 2]))
    with pytest.raises(UserError, match=r"w\.pth: .*fetch it again$"):
        imported(path, TORCHVISION, MODEL, 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: [1, 2], "holds list, not a state dict"),
        (lambda s: {}, "holds dict, not a state dict"),
        (lambda s: {"epoch": 3}, "'epoch' is not a plain tensor; save model"),
        (lambda s: {"fc.bias": s["fc.bias"]}, "lacks the classifier 'network.fc.weight'"),
        (lambda s: {k: v for k, v in s.items() if "branch4" not in k}, "lacks 'network.inception3a.branch4.1.bn.bias'"),
        (lambda s: s | {"fc.bias": torch.zeros(10)}, r"'network\.fc\.bias' is \[10\] where the network has \[11\]"),
        (lambda s: s | {"extra": torch.zeros(1)}, "has 'network.extra', which the network does not have"),
        (
            lambda s: {"fc.weight": torch.zeros(5, 5), "layer1.0.conv1.weight": torch.zeros(1)},
            "of another network than torchvision's GoogLeNet: it has 'layer1",
        ),
        (
            lambda s: named("net.", s) | named("ema.", s),
            "holds several networks, under 'ema.' and 'net.'; save one network's",
        ),
    ],
)
def test_another_network_is_reported_in_one_line(theirs, tmp_path, change, message):
    torch.save(change(theirs.state_dict()), tmp_path / "w.pth")
    with pytest.raises(UserError, match=rf"w\.pth: {message}"):
        imported(tmp_path / "w.pth", TORCHVISION, MODEL, 1.0)
