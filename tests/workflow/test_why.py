"""The command `googlenet why` in a clone: what it prints, and its errors. The agreement tests what it says of each edit."""

import pytest

from workflow.clones import call, replace

pytestmark = [pytest.mark.engine, pytest.mark.long]
NMS = "conf/evaluate_detection.yaml"


def why(clone, *words, code=0):
    """What the command prints."""
    return call(clone, "googlenet", "why", *words, code=code).splitlines()


def test_why(clone):
    assert why(clone) == ["Nothing would run: no setting, code or input differs from what the results were made with."]
    replace(clone, NMS, r"nms_iou: .*", "nms_iou: 0.35")
    evaluation = "evaluate_detection: nms_iou is 0.35 (was 0.3)."
    assert why(clone) == [evaluation, "make_report: it reads what evaluate_detection will write again."]
    kept = "train_classifier/m1: would not run: nothing it depends on changed."
    assert why(clone, "evaluate_detection", "train_classifier/m1") == [evaluation, kept]
    (error,) = why(clone, "evaluate_detektion", code=1)
    assert error.startswith("error: evaluate_detektion: no stage or job of 'smoke'; did you mean 'evaluate_detection'?")
    replace(clone, NMS, r"nms_iou: .*", "nms_iou: many")
    (error,) = why(clone, code=1)
    assert error.startswith(f"error: {NMS}: ") and "nms_iou" in error
