"""The work of the detection stages: images searched, regions seen, seconds, memory and disk of each job."""

from math import ceil

from googlenet.config.schema import detection as d
from googlenet.config.schema.base import replaced
from googlenet.detection.switches import by_prefix
from googlenet.pipeline.resume import PIECE_MB
from googlenet.planning import measure_detection as rates
from googlenet.planning.measure import Disk
from googlenet.planning.rates import LoadedStepRate, NetworkShape, forward_mb, weights_mb
from googlenet.planning.schedule import JobPlan
from googlenet.planning.work import WRITING, Context, Words

BOX_BYTES = 16
SEARCH_MB, SEARCH_MB_PER_MPX = 20, 220  # for selective search on one image
STUDY_MB, RATING_MB = 60, 40  # scikit-learn's k-means; arrays of the evaluation
ORDER_BYTES = 4  # per background region, while the hardest are selected
REGION_BYTES = 2 + 4  # per training region: its label, its index in a pool
TRUTH_BYTES = 700  # for the objects of an image
CHOSEN_BYTES = 22  # per training region while a sample is drawn: masks 6, numbers 8, their order 4 + 4
DRAWS = 2  # per resample: the weights of all images, and of those that are inspected
DETECTION_BYTES = 65  # including its assessment: benchmarks/detection_memory.py
LAST_CHANNELS = 1024  # of the last map at width 1
VECTOR_COPIES = 4  # standardised, joined, in double precision
# Seconds of work that is not timed here, from the demo's jobs on two cores of an EPYC (docs/results.md).
STUDY_S = 1.5
FIT_S, FITTED_REGIONS = 10.0, 24000  # the photos experiment's time for that many regions; fewer take less


def search_of(context: Context) -> d.Search:
    """The settings of selective search."""
    settings = context.of(d.ProposeRegions)
    return d.Search(**{name: getattr(settings, name) for name in d.Search.model_fields})


def searched(context: Context, search: d.Search) -> rates.SearchRate:
    """Seconds and boxes of selective search per image."""
    return context.ask(rates.SelectiveSearch(search=search, image=context.detection.image))


def merged(context: Context) -> tuple[float, float]:
    """Seconds to merge an image's boxes from selective search and MultiBox, and how many boxes remain."""
    search, settings = search_of(context), context.of(d.MergeProposals)
    boxes = settings.multibox_boxes if context.of(d.TrainMultibox).enabled else 0
    asked = rates.Merge.of(settings, search=search, multibox_boxes=boxes, image=context.detection.image)
    rate = context.ask(asked)
    return rate.seconds, (searched(context, search).boxes + boxes) * rate.kept_share


def read_records(context: Context, job: JobPlan) -> None:
    """Add reading every record of the training split, including images, as trainings do when they start."""
    size = context.detection
    job.cpu(size.count("train") * size.mean_kb / 1000 / context.ask(Disk()).mb_per_s)


def write_boxes(job: JobPlan, stored_mb: float) -> None:
    """Add boxes that are held in memory and written."""
    job.memory_mb["boxes"] = WRITING * stored_mb
    job.disk_mb += stored_mb


def propose_regions(context: Context, job: JobPlan, settings: d.ProposeRegions) -> Words:
    """Selective search once on every image."""
    size, rate = context.detection, searched(context, search_of(context))
    each = size.images / settings.parts
    context.prepare(job, each * (context.decode_s(size) + rate.seconds))
    job.memory_mb["selective search"] = SEARCH_MB + SEARCH_MB_PER_MPX * size.width * size.height / 1e6
    write_boxes(job, each * rate.boxes * BOX_BYTES / 1e6)
    return "1 of all images", f"{size.images:,} images, {rate.boxes:,.0f} boxes each"


