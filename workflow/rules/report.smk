# Cost, and the report, which compares every figure with the paper's.


rule measure_cost:
    input:
        config=job_config("measure_cost"),
    output:
        metrics=report(
            result("measure_cost/metrics.json"),
            caption="../report/measure_cost.rst",
            category="Cost",
            labels={"what": "cost of networks"},
        ),
    log:
        job_log("measure_cost"),
    threads: NUMERIC_THREADS
    resources:
        **needs("measure_cost"),
    shell:
        "python -m googlenet.stages.measure_cost --config {input.config:q} --threads {threads}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


REPORTED = [row.name for row in ROWS if row.target == "all" and row.computes]


def metrics_of(stage):
    """The metrics.json files of a stage's jobs."""
    return [path for path in outputs(stage) if path.endswith("metrics.json")]


# The reference of the headline figures, if the experiment has one; `googlenet verify --renew` writes it.
REFERENCES = [
    path for path in [f"references/{EXPERIMENT}.yaml"] if os.path.isfile(path)
]


rule make_report:
    input:
        config=job_config("make_report"),
        manifests=[
            path
            for kind in ("classification", "detection")
            for path in outputs(f"prepare_{kind}")
        ],
        metrics=[path for stage in REPORTED for path in metrics_of(stage)],
        weights=analysed_weights,
        references=REFERENCES,
        trainings=[
            CURRENT.config_path("train_classifier", member)
            for member in names("train_classifier")
        ],
    output:
        html=report(
            result("make_report/report.html"),
            caption="../report/make_report.rst",
            category="Report",
            labels={"what": "the report", "form": "HTML"},
        ),
        markdown=report(
            result("make_report/report.md"),
            caption="../report/make_report_markdown.rst",
            category="Report",
            labels={"what": "the report", "form": "Markdown"},
        ),
    log:
        job_log("make_report"),
    threads: NUMERIC_THREADS
    resources:
        **needs("make_report"),
    shell:
        "python -m googlenet.stages.make_report --config {input.config:q} --threads {threads}"
        " --manifests {input.manifests:q} --metrics {input.metrics:q}"
        " --weights {input.weights:q} --references {input.references:q} --trainings {input.trainings:q}"
        " --html {output.html:q} --markdown {output.markdown:q} > {log:q} 2>&1"
