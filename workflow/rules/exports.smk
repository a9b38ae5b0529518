# A member's exports, a separate target: snakemake --cores N exports. Neither `all` nor the report needs them.


rule measure_export:
    input:
        config=job_config("measure_export"),
        manifest=prepared("classification"),
        weights=lambda wildcards: classifier(CURRENT.exported_member),
    output:
        metrics=result("exports/measure_export/metrics.json"),
        html=result("exports/measure_export/exports.html"),
        markdown=result("exports/measure_export/exports.md"),
    log:
        job_log("measure_export"),
    threads: NUMERIC_THREADS
    resources:
        **needs("measure_export"),
    shell:
        "python -m googlenet.stages.measure_export --config {input.config:q} --threads {threads}"
        " --manifest {input.manifest:q} --weights {input.weights:q}"
        " --metrics {output.metrics:q} --html {output.html:q} --markdown {output.markdown:q} > {log:q} 2>&1"
