# Classification: seven members, trained or imported, their predictions on 144 crops, the ensemble, a study of crops.


rule train_classifier:
    input:
        config=job_config("train_classifier"),
        manifest=prepared("classification"),
    output:
        weights=result("train_classifier/{member}/weights.safetensors"),
        outcomes=result("train_classifier/{member}/outcomes.safetensors"),
        metrics=report(
            result("train_classifier/{member}/metrics.json"),
            caption="../report/train_classifier.rst",
            category="Classification",
            labels={"what": "training", "member": "{member}"},
        ),
    log:
        job_log("train_classifier"),
    priority: STAGES["train_classifier"].priority  # the longest jobs, which most others wait for
    threads: training_threads("train_classifier")
    resources:
        **needs("train_classifier"),
    shell:
        "python -m googlenet.stages.train_classifier --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --weights {output.weights:q} --outcomes {output.outcomes:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule import_weights:
    input:
        config=job_config("import_weights"),
    output:
        weights=result("import_weights/{member}/weights.safetensors"),
        metrics=result("import_weights/{member}/metrics.json"),
    log:
        job_log("import_weights"),
    threads: NUMERIC_THREADS
    resources:
        **needs("import_weights"),
    shell:
        "python -m googlenet.stages.import_weights --config {input.config:q} --threads {threads}"
        " --weights {output.weights:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule predict_crops:
    input:
        config=job_config("predict_crops"),
        manifest=prepared("classification"),
        weights=lambda wildcards: classifier(wildcards.member),
    output:
        predictions=result("predict_crops/{member}/predictions.safetensors"),
        crops=result("predict_crops/{member}/crops.safetensors"),
    log:
        job_log("predict_crops"),
    threads: LOADING_THREADS
    resources:
        **needs("predict_crops"),
    shell:
        "python -m googlenet.stages.predict_crops --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --weights {input.weights:q} --predictions {output.predictions:q}"
        " --crops {output.crops:q} > {log:q} 2>&1"


rule train_baseline:
    input:
        config=job_config("train_baseline"),
        manifest=prepared("classification"),
    output:
        metrics=result("train_baseline/metrics.json"),
    log:
        job_log("train_baseline"),
    threads: NUMERIC_THREADS
    resources:
        **needs("train_baseline"),
    shell:
        "python -m googlenet.stages.train_baseline --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --metrics {output.metrics:q} > {log:q} 2>&1"


def analysed_weights(wildcards):
    """The weights of the member whose units are analysed."""
    return classifier(CURRENT.analysed_member)


rule analyse_units:
    input:
        config=job_config("analyse_units"),
        manifest=prepared("classification"),
        weights=analysed_weights,
    output:
        metrics=result("analyse_units/metrics.json"),
    log:
        job_log("analyse_units"),
    threads: NUMERIC_THREADS
    resources:
        **needs("analyse_units"),
    shell:
        "python -m googlenet.stages.analyse_units --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --weights {input.weights:q} --metrics {output.metrics:q} > {log:q} 2>&1"


rule evaluate_ensemble:
    input:
        config=job_config("evaluate_ensemble"),
        manifest=prepared("classification"),
        predictions=expand(
            rules.predict_crops.output.predictions, member=names("predict_crops")
        ),
        baseline=outputs("train_baseline"),
    output:
        metrics=report(
            result("evaluate_ensemble/metrics.json"),
            caption="../report/evaluate_ensemble.rst",
            category="Classification",
            labels={"what": "ensemble", "member": "all"},
        ),
    log:
        job_log("evaluate_ensemble"),
    threads: NUMERIC_THREADS
    resources:
        **needs("evaluate_ensemble"),
    shell:
        "python -m googlenet.stages.evaluate_ensemble --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --predictions {input.predictions:q} --baseline {input.baseline:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule study_crops:
    input:
        config=job_config("study_crops"),
        manifest=prepared("classification"),
        crops=expand(rules.predict_crops.output.crops, member=names("predict_crops")),
    output:
        metrics=report(
            result("study_crops/metrics.json"),
            caption="../report/study_crops.rst",
            category="Classification",
            labels={"what": "study of crops", "member": "all"},
        ),
    log:
        job_log("study_crops"),
    threads: NUMERIC_THREADS
    resources:
        **needs("study_crops"),
    shell:
        "python -m googlenet.stages.study_crops --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --crops {input.crops:q} --metrics {output.metrics:q} > {log:q} 2>&1"
