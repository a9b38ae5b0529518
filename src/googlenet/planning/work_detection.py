"""The work of the detection stages: images searched, regions seen, seconds, memory and disk of each job."""

from math import ceil

from googlenet.config.schema import detection as d
from googlenet.config.schema.base import replaced
from googlenet.config.schema.dataset import Kind
from googlenet.detection.switches import by_prefix
from googlenet.pipeline.resume import PIECE_MB
from googlenet.planning import measure_detection as rates
from googlenet.planning import networks
from googlenet.planning.measure import Disk
from googlenet.planning.networks import NetworkShape
from googlenet.planning.rates import LoadedStepRate
from googlenet.planning.schedule import JobPlan, StagePlan
from googlenet.planning.work import UNTIMED_S, WRITING, Context, times
from googlenet.planning.work_classification import prepare

KIND: Kind = "detection"
BOX_BYTES = 16
SEARCH_MB = 150  # of selective search on one image
ORDER_BYTES = 4  # of a region of the background, while the hardest are looked for
REGION_BYTES = 2 + 4  # of a training region: its label, its number in a pool
TRUTH_BYTES = 700  # of an image's objects
CHOSEN_BYTES = (
    2 + 1 + 3 + 8 + 4 + 4
)  # of a training region while a sample is drawn: masks, numbers, their order
DRAWS = 2  # of every resample the weights of all images, and of those that are looked at
DETECTION_BYTES = 65  # with what it is judged to be: benchmarks/detection_memory.py
LAST_CHANNELS = 1024  # of the last map at width 1
FITTED_REGIONS = 24000  # that UNTIMED_S is of
VECTOR_COPIES = 4  # standardised, joined, in double precision


def prepare_detection(context: Context, stage: str) -> StagePlan:
    """Every image is read, checked and packed once."""
    return prepare(context, stage, KIND)


def search_of(context: Context) -> d.Search:
    """The settings of selective search alone."""
    settings = context.experiment.of(d.ProposeRegions)
    return d.Search(**{name: getattr(settings, name) for name in d.Search.model_fields})


def searched(context: Context, search: d.Search) -> rates.SearchRate:
    """Seconds and boxes of selective search on an image."""
    return context.ask(rates.SelectiveSearch(search=search, image=context.sizes[KIND].image))


def multibox_boxes(context: Context) -> int:
    """MultiBox's boxes of an image."""
    enabled = context.experiment.of(d.TrainMultibox).enabled
    return context.experiment.of(d.MergeProposals).multibox_boxes if enabled else 0


def merging(context: Context) -> rates.MergeRate:
    """Seconds to merge an image's boxes, and the share that is left."""
    search, boxes = search_of(context), multibox_boxes(context)
    iou, image = context.experiment.of(d.MergeProposals).duplicate_iou, context.sizes[KIND].image
    return context.ask(rates.Merge(search=search, multibox_boxes=boxes, duplicate_iou=iou, image=image))


def boxes_an_image(context: Context) -> float:
    """Boxes after merging."""
    every = searched(context, search_of(context)).boxes + multibox_boxes(context)
    return every * merging(context).kept_share


def read_records(context: Context, job: JobPlan) -> None:
    """Add reading every record of the training split, images and all, as the trainings do at their start."""
    size = context.sizes[KIND]
    job.cpu(size.count("train") * size.mean_kb / 1000 / context.ask(Disk()).mb_per_s)


def propose_regions(context: Context, stage: str) -> StagePlan:
    """Selective search once on every image."""
    size, rate = context.sizes[KIND], searched(context, search_of(context))
    jobs = context.start_all(stage)
    each = size.images / len(jobs)
    for job in jobs:
        job.cpu(each * (context.decode_s(KIND) + rate.seconds))
        stored = each * rate.boxes * BOX_BYTES / 1e6
        job.memory_mb["selective search"] = SEARCH_MB
        job.memory_mb["boxes"] = WRITING * stored
        job.disk_mb += stored
    words = f"{times(size.images, 'pictures')}, {rate.boxes:,.0f} boxes each"
    return StagePlan(stage, jobs, "1 of all pictures", words)


def multibox_trunk(context: Context) -> NetworkShape:
    """The member's network that MultiBox is trained on."""
    member = context.experiment.of(d.TrainMultibox).init_from
    return context.member(member, context.sizes["classification"].classes)


def add_training(
    context: Context, job: JobPlan, network: NetworkShape, step: LoadedStepRate, steps: int, seen: int
) -> None:
    """Add the steps of a training that sees so many images, or regions, each of an image of its own."""
    size, images = context.sizes[KIND], context.sizes[KIND].count("train")
    share = context.kept_share(KIND, images, context.execution.decoded_cache_mb)
    decoded = min(seen, images) + max(0, seen - images) * (1 - share)
    load_s = seen * step.load_s + decoded * context.decode_s(KIND)
    context.train(job, steps * step.seconds, load_s)
    context.network_memory(job, network, True, step.kept_mb)
    context.loader_memory(job, min(seen, images) * share * size.decoded_mb)
    job.disk_mb += networks.weights_mb(network)


