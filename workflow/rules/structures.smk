# The sparsity idea, a separate target: snakemake --cores N structures. Neither `all` nor the report needs it.


rule derive_structure:
    input:
        config=job_config("derive_structure"),
        manifest=prepared("classification"),
    output:
        metrics=result("structures/derive_structure/metrics.json"),
    log:
        job_log("derive_structure"),
    priority: STAGES["derive_structure"].priority  # the trainings wait for it
    threads: NUMERIC_THREADS
    resources:
        **needs("derive_structure"),
    shell:
        "python -m googlenet.stages.derive_structure --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule train_structure:
    input:
        config=job_config("train_structure"),
        manifest=prepared("classification"),
        structures=rules.derive_structure.output.metrics,
    output:
        outcomes=result("structures/train_structure/{structure}/outcomes.safetensors"),
        metrics=result("structures/train_structure/{structure}/metrics.json"),
    log:
        job_log("train_structure"),
    threads: training_threads("train_structure")
    resources:
        **needs("train_structure"),
    shell:
        "python -m googlenet.stages.train_structure --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --structures {input.structures:q} --outcomes {output.outcomes:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule compare_structures:
    input:
        config=job_config("compare_structures"),
        manifest=prepared("classification"),
        structures=rules.derive_structure.output.metrics,
        outcomes=expand(
            rules.train_structure.output.outcomes, structure=names("train_structure")
        ),
        trainings=expand(
            rules.train_structure.output.metrics, structure=names("train_structure")
        ),
    output:
        metrics=result("structures/compare_structures/metrics.json"),
        html=result("structures/compare_structures/structures.html"),
        markdown=result("structures/compare_structures/structures.md"),
    log:
        job_log("compare_structures"),
    threads: NUMERIC_THREADS
    resources:
        **needs("compare_structures"),
    shell:
        "python -m googlenet.stages.compare_structures --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --structures {input.structures:q} --outcomes {input.outcomes:q}"
        " --trainings {input.trainings:q} --metrics {output.metrics:q} --html {output.html:q}"
        " --markdown {output.markdown:q} > {log:q} 2>&1"
