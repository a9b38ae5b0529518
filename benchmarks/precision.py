"""Is bf16 or fp32 faster on this processor? The rule of `compute.precision: auto`, tested on an experiment's own network.

    python benchmarks/precision.py                                      # the demo's network, one thread
    python benchmarks/precision.py --experiment ilsvrc2014 --rounds 3   # the paper's

A step of train_classifier on a batch of random images, and a forward pass of its size without gradients, each in bf16 and
in fp32; the two take turns. JSON keys: "training_bf16_over_fp32" and "forward_bf16_over_fp32", how many times faster bf16
is (below 1: slower), and "auto", what the rule chooses here.
"""

from collections.abc import Callable

from common import auto, medians, parser, ratio, report, turns, write
from training import Ours, first_member

from googlenet.classification.predict import probabilities
from googlenet.models.determinism import prepare_machine
from googlenet.models.runtime import Runtime

PRECISIONS = ("bf16", "fp32")


class Contestant(Ours):
    """The same network for training and for prediction."""

    def forward(self) -> None:
        """The probabilities of the images."""
        self.network.model.eval()
        probabilities(self.network, self.images, self.runtime)


def main() -> None:
    """Time both precisions in turn, training and forward; print a table."""
    options = parser(__doc__)
    options.add_argument("--experiment", default="demo")
    options.add_argument("--classes", type=int, default=0, help="by default 1,000 for ilsvrc2014, otherwise 10")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    prepare_machine(given.threads, "cpu")
    settings = first_member(given.experiment)
    classes = given.classes or (1000 if given.experiment == "ilsvrc2014" else 10)
    made = {name: Contestant(settings, classes, settings.batch_size, Runtime("cpu", name)) for name in PRECISIONS}
    runs: dict[str, Callable[[], object]] = {f"training, {name}": one.step for name, one in made.items()}
    runs |= {f"forward, {name}": one.forward for name, one in made.items()}
    times = turns(runs, given.rounds)
    seconds = medians(times)
    report([(name, f"{1000 * value:.0f}") for name, value in seconds.items()], (f"batch {settings.batch_size}", "ms"))
    figures = {f"{what}_bf16_over_fp32": over_fp32(times, what) for what in ("training", "forward")}
    print("\n" + "; ".join(f"{name} {value:.2f}" for name, value in figures.items()) + f"; auto: {auto()}")
    write(given.json, experiment=given.experiment, threads=given.threads, auto=auto(), **figures)


def over_fp32(times: dict[str, list[float]], what: str) -> float:
    """How many times faster bf16 is than fp32."""
    return ratio(times[f"{what}, bf16"], times[f"{what}, fp32"])


if __name__ == "__main__":
    main()
