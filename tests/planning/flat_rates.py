"""Rates of an imaginary machine, round numbers all, so that a plan can be worked out by hand."""

from googlenet.planning.machine import Machine
from googlenet.planning.rates import Rates

MACHINE = Machine(cpu="Abacus", cores=4, memory_gb=16.0, gpu="", gpus=0, gpu_memory_gb=0.0)
GPUS = Machine(cpu="Abacus", cores=16, memory_gb=64.0, gpu="Loom", gpus=2, gpu_memory_gb=80.0)
VALUES = {
    "job": {"seconds": 4.0, "recorded_s": 2.0, "memory_mb": 800.0},
    "disk": {"mb_per_s": 1000.0},
    "pack": {"seconds": 0.01},
    "decode": {"seconds": 0.001},
    "crop": {"seconds": 0.002},
    "train_classifier": {"seconds": 0.5, "kept_mb": 100.0},
    "forward": {"seconds": 0.01},
    "cut_crops": {"seconds": 0.004},
    "evaluate_ensemble": {"seconds": 0.0, "fixed_s": 1.0},
    "study_crops": {"seconds": 0.1, "fixed_s": 1.0},
    "search": {"seconds": 2.0, "boxes": 180.0},
    "train_multibox": {"seconds": 0.5, "kept_mb": 50.0, "load_s": 0.001},
    "multibox": {"seconds": 0.1},
    "merge": {"seconds": 0.01, "kept_share": 0.5},
    "train_detector": {"seconds": 0.5, "kept_mb": 100.0, "load_s": 0.003},
    "score_regions": {"seconds": 0.01},
    "label_regions": {"seconds": 0.001},
    "evaluate_detection": {"seconds": 0.2, "fixed_s": 1.0},
}


def rates():
    """Rates that know all of it, whatever they depend on."""
    return Rates({}, lambda asked: asked.gives(**VALUES[asked.name]))
