"""The work of the classification stages: passes over the images, seconds, memory and disk of each job."""

from functools import partial
from math import ceil

from googlenet.classification import ensemble, kept_crops
from googlenet.classification.predict import CENTRE_BATCH, union
from googlenet.config.schema import classification as c
from googlenet.config.schema.dataset import DetectionSource, Kind
from googlenet.data.records import SPLITS
from googlenet.models.reference_networks import on_meta
from googlenet.planning import measure
from googlenet.planning import measure_classification as rates
from googlenet.planning.rates import NetworkShape, forward_mb, settings_of, weights_mb
from googlenet.planning.schedule import JobPlan
from googlenet.planning.sizes import source_of
from googlenet.planning.work import WRITING, Context, Work

PATH_BYTES = 700  # per candidate: its record, its path, its name
ORDER_BYTES = 8  # per image, for the order of one epoch
OUTCOME_ARRAYS = 4  # per split: averaged and last weights, top-1 and top-5, a byte per image
# Seconds of what is not timed here, from the demo's jobs on two cores of an EPYC (docs/results.md).
IMPORT_S = 1.0
FORWARD_S = 0.12  # a forward pass of a network in measure_cost
KIND: Kind = "classification"


def prepare(context: Context, jobs: list[JobPlan], kind: Kind) -> tuple[str, str]:
    """Read, check and pack every image once."""
    size, source, job = context.sizes[kind], source_of(context.experiment, kind), jobs[0]
    embedded = source.embedded if source.reader == "embedded" else None
    px = 0 if isinstance(source, DetectionSource) else source.resize_shorter_side_px
    packed = measure.Pack(kind=kind, image=size.image, embedded=embedded, resize_shorter_side_px=px)
    job.disk_mb += size.images * size.mean_kb / 1000
    written_s = job.disk_mb / context.ask(measure.Disk()).mb_per_s
    seconds = size.images * context.ask(packed).seconds
    job.cpu_s += seconds
    job.wall_s += max(seconds / min(context.execution.prepare_workers, context.target.cores), written_s)
    job.memory_mb["a shard"] = min(source.shard_mb, job.disk_mb)
    job.memory_mb["list of pictures"] = size.images * PATH_BYTES / 1e6
    return "1 of all pictures", f"{size.images:,} pictures"


def centre_crops(
    context: Context, job: JobPlan, network: NetworkShape, passes: int, images: int, decoded: float
) -> None:
    """Add predictions on one crop per image, in batches that are filled up; decoded: number of images not in memory."""
    image = context.sizes[KIND].image
    cutting = rates.CutCrops(policies=(1,), px=network.architecture.input_px, mirror=True, image=image)
    job.cpu(passes * images * context.ask(cutting).seconds + decoded * context.decode_s(KIND))
    filled, batch = ceil(images / CENTRE_BATCH) * CENTRE_BATCH, context.of(c.PredictCrops).batch_size
    forward = rates.Forward(network=network, batch_size=batch, compute=context.compute)
    context.run(job, passes * filled * context.ask(forward).seconds)


def trained(context: Context, job: JobPlan, settings: c.TrainClassifier) -> tuple[str, str]:
    """Add one training from initial weights; return a description of its passes and units."""
    size, batch, epochs = context.sizes[KIND], settings.batch_size, settings.epochs
    network = NetworkShape.of(settings.model, settings.member, size.classes, settings.model.network)
    images, held, test = (size.count(split) for split in SPLITS)
    steps = images // batch * epochs
    step = context.ask(rates.ClassifierStep(network=network, batch_size=batch, compute=context.compute))
    crop = rates.TrainingCrop.of(settings, px=network.architecture.input_px, image=size.image)
    half = context.execution.decoded_cache_mb / 2
    share, watched = (context.kept_share(KIND, count, half) for count in (images, held))
    decoded = images * (1 + (epochs - 1) * (1 - share))
    load_s = steps * batch * context.ask(crop).seconds + decoded * context.decode_s(KIND)
    context.run(job, steps * step.seconds, load_s)
    centre_crops(context, job, network, epochs + 2, held, held * (1 + (epochs + 1) * (1 - watched)))
    centre_crops(context, job, network, 2, test, 2 * test)
    context.network_memory(job, network, True, step.kept_mb)
    context.loader_memory(job, (images * share + held * watched) * size.decoded_mb)
    job.memory_mb["order of the pictures"] = images * ORDER_BYTES / 1e6
    job.memory_mb["outcomes"] = test * size.classes * 4 / 1e6
    job.disk_mb += OUTCOME_ARRAYS * (held + test) / 1e6
    return f"{epochs} epochs", f"{steps:,} steps a job"


