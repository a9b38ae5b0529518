"""The work of the classification stages: passes over the images, seconds, memory and disk of each job."""

from collections.abc import Mapping
from functools import partial
from math import ceil

from googlenet.classification import ensemble, kept_crops
from googlenet.classification.predict import CENTRE_BATCH, union
from googlenet.config.schema import classification as c
from googlenet.config.schema.base import StageSettings
from googlenet.config.schema.dataset import ClassificationSource, PrepareClassification, PrepareDetection
from googlenet.config.schema.structure import DeriveStructure, TrainStructure
from googlenet.data.records import SPLITS
from googlenet.models.reference_networks import on_meta
from googlenet.planning import measure
from googlenet.planning import measure_classification as rates
from googlenet.planning.needs import PAPER_PX
from googlenet.planning.rates import NetworkShape, forward_mb, weights_mb
from googlenet.planning.schedule import JobPlan
from googlenet.planning.work import WRITING, Context, Words

PATH_BYTES = 700  # per candidate: its record, its path, its name
ORDER_BYTES = 8  # per image, for the order of one epoch
DRAWING_MB = 150  # scikit-learn's digits and photographs, from which the embedded set is drawn
STUDY_MB = 60  # scipy, and the resamples of a study
OUTCOME_ARRAYS = 4  # per split: averaged and last weights, top-1 and top-5, a byte per image
MAPS_BYTES = 4 * 480 * 28 * 28  # per image: the output of 3b in the paper's network, the largest map that is kept
# Seconds of work that is not timed here, from the demo's jobs on two cores of an EPYC (docs/results.md).
IMPORT_S = 1.0
SOLVER_ARRAYS = 3  # of the size of the probabilities, in the baseline's solver
FORWARD_S = 0.12  # a forward pass of a network in measure_cost


def prepare(context: Context, job: JobPlan, settings: PrepareClassification | PrepareDetection) -> Words:
    """Read, check and pack every image once."""
    source = settings.source
    size, embedded = context.sizes[source.kind], source.embedded if source.reader == "embedded" else None
    px = source.resize_shorter_side_px if isinstance(source, ClassificationSource) else 0
    packed = measure.Pack(kind=source.kind, image=size.image, embedded=embedded, resize_shorter_side_px=px)
    job.disk_mb += size.images * size.mean_kb / 1000
    written_s = job.disk_mb / context.ask(measure.Disk()).mb_per_s
    context.prepare(job, size.images * context.ask(packed).seconds, written_s)
    job.memory_mb["a shard"] = min(source.shard_mb, job.disk_mb)
    if embedded:
        job.memory_mb["scikit-learn's images"] = DRAWING_MB
    job.memory_mb["list of images"] = size.images * PATH_BYTES / 1e6
    return "1 of all images", f"{size.images:,} images"


prepare_classification = prepare_detection = prepare


def forward_s(context: Context, network: NetworkShape) -> float:
    """Seconds per crop in a batch of predictions."""
    batch_size = context.of(c.PredictCrops).batch_size
    return context.ask(rates.Forward(network=network, batch_size=batch_size, compute=context.compute)).seconds


def centre_crops(
    context: Context, job: JobPlan, network: NetworkShape, passes: int, images: int, decoded: float
) -> None:
    """Add predictions on one crop per image, in padded batches; decoded: number of images to decode."""
    size = context.classification
    cutting = rates.CutCrops(policies=(1,), px=network.architecture.input_px, mirror=True, image=size.image)
    job.cpu(passes * images * context.ask(cutting).seconds + decoded * context.decode_s(size))
    filled = ceil(images / CENTRE_BATCH) * CENTRE_BATCH
    context.run(job, passes * filled * forward_s(context, network))


