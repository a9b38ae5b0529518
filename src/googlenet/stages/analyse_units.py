"""Cluster the units of one module of a trained member, and tell how the clusters lie to the branches."""

from googlenet import trained
from googlenet.classification.units import activations, analysed
from googlenet.data.store import open_split
from googlenet.job import Input, Job, Output, main
from googlenet.models.googlenet import initialise
from googlenet.models.table_1 import module_above


def run(job: Job, *, manifest: Input, weights: Input, metrics: Output) -> None:
    """Analyse the trained network and, as a control, the same network with its initial weights."""
    config, device = job.config, job.compute["device"]
    model, description = trained.load(weights, device)
    module = config["module"]
    above = module_above(module, description.repeat_modules, "analyse_units.module")
    split = open_split(manifest.parent, config["split"])
    pictures = [split.picture(i) for i in spaced(len(split), config["pictures"])]
    found = {}
    for which in ("trained", "untrained"):
        if which == "untrained":
            initialise(model, config["untrained_seed"])
        maps = activations(model, description, pictures, module, device)
        found[which] = analysed(model, maps, module, above, config)
        told = {"out_of": found[which]["out_of"], "feeds": found[which]["feeds"]}
        job.log({f"{which}_{key}_explained": value["explained"] for key, value in told.items()})
        job.log({f"{which}_{key}_p": value["p"] for key, value in told.items()})
    head = {"member": weights.parent.name, "module": module, "above": above, "split": config["split"]}
    head |= {"pictures": len(pictures), "map_px": list(maps.shape[2:])}
    job.write_metrics(metrics, head | {"permutations": config["permutations"], **found})


def spaced(count: int, wanted: int) -> list[int]:
    """At most `wanted` of `count` pictures, evenly spaced, so that every class of a sorted split has its share."""
    wanted = min(count, wanted)
    return [i * count // wanted for i in range(wanted)]


if __name__ == "__main__":
    main(run)
