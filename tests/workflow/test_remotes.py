"""Results by way of S3: what a person pushes, a colleague pulls, and has nothing to do; what is damaged does not arrive."""

from typing import Any, NamedTuple

import pytest

from workflow import stand_in
from workflow.clones import assert_nothing_to_do, call, commit, digests, dvc, restore

pytestmark = [pytest.mark.engine, pytest.mark.long]
METRICS = "results/smoke/evaluate_ensemble/metrics.json"


class Bucket(NamedTuple):
    """A bucket on the stand-in: a client of its server, and the server's address."""

    client: Any
    address: str


@pytest.fixture
def bucket(clone, monkeypatch):
    """A bucket to which the clone has pushed its results."""
    for name, value in stand_in.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    commit(clone)
    with stand_in.s3() as address:
        stand_in.connect(clone, address, "googlenet")
        dvc(clone, "push")
        yield Bucket(stand_in.client(address), address)


@pytest.fixture
def colleague(clone, bucket):
    """A clone of the clone's git repository that knows the bucket."""
    call(clone.parent, "git", "clone", "--quiet", clone.name, "colleague")
    stand_in.connect(clone.parent / "colleague", bucket.address, "googlenet")
    return clone.parent / "colleague"


def test_a_clone_pulls_from_s3_and_has_nothing_to_do(clone, colleague):
    dvc(colleague, "pull")
    restore(colleague)
    assert_nothing_to_do(colleague)
    pulled = digests(colleague)
    assert METRICS in pulled and pulled.items() <= digests(clone).items()
    output = call(colleague, "python", "workflow/verify.py", "--remote")
    assert output.endswith("files read in the cache and in the remote cloud\n") and len(output.splitlines()) == 1


def test_a_damaged_file_does_not_arrive_and_is_mended_by_who_has_it(clone, colleague, bucket):
    client = bucket.client
    listed = client.get_paginator("list_objects_v2").paginate(Bucket=stand_in.BUCKET)
    sizes = {item["Key"]: item["Size"] for page in listed for item in page["Contents"]}
    key = max((key for key in sizes if not key.endswith(".dir")), key=lambda key: (sizes[key], key))
    content = client.get_object(Bucket=stand_in.BUCKET, Key=key)["Body"].read()
    client.put_object(Bucket=stand_in.BUCKET, Key=key, Body=content[:-1] + bytes([content[-1] ^ 1]))

    assert "failed to pull data from the cloud" in dvc(colleague, "pull", code=1)
    refused = restore(colleague, code=1)
    assert refused.startswith("error: ")
    lines = call(clone, "python", "workflow/verify.py", "--remote", code=1).splitlines()
    assert len(lines) == 3 and lines[0].startswith("the remote cloud: ") and "corrupt (s3://" in lines[0]
    assert lines[0].endswith(f"{key})")
    call(clone, "python", "workflow/verify.py", "--remote", "--repair")
    assert client.get_object(Bucket=stand_in.BUCKET, Key=key)["Body"].read() == content

    dvc(colleague, "pull")
    restore(colleague)
    assert_nothing_to_do(colleague)
