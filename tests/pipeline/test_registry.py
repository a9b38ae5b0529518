"""The registry: rules, modules, conf files and rows have one name, and a new stage is one of each and nothing else."""

import re

import pytest

from conf_copy import ROOT
from googlenet.pipeline.registry import ROWS, STAGES
from workflow.clones import append, build, call, executed, jobs, snakemake

RULE = """

rule count_images:
    input:
        config=job_config("count_images"),
        manifest=prepared("classification"),
    output:
        metrics=result("count_images/metrics.json"),
    log:
        job_log("count_images"),
    threads: NUMERIC_THREADS
    shell:
        "python -m googlenet.stages.count_images --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --metrics {output.metrics:q} > {log:q} 2>&1"
"""
MODULE = '''"""Count the images of one split."""

from googlenet.config.schema.classification import CountImages
from googlenet.metrics.base import StageMetrics
from googlenet.metrics.data import read_manifest
from googlenet.pipeline.job import Input, Job, Output, main


class ImageCount(StageMetrics):
    """How many images a split has."""

    images: int


def run(job: Job[CountImages], *, manifest: Input, metrics: Output) -> None:
    """Count them."""
    job.write_metrics(metrics, ImageCount(images=read_manifest(manifest).splits[job.settings.split].records))


if __name__ == "__main__":
    main(run)
'''
SCHEMA = '''

class CountImages(StageSettings):
    """How many images a split has."""

    split: Split = Field(description="Which one")
'''


def test_rule_module_and_configuration_have_one_name():
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    names = sorted(STAGES)
    assert sorted(re.findall(r"^rule (\w+):", rules, re.MULTILINE)) == names
    assert sorted(re.findall(r"-m googlenet\.stages\.(\w+)", rules)) == names
    modules = {path.stem for path in (ROOT / "src/googlenet/stages").glob("*.py")} - {"__init__"}
    assert modules == set(names)
    for row in ROWS:
        head = (ROOT / "conf" / f"{row.name}.yaml").read_text().splitlines()[0]
        assert head == f"# @package {row.name}"
        body = re.search(rf"^rule {row.name}:(.*?)(?=^rule |\Z)", rules, re.MULTILINE | re.DOTALL)[1]
        assert f'job_config("{row.name}")' in body and f"-m googlenet.stages.{row.name} " in body
        assert f'needs("{row.name}")' in body
        assert (f'STAGES["{row.name}"].priority' in body) == bool(row.priority)
        if row.per:
            assert f"{row.name}/{{{row.per}}}/" in body


@pytest.mark.engine
@pytest.mark.long
def test_a_stage_more_is_a_rule_a_module_a_conf_file_with_its_class_and_a_row(tmp_path):
    """In a copy of the repository; what lists stages there, lists it: the workflow, dvc.yaml, the planner, the reference."""
    copy = build(tmp_path / "copy")
    append(copy, "workflow/rules/classification.smk", RULE)
    (copy / "src/googlenet/stages/count_images.py").write_text(MODULE)
    (copy / "conf/count_images.yaml").write_text("# @package count_images\nsplit: test\n")
    append(copy, "src/googlenet/config/schema/classification.py", SCHEMA)
    registry = copy / "src/googlenet/pipeline/registry.py"
    text = registry.read_text()
    row = '    Stage("count_images", c.CountImages, None, "classification"),\n'
    registry.write_text(text.replace(")  # fmt: skip\nSTAGES", f"{row})  # fmt: skip\nSTAGES"))

    output = snakemake(copy, "--cores", "2", "--", "stage_count_images")
    assert executed(output) == jobs(prepare_classification="all", count_images="all")
    assert '"images": 120' in (copy / "results/smoke/count_images/metrics.json").read_text()
    assert executed(snakemake(copy, "-n", "--", "stage_count_images")) == set()
    call(copy, "python", "workflow/dvc_stages.py", "write")
    assert "stage_count_images" in (copy / "dvc.yaml").read_text()
    call(copy, "python", "-m", "googlenet", "settings", "write")
    assert "## `count_images`" in (copy / "docs/configuration.md").read_text()
    assert "count_images" in call(
        copy, "python", "-m", "googlenet", "plan", "--experiment", "demo", "--machine", "epyc-2core"
    )
