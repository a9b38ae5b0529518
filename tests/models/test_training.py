"""The schedule, the averaging and the loss, against values worked by hand."""

import math

import pytest
import torch
from torch import nn

from googlenet.config.schema.shared import LEAST_RATE, Averaging
from googlenet.models.training import Average, GradientDescent, learning_rate, loss_of
from models import small
from settings import settings_of

EQUAL = Averaging(form="equal", decay=0.9, start_epoch=0)


def schedule(**changes):
    steps = {"learning_rate": 0.01, "warmup_steps": 0, "schedule": "steps", "epochs": 30}
    return settings_of("train_classifier", **(steps | {"drop_every_epochs": 8, "drop_factor": 0.96} | changes))


def one_weight(value=0.0):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def averaged(values, steps_per_epoch, **settings):
    """The average after each step of a model that went through these values."""
    model = one_weight()
    average = Average(model, steps_per_epoch, Averaging(**settings))
    averages = []
    for step, value in enumerate(values):
        nn.init.constant_(model.weight, value)
        average.update(step)
        averages.append(average.weights[0].item())
    return averages


def test_rate_falls_every_8_epochs():
    settings = schedule()
    rates = [learning_rate(step, 10, settings) for step in range(300)]
    assert rates[:80] == [0.01] * 80
    assert rates[80:160] == pytest.approx([0.0096] * 80)
    assert rates[160] == pytest.approx(0.01 * 0.96**2) and rates[299] == pytest.approx(0.01 * 0.96**3)


def test_warm_up_is_linear():
    settings = schedule(warmup_steps=4)
    rates = [learning_rate(step, 10, settings) for step in range(6)]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])


def test_cosine_goes_from_the_whole_rate_to_nearly_none():
    settings = schedule(schedule="cosine")
    rates = [learning_rate(step, 10, settings) for step in range(300)]
    assert rates[0] == 0.01 and rates[150] == pytest.approx(0.005) and rates[100] == pytest.approx(0.0075)
    assert rates[-1] == pytest.approx(0.005 * (1 + math.cos(math.pi * 299 / 300))) and rates[-1] < 1e-6
    assert rates == sorted(rates, reverse=True)


def test_poly_is_the_root_of_what_is_left():
    settings = schedule(schedule="poly", poly_power=0.5, warmup_steps=4)
    rates = [learning_rate(step, 10, settings) for step in range(300)]
    assert rates[0] == pytest.approx(0.0025) and rates[3] == pytest.approx(0.01 * 0.99**0.5)
    assert rates[75] == pytest.approx(0.01 * 0.75**0.5) and rates[225] == pytest.approx(0.005)
    assert rates[-1] == pytest.approx(0.01 * (1 / 300) ** 0.5) and rates[3:] == sorted(rates[3:], reverse=True)
    assert learning_rate(75, 10, schedule(schedule="poly", poly_power=2.0)) == pytest.approx(0.01 * 0.75**2)


@pytest.mark.parametrize(
    "changes",
    [
        {"drop_factor": 0.001, "drop_every_epochs": 1},
        {"schedule": "poly", "poly_power": 9.0},
        {"drop_factor": 0.1, "drop_every_epochs": 2},
    ],
)
def test_a_schedule_that_the_schema_rejects_is_at_zero_in_the_last_epoch(changes):
    """The two formulas are one: that of the schema, which jobs do not import, and that of the jobs."""
    with pytest.raises(ValueError, match="the rate is zero before the last of 30 epochs"):
        schedule(**changes)
    rejected = schedule().model_copy(update=changes)
    assert learning_rate(290, 10, rejected) / rejected.learning_rate < LEAST_RATE


def test_a_schedule_that_falls_far_is_none_of_those():
    for changes in ({"drop_factor": 0.1, "drop_every_epochs": 3}, {"schedule": "poly", "poly_power": 8.0}):
        settings = schedule(**changes)
        assert learning_rate(290, 10, settings) / settings.learning_rate > LEAST_RATE
    schedule(schedule="cosine", drop_factor=1e-9, drop_every_epochs=1)  # it does not use them


def test_exponential_averaging_by_hand():
    # Shares of the new value: 1 - 1/10, 1 - 2/11, 1 - 3/12; the decay never rises above 0.25 here.
    assert averaged([1.0, 2.0], steps_per_epoch=5, form="exponential", decay=0.9, start_epoch=0) == pytest.approx(
        [0.9, 0.9 * 2 / 11 + 2.0 * 9 / 11]
    )
    capped = averaged([1.0] * 4, steps_per_epoch=5, form="exponential", decay=0.25, start_epoch=0)
    assert capped == pytest.approx([0.9, 1 - 0.1 * 2 / 11, 1 - 0.1 * 2 / 11 / 4, 1 - 0.1 * 2 / 11 / 16])


