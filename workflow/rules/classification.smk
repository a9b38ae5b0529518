# Classification: seven members, their predictions on 144 crops, and the ensemble.


rule train_classifier:
    input:
        config=job_config("train_classifier"),
        manifest=prepared("classification"),
    output:
        weights=result("train_classifier/{member}/weights.safetensors"),
        metrics=result("train_classifier/{member}/metrics.json"),
    log:
        job_log("train_classifier"),
    threads: NUMERIC_THREADS
    resources:
        gpu=ON_GPU,
    shell:
        "python -m googlenet.stages.train_classifier --config {input.config} --threads {threads}"
        " --manifest {input.manifest} --weights {output.weights} --metrics {output.metrics} > {log} 2>&1"


rule predict_crops:
    input:
        config=job_config("predict_crops"),
        manifest=prepared("classification"),
        weights=rules.train_classifier.output.weights,
    output:
        predictions=result("predict_crops/{member}/predictions.safetensors"),
    log:
        job_log("predict_crops"),
    threads: NUMERIC_THREADS
    resources:
        gpu=ON_GPU,
    shell:
        "python -m googlenet.stages.predict_crops --config {input.config} --threads {threads}"
        " --manifest {input.manifest} --weights {input.weights} --predictions {output.predictions} > {log} 2>&1"


rule train_baseline:
    input:
        config=job_config("train_baseline"),
        manifest=prepared("classification"),
    output:
        metrics=result("train_baseline/metrics.json"),
    log:
        job_log("train_baseline"),
    threads: NUMERIC_THREADS
    shell:
        "python -m googlenet.stages.train_baseline --config {input.config} --threads {threads}"
        " --manifest {input.manifest} --metrics {output.metrics} > {log} 2>&1"


rule evaluate_ensemble:
    input:
        config=job_config("evaluate_ensemble"),
        manifest=prepared("classification"),
        predictions=expand(
            rules.predict_crops.output.predictions, member=names("predict_crops")
        ),
        baseline=outputs("train_baseline"),
    output:
        metrics=result("evaluate_ensemble/metrics.json"),
    log:
        job_log("evaluate_ensemble"),
    threads: NUMERIC_THREADS
    shell:
        "python -m googlenet.stages.evaluate_ensemble --config {input.config} --threads {threads}"
        " --manifest {input.manifest} --predictions {input.predictions} --baseline {input.baseline}"
        " --metrics {output.metrics} > {log} 2>&1"
