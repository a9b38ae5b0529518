"""The work of the classification stages: passes over the pictures, seconds, memory and disk of each job."""

from dataclasses import replace

from googlenet.classification import ensemble, kept_crops
from googlenet.classification.predict import union
from googlenet.config import Job
from googlenet.models.networks import on_meta
from googlenet.planning import networks
from googlenet.planning.measure_classification import crops_of
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.work import (
    ORDER_BYTES,
    OUTCOME_ARRAYS,
    UNTIMED_S,
    WRITING,
    Context,
    times,
)

PATH_BYTES = 700  # of a candidate: its record, its path, its name
KIND = "classification"
OWN_MB = {  # what these have in memory beside what all jobs have
    "make_report": ("charts and pages", 120),
    "compare_ablations": ("charts and pages", 120),
    "train_baseline": ("scikit-learn and pixels", 180),
}


def prepare(context: Context, stage: str) -> StagePlan:
    """Every picture is read, checked and packed once."""
    kind = stage.removeprefix("prepare_")
    size, job = context.sizes[kind], context.start(Job(stage, "all"))
    source = context.config(Job(stage, "all"))["source"]
    embedded = source["embedded"] if source["reader"] == "embedded" else None
    asked = {"kind": kind, "picture": size.picture, "embedded": embedded}
    asked["resize_shorter_side_px"] = source.get("resize_shorter_side_px", 0)
    job.disk_mb += size.pictures * size.mean_kb / 1000
    written_s = job.disk_mb / context.ask("disk", {})["mb_per_s"]
    seconds = size.pictures * context.ask("pack", asked)["seconds"]
    workers = context.tree["plumbing"].get("prepare_workers", 1)
    job.cpu_s += seconds
    job.wall_s += max(seconds / min(workers, context.cores), written_s)
    job.memory_mb["a shard"] = min(source["shard_mb"], job.disk_mb)
    job.memory_mb["list of pictures"] = size.pictures * PATH_BYTES / 1e6
    return StagePlan(stage, [job], "1 of all pictures", times(size.pictures, "pictures"))


def trained(context: Context, name: str, config: dict, job: Job) -> tuple[JobPlan, int]:
    """One training from initial weights; returns it with its steps."""
    size, plan, batch = context.sizes[KIND], context.start(job), config["batch_size"]
    network = networks.of_member(config["model"], config["member"], size.classes, context.tree["origins"])
    pictures, epochs = size.count("train"), config["epochs"]
    steps = pictures // batch * epochs
    asked = {"network": network, "batch_size": batch, "compute": context.compute}
    step = context.ask("train_classifier", asked)
    drawn = {"sampling": config["sampling"], "mirror": config["mirror"], "px": network["input_px"]}
    crop_s = context.ask("crop", drawn | {"picture": size.picture})["seconds"]
    half = context.settings.tree.plumbing.decoded_cache_mb / 2
    share, watched = (context.kept_share(KIND, size.count(one), half) for one in ("train", "validation"))
    decoded = pictures * (1 + (epochs - 1) * (1 - share))
    load_s = steps * batch * crop_s + decoded * context.decode_s(KIND)
    plan.train(steps * step["seconds"], load_s, context.workers, context.threads, context.on_gpu)
    held, test = size.count("validation"), size.count("test")
    context.centre_crops(plan, network, epochs + 2, held, held * (1 + (epochs + 1) * (1 - watched)))
    context.centre_crops(plan, network, 2, test, 2 * test)
    context.network_memory(plan, network, True, step["kept_mb"])
    context.loader_memory(plan, (pictures * share + held * watched) * size.decoded_mb)
    plan.memory_mb["order of the pictures"] = pictures * ORDER_BYTES / 1e6
    plan.memory_mb["outcomes"] = test * size.classes * 4 / 1e6
    plan.disk_mb += OUTCOME_ARRAYS * (held + test) / 1e6
    if job.stage == "train_classifier":
        plan.disk_mb += networks.weights_mb(network)
    return plan, steps


def train_classifier(context: Context, stage: str) -> StagePlan:
    """Epochs of the training pictures; after each one crop of every validation picture."""
    jobs, steps = [], 0
    for job in context.settings.jobs(stage):
        config = context.config(job)
        plan, steps = trained(context, job.name, config, job)
        jobs.append(plan)
    return StagePlan(stage, jobs, f"{config['epochs']} epochs", times(steps, "steps a job"))


def train_ablation(context: Context, stage: str) -> StagePlan:
    """The trainings of the table of ablations that no member has done."""
    jobs, steps, epochs = [], 0, 0
    for job in context.settings.jobs(stage):
        training = context.config(job)["training"]
        plan, steps = trained(context, job.name, training, job)
        jobs.append(plan)
        epochs = training["epochs"]
    return StagePlan(stage, jobs, f"{epochs} epochs", times(steps, "steps a job"), separate=True)


