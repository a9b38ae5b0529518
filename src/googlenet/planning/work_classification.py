"""The work of the classification stages: passes over the images, seconds, memory and disk of each job."""

from dataclasses import replace

from googlenet.classification import ensemble, kept_crops
from googlenet.classification.predict import union
from googlenet.config.schema import classification as c
from googlenet.config.schema.dataset import DetectionSource, Kind
from googlenet.data.records import SPLITS
from googlenet.models.reference_networks import on_meta
from googlenet.planning import measure, networks
from googlenet.planning import measure_classification as rates
from googlenet.planning.networks import NetworkShape
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.sizes import source_of
from googlenet.planning.work import ORDER_BYTES, OUTCOME_ARRAYS, UNTIMED_S, WRITING, Context, times

PATH_BYTES = 700  # of a candidate: its record, its path, its name
KIND: Kind = "classification"
MORE_MB = {  # what these have in memory beside what all jobs have
    "make_report": {"charts and pages": 120},
    "compare_ablations": {"charts and pages": 120},
    "train_baseline": {"scikit-learn and pixels": 180},
}


def prepare_classification(context: Context, stage: str) -> StagePlan:
    """Every image is read, checked and packed once."""
    return prepare(context, stage, KIND)


def prepare(context: Context, stage: str, kind: Kind) -> StagePlan:
    """Every image is read, checked and packed once."""
    size, source, job = context.sizes[kind], source_of(context.experiment, kind), context.start(stage)
    packed = measure.Pack(
        kind=kind,
        image=size.image,
        embedded=source.embedded if source.reader == "embedded" else None,
        resize_shorter_side_px=0 if isinstance(source, DetectionSource) else source.resize_shorter_side_px,
    )
    job.disk_mb += size.images * size.mean_kb / 1000
    written_s = job.disk_mb / context.ask(measure.Disk()).mb_per_s
    seconds = size.images * context.ask(packed).seconds
    job.cpu_s += seconds
    job.wall_s += max(seconds / min(context.execution.prepare_workers, context.target.cores), written_s)
    job.memory_mb["a shard"] = min(source.shard_mb, job.disk_mb)
    job.memory_mb["list of pictures"] = size.images * PATH_BYTES / 1e6
    return StagePlan(stage, [job], "1 of all pictures", times(size.images, "pictures"))


def trained(context: Context, job: JobPlan, settings: c.TrainClassifier) -> tuple[str, str]:
    """Add one training from initial weights; returns words on its passes and units."""
    size, batch, epochs = context.sizes[KIND], settings.batch_size, settings.epochs
    network = NetworkShape.of(settings.model, settings.member, size.classes, settings.model.network)
    images, held, test = (size.count(split) for split in SPLITS)
    steps = images // batch * epochs
    step = context.ask(rates.ClassifierStep(network=network, batch_size=batch, compute=context.compute))
    crop = rates.TrainingCrop.of(settings, px=network.input_px, image=size.image)
    half = context.execution.decoded_cache_mb / 2
    share, watched = (context.kept_share(KIND, count, half) for count in (images, held))
    decoded = images * (1 + (epochs - 1) * (1 - share))
    load_s = steps * batch * context.ask(crop).seconds + decoded * context.decode_s(KIND)
    context.train(job, steps * step.seconds, load_s)
    context.centre_crops(job, network, epochs + 2, held, held * (1 + (epochs + 1) * (1 - watched)))
    context.centre_crops(job, network, 2, test, 2 * test)
    context.network_memory(job, network, True, step.kept_mb)
    context.loader_memory(job, (images * share + held * watched) * size.decoded_mb)
    job.memory_mb["order of the pictures"] = images * ORDER_BYTES / 1e6
    job.memory_mb["outcomes"] = test * size.classes * 4 / 1e6
    job.disk_mb += OUTCOME_ARRAYS * (held + test) / 1e6
    return f"{epochs} epochs", times(steps, "steps a job")


def train_classifier(context: Context, stage: str) -> StagePlan:
    """Epochs of the training images; after each one crop of every validation image."""
    jobs, words = context.start_all(stage), ("", "")
    for job in jobs:
        words = trained(context, job, context.settings(stage, c.TrainClassifier, job.name))
        job.disk_mb += networks.weights_mb(context.member(job.name, context.sizes[KIND].classes))
    return StagePlan(stage, jobs, *words)


def train_ablation(context: Context, stage: str) -> StagePlan:
    """The trainings of the table of ablations that no member has done."""
    jobs, words = context.start_all(stage), ("", "")
    for job in jobs:
        words = trained(context, job, context.settings(stage, c.TrainAblation, job.name).training)
    return StagePlan(stage, jobs, *words)


def kept_images(context: Context) -> dict[str, int]:
    """Images of each split whose crops are kept one by one."""
    predicted = context.experiment.of(c.PredictCrops)
    most = predicted.per_crop_images if predicted.keep_crops else 0
    return {name: min(context.sizes[KIND].count(name), most) for name in ("test", "validation")}


