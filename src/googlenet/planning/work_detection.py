"""The work of the detection stages: pictures searched, regions seen, seconds, memory and disk of each job."""

from math import ceil

from googlenet import switches
from googlenet.config import Job
from googlenet.detection.selective_search import DEFAULTS
from googlenet.planning import networks
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.work import UNTIMED_S, WRITING, Context, times
from googlenet.planning.work_classification import prepare
from googlenet.resume import PIECE_MB

KIND = "detection"
BOX_BYTES = 16
SEARCH_MB = 150  # of selective search on one picture
ORDER_BYTES = 4  # of a region of the background, while the hardest are looked for
REGION_BYTES = 2 + 4  # of a training region: its label, its number in a pool
TRUTH_BYTES = 700  # of a picture's objects
CHOSEN_BYTES = (
    2 + 1 + 3 + 8 + 4 + 4
)  # of a training region while a sample is drawn: masks, numbers, their order
DRAWS = 2  # of every resample the weights of all pictures, and of those that are looked at
DETECTION_BYTES = 65  # with what it is judged to be: benchmarks/detection_memory.py
LAST_CHANNELS = 1024  # of the last map at width 1
FITTED_REGIONS = 24000  # that UNTIMED_S is of
VECTOR_COPIES = 4  # standardised, joined, in double precision
HEADS_FORWARD = ("objects", "positives", "negatives")


def search_settings(context: Context) -> dict:
    """The settings of selective search alone."""
    return {key: context.tree["propose_regions"][key] for key in DEFAULTS}


def searched(context: Context, own: dict | None = None) -> dict:
    """Seconds and boxes of selective search on a picture."""
    asked = {"search": own or search_settings(context), "picture": context.sizes[KIND].picture}
    return context.ask("search", asked)


def boxes_a_picture(context: Context) -> float:
    """Boxes after merging."""
    settings = context.tree["merge_proposals"]
    every = searched(context)["boxes"] + settings["multibox_boxes"]
    return every * merging(context)["kept_share"]


def merging(context: Context) -> dict:
    """Seconds to merge a picture's boxes, and the share that is left."""
    settings = context.tree["merge_proposals"]
    asked = {"search": search_settings(context), "most": settings["multibox_boxes"]}
    asked |= {"duplicate_iou": settings["duplicate_iou"], "picture": context.sizes[KIND].picture}
    return context.ask("merge", asked)


def read_records(context: Context, job: JobPlan) -> None:
    """Add reading every record of the training split, pictures and all, as the trainings do at their start."""
    size = context.sizes[KIND]
    job.cpu(size.count("train") * size.mean_kb / 1000 / context.ask("disk", {})["mb_per_s"])


def propose_regions(context: Context, stage: str) -> StagePlan:
    """Selective search once on every picture."""
    size, found, jobs = context.sizes[KIND], searched(context), []
    each = size.pictures / len(context.settings.jobs(stage))
    for job in context.settings.jobs(stage):
        plan = context.start(job)
        plan.cpu(each * (context.decode_s(KIND) + found["seconds"]))
        stored = each * found["boxes"] * BOX_BYTES / 1e6
        plan.memory_mb["selective search"] = SEARCH_MB
        plan.memory_mb["boxes"] = WRITING * stored
        plan.disk_mb += stored
        jobs.append(plan)
    words = f"{times(size.pictures, 'pictures')}, {found['boxes']:,.0f} boxes each"
    return StagePlan(stage, jobs, "1 of all pictures", words)


def multibox_settings(context: Context) -> dict:
    """What makes MultiBox's network."""
    own = context.tree["train_multibox"]
    network = context.member(own["init_from"], context.sizes["classification"].classes)
    keys = ("input_px", "last", "head", "head_channels", "priors")
    return {"network": network, "compute": context.compute} | {key: own[key] for key in keys}


def train_multibox(context: Context, stage: str) -> StagePlan:
    """Steps of a batch of pictures."""
    size, own, plan = context.sizes[KIND], context.tree["train_multibox"], context.start(Job(stage, "all"))
    keys = ("crop_area", "crop_aspect", "match_iou", "mirror")
    asked = multibox_settings(context) | {"parts": {key: own[key] for key in keys}}
    step = context.ask(stage, asked | {"batch_size": own["batch_size"], "picture": size.picture})
    steps = own["epochs"] * own["batches_per_epoch"]
    seen, pictures = steps * own["batch_size"], size.count("train")
    share = context.kept_share(KIND, pictures, context.settings.tree.plumbing.decoded_cache_mb)
    decoded = min(seen, pictures) + max(0, seen - pictures) * (1 - share)
    read_records(context, plan)
    load_s = seen * step["load_s"] + decoded * context.decode_s(KIND)
    plan.train(steps * step["seconds"], load_s, context.workers, context.threads, context.on_gpu)
    network = asked["network"]
    context.network_memory(plan, network, True, step["kept_mb"])
    context.loader_memory(plan, min(seen, pictures) * share * size.decoded_mb)
    plan.disk_mb += networks.weights_mb(network)
    passes = f"{seen / pictures:.1f} of the training pictures"
    return StagePlan(stage, [plan], passes, times(steps, "steps"))


