"""Count the paper's network by the rows of Table 1, compare it with others, and measure this experiment's own."""

from googlenet.config.schema.classification import MeasureCost
from googlenet.metrics.cost import CostMetrics, ForwardRate, OwnCost
from googlenet.models.cost import cost
from googlenet.models.forward import forward_rate
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Architecture, Network, NetworkSpec
from googlenet.models.reference_networks import compare
from googlenet.pipeline.job import Job, Output, main

CLASSES = 1000  # the paper's


def run(job: Job[MeasureCost], *, metrics: Output) -> None:
    """Count exactly; time the forward passes, the only figures here that vary from run to run."""
    settings, compute, paper = job.settings, job.settings.compute, Architecture()
    counted = cost(GoogLeNet(CLASSES, paper), paper.input_px)
    spec = NetworkSpec.of(settings.model, tuple(str(i) for i in range(CLASSES)))
    network = Network.build(spec).on(job.runtime.device)
    px, totals = spec.input_px, cost(network.model, spec.input_px).totals
    with job.runtime.autocast():
        rate = forward_rate(network.model, px, settings.batch_size, settings.repeats)
    width, parameters, macs = settings.model.width, totals.parameters, totals.macs
    result = CostMetrics(
        input_px=paper.input_px,
        classes=CLASSES,
        layers=counted.layers,
        totals=counted.totals,
        ours=OwnCost(input_px=px, width=width, classes=CLASSES, parameters=parameters, macs=macs),
        forward=ForwardRate(
            device=compute.device,
            precision=job.runtime.precision,
            threads=compute.numeric_threads,
            batch=settings.batch_size,
            images_per_s=rate,
        ),
        beside=compare(settings, job.runtime),
    )
    job.log({"parameters": parameters, "macs": macs, "images_per_s": rate})
    times = {f"forward_ms_{row.network}": row.forward_ms for row in result.beside.networks}
    job.log({name: ms for name, ms in times.items() if ms is not None})
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