def trained(context: Context, job: JobPlan, settings: c.TrainClassifier) -> Words:
    """Add one training from initial weights: epochs, each followed by one crop of each validation image."""
    size, batch, epochs = context.classification, settings.batch_size, settings.epochs
    network = NetworkShape.of(settings.model, settings.member, size.classes, settings.model.network)
    images, held, test = (size.count(split) for split in SPLITS)
    steps = images // batch * epochs
    step = context.ask(rates.ClassifierStep(network=network, batch_size=batch, compute=context.compute))
    crop = rates.TrainingCrop.of(settings, px=network.architecture.input_px, image=size.image)
    half = context.execution.decoded_cache_mb / 2
    share, watched = (size.kept_share(count, half) for count in (images, held))
    decoded = images * (1 + (epochs - 1) * (1 - share))
    load_s = steps * batch * context.ask(crop).seconds + decoded * context.decode_s(size)
    context.run(job, steps * step.seconds, load_s)
    centre_crops(context, job, network, epochs + 2, held, held * (1 + (epochs + 1) * (1 - watched)))
    centre_crops(context, job, network, 2, test, 2 * test)
    context.network_memory(job, network, True, step.kept_mb)
    context.loader_memory(job, (images * share + held * watched) * size.decoded_mb)
    job.memory_mb["order of the images"] = images * ORDER_BYTES / 1e6
    job.memory_mb["outcomes"] = test * size.classes * 4 / 1e6
    job.disk_mb += OUTCOME_ARRAYS * (held + test) / 1e6
    return f"{epochs} epochs", f"{steps:,} steps a job"


def train_classifier(context: Context, job: JobPlan, settings: c.TrainClassifier) -> Words:
    """A training whose weights are kept."""
    words = trained(context, job, settings)
    job.disk_mb += weights_mb(context.member(job.name))
    return words


def train_ablation(context: Context, job: JobPlan, settings: c.TrainAblation) -> Words:
    """A training of the table of ablations that equals no member's."""
    return trained(context, job, settings.training)


def train_structure(context: Context, job: JobPlan, settings: TrainStructure) -> Words:
    """A training of a structure, assumed to cost as much as that of the experiment's own network."""
    return trained(context, job, settings.training)


def derive_structure(context: Context, job: JobPlan, settings: DeriveStructure) -> Words:
    """For every seed, short trainings of parts of the network, and the passes that compute the maps: counted as steps
    of the whole network, as many as each module gets plus those of the stem."""
    size, member = context.classification, context.experiment.reference.member
    network = NetworkShape.of(settings.model, member, size.classes, settings.model.network)
    images = min(settings.images, size.count("train"))
    step = context.ask(rates.ClassifierStep(network=network, batch_size=settings.batch_size, compute=context.compute))
    epochs = len(settings.seeds) * (settings.stem_epochs + settings.module_epochs)
    steps = epochs * images // settings.batch_size
    context.run(job, steps * step.seconds, images * context.decode_s(size))
    context.network_memory(job, network, True, step.kept_mb)
    shrunk = network.architecture.width * (settings.model.input_px / PAPER_PX) ** 2
    # At the peak: a module's input and output, and the output's squares.
    job.memory_mb["maps"] = 3 * MAPS_BYTES * images * shrunk / 1e6
    return f"{epochs} epochs", f"{steps:,} steps"


def kept_images(context: Context) -> dict[str, int]:
    """Number of images of each split whose crops are kept one by one."""
    predicted = context.of(c.PredictCrops)
    most = predicted.per_crop_images if predicted.keep_crops else 0
    return {name: min(context.classification.count(name), most) for name in ("test", "validation")}


def predict_crops(context: Context, job: JobPlan, settings: c.PredictCrops) -> Words:
    """Predictions on the distinct crops of every test image, and of the validation images whose crops are kept."""
    size, kept = context.classification, kept_images(context)
    network, test = context.member(job.name), size.count("test")
    seen = test + kept["validation"]
    cutting = rates.CutCrops.of(settings, px=network.architecture.input_px, image=size.image)
    crops = len(cutting.crops(size.width, size.height))
    cut_s = seen * (context.decode_s(size) + context.ask(cutting).seconds)
    context.run(job, seen * crops * forward_s(context, network), cut_s)
    means = len(settings.policies) * test * size.classes * 4 / 1e6
    each = sum(kept.values()) * crops * size.classes * 4 / 1e6
    context.network_memory(job, network, False, forward_mb(network, settings.batch_size))
    job.memory_mb["probabilities"] = means + WRITING * max(means, each) + each
    job.disk_mb += means + each
    return f"{crops} crops an image", f"{seen * crops:,} crops a job"


