# Detection: proposals of selective search and MultiBox, six detectors fine-tuned from members, mean average precision.


def weights_of(wildcards):
    """The weights of the member that a detector starts from."""
    return classifier(CURRENT.detectors[wildcards.detector].init_from)


rule propose_regions:
    input:
        config=job_config("propose_regions"),
        manifest=prepared("detection"),
    output:
        proposals=result("propose_regions/{part}/proposals.safetensors"),
        metrics=result("propose_regions/{part}/metrics.json"),
    log:
        job_log("propose_regions"),
    threads: PREPARE_THREADS
    resources:
        **needs("propose_regions"),
    shell:
        "python -m googlenet.stages.propose_regions --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --proposals {output.proposals:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule train_multibox:
    input:
        config=job_config("train_multibox"),
        manifest=prepared("detection"),
        weights=lambda wildcards: classifier(CURRENT.of(TrainMultibox).init_from),
    output:
        weights=result("train_multibox/weights.safetensors"),
        metrics=result("train_multibox/metrics.json"),
    log:
        job_log("train_multibox"),
    priority: STAGES["train_multibox"].priority  # every detector waits for it
    threads: LOADING_THREADS
    resources:
        **needs("train_multibox"),
    shell:
        "python -m googlenet.stages.train_multibox --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --classifier {input.weights:q} --weights {output.weights:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule merge_proposals:
    input:
        config=job_config("merge_proposals"),
        manifest=prepared("detection"),
        searched=rules.propose_regions.output.proposals,
        weights=rules.train_multibox.output.weights if names("train_multibox") else [],
    output:
        proposals=result("merge_proposals/{part}/proposals.safetensors"),
        metrics=result("merge_proposals/{part}/metrics.json"),
    log:
        job_log("merge_proposals"),
    threads: NUMERIC_THREADS
    resources:
        **needs("merge_proposals"),
    shell:
        "python -m googlenet.stages.merge_proposals --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --searched {input.searched:q} --weights {input.weights:q}"
        " --proposals {output.proposals:q} --metrics {output.metrics:q} > {log:q} 2>&1"


PROPOSALS = expand(
    rules.merge_proposals.output.proposals, part=names("merge_proposals")
)


rule study_proposals:
    input:
        config=job_config("study_proposals"),
        manifest=prepared("detection"),
        searched=expand(
            rules.propose_regions.output.proposals, part=names("propose_regions")
        ),
        merged=PROPOSALS,
    output:
        metrics=result("study_proposals/metrics.json"),
    log:
        job_log("study_proposals"),
    threads: NUMERIC_THREADS
    resources:
        **needs("study_proposals"),
    shell:
        "python -m googlenet.stages.study_proposals --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --searched {input.searched:q} --merged {input.merged:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule train_detector:
    input:
        config=job_config("train_detector"),
        manifest=prepared("detection"),
        proposals=PROPOSALS,
        weights=weights_of,
    output:
        weights=result("train_detector/{detector}/weights.safetensors"),
        metrics=result("train_detector/{detector}/metrics.json"),
    log:
        job_log("train_detector"),
    priority: STAGES["train_detector"].priority  # the longest jobs of this part
    threads: LOADING_THREADS
    resources:
        **needs("train_detector"),
    shell:
        "python -m googlenet.stages.train_detector --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --proposals {input.proposals:q} --classifier {input.weights:q}"
        " --weights {output.weights:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule fit_region_heads:
    input:
        config=job_config("fit_region_heads"),
        manifest=prepared("detection"),
        proposals=PROPOSALS,
        weights=rules.train_detector.output.weights,
    output:
        heads=result("fit_region_heads/{detector}/heads.safetensors"),
        metrics=result("fit_region_heads/{detector}/metrics.json"),
    log:
        job_log("fit_region_heads"),
    threads: NUMERIC_THREADS
    resources:
        **needs("fit_region_heads"),
    shell:
        "python -m googlenet.stages.fit_region_heads --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --proposals {input.proposals:q} --weights {input.weights:q}"
        " --heads {output.heads:q} --metrics {output.metrics:q} > {log:q} 2>&1"


def heads_of(wildcards):
    """The heads fitted on a detector; none if no switch needs them."""
    fitted = wildcards.detector in names("fit_region_heads")
    return expand(
        rules.fit_region_heads.output.heads,
        detector=[wildcards.detector] if fitted else [],
    )


rule score_regions:
    input:
        config=job_config("score_regions"),
        manifest=prepared("detection"),
        proposals=PROPOSALS,
        weights=rules.train_detector.output.weights,
        heads=heads_of,
    output:
        scores=result("score_regions/{detector}/scores.safetensors"),
    log:
        job_log("score_regions"),
    threads: NUMERIC_THREADS
    resources:
        **needs("score_regions"),
    shell:
        "python -m googlenet.stages.score_regions --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --proposals {input.proposals:q} --weights {input.weights:q}"
        " --heads {input.heads:q} --scores {output.scores:q} > {log:q} 2>&1"


rule evaluate_detection:
    input:
        config=job_config("evaluate_detection"),
        manifest=prepared("detection"),
        proposals=PROPOSALS,
        scores=expand(
            rules.score_regions.output.scores, detector=names("score_regions")
        ),
    output:
        metrics=report(
            result("evaluate_detection/metrics.json"),
            caption="../report/evaluate_detection.rst",
            category="Detection",
            labels={"what": "detectors"},
        ),
    log:
        job_log("evaluate_detection"),
    threads: NUMERIC_THREADS
    resources:
        **needs("evaluate_detection"),
    shell:
        "python -m googlenet.stages.evaluate_detection --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --proposals {input.proposals:q} --scores {input.scores:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"