def add_training(
    context: Context, job: JobPlan, network: NetworkShape, step: LoadedStepRate, steps: int, seen: int
) -> None:
    """Add the steps of a training that sees `seen` images, or as many regions, each from its own image."""
    size, images = context.detection, context.detection.count("train")
    share = size.kept_share(images, context.execution.decoded_cache_mb)
    decoded = min(seen, images) + max(0, seen - images) * (1 - share)
    load_s = seen * step.load_s + decoded * context.decode_s(size)
    context.run(job, steps * step.seconds, load_s)
    context.network_memory(job, network, True, step.kept_mb)
    context.loader_memory(job, min(seen, images) * share * size.decoded_mb)
    job.disk_mb += weights_mb(network)


def train_multibox(context: Context, job: JobPlan, settings: d.TrainMultibox) -> Words:
    """Steps, each on a batch of images."""
    size, network = context.detection, context.member(settings.init_from)
    asked = rates.MultiboxStep.of(settings, network=network, compute=context.compute, image=size.image)
    step, steps = context.ask(asked), settings.epochs * settings.batches_per_epoch
    seen = steps * settings.batch_size
    read_records(context, job)
    add_training(context, job, network, step, steps, seen)
    return f"{seen / size.count('train'):.1f} of the training images", f"{steps:,} steps"


def merge_proposals(context: Context, job: JobPlan, settings: d.MergeProposals) -> Words:
    """MultiBox once on every image, and merging its boxes with those of selective search."""
    size, (merge_s, boxes), multibox = context.detection, merged(context), context.of(d.TrainMultibox)
    each = size.images / settings.parts
    if multibox.enabled:
        network = context.member(multibox.init_from)
        best = {"multibox_boxes": settings.multibox_boxes, "multibox_nms_iou": settings.multibox_nms_iou}
        asked = rates.MultiboxBoxes.of(multibox, network=network, compute=context.compute, image=size.image, **best)
        job.cpu(each * context.decode_s(size))
        context.run(job, each * context.ask(asked).seconds)
        # One image at a time needs no more buffers than an empty job.
        context.network_memory(job, network, False, forward_mb(network, 1), kernels_mb=0)
    job.cpu(each * merge_s)
    write_boxes(job, each * boxes * (BOX_BYTES + 4) / 1e6)
    return "1 of all images", f"{size.images:,} images, {boxes:,.0f} boxes each"


def study_proposals(context: Context, job: JobPlan, settings: d.StudyProposals) -> Words:
    """Selective search once more, at another scale, on some test images."""
    size, compare = context.detection, settings.compare
    search = replaced(settings.search, superpixel_scale=compare.superpixel_scale)
    wanted = min(size.count("test"), compare.images)
    read_records(context, job)
    job.cpu(STUDY_S + wanted * (context.decode_s(size) + searched(context, search).seconds))
    job.memory_mb["scikit-learn"] = STUDY_MB
    job.memory_mb["objects of the training images"] = size.count("train") * TRUTH_BYTES / 1e6
    return "", f"{wanted:,} images"


def network_of(context: Context, job: JobPlan) -> NetworkShape:
    """The network of a job's detector, with an extra output for background."""
    return context.member(context.experiment.detectors[job.name].init_from, context.detection.classes + 1)


def region_s(context: Context, network: NetworkShape, batch_size: int, mirrored: bool = False) -> float:
    """Seconds per region in a forward pass."""
    settings, image = context.of(d.ScoreRegions), context.detection.image
    view = {"batch_size": batch_size, "mirrored": mirrored, "image": image}
    boxes = min(batch_size, round(merged(context)[1]))
    asked = rates.RegionScore.of(settings, network=network, compute=context.compute, boxes=boxes, **view)
    return context.ask(asked).seconds


def label_all(context: Context, job: JobPlan, region_bytes: int) -> None:
    """Add labelling the proposals of all training images, and the memory for them."""
    images, (_, boxes) = context.detection.count("train"), merged(context)
    job.cpu(images * context.ask(rates.RegionLabels(boxes=round(boxes))).seconds)
    job.memory_mb["regions of all training images"] = images * (boxes * region_bytes + TRUTH_BYTES) / 1e6


