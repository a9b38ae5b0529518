"""Caption and alternative text of every figure, by name, which is also that of its function and file."""

from collections.abc import Mapping

from googlenet.report.parts import Figure

BOXES = "Test images with boxes: ground truth dashed, right detections green, wrong ones red, with class and score."
CAPTIONS: dict[str, tuple[str, str]] = {
    "training_curves": (
        "Training loss and validation error of each member, over the images that it has seen.",
        "Two line charts, one line for each member: training loss, and validation top-1 error, over images seen.",
    ),
    "member_errors": (
        "Each member alone, by the number of crops, and below the line all members together.",
        "A row of dots for each member and the ensemble: test error, a dot for each number of crops.",
    ),
    "crops_144": (
        "The distinct crops of one image, drawn to scale: the image grows from left to right, the crop does not. Each "
        "row is a square; the image outside it is faded. Outlines are drawn slightly inside their edges, to keep "
        "neighbours apart.",
        "A grid of the same image: a column for each scale, a row for each square, with the crops outlined.",
    ),
    "error_by_models_and_crops": (
        "Test error over the number of models averaged: the line is the mean over all subsets of that many members, "
        "the band spans the best to the worst subset. The paper's top-5 errors on ILSVRC: one model 10.07, 9.15 and "
        "7.89 % at 1, 10 and 144 crops; seven models 8.09, 7.62 and 6.67 %.",
        "Lines of test error over the number of models, one for each number of crops, with bands.",
    ),
    "error_by_class": (
        "Top-1 error of all members together, with the most crops, by class, worst first; at most 30 classes are shown.",
        "Bars of top-1 error by class.",
    ),
    "error_over_crops": (
        "Error over the number of crops, on the images whose crops were kept one by one. Best crops: chosen one after "
        "the other on validation images. The band around them is the interval over test images; the grey band is the "
        "middle half of the random subsets, which is not an interval.",
        "Charts of error over the number of crops on a logarithmic axis, for one model and for all: random crops, "
        "the best crops, and a diamond for each of the paper's numbers of crops.",
    ),
    "error_over_zoom": (
        "One model's error on the test crops of each scale and kind alone, with its interval, over how large they show the "
        "image: 1 is the median training crop.",
        "Points with error bars: error alone over zoom, for centre crops and corners of each scale and for whole squares, "
        "with a band for the middle half of training crops.",
    ),
    "reliability": (
        "Above: the share of correct predictions in each bin of the probability of the first class. A point's area "
        "grows with its number of predictions; below the diagonal the network is overconfident. Bins of fewer than "
        "five predictions have no point. Below: the share of predictions in each bin. One model: the members' "
        "predictions pooled.",
        "Charts, for one model and for all, of the share correct over the probability, with the diagonal of "
        "perfect calibration, and bars of the share of predictions in each bin.",
    ),
    "cost_by_layer": (
        "Weights and multiply-adds of each layer of the full network, as printed in Table 1 and as counted in ours. "
        "The printed conv1 row is far below what its 7 by 7 kernel costs.",
        "Two charts of paired bars by layer: weights and multiply-adds, printed and ours.",
    ),
    "cost_of_networks": (
        "Left: parameters and multiply-adds of GoogLeNet, its alternatives and other networks, on logarithmic axes. "
        "Right: time of a forward pass relative to GoogLeNet's in the same turn; a bar is the median over the turns, "
        "its line the range.",
        "A scatter chart with a dot for each network: multiply-adds over parameters; and bars of forward time.",
    ),
    "images_rescued": (
        "Test images that some members get wrong and the average of all gets right: above each, its class; below, how "
        "many members are wrong on the fewest crops, with the class that most of them choose, then how many are wrong "
        "alone on the most crops, and the probability that all together give to the right class. Those that the most "
        "members get wrong come first.",
        "A grid of test images, each with its class, the wrong class that members choose, and who gets it right.",
    ),
    "images_mistaken": (
        "Test images that all members together get wrong on the most crops, the most confident mistake first: above "
        "each, its class; below, the class that it is taken for, and its own, with their probabilities.",
        "A grid of test images, each with its class and the class that it is taken for.",
    ),
    "confusion_matrix": (
        "Test images by class (rows) and by the class that all members together predict on the most crops (columns). "
        "Right predictions are grey. At most 20 classes, those with the most mistakes.",
        "A matrix of counts by class and predicted class, mistakes in colour.",
    ),
    "conv1_filters": (
        "The 7 by 7 filters of conv1 of one member, in colour: grey is zero, each filter is scaled by its own largest "
        "weight, and those with the largest weights come first.",
        "A grid of small coloured squares, one for each filter of the first convolution.",
    ),
    "unit_clusters": (
        "Left: correlations of the units of one module of a trained member, ordered by cluster; the strip above shows "
        "the branch that each unit comes from. The clusters were made on other images than these. Right: how the "
        "correlation falls with distance on the map, trained and untrained; and the branches that the clusters come "
        "from and feed, 1 being chance. Framed cells are beyond chance, with all cells tested together.",
        "A matrix of correlations in blocks, a strip of colours for the branches, curves of correlation over "
        "distance, and two tables of clusters by branches.",
    ),
    "detector_curves": (
        "Training loss and the share of training regions that each detector gets wrong.",
        "Two line charts, one line for each detector: training loss and training error over epochs.",
    ),
    "detections_best": (
        "The test images with the best F1 (twice the right detections over detections and objects); the first of "
        "those that tie. Shown are the ground truth and the ensemble's detections with at least the score in the "
        "legend.",
        BOXES,
    ),
    "detections_worst": (
        "The test images with the worst F1; the first of those that tie. A dashed box without a green one around it "
        "was missed at this score threshold.",
        BOXES,
    ),
    "error_types": (
        "Left: each class's highest-scoring detections, at most as many as it has objects, since no more can be right. "
        "Right: objects that no detection found at any score, in percent of the objects, by reason. "
        "The classes with the fewest right detections first, at most 20.",
        "Two charts of stacked bars by class: kinds of detections, and reasons for missed objects.",
    ),
    "precision_recall": (
        "Precision over recall of the ensemble (the largest precision at or beyond each recall), with the average "
        "precision of the class, best first; the mean over all classes is dashed. With more than twelve classes, "
        "twelve evenly spaced from the best to the worst are shown; the table has all.",
        "Small charts of precision over recall, one for each class, with the mean of all classes.",
    ),
    "average_precision_by_class": (
        "Average precision by class, lowest first: the ensemble, and each detector alone; at most 40 classes.",
        "Dots by class: average precision of the ensemble and of each detector.",
    ),
    "ablation_differences": (
        "Each row's difference from the reference in test error: the diamond is the mean over seeds, the bar its "
        "interval for other seeds and images, each dot one seed. To the right of the line the change makes it worse.",
        "A row for each ablation: a diamond with a horizontal bar and dots, around a line at zero.",
    ),
    "staleness": (
        "Updates of the parameter server's shards by staleness: how many updates came between the fetch of the weights "
        "that a gradient is of and its arrival. All seeds together.",
        "A histogram for each number of replicas: the share of updates over their staleness.",
    ),
    "coverage_by_class": (
        "Share of ground-truth objects that some proposal overlaps by at least one half, lowest first; at most 40 "
        "classes.",
        "Bars of coverage by class, with a line at the paper's coverage.",
    ),
    "coverage_by_boxes": (
        "Objects covered over the number of boxes taken from each image; the diamond marks where a source has no "
        "more. Selective search does not rank its boxes, so they are in random order; MultiBox's best come first, "
        "also when both are merged.",
        "Lines of coverage over boxes per image, on a logarithmic axis: selective search with superpixels of two "
        "sizes, MultiBox, fixed boxes, and both together.",
    ),
    "proposals": (
        "Boxes proposed on test images. Left: an evenly spaced sample of selective search's. Right: MultiBox's most "
        "confident.",
        "Test images twice, with objects dashed: boxes of selective search on the left, of MultiBox on the right.",
    ),
}

# Figures that show pixels of images or filters.
PHOTOGRAPHS = {"crops_144", "detections_best", "detections_worst", "proposals"}
PHOTOGRAPHS |= {"images_rescued", "images_mistaken", "conv1_filters"}


def captioned(figures: Mapping[str, bytes], *names: str) -> tuple[Figure, ...]:
    """Return those of the named figures that were made, with their captions."""
    return tuple(Figure(name, figures[name], *CAPTIONS[name], name in PHOTOGRAPHS) for name in names if name in figures)
