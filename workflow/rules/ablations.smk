# Ablations, a separate target: snakemake --cores N ablations. Neither `all` nor the report needs them.


def ablation_inputs(leaf):
    """The files with this name of all trainings that the table uses, members' trainings included."""
    folders = {
        "train_classifier": "train_classifier",
        "train_ablation": "ablations/train_ablation",
    }
    sources = sorted(set(CURRENT.ablation_sources.values()))
    return [result(f"{folders[stage]}/{name}/{leaf}") for stage, name in sources]


rule train_ablation:
    input:
        config=job_config("train_ablation"),
        manifest=prepared("classification"),
    output:
        outcomes=result("ablations/train_ablation/{variant}/outcomes.safetensors"),
        metrics=result("ablations/train_ablation/{variant}/metrics.json"),
    log:
        job_log("train_ablation"),
    threads: training_threads("train_ablation")
    resources:
        **needs("train_ablation"),
    shell:
        "python -m googlenet.stages.train_ablation --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --outcomes {output.outcomes:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule compare_ablations:
    input:
        config=job_config("compare_ablations"),
        manifest=prepared("classification"),
        outcomes=ablation_inputs("outcomes.safetensors"),
        trainings=ablation_inputs("metrics.json"),
    output:
        metrics=result("ablations/compare_ablations/metrics.json"),
        html=result("ablations/compare_ablations/ablations.html"),
        markdown=result("ablations/compare_ablations/ablations.md"),
    log:
        job_log("compare_ablations"),
    threads: NUMERIC_THREADS
    resources:
        **needs("compare_ablations"),
    shell:
        "python -m googlenet.stages.compare_ablations --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --outcomes {input.outcomes:q} --trainings {input.trainings:q}"
        " --metrics {output.metrics:q} --html {output.html:q} --markdown {output.markdown:q} > {log:q} 2>&1"
