"""A project in a test's folder whose smoke experiment has small untrained networks as its results."""

import os
from pathlib import Path

import cv2
import numpy as np

from classification import tiny
from conf_copy import copied
from data.datasets import manifest_of, write_manifest
from googlenet.config.schema.classification import PredictCrops
from googlenet.data.records import Record
from googlenet.data.store import write_shard
from googlenet.models import bundle
from googlenet.pipeline.experiment import Job, experiment
from googlenet.stages import predict_crops
from models.small import spec
from stage_jobs import stage_job

SIZES = [(40, 40), (36, 52), (64, 33), (48, 48)]
CLASSES = spec().classes
MEMBERS = ("m1", "m2", "m3")


def png(pixels: np.ndarray) -> bytes:
    """An image file of RGB pixels."""
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def put_images(folder: Path) -> list[Path]:
    """Files of four shapes, in the order of their names; the test split has the same bytes."""
    folder.mkdir(parents=True)
    paths = [folder / f"image {number}.png" for number in range(len(SIZES))]
    for path, pixels in zip(paths, tiny.images(SIZES), strict=True):
        path.write_bytes(png(pixels))
    return paths


def project(root: Path, px: int = 32) -> list[Path]:
    """Make it, and return the images of its test split. px: the networks' input; OpenVINO takes 64, not 32."""
    copied(root)
    (root / "params.yaml").write_text("experiment: smoke\n")
    images = put_images(root / "images")
    data = root / "data/classification/digits_tiny"
    records = [Record(path.name, path.read_bytes(), *size, 0) for path, size in zip(images, SIZES, strict=True)]
    write_manifest(data, manifest_of({"test": [write_shard(data / "test-00000.arrow", records)]}, CLASSES))
    for seed, member in enumerate(MEMBERS):
        bundle.save(weights(root, member), tiny.network(spec(input_px=px), seed), "a stamp")
    return images


def weights(root: Path, member: str) -> Path:
    """The weights of a member."""
    return root / f"results/smoke/train_classifier/{member}/weights.safetensors"


def run_stage(root: Path, member: str) -> Path:
    """Run predict_crops for a member, and return its predictions."""
    folder = root / "results/smoke/predict_crops" / member
    settings = experiment(root).settings(Job("predict_crops", member), PredictCrops)
    before = Path.cwd()
    os.chdir(root)
    try:
        predict_crops.run(
            stage_job("predict_crops", settings),
            manifest=root / "data/classification/digits_tiny/manifest.json",
            weights=weights(root, member),
            predictions=folder / "predictions.safetensors",
            crops=folder / "crops.safetensors",
        )
    finally:
        os.chdir(before)
    return folder / "predictions.safetensors"