def train_classifier(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """Epochs over the training images, each followed by one crop of every validation image."""
    words = "", ""
    for job in jobs:
        words = trained(context, job, settings_of(context.experiment, c.TrainClassifier, job.name))
        job.disk_mb += weights_mb(context.member(job.name, context.sizes[KIND].classes))
    return words


def train_ablation(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """The trainings of the table of ablations that no member has done."""
    words = "", ""
    for job in jobs:
        words = trained(context, job, settings_of(context.experiment, c.TrainAblation, job.name).training)
    return words


def kept_images(context: Context) -> dict[str, int]:
    """Number of images of each split whose crops are kept one by one."""
    predicted = context.of(c.PredictCrops)
    most = predicted.per_crop_images if predicted.keep_crops else 0
    return {name: min(context.sizes[KIND].count(name), most) for name in ("test", "validation")}


def predict_crops(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """Every test image on its distinct crops, and the validation images that are kept."""
    size, crops, kept = context.sizes[KIND], 0, kept_images(context)
    test = size.count("test")
    seen = test + kept["validation"]
    for job in jobs:
        settings = settings_of(context.experiment, c.PredictCrops, job.name)
        network, batch = context.member(job.name, size.classes), settings.batch_size
        cutting = rates.CutCrops.of(settings, px=network.architecture.input_px, image=size.image)
        crops = len(cutting.crops(size.width, size.height))
        job.cpu(seen * (context.decode_s(KIND) + context.ask(cutting).seconds))
        forward = rates.Forward(network=network, batch_size=batch, compute=context.compute)
        context.run(job, seen * crops * context.ask(forward).seconds)
        means = len(settings.policies) * test * size.classes * 4 / 1e6
        each = sum(kept.values()) * crops * size.classes * 4 / 1e6
        context.network_memory(job, network, False, forward_mb(network, batch))
        job.memory_mb["probabilities"] = means + WRITING * max(means, each) + each
        job.disk_mb += means + each
    return f"{crops} crops a picture", f"{seen * crops:,} crops a job"


def import_weights(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """Read and write weights."""
    for job in jobs:
        weights = weights_mb(context.member(job.name, context.sizes[KIND].classes))
        job.cpu(IMPORT_S)
        job.disk_mb += weights
        job.memory_mb["weights"] = weights * WRITING
    return "", ""


def evaluate_ensemble(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """Every subset of the members at every policy, on all test images."""
    job, size, predicted = jobs[0], context.sizes[KIND], context.of(c.PredictCrops)
    members, stage = len(context.experiment.members), settings_of(context.experiment, c.EvaluateEnsemble)
    asked = rates.EnsembleEvaluation.of(predicted, members=members, classes=size.classes, stage=stage)
    rate, test = context.ask(asked), size.count("test")
    job.cpu(rate.fixed_s + test * rate.seconds)
    subsets = (2**members - 1) * len(predicted.policies)
    job.memory_mb["ranks and outcomes of all subsets"] = 12 * subsets * test / 1e6
    job.memory_mb["working arrays"] = 2 * ensemble.WORKING_MB
    return "1 of the test pictures", f"{subsets:,} subsets and policies"


def study_crops(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """The kept images, crop by crop."""
    job, kept, predicted = jobs[0], kept_images(context), context.of(c.PredictCrops)
    stage, validation = settings_of(context.experiment, c.StudyCrops), bool(kept["validation"])
    members, classes = len(context.experiment.members), context.sizes[KIND].classes
    asked = rates.CropStudy.of(predicted, stage=stage, members=members, classes=classes, validation=validation)
    rate, most = context.ask(asked), max(kept.values())  # measured with equally many images of both splits
    job.cpu(rate.fixed_s + most * rate.seconds)
    rows = most * len(union(predicted.policies)) * classes * members * 8 / 1e6
    job.memory_mb["working arrays"] = 3 * min(kept_crops.WORKING_MB, rows)
    return "", f"{sum(kept.values()):,} pictures"


def untimed(
    context: Context, jobs: list[JobPlan], seconds: float, part: str = "", memory_mb: int = 0
) -> tuple[str, str]:
    """A stage without a measured rate; part: what it has in memory beyond what all jobs have."""
    jobs[0].cpu(seconds)
    if part:
        jobs[0].memory_mb[part] = memory_mb
    return "", "as the demo's, not timed here"


def measure_cost(context: Context, jobs: list[JobPlan]) -> tuple[str, str]:
    """Turns of every timed network."""
    job, settings = jobs[0], settings_of(context.experiment, c.MeasureCost)
    passes = len(settings.timed) * (1 + settings.reference_repeats) * settings.reference_batch_size
    job.cpu(FORWARD_S)
    job.cpu(FORWARD_S * (passes - 1))
    models = (on_meta(name, settings.wider, settings.deeper)[0] for name in settings.timed)
    job.memory_mb["weights of all networks"] = sum(p.numel() * 4 / 1e6 for model in models for p in model.parameters())
    return "", f"{passes:,} forward passes, not timed here"


prepare_classification: Work = partial(prepare, kind=KIND)
train_baseline: Work = partial(untimed, seconds=3.0, part="scikit-learn and pixels", memory_mb=180)
analyse_units: Work = partial(untimed, seconds=1.0)
make_report: Work = partial(untimed, seconds=5.0, part="charts and pages", memory_mb=120)
compare_ablations = make_report