def merge_proposals(context: Context, stage: str) -> StagePlan:
    """MultiBox once on every picture, and its boxes with those of the search."""
    size, settings, jobs = context.sizes[KIND], context.tree["merge_proposals"], []
    each = size.pictures / len(context.settings.jobs(stage))
    merge_s, boxes = merging(context)["seconds"], boxes_a_picture(context)
    for job in context.settings.jobs(stage):
        plan = context.start(job)
        if settings["multibox_boxes"]:
            asked = multibox_settings(context) | {"picture": size.picture, "most": settings["multibox_boxes"]}
            found = context.ask("multibox", asked | {"nms_iou": settings["multibox_nms_iou"]})
            plan.cpu(each * context.decode_s(KIND))
            plan.network(each * found["seconds"], context.threads, context.on_gpu)
            context.network_memory(plan, asked["network"], False, networks.forward_mb(asked["network"], 1))
        plan.cpu(each * merge_s)
        stored = each * boxes * (BOX_BYTES + 4) / 1e6
        plan.memory_mb["boxes"] = WRITING * stored
        plan.disk_mb += stored
        jobs.append(plan)
    words = f"{times(size.pictures, 'pictures')}, {boxes:,.0f} boxes each"
    return StagePlan(stage, jobs, "1 of all pictures", words)


def study_proposals(context: Context, stage: str) -> StagePlan:
    """Selective search once more, at another scale, on some test pictures."""
    size, config, plan = (
        context.sizes[KIND],
        context.config(Job(stage, "all")),
        context.start(Job(stage, "all")),
    )
    own = search_settings(context) | {"superpixel_scale": config["compare"]["superpixel_scale"]}
    wanted = min(size.count("test"), config["compare"]["images"])
    read_records(context, plan)
    plan.cpu(UNTIMED_S[stage] + wanted * (context.decode_s(KIND) + searched(context, own)["seconds"]))
    plan.memory_mb["objects of the training pictures"] = size.count("train") * TRUTH_BYTES / 1e6
    return StagePlan(stage, [plan], "", times(wanted, "pictures"))


def detector(context: Context, name: str) -> dict:
    """A detector's network."""
    size, row = context.sizes[KIND], context.settings.rows("detector")[name]
    return networks.with_background(context.member(row["init_from"], size.classes), size.classes)


def scoring(context: Context, network: dict, batch: int, mirrored: bool) -> float:
    """Seconds of a region in a forward pass."""
    asked = {"network": network, "batch_size": batch, "compute": context.compute, "mirrored": mirrored}
    asked |= {
        "context_px": context.tree["score_regions"]["context_px"],
        "picture": context.sizes[KIND].picture,
    }
    return context.ask("score_regions", asked | {"boxes": min(batch, round(boxes_a_picture(context)))})[
        "seconds"
    ]


def label_all(context: Context, plan: JobPlan, region_bytes: int) -> None:
    """Add labelling the proposals of all training pictures, and their memory."""
    pictures, boxes = context.sizes[KIND].count("train"), boxes_a_picture(context)
    plan.cpu(pictures * context.ask("label_regions", {"boxes": round(boxes)})["seconds"])
    plan.memory_mb["regions of all training pictures"] = pictures * (boxes * region_bytes + TRUTH_BYTES) / 1e6


def train_detector(context: Context, stage: str) -> StagePlan:
    """Steps of a batch of regions, each from a picture of its own."""
    size, jobs = context.sizes[KIND], []
    for job in context.settings.jobs(stage):
        config, plan, network = context.config(job), context.start(job), detector(context, job.name)
        keys = ("positives", "negatives", "mirror", "context_px")
        asked = {"network": network, "compute": context.compute, "picture": size.picture}
        step = context.ask(stage, asked | {key: config[key] for key in keys})
        steps = config["epochs"] * config["batches_per_epoch"]
        seen, pictures = steps * (config["positives"] + config["negatives"]), size.count("train")
        share = context.kept_share(KIND, pictures, context.settings.tree.plumbing.decoded_cache_mb)
        decoded = min(seen, pictures) + max(0, seen - pictures) * (1 - share)
        read_records(context, plan)
        label_all(context, plan, REGION_BYTES)
        load_s = seen * step["load_s"] + decoded * context.decode_s(KIND)
        plan.train(steps * step["seconds"], load_s, context.workers, context.threads, context.on_gpu)
        hard = config["hard_negatives"]
        if hard["share"]:
            batch = config["positives"] + config["negatives"]
            region_s = scoring(context, network, batch, False)
            plan.network(config["epochs"] * hard["scored"] * region_s, context.threads, context.on_gpu)
            every = pictures * boxes_a_picture(context)
            plan.memory_mb["order of the background"] = every * ORDER_BYTES / 1e6
        context.network_memory(plan, network, True, step["kept_mb"])
        context.loader_memory(plan, min(seen, pictures) * share * size.decoded_mb)
        plan.disk_mb += networks.weights_mb(network)
        jobs.append(plan)
    passes = f"{seen:,.0f} regions drawn a job"
    return StagePlan(stage, jobs, passes, times(steps, "steps a job"))


