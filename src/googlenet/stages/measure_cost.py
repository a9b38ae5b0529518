"""Count the paper's network by the rows of Table 1, and measure this experiment's own."""

import torch

from googlenet.job import Job, Output, main
from googlenet.models.cost import auxiliary_cost, cost, forward_rate, totals
from googlenet.models.googlenet import GoogLeNet
from googlenet.trained import Description, build

PAPER = {"input_px": 224, "classes": 1000}


def run(job: Job, *, metrics: Output) -> None:
    """Count exactly; time the forward pass, the one figure here that is not the same twice."""
    model = job.config["model"]
    full = GoogLeNet(PAPER["classes"], input_px=PAPER["input_px"])
    layers = cost(full, PAPER["input_px"])
    own = build(Description.of(model, [str(i) for i in range(PAPER["classes"])]))
    own = own.to(job.compute["device"], memory_format=torch.channels_last)
    own_totals = totals(cost(own, model["input_px"]), [])
    with torch.autocast(job.compute["device"], torch.bfloat16, enabled=job.compute["precision"] == "bf16"):
        rate = forward_rate(own, model["input_px"], job.config["batch_size"], job.config["repeats"])
    ours = {
        "input_px": model["input_px"],
        "width": model["width"],
        "classes": PAPER["classes"],
        "parameters": own_totals["parameters"],
        "macs": own_totals["macs"],
    }
    forward = {
        "device": job.compute["device"],
        "precision": job.compute["precision"],
        "batch": job.config["batch_size"],
        "threads": job.compute["numeric_threads"],
        "images_per_s": rate,
    }
    job.log({"parameters": ours["parameters"], "macs": ours["macs"], "images_per_s": rate})
    found = {"layers": layers, "totals": totals(layers, auxiliary_cost(full, PAPER["input_px"]))}
    job.write_metrics(metrics, PAPER | found | {"ours": ours, "forward": forward})


if __name__ == "__main__":
    main(run)