def train_multibox(context: Context, stage: str) -> StagePlan:
    """Steps of a batch of images."""
    size, job, network = context.sizes[KIND], context.start(stage), multibox_trunk(context)
    settings = context.settings(stage, d.TrainMultibox)
    asked = rates.MultiboxStep.of(settings, network=network, compute=context.compute, image=size.image)
    step, steps = context.ask(asked), settings.epochs * settings.batches_per_epoch
    seen = steps * settings.batch_size
    read_records(context, job)
    add_training(context, job, network, step, steps, seen)
    passes = f"{seen / size.count('train'):.1f} of the training pictures"
    return StagePlan(stage, [job], passes, times(steps, "steps"))


def multibox_s(context: Context, network: NetworkShape) -> float:
    """Seconds of an image in MultiBox."""
    settings, shape = context.experiment.of(d.MergeProposals), context.experiment.of(d.TrainMultibox)
    asked = rates.MultiboxBoxes.of(
        shape,
        network=network,
        compute=context.compute,
        image=context.sizes[KIND].image,
        multibox_boxes=settings.multibox_boxes,
        multibox_nms_iou=settings.multibox_nms_iou,
    )
    return context.ask(asked).seconds


def merge_proposals(context: Context, stage: str) -> StagePlan:
    """MultiBox once on every image, and its boxes with those of the search."""
    size, merge_s, boxes = context.sizes[KIND], merging(context).seconds, boxes_an_image(context)
    jobs = context.start_all(stage)
    each = size.images / len(jobs)
    for job in jobs:
        if multibox_boxes(context):
            network = multibox_trunk(context)
            seconds = multibox_s(context, network)
            job.cpu(each * context.decode_s(KIND))
            context.run(job, each * seconds)
            context.network_memory(job, network, False, networks.forward_mb(network, 1))
        job.cpu(each * merge_s)
        stored = each * boxes * (BOX_BYTES + 4) / 1e6
        job.memory_mb["boxes"] = WRITING * stored
        job.disk_mb += stored
    words = f"{times(size.images, 'pictures')}, {boxes:,.0f} boxes each"
    return StagePlan(stage, jobs, "1 of all pictures", words)


def study_proposals(context: Context, stage: str) -> StagePlan:
    """Selective search once more, at another scale, on some test images."""
    size, job, compare = (
        context.sizes[KIND],
        context.start(stage),
        context.experiment.of(d.StudyProposals).compare,
    )
    search = replaced(search_of(context), superpixel_scale=compare.superpixel_scale)
    wanted = min(size.count("test"), compare.images)
    read_records(context, job)
    job.cpu(UNTIMED_S[stage] + wanted * (context.decode_s(KIND) + searched(context, search).seconds))
    job.memory_mb["objects of the training pictures"] = size.count("train") * TRUTH_BYTES / 1e6
    return StagePlan(stage, [job], "", times(wanted, "pictures"))


def detector(context: Context, name: str) -> NetworkShape:
    """A detector's network."""
    classes = context.sizes[KIND].classes
    return context.member(context.experiment.detectors[name].init_from, classes).with_background(classes)


def region_s(context: Context, network: NetworkShape, batch: int, mirrored: bool) -> float:
    """Seconds of a region in a forward pass."""
    asked = rates.RegionScore.of(
        context.experiment.of(d.ScoreRegions),
        network=network,
        batch_size=batch,
        compute=context.compute,
        mirrored=mirrored,
        image=context.sizes[KIND].image,
        boxes=min(batch, round(boxes_an_image(context))),
    )
    return context.ask(asked).seconds


def label_all(context: Context, job: JobPlan, region_bytes: int) -> None:
    """Add labelling the proposals of all training images, and their memory."""
    images, boxes = context.sizes[KIND].count("train"), boxes_an_image(context)
    job.cpu(images * context.ask(rates.RegionLabels(boxes=round(boxes))).seconds)
    job.memory_mb["regions of all training pictures"] = images * (boxes * region_bytes + TRUTH_BYTES) / 1e6