def test_equal_averaging_by_hand():
    found = averaged([4.0, 2.0, 6.0, 8.0, 1.0], steps_per_epoch=1, form="equal", decay=0.9, start_epoch=2)
    assert found == pytest.approx([4.0, 2.0, 6.0, 7.0, 5.0])  # the last ones, then the mean from step 2 on
    found = averaged([4.0, 2.0, 6.0], steps_per_epoch=5, form="equal", decay=0.9, start_epoch=0)
    assert found == pytest.approx([4.0, 3.0, 4.0])


def test_swapping_twice_is_nothing():
    model = one_weight(1.0)
    average = Average(model, 1, EQUAL)
    nn.init.constant_(model.weight, 3.0)
    average.swap(model)
    assert (model.weight.item(), average.weights[0].item()) == (1.0, 3.0)
    average.swap(model)
    assert (model.weight.item(), average.weights[0].item()) == (3.0, 1.0)


def test_averages_are_copies():
    model = one_weight(1.0)
    average = Average(model, 1, EQUAL)
    average.update(0)
    nn.init.constant_(model.weight, 9.0)
    assert average.weights[0].item() == 1.0


def test_weight_decay_is_on_weights_alone():
    model = nn.Linear(2, 2)
    nn.init.constant_(model.weight, 1.0), nn.init.constant_(model.bias, 1.0)
    descent = GradientDescent(model, momentum=0.9, weight_decay=0.1)
    (0 * model(torch.ones(1, 2)).sum()).backward()
    descent.step(0.5)
    assert model.weight.flatten().tolist() == pytest.approx([0.95] * 4) and model.bias.tolist() == [1.0, 1.0]
    descent.step(0.5)  # momentum: velocity 0.1 * 0.95 + 0.9 * 0.1
    assert model.weight[0, 0].item() == pytest.approx(0.95 - 0.5 * (0.095 + 0.09))


def test_gradient_descent_has_the_bits_of_torchs():
    models = [small.network(seed=1).model for _ in range(2)]
    descent = GradientDescent(models[0], 0.9, 2e-4)
    decayed = [[p for p in models[1].parameters() if (p.ndim > 1) == weights] for weights in (True, False)]
    sgd = torch.optim.SGD(
        [{"params": group, "weight_decay": decay} for group, decay in zip(decayed, (2e-4, 0.0), strict=True)],
        lr=0.0,
        momentum=0.9,
        fused=True,
    )
    for step in range(3):
        for model in models:
            model.zero_grad()
            torch.manual_seed(step)
            loss_of(model.train()(torch.randn(2, 3, 64, 64)), torch.tensor([0, 1]), 0.3).backward()
        for group in sgd.param_groups:
            group["lr"] = 0.1 / (step + 1)
        sgd.step(), descent.step(0.1 / (step + 1))
        assert all(map(torch.equal, *(model.parameters() for model in models)))


def test_biases_have_their_own_rate_and_gains_that_of_the_weights():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    weights, gains, biases = GradientDescent(model, 0.9, 0.1, bias_rate_factor=2.0).groups
    assert [p is q for p, q in zip(weights.parameters, [model[0].weight], strict=True)] == [True]
    assert [p is q for p, q in zip(gains.parameters, [model[1].weight], strict=True)] == [True]
    assert [p is q for p, q in zip(biases.parameters, [model[0].bias, model[1].bias], strict=True)] == [True, True]
    assert [group.rate_factor for group in (weights, gains, biases)] == [1, 1, 2]
    assert [group.weight_decay for group in (weights, gains, biases)] == [0.1, 0, 0]


def test_loss_adds_the_heads_by_their_weight():
    even, sure = torch.zeros(1, 4), torch.tensor([[100.0, 0, 0, 0]])
    label = torch.tensor([0])
    assert loss_of((even, []), label, 0.3).item() == pytest.approx(math.log(4))
    assert loss_of((even, [even, sure]), label, 0.3).item() == pytest.approx(1.3 * math.log(4))
    assert loss_of((sure, [even, even]), label, 0.3).item() == pytest.approx(0.6 * math.log(4))