def predict_crops(context: Context, stage: str) -> StagePlan:
    """Every test image on its distinct crops, and the validation images that are kept."""
    size, jobs, crops, kept = context.sizes[KIND], context.start_all(stage), 0, kept_images(context)
    test, seen = size.count("test"), size.count("test") + kept["validation"]
    for job in jobs:
        settings = context.settings(stage, c.PredictCrops, job.name)
        network, batch = context.member(job.name, size.classes), settings.batch_size
        cutting = rates.CutCrops.of(settings, px=network.input_px, image=size.image)
        crops = len(cutting.crops(size.width, size.height))
        job.cpu(seen * (context.decode_s(KIND) + context.ask(cutting).seconds))
        context.run(job, seen * crops * context.forward_s(network, batch))
        means = len(settings.policies) * test * size.classes * 4 / 1e6
        each = sum(kept.values()) * crops * size.classes * 4 / 1e6
        context.network_memory(job, network, False, networks.forward_mb(network, batch))
        job.memory_mb["probabilities"] = means + WRITING * max(means, each) + each
        job.disk_mb += means + each
    return StagePlan(stage, jobs, f"{crops} crops a picture", times(seen * crops, "crops a job"))


def import_weights(context: Context, stage: str) -> StagePlan:
    """Weights are read and written."""
    jobs = context.start_all(stage)
    for job in jobs:
        weights = networks.weights_mb(context.member(job.name, context.sizes[KIND].classes))
        job.cpu(UNTIMED_S[stage])
        job.disk_mb += weights
        job.memory_mb["weights"] = weights * WRITING
    return StagePlan(stage, jobs, "", "")


def evaluate_ensemble(context: Context, stage: str) -> StagePlan:
    """Every subset of the members at every policy, on all test images."""
    size, job, settings = (
        context.sizes[KIND],
        context.start(stage),
        context.settings(stage, c.EvaluateEnsemble),
    )
    members, policies = len(context.experiment.members), context.experiment.of(c.PredictCrops).policies
    rate = context.ask(
        rates.EnsembleEvaluation(members=members, policies=policies, classes=size.classes, stage=settings)
    )
    job.cpu(rate.fixed_s + size.count("test") * rate.seconds)
    subsets = (2**members - 1) * len(policies)
    job.memory_mb["ranks and outcomes of all subsets"] = 12 * subsets * size.count("test") / 1e6
    job.memory_mb["working arrays"] = 2 * ensemble.WORKING_MB
    return StagePlan(stage, [job], "1 of the test pictures", times(subsets, "subsets and policies"))


def study_crops(context: Context, stage: str) -> StagePlan:
    """The kept images, crop by crop."""
    size, job, kept = context.sizes[KIND], context.start(stage), kept_images(context)
    members, policies = len(context.experiment.members), context.experiment.of(c.PredictCrops).policies
    asked = rates.CropStudy(
        members=members,
        policies=policies,
        classes=size.classes,
        validation=bool(kept["validation"]),
        stage=context.settings(stage, c.StudyCrops),
    )
    rate = context.ask(asked)
    # The rate is of as many images of each of the two splits.
    job.cpu(rate.fixed_s + max(kept.values()) * rate.seconds)
    rows = max(kept.values()) * len(union(policies)) * size.classes * members * 8 / 1e6
    job.memory_mb["working arrays"] = 3 * min(kept_crops.WORKING_MB, rows)
    return StagePlan(stage, [job], "", times(sum(kept.values()), "pictures"))


def untimed(context: Context, stage: str) -> StagePlan:
    """A stage that no rate is measured for."""
    job = context.start(stage)
    job.cpu(UNTIMED_S[stage])
    job.memory_mb |= MORE_MB.get(stage, {})
    return StagePlan(stage, [job], "", "as the demo's, not timed here")


def measure_cost(context: Context, stage: str) -> StagePlan:
    """Turns of every network that is timed."""
    settings, plan = context.settings(stage, c.MeasureCost), untimed(context, stage)
    passes = len(settings.timed) * (1 + settings.reference_repeats) * settings.reference_batch_size
    plan.jobs[0].cpu(UNTIMED_S[stage] * (passes - 1))
    models = (on_meta(name, settings.wider, settings.deeper)[0] for name in settings.timed)
    weights = sum(p.numel() * 4 / 1e6 for model in models for p in model.parameters())
    plan.jobs[0].memory_mb["weights of all networks"] = weights
    return replace(plan, units=times(passes, "forward passes, not timed here"))


STAGES = {
    "prepare_classification": prepare_classification,
    "train_classifier": train_classifier,
    "import_weights": import_weights,
    "predict_crops": predict_crops,
    "train_baseline": untimed,
    "evaluate_ensemble": evaluate_ensemble,
    "study_crops": study_crops,
    "analyse_units": untimed,
    "measure_cost": measure_cost,
    "make_report": untimed,
    "train_ablation": train_ablation,
    "compare_ablations": untimed,
}
