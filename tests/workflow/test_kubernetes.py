"""With the profile for Kubernetes, on a stand-in for the cluster: a pod that gives way, a job that is cancelled."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import kubectl_stand_in
from workflow.clones import (
    assert_nothing_to_do,
    copied,
    digests,
    environment,
    executed,
    install_plugin,
    jobs,
    snakemake,
)
from workflow.slurm_cluster import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.long]
WORDS = ("--profile", "workflow/profiles/kubernetes", "--seconds-between-status-checks", "1", "--retries", "0")
# With member m1, which is the reference of seed 1: three trainings.
PARAMS = """\
experiment: smoke
overrides:
  execution: {save_every_s: 0}
  ablations:
    seeds: [1, 2]
    rows:
      - {name: long, changes: {train_classifier: {epochs: 30}}, about: Long enough to be stopped}
"""
TRAININGS = jobs(train_ablation="long_1 long_2 reference_2")


@pytest.fixture
def variables(whole, clone, tmp_path):
    """The environment in which Snakemake finds the plugin, and kubectl with a cluster behind it."""
    install_plugin("kubernetes", tmp_path / "plugin")
    found = kubectl_stand_in.installed(tmp_path)
    path = f"{tmp_path / 'bin'}{os.pathsep}{environment(clone)['PATH']}"
    return found | {"PATH": path, "PYTHONPATH": f"{clone / 'src'}{os.pathsep}{tmp_path / 'plugin'}"}


def test_a_second_start_ends_in_the_same_bits(variables, clone, tmp_path):
    (clone / "params.yaml").write_text(PARAMS)
    undisturbed = copied(clone, tmp_path / "undisturbed")
    assert executed(snakemake(clone, *WORDS, "-n", "--", "ablations", **variables)) == TRAININGS | jobs(
        compare_ablations="all"
    )
    refused = ("--set-resources", "train_ablation:mem_mb=99000", "--", "ablations")
    assert "no node has 1 processors, 99000 MB, 0 GPUs" in snakemake(clone, *WORDS, *refused, code=1, **variables)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(snakemake, clone, *WORDS, "--", "ablations", code=1, **variables)
        alone = pool.submit(snakemake, undisturbed, "--cores", "1", "all", "ablations")
        for event in (
            pool.submit(change, clone, variables, "long-1", "evict"),
            pool.submit(change, clone, variables, "long-2", "delete", "job", "--wait=false", "--ignore-not-found"),
        ):
            event.result()
        output = first.result()
        alone.result()
    assert "is gone (kubectl get: Error from server (NotFound)" in output, output
    assert "resuming from" in log(clone, "long-1").read_text()  # Kubernetes replaced the pod
    assert executed(output) >= jobs(train_ablation="long_1 reference_2")
    output = snakemake(clone, *WORDS, "--", "all", "ablations", **variables)
    assert executed(output) == jobs(train_ablation="long_2", compare_ablations="all")
    assert "resuming from" in log(clone, "long-2").read_text()
    assert_nothing_to_do(clone, undisturbed, targets=("all", "ablations"))
    assert digests(clone) == digests(undisturbed)


def log(clone, name):
    """What a training says."""
    return clone / f"results/smoke/logs/train_ablation/{name.replace('-', '_')}.log"


def change(clone, variables, name, *words):
    """Once a training has done some epochs, do something to its Job."""
    path = log(clone, name)
    wait_for(lambda: path.is_file() and path.read_text().count("loss") > 3, name, clone.parent, 400)
    (job,) = (clone.parent / "jobs").glob(f"googlenet-train-ablation-{name}-*.json")
    subprocess.run(("kubectl", *words, job.stem), env=environment(clone) | variables, check=True)