def train_detector(context: Context, job: JobPlan, settings: d.TrainDetector) -> Words:
    """Steps, each on a batch of regions, every region from its own image."""
    size, network, batch = context.detection, network_of(context, job), settings.positives + settings.negatives
    steps = settings.epochs * settings.batches_per_epoch
    step = context.ask(rates.DetectorStep.of(settings, network=network, compute=context.compute, image=size.image))
    read_records(context, job)
    label_all(context, job, REGION_BYTES)
    add_training(context, job, network, step, steps, steps * batch)
    if settings.hard_negatives.enabled:
        context.run(job, settings.epochs * settings.hard_negatives.scored * region_s(context, network, batch))
        job.memory_mb["order of the background"] = size.count("train") * merged(context)[1] * ORDER_BYTES / 1e6
    return f"{steps * batch:,} regions drawn a job", f"{steps:,} steps a job"


def fit_region_heads(context: Context, job: JobPlan, settings: d.FitRegionHeads) -> Words:
    """A sample of training regions, seen once, and the fits to it, which are not timed."""
    network, batch = network_of(context, job), settings.batch_size
    regions = settings.objects + settings.positives + settings.negatives
    read_records(context, job)
    label_all(context, job, CHOSEN_BYTES)
    context.run(job, regions * region_s(context, network, batch))
    job.cpu(FIT_S * min(1.0, regions / FITTED_REGIONS))
    context.network_memory(job, network, False, forward_mb(network, batch))
    vector = LAST_CHANNELS * network.architecture.width * (2 + settings.bbox_regression.grid**2) * 4
    job.memory_mb["vectors and maps of the sample"] = VECTOR_COPIES * regions * vector / 1e6
    return "", f"{regions:,} regions at most; the fits are not timed"


def score_regions(context: Context, job: JobPlan, settings: d.ScoreRegions) -> Words:
    """Every proposal of the test images once, or twice if mirrored; boxes are written if they are regressed."""
    size, (_, boxes), test = context.detection, merged(context), context.detection.count("test")
    network, batch = network_of(context, job), settings.batch_size
    lists = by_prefix(settings.switches, settings.compare).values()
    scored_s = region_s(context, network, batch, any("mirror" in switches for switches in lists))
    job.cpu(test * context.decode_s(size))
    context.run(job, test * boxes * scored_s)
    context.network_memory(job, network, False, forward_mb(network, batch))
    regressed = sum("bbox_regression" in switches for switches in lists)
    region_bytes = 4 * (1 + size.classes) * len(lists) + 16 * size.classes * regressed
    arrays = test * boxes * region_bytes / 1e6
    job.memory_mb["scores, while they are kept"] = WRITING * min(arrays, PIECE_MB)
    job.disk_mb += arrays
    return f"{boxes:,.0f} regions an image", f"{test * boxes:,.0f} regions a job"


def evaluate_detection(context: Context, job: JobPlan, settings: d.EvaluateDetection) -> Words:
    """Suppression, evaluation and resampling for every detector and for all together, under every list of switches."""
    size, count, boxes = context.detection, len(context.experiment.detectors), ceil(merged(context)[1])
    alone = replaced(settings, switches=(), compare=())
    asked = rates.DetectionEvaluation(detectors=count, classes=size.classes, boxes=boxes, stage=alone)
    rate, test, lists = context.ask(asked), size.count("test"), 1 + len(settings.compare)
    job.cpu(lists * (rate.fixed_s + test * rate.seconds))
    ratings = lists * (count + 1)
    job.memory_mb["working arrays"] = RATING_MB
    job.memory_mb["detections of all detectors"] = ratings * test * settings.max_per_image * DETECTION_BYTES / 1e6
    job.memory_mb["bootstrap resamples"] = DRAWS * settings.resamples * test * 8 / 1e6
    return "1 of the test images", f"{ratings:,} ratings"