def predict_crops(context: Context, stage: str) -> StagePlan:
    """Every test picture on its distinct crops, and the validation pictures that are kept."""
    size, jobs, crops = context.sizes[KIND], [], 0
    for job in context.settings.jobs(stage):
        config, plan = context.config(job), context.start(job)
        network = context.member(job.name, size.classes)
        policies, px, mirror = config["policies"], network["input_px"], config["mirror"]
        shape = {"policies": policies, "px": px, "mirror": mirror}
        crops = len(crops_of(shape, size.width, size.height))
        kept = {name: min(size.count(name), config["per_crop_images"]) for name in ("test", "validation")}
        seen = size.count("test") + kept["validation"]
        plan.cpu(seen * (context.decode_s(KIND) + context.cut(policies, px, mirror)))
        plan.network(
            seen * crops * context.forward_s(network, config["batch_size"]), context.threads, context.on_gpu
        )
        means = len(policies) * size.count("test") * size.classes * 4 / 1e6
        each = sum(kept.values()) * crops * size.classes * 4 / 1e6
        context.network_memory(plan, network, False, networks.forward_mb(network, config["batch_size"]))
        plan.memory_mb["probabilities"] = means + WRITING * max(means, each) + each
        plan.disk_mb += means + each
        jobs.append(plan)
    return StagePlan(stage, jobs, f"{crops} crops a picture", times(seen * crops, "crops a job"))


def import_weights(context: Context, stage: str) -> StagePlan:
    """Weights are read and written."""
    jobs = []
    for job in context.settings.jobs(stage):
        plan = context.start(job)
        weights = networks.weights_mb(context.member(job.name, context.sizes[KIND].classes))
        plan.cpu(UNTIMED_S[stage])
        plan.disk_mb += weights
        plan.memory_mb["weights"] = weights * WRITING
        jobs.append(plan)
    return StagePlan(stage, jobs, "", "")


def evaluate_ensemble(context: Context, stage: str) -> StagePlan:
    """Every subset of the members at every policy, on all test pictures."""
    size, config, plan = (
        context.sizes[KIND],
        context.config(Job(stage, "all")),
        context.start(Job(stage, "all")),
    )
    members, policies = len(context.settings.jobs("predict_crops")), context.tree["predict_crops"]["policies"]
    keys = ("resamples", "confidence_percent", "seed", "effects_shown", "calibration")
    asked = {"members": members, "policies": policies, "classes": size.classes}
    found = context.ask("evaluate_ensemble", asked | {"stage": {key: config[key] for key in keys}})
    plan.cpu(found["fixed_s"] + size.count("test") * found["seconds"])
    subsets = (2**members - 1) * len(policies)
    plan.memory_mb["ranks and outcomes of all subsets"] = 12 * subsets * size.count("test") / 1e6
    plan.memory_mb["working arrays"] = 2 * ensemble.WORKING_MB
    return StagePlan(stage, [plan], "1 of the test pictures", times(subsets, "subsets and policies"))


def study_crops(context: Context, stage: str) -> StagePlan:
    """The kept pictures, crop by crop."""
    size, config, plan = (
        context.sizes[KIND],
        context.config(Job(stage, "all")),
        context.start(Job(stage, "all")),
    )
    predicted = context.tree["predict_crops"]
    kept = {name: min(size.count(name), predicted["per_crop_images"]) for name in ("test", "validation")}
    keys = ("budgets", "random_subsets", "resamples", "confidence_percent", "seed", "effects_shown")
    asked = {"members": len(context.settings.jobs("predict_crops")), "policies": predicted["policies"]}
    asked |= {"classes": size.classes, "validation": bool(kept["validation"])}
    found = context.ask("study_crops", asked | {"stage": {key: config[key] for key in keys}})
    # The rate is of as many pictures of each of the two splits.
    plan.cpu(found["fixed_s"] + max(kept.values()) * found["seconds"])
    crops = len(union(predicted["policies"]))
    rows = max(kept.values()) * crops * size.classes * asked["members"] * 8 / 1e6
    plan.memory_mb["working arrays"] = 3 * min(kept_crops.WORKING_MB, rows)
    return StagePlan(stage, [plan], "", times(sum(kept.values()), "pictures"))


def untimed(context: Context, stage: str) -> StagePlan:
    """A stage that no rate is measured for."""
    plan = context.start(Job(stage, "all"))
    plan.cpu(UNTIMED_S[stage])
    if stage in OWN_MB:
        plan.memory_mb[OWN_MB[stage][0]] = OWN_MB[stage][1]
    separate = stage == "compare_ablations"
    return StagePlan(stage, [plan], "", "as the demo's, not timed here", separate)


def measure_cost(context: Context, stage: str) -> StagePlan:
    """Turns of every network that is timed."""
    config, found = context.config(Job(stage, "all")), untimed(context, stage)
    passes = len(config["timed"]) * (1 + config["peer_repeats"]) * config["peer_batch_size"]
    found.jobs[0].cpu(UNTIMED_S[stage] * (passes - 1))
    held = (on_meta(name, config["wider"], config["deeper"])[0] for name in config["timed"])
    found.jobs[0].memory_mb["weights of all networks"] = sum(
        p.numel() * 4 / 1e6 for model in held for p in model.parameters()
    )
    return replace(found, units=times(passes, "forward passes, not timed here"))


STAGES = {
    "prepare_classification": prepare,
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
