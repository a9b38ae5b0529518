"""Time and memory of a forward pass: who runs when, and bytes counted by hand."""

import pytest
import torch
from torch import nn

from googlenet.models.forward import PeakBytes, forward_rate, forward_times, peak_bytes


class Slow(nn.Module):
    """Notes each pass, in a list of its own or of several networks."""

    def __init__(self, name="it", seen=None):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.name, self.seen = name, [] if seen is None else seen

    def forward(self, x):
        self.seen.append((self.name, tuple(x.shape), self.training, torch.is_grad_enabled()))
        return x * self.weight


def test_forward_rate_runs_each_batch_without_heads():
    model = Slow().train()
    assert forward_rate(model, 8, batch=2, repeats=3) > 0
    assert model.seen == [("it", (2, 3, 8, 8), False, False)] * 4
    assert model.training


def test_networks_take_turns():
    seen = []
    a, b = Slow("a", seen).eval(), Slow("b", seen).eval()
    times = forward_times({"a": (a, 8), "b": (b, 6)}, batch=1, repeats=2)
    assert [name for name, *_ in seen] == ["a", "b"] * 3  # the first turn does not count
    assert seen[1][1] == (1, 3, 6, 6)
    assert [len(times[name]) for name in "ab"] == [2, 2] and min(times["a"] + times["b"]) > 0


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 4), (torch.bfloat16, 2)])
def test_peak_memory_by_hand(device, dtype, size):
    wide, narrow = nn.Conv2d(3, 10, 1), nn.Conv2d(10, 2, 1)
    model = nn.Sequential(wide, nn.ReLU(inplace=True), narrow, nn.Flatten()).to(device, dtype)
    memory = peak_bytes(model, 4, batch=5)
    # The images stay with their caller; the ReLU works in place; the narrow map comes while the wide one is there.
    assert memory == PeakBytes(weights=size * (30 + 10 + 20 + 2), activations=size * 5 * 16 * (3 + 10 + 2))


def test_what_is_let_go_is_no_longer_counted():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))
            self.register_buffer("shift", torch.ones(7))

        def forward(self, x):
            kept = x * self.scale  # x, kept
            y = kept + 1  # x, kept, y
            y = y + 1  # x, kept, both y's at that moment
            y = y + 1  # and never more
            return y + kept

    image = 4 * 3 * 2 * 2
    assert peak_bytes(Chain(), 2, batch=1) == PeakBytes(weights=4 + 4 * 7, activations=4 * image)


def test_branches_hold_their_input_and_each_others_outputs():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1, bias=False), nn.Conv2d(3, 6, 1, bias=False)

        def forward(self, x):
            return torch.cat([self.a(x), self.b(x)], 1)

    pixels = 4 * 3 * 3
    assert peak_bytes(Branches(), 3, batch=1).activations == pixels * (3 + 4 + 6 + 10)
