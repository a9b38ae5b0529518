"""A project in a test's folder whose smoke experiment has small untrained networks as its results."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from classification import tiny
from conf_copy import copied
from data.datasets import manifest_of, write_manifest
from detection import tiny_multibox
from googlenet.config.schema.classification import PredictCrops
from googlenet.data.records import Record
from googlenet.data.store import write_shard
from googlenet.detection import multibox
from googlenet.models import bundle
from googlenet.pipeline.experiment import Job, experiment
from googlenet.pipeline.job import Job as PipelineJob
from googlenet.pipeline.registry import SETTINGS
from googlenet.stages import merge_proposals, predict_crops, propose_regions, score_regions
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


def project(root: Path, px: int = 32, splits: tuple[str, ...] = ("test",)) -> list[Path]:
    """Make it, and return the images of its test split, which the other splits have, too. px: the networks' input;
    OpenVINO takes 64, not 32."""
    copied(root)
    (root / "params.yaml").write_text("experiment: smoke\n")
    images = put_images(root / "images")
    data = root / "data/classification/digits_tiny"
    records = [Record(path.name, path.read_bytes(), *size, 0) for path, size in zip(images, SIZES, strict=True)]
    shards = {split: [write_shard(data / f"{split}-00000.arrow", records)] for split in splits}
    write_manifest(data, manifest_of(shards, CLASSES))
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


SCENES = [(80, 60), (60, 80), (96, 64)]


def scenes_project(root: Path, switches: str = "", engine: str = "eager", px: int = 32) -> list[Path]:
    """Make one whose results are a MultiBox and two detectors, and return the scenes of its test split."""
    if not (root / "conf").exists():  # it may have members, too
        copied(root)
    scoring = f"score_regions: {{switches: [{switches}], compare: []}}"
    (root / "params.yaml").write_text(
        f"experiment: smoke\noverrides: {{compute: {{engine: {engine}, precision: fp32}}, {scoring}}}\n"
    )
    objects = tiny_multibox.scenes(3, seed=1)[1]
    paths = []
    for number, (size, noise) in enumerate(zip(SCENES, tiny.images(SCENES, seed=5), strict=True)):
        pixels = cv2.resize(cv2.resize(noise, (8, 6)), size)  # blurred: a few regions
        paths.append(root / f"scenes/{number + 1:012d}.png")
        paths[-1].parent.mkdir(exist_ok=True)
        paths[-1].write_bytes(png(pixels))
    data = root / "data/detection/digits_tiny"
    records = [Record(path.name, path.read_bytes(), *size) for path, size in zip(paths, SCENES, strict=True)]
    few = {"train": records[:1], "validation": records[:1], "test": records}
    shards = {split: [write_shard(data / f"{split}-00000.arrow", rows)] for split, rows in few.items()}
    write_manifest(data, manifest_of(shards, CLASSES))
    results = root / "results/smoke"
    multibox.save(results / "train_multibox/weights.safetensors", tiny_multibox.begun("grid", "4a", objects), "a stamp")
    for seed, name in enumerate(("d1", "d2")):
        network = tiny.network(replace(spec(input_px=px), classes=("background", *CLASSES)), seed)
        bundle.save(results / f"train_detector/{name}/weights.safetensors", network, "a stamp")
    return paths


def run_detection(root: Path) -> None:
    """Run the stages from the proposals to the scores, for all parts and detectors."""
    composed, results = experiment(root), root / "results/smoke"
    manifest = root / "data/detection/digits_tiny/manifest.json"

    def job(stage: str, name: str) -> PipelineJob:
        return stage_job(stage, composed.settings(Job(stage, name), SETTINGS[stage]))

    merged = []
    for part in composed.parts:
        searched, folder = (
            results / f"propose_regions/{part}/proposals.safetensors",
            results / f"merge_proposals/{part}",
        )
        outputs = {"proposals": searched, "metrics": searched.with_name("metrics.json")}
        propose_regions.run(job("propose_regions", part), manifest=manifest, **outputs)
        merged.append(folder / "proposals.safetensors")
        merge_proposals.run(
            job("merge_proposals", part),
            manifest=manifest,
            searched=searched,
            weights=[results / "train_multibox/weights.safetensors"],
            proposals=merged[-1],
            metrics=folder / "metrics.json",
        )
    for name in composed.detectors:
        score_regions.run(
            job("score_regions", name),
            manifest=manifest,
            proposals=merged,
            weights=results / f"train_detector/{name}/weights.safetensors",
            heads=[],
            scores=results / f"score_regions/{name}/scores.safetensors",
        )
