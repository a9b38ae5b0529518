"""Cluster the units of one module of a trained member, and measure how the clusters relate to the branches."""

from googlenet.classification.units import activations, analyse
from googlenet.config.schema.classification import AnalyseUnits
from googlenet.data.store import evenly_spaced, open_split
from googlenet.metrics.classification_studies import NetworkUnits, UnitMetrics
from googlenet.models import bundle
from googlenet.models.table_1 import module_above
from googlenet.pipeline.job import Input, Job, Output, main


def run(job: Job[AnalyseUnits], *, manifest: Input, weights: Input, metrics: Output) -> None:
    """Analyse the trained network and, as a control, the same network with its initial weights."""
    settings, device = job.settings, job.runtime.device
    network = bundle.load(weights, device)
    above = module_above(settings.module, network.spec.architecture.repeat_modules, "analyse_units.module")
    split = open_split(manifest.parent, settings.split)
    images = [split.image(number) for number in evenly_spaced(len(split), settings.images)]

    def measured(which: str) -> tuple[NetworkUnits, tuple[int, int]]:
        maps = activations(network, images, settings.module, device)
        units = analyse(network, maps, settings.module, above, settings)
        tests = {f"{which}_out_of": units.out_of, f"{which}_feeds": units.feeds}
        job.log({f"{name}_explained": test.explained for name, test in tests.items()})
        job.log({f"{name}_p": test.p for name, test in tests.items()})
        return units, (maps.shape[2], maps.shape[3])

    trained, map_px = measured("trained")
    network.initialise(settings.untrained_seed)
    untrained, _ = measured("untrained")
    result = UnitMetrics(
        member=weights.parent.name,
        module=settings.module,
        above=above,
        split=settings.split,
        images=len(images),
        map_px=map_px,
        permutations=settings.permutations,
        trained=trained,
        untrained=untrained,
    )
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
