"""Train MultiBox from a member of the classification ensemble."""

from googlenet.config.schema.detection import TrainMultibox
from googlenet.data.decoded import DecodedImages
from googlenet.data.ground_truth import with_sizes
from googlenet.data.store import open_split
from googlenet.detection import multibox
from googlenet.detection.multibox_train import prior_figures, priors_of, squeezed_boxes, train
from googlenet.metrics.proposals import MultiboxMetrics
from googlenet.models import bundle
from googlenet.pipeline.job import Input, Job, Output, main


def run(job: Job[TrainMultibox], *, manifest: Input, classifier: Input, weights: Output, metrics: Output) -> None:
    """Train on the training images, without model selection; save the averaged weights, with the priors."""
    settings, px = job.settings, job.settings.input_px
    start = bundle.load(classifier, job.runtime.device, settings.network)
    trunk, last = multibox.trunk_of(start.spec, px), settings.last
    split = open_split(manifest.parent, "train")
    truth, sizes = with_sizes(split, range(len(split)))
    boxes = squeezed_boxes(truth, sizes, px)
    cells = multibox.cells_of(trunk, last)
    priors = priors_of(boxes, settings.head, settings.priors, cells, px, settings.prior_seed)
    covered, share = prior_figures(priors, boxes, settings.match_iou)
    form = multibox.Form(trunk, last, settings.head, settings.head_channels, len(priors))
    model = multibox.start(form, start, priors, share, settings.init_seed).on(job.runtime.device)
    images = DecodedImages(split, job.execution.decoded_cache_mb)
    epochs = train(
        model, images, truth, settings, job.runtime, lambda row: job.log(row.to_json(), step=row.epoch), job.resume
    )
    multibox.save(weights, model, job.stamp)
    result = MultiboxMetrics(
        member=classifier.parent.name,
        head=form.head,
        last=last,
        cells=cells,
        priors=len(priors),
        priors_coverage_percent=covered,
        matched_share_percent=100 * share,
        images=len(split),
        parameters=sum(p.numel() for p in model.parameters()),
        epochs=epochs,
    )
    job.write_metrics(metrics, result)


if __name__ == "__main__":
    main(run)
