"""Caption and alternative text of every figure, by the name of its function and of its file."""

CAPTIONS: dict[str, tuple[str, str]] = {
    "training_curves": (
        "Training loss and validation error of each member, over the images that it has seen.",
        "Two charts of lines, one for each member: training loss, and validation top-1 error, over images "
        "seen.",
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
    "cost_by_layer": (
        "Weights and multiply-adds of each layer of the full network, as printed in Table 1 and as counted "
        "in ours. The print's conv1 row is far below what its 7 by 7 kernel costs.",
        "Two charts of paired bars by layer: weights and multiply-adds, printed and ours.",
    ),
    "detector_curves": (
        "Training loss and the share of training regions that each detector gets wrong.",
        "Two charts of lines, one for each detector: training loss and training error over epochs.",
    ),
    "detections": (
        "The first test images, chosen by their order and not by their result: ground truth and every "
        "detection with a score of at least 0.5.",
        "Test images with boxes: ground truth dashed, detections solid with class and score.",
    ),
    "precision_recall": (
        "Precision over recall of the ensemble (the largest precision at or beyond each recall): every "
        "class, the mean over classes, the best and the worst class.",
        "Curves of precision over recall, one for each class, with their mean.",
    ),
    "average_precision_by_class": (
        "Average precision by class, lowest first: the ensemble, and each detector alone; at most 40 "
        "classes.",
        "Dots by class: average precision of the ensemble and of each detector.",
    ),
    "coverage_by_class": (
        "Share of ground-truth objects that some proposal overlaps by at least one half, lowest first.",
        "Bars of coverage by class, with a line at the paper's 92 %.",
    ),
}
