"""Caption and alternative text of every figure, by its name, which is that of its function and file."""

from collections.abc import Mapping

from googlenet.report.parts import Picture

CAPTIONS: dict[str, tuple[str, str]] = {
    "training_curves": (
        "Training loss and validation error of each member, over the images that it has seen.",
        "Two charts of lines, one for each member: training loss, and validation top-1 error, over images seen.",
    ),
    "member_errors": (
        "Each member alone, by the number of crops, and below the line all members together.",
        "A row of dots for each member and the ensemble: top-1 test error at one, ten and 144 crops.",
    ),
    "crops_144": (
        "The distinct crops of one image, drawn true to scale: the image grows from left to right, the "
        "crop does not. A row is a square, the picture outside of it is faded. Outlines are drawn a little "
        "inside their edges so that neighbours can be told apart.",
        "A grid of the same image: a column for each of the four scales, a row for each square, with six "
        "crops outlined.",
    ),
    "error_by_models_and_crops": (
        "Test error over the number of models averaged: the line is the mean over all subsets of that many "
        "members, the band reaches from the best subset to the worst. The paper's top-5 errors on ILSVRC: "
        "one model 10.07, 9.15 and 7.89 % at 1, 10 and 144 crops; seven models 8.09, 7.62 and 6.67 %.",
        "Three lines that fall with the number of models, one for each number of crops, with bands.",
    ),
    "error_by_class": (
        "Top-1 error of the ensemble at its most crops by class, worst first; at most 30 classes are shown.",
        "Bars of top-1 error by class.",
    ),
    "error_over_crops": (
        "Error over the number of crops, on the images whose crops were kept one by one. Best crops: chosen one after the "
        "other on validation images. The band around them is the interval over test images; in the grey one lies the "
        "middle half of the random subsets, which is no interval.",
        "Two charts of error over the number of crops on a logarithmic axis, for one model and for all: random crops, the "
        "best crops, and three diamonds for the paper's 1, 10 and 144 crops.",
    ),
    "reliability": (
        "Above: in each bin of the probability of the first class, the share of predictions that is right; a point's area "
        "grows with the predictions in it, and below the line the network is surer than it should be. Bins of "
        "fewer than five predictions have no point. Below: how many predictions lie in each bin. One model: the members' predictions together.",
        "Two charts, for one model and for all, of the share right over the probability, with the diagonal of perfect "
        "calibration, and bars of the share of predictions in each bin.",
    ),
    "cost_by_layer": (
        "Weights and multiply-adds of each layer of the full network, as printed in Table 1 and as counted "
        "in ours. The print's conv1 row is far below what its 7 by 7 kernel costs.",
        "Two charts of paired bars by layer: weights and multiply-adds, printed and ours.",
    ),
    "cost_of_networks": (
        "Left: parameters and multiply-adds of GoogLeNet, of its alternatives and of other networks, both axes "
        "logarithmic. Right: time of a forward pass in relation to GoogLeNet's in the same turn; a bar is the "
        "median of the turns, its line reaches from the least to the greatest.",
        "A chart of dots, one for each network: multiply-adds over parameters; and bars of forward time.",
    ),
    "unit_clusters": (
        "Left: correlations of the units of one module of a trained member, ordered by their clusters, with the "
        "branch that each unit comes out of in the strip above. Clusters were made on other images than these. "
        "Right: how the correlation falls with the distance on the map, trained and untrained; and the branches that "
        "the clusters come out of and feed, 1 being chance. Framed cells are beyond chance, all cells together.",
        "A matrix of correlations in blocks, a strip of colours for the branches, curves of correlation over "
        "distance, and two tables of clusters by branches.",
    ),
    "detector_curves": (
        "Training loss and the share of training regions that each detector gets wrong.",
        "Two charts of lines, one for each detector: training loss and training error over epochs.",
    ),
    "detections_best": (
        "The test images with the best F1 (twice the right detections over detections and objects), of equal ones the "
        "first: the ground truth, and the ensemble's detections from the score in the legend on.",
        "Test images with boxes: ground truth dashed, right detections green, wrong ones red, with class and score.",
    ),
    "detections_worst": (
        "The test images with the worst F1, of equal ones the first. A dashed box without a green one around it was not "
        "found from this score on.",
        "Test images with boxes: ground truth dashed, right detections green, wrong ones red, with class and score.",
    ),
    "error_types": (
        "Left: what each class's surest detections are, as many as it has objects; were all right, the class would be "
        "found whole. Right: objects that no detection found at any score, in percent of the objects, by the reason. "
        "The classes with the fewest right detections first, at most 20.",
        "Two charts of stacked bars by class: kinds of detections, and reasons of missed objects.",
    ),
    "precision_recall": (
        "Precision over recall of the ensemble (the largest precision at or beyond each recall), with the average "
        "precision of the class, the best first; the mean over all classes is dashed. Of more than twelve classes, twelve "
        "evenly from the best to the worst; all are in the table.",
        "Small charts of precision over recall, one for each class, with the mean of all classes.",
    ),
    "average_precision_by_class": (
        "Average precision by class, lowest first: the ensemble, and each detector alone; at most 40 classes.",
        "Dots by class: average precision of the ensemble and of each detector.",
    ),
    "ablation_differences": (
        "Difference of each row to the reference in error on test: the diamond is the mean over seeds, the bar its interval for "
        "other seeds and pictures, each dot one seed. Right of the line the change makes it worse.",
        "A row for each ablation: a diamond with a horizontal bar and dots, around a line at zero.",
    ),
    "coverage_by_class": (
        "Share of ground-truth objects that some proposal overlaps by at least one half, lowest first; at most 40 classes.",
        "Bars of coverage by class, with a line at the paper's coverage.",
    ),
    "coverage_by_boxes": (
        "Objects covered over the number of boxes taken of each image; the diamond is where a source has no more. Selective "
        "search does not rank its boxes, so they are in random order; MultiBox's best come first, in both kinds together too.",
        "Lines of coverage over boxes an image, on a logarithmic axis: selective search with superpixels of two sizes, "
        "MultiBox, fixed boxes, and both together.",
    ),
    "proposals": (
        "Boxes proposed on test images. Left: some of selective search's, drawn evenly from all. Right: MultiBox's surest.",
        "Test images twice, with objects dashed: boxes of selective search on the left, of MultiBox on the right.",
    ),
}


def captioned(figures: Mapping[str, bytes], *names: str) -> tuple[Picture, ...]:
    """Return those of the named figures that were made, with their captions."""
    return tuple(Picture(name, figures[name], *CAPTIONS[name]) for name in names if name in figures)