def import_weights(context: Context, job: JobPlan, settings: c.ImportWeights) -> Words:
    """Read and write weights."""
    weights = weights_mb(context.member(job.name))
    job.cpu(IMPORT_S)
    job.disk_mb += weights
    job.memory_mb["weights"] = weights * WRITING
    return "", ""


def evaluate_ensemble(context: Context, job: JobPlan, settings: c.EvaluateEnsemble) -> Words:
    """Every subset of the members under every crop policy, on all test images."""
    size, predicted, members = context.classification, context.of(c.PredictCrops), len(context.experiment.members)
    asked = rates.EnsembleEvaluation.of(predicted, members=members, classes=size.classes, stage=settings)
    rate, test = context.ask(asked), size.count("test")
    job.cpu(rate.fixed_s + test * rate.seconds)
    subsets = (2**members - 1) * len(predicted.policies)
    job.memory_mb["ranks and outcomes of all subsets"] = 12 * subsets * test / 1e6
    job.memory_mb["working arrays"] = 2 * ensemble.WORKING_MB
    return "1 of the test images", f"{subsets:,} subsets and policies"


def study_crops(context: Context, job: JobPlan, settings: c.StudyCrops) -> Words:
    """The images whose crops are kept, crop by crop."""
    kept, predicted, classes = kept_images(context), context.of(c.PredictCrops), context.classification.classes
    members, validation = len(context.experiment.members), bool(kept["validation"])
    asked = rates.CropStudy.of(
        predicted, stage=settings.choices, members=members, classes=classes, validation=validation
    )
    rate, most = context.ask(asked), max(kept.values())  # measured with equally many images of both splits
    job.cpu(rate.fixed_s + most * rate.seconds)
    rows = most * len(union(predicted.policies)) * classes * members * 8 / 1e6
    job.memory_mb["working arrays"] = STUDY_MB + 3 * min(kept_crops.WORKING_MB, rows)
    return "", f"{sum(kept.values()):,} images"


def measure_cost(context: Context, job: JobPlan, settings: c.MeasureCost) -> Words:
    """Rounds of every timed network."""
    passes = len(settings.timed) * (1 + settings.reference_repeats) * settings.reference_batch_size
    job.cpu(FORWARD_S * passes)
    models = (on_meta(name, settings.wider, settings.deeper)[0] for name in settings.timed)
    each = 2 if context.compute.precision == "bf16" else 4  # bytes; weights are converted before timing
    job.memory_mb["weights of all networks"] = (
        sum(p.numel() * each for model in models for p in model.parameters()) / 1e6
    )
    return "", f"{passes:,} forward passes, not timed here"


def untimed(
    context: Context, job: JobPlan, settings: StageSettings, *, seconds: float, memory_mb: Mapping[str, float]
) -> Words:
    """A stage without a measured rate; memory_mb: its memory beyond what all jobs need."""
    job.cpu(seconds)
    job.memory_mb.update(memory_mb)
    return "", "as the demo's, not timed here"


def train_baseline(context: Context, job: JobPlan, settings: c.TrainBaseline) -> Words:
    """The pixels of all images, and the solver's probabilities of the training images."""
    size = context.classification
    train, test = size.count("train"), size.count("test")
    pixels, probabilities = 4 * settings.values * (train + test) / 1e6, SOLVER_ARRAYS * 4 * size.classes * train / 1e6
    memory = {"scikit-learn": 175, "pixels": pixels, "probabilities": probabilities}
    return untimed(context, job, settings, seconds=3.0, memory_mb=memory)


analyse_units = partial(untimed, seconds=1.0, memory_mb={})
measure_export = partial(untimed, seconds=19.0, memory_mb={"exporters and their libraries": 450})
make_report = compare_ablations = compare_structures = partial(
    untimed, seconds=5.0, memory_mb={"charts and pages": 120}
)
