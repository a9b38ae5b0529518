"""Compare every row of the table of ablations with the reference, and write its page."""

from googlenet.checkpoint import load_arrays
from googlenet.classification.ablations import compare
from googlenet.files import read_json, write_bytes
from googlenet.job import Input, Inputs, Job, Output, main
from googlenet.report import ablations, page


def run(
    job: Job,
    *,
    manifest: Input,
    outcomes: Inputs,
    trainings: Inputs,
    metrics: Output,
    html: Output,
    markdown: Output,
) -> None:
    """Outcomes and trainings' metrics lie in folders of their stages' and jobs' names: a member's or a variant's."""
    arrays = {"/".join(path.parts[-3:-1]): load_arrays(path)[0] for path in outcomes}
    trained = {"/".join(path.parts[-3:-1]): read_json(path) for path in trainings}
    data = read_json(manifest)
    found = compare(job.config, arrays, trained) | {"classes": len(data["classes"])}
    for row in found["rows"]:
        job.log({f"test_top1_difference_points_{row['name']}": row["test"]["top1"]["difference_points"]})
    picture = ablations.ablation_differences(found)
    write_bytes(markdown.parent / "figures" / "ablation_differences.png", picture)
    report = ablations.build(job.config["experiment"], found, data, picture, job.config["about"])
    write_bytes(markdown, page.render_markdown(report).encode())
    write_bytes(html, page.render_html(report).encode())
    job.artifact(html)
    job.write_metrics(metrics, found)


if __name__ == "__main__":
    main(run)
