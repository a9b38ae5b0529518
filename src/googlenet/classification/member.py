"""One training from initial weights, as a member of the ensemble and a variant of the ablations both need it."""

from collections.abc import Sequence
from typing import Protocol

from googlenet.classification.error_rates import Outcomes
from googlenet.classification.train import Splits, train
from googlenet.config.schema.classification import TrainClassifier
from googlenet.metrics.training import TrainingEpoch, TrainingMetrics
from googlenet.models.network import Network, NetworkSpec
from googlenet.models.runtime import Runtime
from googlenet.pipeline.resume import Resume


class Log(Protocol):
    """Takes numbers by name; Job.log is one."""

    def __call__(self, values: dict[str, float], step: int = 0) -> None: ...


def train_member(
    settings: TrainClassifier,
    classes: Sequence[str],
    splits: Splits,
    runtime: Runtime,
    log: Log,
    resume: Resume,
) -> tuple[Network, TrainingMetrics, Outcomes]:
    """Build, initialise and train; returns the network with its averaged weights, its metrics and outcomes.

    Nothing is chosen by the test split: it is predicted once, at the end. log: is given each epoch's row, with its number as
    `step`, and at the end what the averaged and the last weights have wrong. See train.
    """
    member = settings.member
    spec = NetworkSpec.of(settings.model, tuple(classes), member.width, member.repeat_modules)
    network = Network.initialised(spec, member.init_seed).on(runtime.device)

    def on_epoch(row: TrainingEpoch) -> None:
        log(row.to_json(), step=row.epoch)

    metrics, outcomes = train(network, splits, settings, runtime, on_epoch, resume)
    for split, weights in (("validation", metrics.validation), ("test", metrics.test)):
        for which, errors in (("last", weights.last), ("averaged", weights.averaged)):
            log({f"{split}_{which}_{name}": value for name, value in errors.to_json().items()})
    return network, metrics, outcomes
