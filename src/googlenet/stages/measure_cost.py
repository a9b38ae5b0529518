"""Count the paper's network by the rows of Table 1, set it beside others, and measure this experiment's own."""

import torch

from googlenet.job import Job, Output, main
from googlenet.models.comparison import compared
from googlenet.models.cost import auxiliary_cost, cost, totals
from googlenet.models.forward import forward_rate
from googlenet.models.googlenet import GoogLeNet
from googlenet.trained import Description, build

PAPER = {"input_px": 224, "classes": 1000}


def run(job: Job, *, metrics: Output) -> None:
    """Count exactly; time the forward passes, the figures here that are not the same twice."""
    config, model = job.config, job.config["model"]
    full = GoogLeNet(PAPER["classes"], input_px=PAPER["input_px"])
    layers = cost(full, PAPER["input_px"])
    own = build(Description.of(model, [str(i) for i in range(PAPER["classes"])]))
    own = own.to(job.compute["device"], memory_format=torch.channels_last)
    own_totals = totals(cost(own, model["input_px"]), [])
    with torch.autocast(job.compute["device"], torch.bfloat16, enabled=job.compute["precision"] == "bf16"):
        rate = forward_rate(own, model["input_px"], config["batch_size"], config["repeats"])
    ours = {
        "input_px": model["input_px"],
        "width": model["width"],
        "classes": PAPER["classes"],
        "parameters": own_totals["parameters"],
        "macs": own_totals["macs"],
    }
    machine = {
        "device": job.compute["device"],
        "precision": job.compute["precision"],
        "threads": job.compute["numeric_threads"],
    }
    forward = machine | {"batch": config["batch_size"], "images_per_s": rate}
    found = {"layers": layers, "totals": totals(layers, auxiliary_cost(full, PAPER["input_px"]))}
    networks = compared(config, job.compute)
    beside = machine | {"batch": config["peer_batch_size"], "repeats": config["peer_repeats"]}
    beside |= {"wider": config["wider"], "deeper": config["deeper"], "networks": networks}
    job.log({"parameters": ours["parameters"], "macs": ours["macs"], "images_per_s": rate})
    job.log({f"forward_ms_{row['network']}": row["forward_ms"] for row in networks if "forward_ms" in row})
    job.write_metrics(metrics, PAPER | found | {"ours": ours, "forward": forward, "beside": beside})


if __name__ == "__main__":
    main(run)
