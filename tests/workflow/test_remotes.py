"""Results by way of S3: what a person pushes, a colleague pulls, and has nothing to do; what is damaged does not arrive."""

import pytest

from workflow import stand_in
from workflow.houses import assert_nothing_to_do, call, commit, digests, dvc

pytestmark = pytest.mark.long
METRICS = "results/smoke/evaluate_ensemble/metrics.json"


@pytest.fixture(scope="module")
def bucket(house):
    """A bucket on the stand-in, to which the house has pushed its results, and its address."""
    with pytest.MonkeyPatch.context() as patch, stand_in.s3() as address:
        for name, value in stand_in.CREDENTIALS.items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        commit(house)
        before = (house / ".dvc/config.local").read_bytes()
        stand_in.connect(house, address, "googlenet")
        dvc(house, "push")
        yield stand_in.client(address), address
        (house / ".dvc/config.local").write_bytes(before)


def clone_of(house, room, name, address):
    """A clone of the house's git repository that knows the bucket."""
    call(room, "git", "clone", "--quiet", "house", name)
    stand_in.connect(room / name, address, "googlenet")
    return room / name


def test_a_clone_pulls_from_s3_and_has_nothing_to_do(house, room, bucket):
    clone = clone_of(house, room, "s3_clone", bucket[1])
    dvc(clone, "pull")
    call(clone, "python", "workflow/sync.py", "restore")
    assert_nothing_to_do(clone)
    pulled = digests(clone)
    assert METRICS in pulled and pulled.items() <= digests(house).items()
    said = call(clone, "python", "workflow/verify.py", "--remote")
    assert said.endswith("files read in the cache and in the remote cloud\n") and len(said.splitlines()) == 1


def test_a_damaged_file_does_not_arrive_and_is_mended_by_who_has_it(house, room, bucket):
    client, address = bucket
    listed = client.get_paginator("list_objects_v2").paginate(Bucket=stand_in.BUCKET)
    sizes = {item["Key"]: item["Size"] for page in listed for item in page["Contents"]}
    key = max((key for key in sizes if not key.endswith(".dir")), key=lambda key: (sizes[key], key))
    content = client.get_object(Bucket=stand_in.BUCKET, Key=key)["Body"].read()
    client.put_object(Bucket=stand_in.BUCKET, Key=key, Body=content[:-1] + bytes([content[-1] ^ 1]))

    clone = clone_of(house, room, "s3_clone_of_damage", address)
    assert "failed to pull data from the cloud" in dvc(clone, "pull", code=1)
    refused = call(clone, "python", "workflow/sync.py", "restore", code=1)
    assert refused.startswith("error: ")
    said = call(house, "python", "workflow/verify.py", "--remote", code=1).splitlines()
    assert len(said) == 3 and said[0].startswith("the remote cloud: ") and "corrupt (s3://" in said[0]
    assert said[0].endswith(f"{key})")
    call(house, "python", "workflow/verify.py", "--remote", "--mend")
    assert client.get_object(Bucket=stand_in.BUCKET, Key=key)["Body"].read() == content

    dvc(clone, "pull")
    call(clone, "python", "workflow/sync.py", "restore")
    assert_nothing_to_do(clone)