def train_detector(context: Context, stage: str) -> StagePlan:
    """Steps of a batch of regions, each from an image of its own."""
    size, jobs, steps, seen = context.sizes[KIND], context.start_all(stage), 0, 0
    for job in jobs:
        settings, network = context.settings(stage, d.TrainDetector, job.name), detector(context, job.name)
        asked = rates.DetectorStep.of(settings, network=network, compute=context.compute, image=size.image)
        step, batch = context.ask(asked), settings.positives + settings.negatives
        steps = settings.epochs * settings.batches_per_epoch
        seen = steps * batch
        read_records(context, job)
        label_all(context, job, REGION_BYTES)
        add_training(context, job, network, step, steps, seen)
        if settings.hard_negatives.enabled:
            scored = settings.epochs * settings.hard_negatives.scored
            context.run(job, scored * region_s(context, network, batch, False))
            every = size.count("train") * boxes_an_image(context)
            job.memory_mb["order of the background"] = every * ORDER_BYTES / 1e6
    return StagePlan(stage, jobs, f"{seen:,.0f} regions drawn a job", times(steps, "steps a job"))


def fit_region_heads(context: Context, stage: str) -> StagePlan:
    """A sample of training regions seen once, and what is fitted to it, which is not timed."""
    jobs, regions = context.start_all(stage), 0
    for job in jobs:
        settings, network = context.settings(stage, d.FitRegionHeads, job.name), detector(context, job.name)
        regions = settings.objects + settings.positives + settings.negatives
        read_records(context, job)
        label_all(context, job, CHOSEN_BYTES)
        context.run(job, regions * region_s(context, network, settings.batch_size, False))
        job.cpu(UNTIMED_S[stage] * min(1.0, regions / FITTED_REGIONS))
        context.network_memory(job, network, False, networks.forward_mb(network, settings.batch_size))
        places = 2 + settings.bbox_regression.grid**2
        vector = LAST_CHANNELS * network.architecture.width * places * 4
        job.memory_mb["vectors and maps of the sample"] = VECTOR_COPIES * regions * vector / 1e6
    return StagePlan(stage, jobs, "", f"{regions:,} regions at most; the fits are not timed")


def arrays_mb(context: Context, settings: d.ScoreRegions) -> float:
    """Size of a detector's scores: probabilities of every list of switches, and boxes where they are regressed."""
    size, wanted = context.sizes[KIND], by_prefix(settings.switches, settings.compare).values()
    each = [4 * (1 + size.classes) + (16 * size.classes if "bbox_regression" in one else 0) for one in wanted]
    return size.count("test") * boxes_an_image(context) * sum(each) / 1e6


def score_regions(context: Context, stage: str) -> StagePlan:
    """Every proposal of the test images once, or twice where it is mirrored."""
    jobs, boxes, test = context.start_all(stage), boxes_an_image(context), context.sizes[KIND].count("test")
    for job in jobs:
        settings, network = context.settings(stage, d.ScoreRegions, job.name), detector(context, job.name)
        mirrored = "mirror" in set(settings.switches).union(*settings.compare)
        scored_s = region_s(context, network, settings.batch_size, mirrored)
        job.cpu(test * context.decode_s(KIND))
        context.run(job, test * boxes * scored_s)
        context.network_memory(job, network, False, networks.forward_mb(network, settings.batch_size))
        arrays = arrays_mb(context, settings)
        job.memory_mb["scores, while they are kept"] = WRITING * min(arrays, PIECE_MB)
        job.disk_mb += arrays
    return StagePlan(stage, jobs, f"{boxes:,.0f} regions a picture", times(test * boxes, "regions a job"))


def evaluate_detection(context: Context, stage: str) -> StagePlan:
    """Suppression, ratings and resampling of every detector and of all together, under every list of switches."""
    size, job, settings = (
        context.sizes[KIND],
        context.start(stage),
        context.settings(stage, d.EvaluateDetection),
    )
    detectors, boxes = len(context.experiment.detectors), ceil(boxes_an_image(context))
    alone = replaced(settings, switches=(), compare=())
    rate = context.ask(
        rates.DetectionEvaluation(detectors=detectors, classes=size.classes, boxes=boxes, stage=alone)
    )
    test, lists = size.count("test"), 1 + len(settings.compare)
    job.cpu(lists * (rate.fixed_s + test * rate.seconds))
    kept = lists * (detectors + 1) * test * settings.max_per_image
    job.memory_mb["detections of all detectors"] = kept * DETECTION_BYTES / 1e6
    job.memory_mb["pictures drawn anew"] = DRAWS * settings.resamples * test * 8 / 1e6
    return StagePlan(stage, [job], "1 of the test pictures", times(lists * (detectors + 1), "ratings"))


STAGES = {
    "prepare_detection": prepare_detection,
    "propose_regions": propose_regions,
    "train_multibox": train_multibox,
    "merge_proposals": merge_proposals,
    "study_proposals": study_proposals,
    "train_detector": train_detector,
    "fit_region_heads": fit_region_heads,
    "score_regions": score_regions,
    "evaluate_detection": evaluate_detection,
}
