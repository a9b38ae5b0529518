"""What the engines showed when they built the clones, in a pipe: a line per job, and now and then the state of everything."""

import re

import pytest

from workflow.clones import ENDED, EVERY, HEADING, Run

pytestmark = pytest.mark.engine


def output_of(engine, build):
    """All that an engine said when it built its clone."""
    return (build.folder.parent / f"{engine}.log").read_text(encoding="utf-8").splitlines()


def test_a_run_in_a_pipe_is_a_line_per_job_and_some_of_the_state(snakemake_build):
    lines = output_of("snakemake", snakemake_build)
    ended = [Run(found[1], found[2] or "all") for found in map(ENDED.match, lines) if found]
    assert sorted(ended) == sorted(EVERY) and not any(map(HEADING.match, lines))
    states = [line for line in lines if re.match(r"[\d:]{8}  \d+ of 27 jobs done, ", line)]
    assert any(", until " in line for line in states)
    assert len([line for line in lines if re.match(r"[\d:]{8}  27 jobs done in ", line)]) == 1
    assert len(lines) < 27 + len(states) + 12, lines


@pytest.mark.long
def test_dvc_counts_the_stages_to_come(dvc_build):
    lines = output_of("dvc", dvc_build)
    ends = [line.split("  ", 1)[1] for line in lines if "for the stages to come" in line]
    assert len(ends) >= 5 and all(re.match(r"\w+: \d+ jobs? done in ", end) for end in ends)
    assert not any("not known" in end for end in ends[len(ends) // 2 :])
    assert len([line for line in lines if re.match(r"[\d:]{8}  make_report: 1 job done in ", line)]) == 1
