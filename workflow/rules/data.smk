# Data: the original images, checked and packed into shards. Experiments on the same data set share them.


rule prepare_classification:
    input:
        config=job_config("prepare_classification"),
    output:
        manifest=prepared("classification"),
    log:
        job_log("prepare_classification"),
    threads: PREPARE_THREADS
    resources:
        **needs("prepare_classification"),
    shell:
        "python -m googlenet.stages.prepare_classification --config {input.config:q} --threads {threads}"
        " --manifest {output.manifest:q} > {log:q} 2>&1"


rule prepare_detection:
    input:
        config=job_config("prepare_detection"),
    output:
        manifest=prepared("detection"),
    log:
        job_log("prepare_detection"),
    threads: PREPARE_THREADS
    resources:
        **needs("prepare_detection"),
    shell:
        "python -m googlenet.stages.prepare_detection --config {input.config:q} --threads {threads}"
        " --manifest {output.manifest:q} > {log:q} 2>&1"
