"""What a job's libraries read in their environment, also if the job was started by hand."""

import os
import subprocess
import sys

SCRIPT = """
import sys
sys.argv[0] = {starts!r}
import googlenet.stages, os
print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"], os.environ.get("CUBLAS_WORKSPACE_CONFIG"))
"""


def environment_of(starts, **given):
    """The variables of a process in which Python has this as its first argument; a job has -m while it is found."""
    kept = {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"}
    environment = kept | {"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7"} | given
    words = [sys.executable, "-c", SCRIPT.format(starts=starts)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_a_job_started_by_hand_has_the_threads_and_the_workspace_of_one_started_by_snakemake():
    assert environment_of("-m") == ["1", "1", ":4096:8"]
    assert environment_of("-m", CUBLAS_WORKSPACE_CONFIG=":16:8") == ["1", "1", ":16:8"]


def test_other_processes_keep_their_environment():
    assert environment_of("-c") == ["7", "7", "None"]