def fit_region_heads(context: Context, stage: str) -> StagePlan:
    """A sample of training regions seen once, and what is fitted to it, which is not timed."""
    jobs = []
    for job in context.settings.jobs(stage):
        config, plan, network = context.config(job), context.start(job), detector(context, job.name)
        regions = sum(config[key] for key in HEADS_FORWARD)
        read_records(context, plan)
        label_all(context, plan, CHOSEN_BYTES)
        region_s = scoring(context, network, config["batch_size"], False)
        plan.network(regions * region_s, context.threads, context.on_gpu)
        plan.cpu(UNTIMED_S[stage] * min(1.0, regions / FITTED_REGIONS))
        context.network_memory(plan, network, False, networks.forward_mb(network, config["batch_size"]))
        vector = LAST_CHANNELS * network["width"] * (2 + config["bbox_regression"]["grid"] ** 2) * 4
        plan.memory_mb["vectors and maps of the sample"] = VECTOR_COPIES * regions * vector / 1e6
        jobs.append(plan)
    return StagePlan(stage, jobs, "", f"{regions:,} regions at most; the fits are not timed")


def arrays_mb(context: Context, test: int) -> float:
    """Size of a detector's scores: probabilities of every setting, and boxes where they are regressed."""
    classes, settings = context.sizes[KIND].classes, context.tree["score_regions"]
    wanted = switches.by_prefix(settings["switches"], settings["compare"]).values()
    each = [4 * (1 + classes) + (16 * classes if "bbox_regression" in one else 0) for one in wanted]
    return test * boxes_a_picture(context) * sum(each) / 1e6


def score_regions(context: Context, stage: str) -> StagePlan:
    """Every proposal of the test pictures once, or twice where it is mirrored."""
    size, jobs, boxes = context.sizes[KIND], [], boxes_a_picture(context)
    test = size.count("test")
    for job in context.settings.jobs(stage):
        config, plan, network = context.config(job), context.start(job), detector(context, job.name)
        asked = set(config["switches"]).union(*config["compare"])
        region_s = scoring(context, network, config["batch_size"], "mirror" in asked)
        plan.cpu(test * context.decode_s(KIND))
        plan.network(test * boxes * region_s, context.threads, context.on_gpu)
        context.network_memory(plan, network, False, networks.forward_mb(network, config["batch_size"]))
        arrays = arrays_mb(context, test)
        plan.memory_mb["scores, while they are kept"] = WRITING * min(arrays, PIECE_MB)
        plan.disk_mb += arrays
        jobs.append(plan)
    return StagePlan(stage, jobs, f"{boxes:,.0f} regions a picture", times(test * boxes, "regions a job"))


def evaluate_detection(context: Context, stage: str) -> StagePlan:
    """Suppression, ratings and resampling of every detector and of all together, under every setting."""
    size, config, plan = (
        context.sizes[KIND],
        context.config(Job(stage, "all")),
        context.start(Job(stage, "all")),
    )
    test, detectors = size.count("test"), len(context.settings.jobs("score_regions"))
    keys = ("nms_iou", "min_score", "max_per_image", "small_object_threshold", "resamples", "seed")
    keys += ("confidence_percent", "examples", "example_score")
    asked = {"detectors": detectors, "classes": size.classes, "boxes": ceil(boxes_a_picture(context))}
    found = context.ask(stage, asked | {"stage": {key: config[key] for key in keys}})
    settings = 1 + len(config["compare"])
    plan.cpu(settings * (found["fixed_s"] + test * found["seconds"]))
    kept = settings * (detectors + 1) * test * config["max_per_image"]
    plan.memory_mb["detections of all detectors"] = kept * DETECTION_BYTES / 1e6
    plan.memory_mb["pictures drawn anew"] = DRAWS * config["resamples"] * test * 8 / 1e6
    return StagePlan(stage, [plan], "1 of the test pictures", times(settings * (detectors + 1), "ratings"))


STAGES = {
    "prepare_detection": prepare,
    "propose_regions": propose_regions,
    "train_multibox": train_multibox,
    "merge_proposals": merge_proposals,
    "study_proposals": study_proposals,
    "train_detector": train_detector,
    "fit_region_heads": fit_region_heads,
    "score_regions": score_regions,
    "evaluate_detection": evaluate_detection,
}
