"""Damaged files of DVC's cache and of its remotes are found, named by their results, and repaired from another copy."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from workflow import stand_in
from workflow.clones import REPO, call, commit, dvc

WEIGHTS = "results/demo/train_classifier/m1/weights.safetensors"
OTHER = "results/demo/train_classifier/m2/weights.safetensors"
RECORD = "results/demo/runs/train_classifier/m1.json"
FILES = {
    WEIGHTS: bytes(range(256)) * 9000,  # more than is read at once
    OTHER: b"other weights",
    "results/demo/train_classifier/m1/metrics.json": b"{}\n",
    "results/demo/make_report/report.md": b"{}\n",  # the same content: DVC keeps it once
    RECORD: b'{"job": "m1"}\n',
}
STAGES = """\
stages:
  train_classifier:
    cmd: "true"
    outs: [results/demo/train_classifier: {persist: true}]
  make_report:
    cmd: "true"
    outs: [results/demo/make_report: {persist: true}, results/demo/runs: {persist: true}]
"""
SOUND_CACHE, SOUND_BOTH = "7 files read in the cache", "7 files read in the cache and in the remote"


def flipped(content: bytes) -> bytes:
    """One bit of the last byte is another one."""
    return content[:-1] + bytes([content[-1] ^ 1])


def truncated(content: bytes) -> bytes:
    """The second half is gone."""
    return content[: len(content) // 2]


# The first is the most frequent kind; None: the file is gone.
DAMAGES = [flipped, pytest.param(truncated, marks=pytest.mark.long), pytest.param(None, marks=pytest.mark.long)]
pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A folder with a small repository, `clone`, with results of three kinds in DVC's cache; without a remote, and with
    one, the folder `storage` beside it."""
    alone, connected = (tmp_path_factory.mktemp(name) for name in ("alone", "connected"))
    clone = alone / "clone"
    for name, content in FILES.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_bytes(content)
    for name in ("src", "workflow"):
        (clone / name).symlink_to(REPO / name)
    (clone / "dvc.yaml").write_text(STAGES)
    (clone / ".dvcignore").write_text("src\nworkflow\n")
    call(clone, "git", "init", "--quiet")
    dvc(clone, "init", "--quiet")
    dvc(clone, "commit", "--force", "--quiet")
    commit(clone)
    shutil.copytree(alone, connected, symlinks=True, dirs_exist_ok=True)
    dvc(connected / "clone", "remote", "add", "--default", "--quiet", "storage", "../storage")
    dvc(connected / "clone", "push", "--quiet")
    return alone, connected


@pytest.fixture
def clone(originals, tmp_path):
    """A small repository with results of three kinds in DVC's cache; no remote yet."""
    shutil.copytree(originals[0], tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "clone"


@pytest.fixture
def connected(originals, tmp_path):
    """The same with a remote that has all results: the folder `storage` beside it."""
    shutil.copytree(originals[1], tmp_path, symlinks=True, dirs_exist_ok=True)
    return tmp_path / "clone"


@pytest.fixture(scope="module")
def address():
    """The address of the stand-in for S3."""
    with stand_in.s3() as address:
        yield address


def verify(clone: Path, *words: str, code: int = 0) -> list[str]:
    """What the command says, line by line."""
    output = call(clone, "python", "workflow/verify.py", *words, code=code)
    assert "Traceback" not in output, output
    return output.splitlines()


def oid(clone: Path, name: str) -> str:
    """The digest of a result as the cache has it: the folder's list for a folder."""
    if name in FILES:
        return hashlib.md5(FILES[name]).hexdigest()
    below = {path.removeprefix(f"{name}/"): FILES[path] for path in FILES if path.startswith(f"{name}/")}
    entries = [{"md5": hashlib.md5(below[path]).hexdigest(), "relpath": path} for path in sorted(below)]
    return hashlib.md5(json.dumps(entries).encode()).hexdigest() + ".dir"


def inside(place: Path, digest: str) -> Path:
    """Where a cache or a remote in a folder keeps a content."""
    return place / "files" / "md5" / digest[:2] / digest[2:]


def damage(path: Path, how) -> None:
    """Damage a file as a failing disk does: it stays read-only, which DVC takes for sound."""
    if how is None:
        path.unlink()
        return
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(how(content))
    path.chmod(0o444)


def test_a_sound_cache_and_a_sound_remote(connected):
    assert verify(connected) == [SOUND_CACHE]
    assert verify(connected, "--remote") == [f"{SOUND_BOTH} storage"]
    assert verify(connected, "--remote", "storage", "--repair") == [f"{SOUND_BOTH} storage"]


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", [WEIGHTS, "results/demo/train_classifier"], ids=["file", "list"])
@pytest.mark.parametrize("where", ["the cache", "the remote storage"])
def test_a_damaged_file_is_found_named_and_mended(connected, where, name, how):
    places = {"the cache": connected / ".dvc/cache", "the remote storage": connected.parent / "storage"}
    place = places[where]
    path = inside(place, oid(connected, name))
    content = path.read_bytes()
    damage(path, how)
    damaged = path.read_bytes() if how else None
    fault = "corrupt" if how else "missing"
    named = f"{where}: {'' if name in FILES else 'the list of '}{name}: {fault} ("
    words = ["--remote"] if where != "the cache" else []
    first, *rest = verify(connected, *words, code=1)
    assert first.startswith(named) and first.endswith(f"{oid(connected, name)[2:]})")
    assert rest[-1] == "error: 1 bad file; `make verify WHAT=--repair` puts good copies in their place"
    assert (path.read_bytes() if path.exists() else None) == damaged  # only looked at
    first, *rest = verify(connected, *words, "--repair")
    assert first.startswith(named) and ": repaired from " in first and len(rest) == 1
    assert path.read_bytes() == content and path.stat().st_mode & 0o777 == 0o444
    assert verify(connected, "--remote") == [f"{SOUND_BOTH} storage"]
    assert not list(connected.rglob("*.part")) and not list((connected.parent / "storage").rglob("*.part"))


def test_a_content_of_several_results_is_named_by_all(clone):
    damage(inside(clone / ".dvc/cache", oid(clone, "results/demo/make_report/report.md")), flipped)
    said = verify(clone, code=1)[0]
    assert "results/demo/train_classifier/m1/metrics.json" in said and "make_report/report.md: corrupt" in said


def test_the_remote_lends_what_the_workspace_has_not(connected):
    (connected / WEIGHTS).write_bytes(b"edited")
    damage(inside(connected / ".dvc/cache", oid(connected, WEIGHTS)), truncated)
    assert verify(connected, "--repair")[0].endswith(": repaired from the remote storage")
    assert (connected / WEIGHTS).read_bytes() == b"edited"  # a person's own edit is theirs


def test_files_and_their_list_come_from_the_remote_where_all_else_is_gone(connected):
    shutil.rmtree(connected / ".dvc/cache/files")
    shutil.rmtree(connected / "results")
    assert len([line for line in verify(connected, code=1) if "the list of" in line]) == 3
    verify(connected, "--repair")
    dvc(connected, "checkout", "--quiet")
    assert {name: (connected / name).read_bytes() for name in FILES} == FILES


def test_without_a_remote_the_workspace_mends_and_what_is_lost_is_told_with_its_command(clone):
    for name in (WEIGHTS, OTHER, RECORD):
        damage(inside(clone / ".dvc/cache", oid(clone, name)), flipped)
    (clone / OTHER).unlink()
    (clone / RECORD).write_bytes(b"another")
    said = verify(clone, "--repair", code=1)
    by_name = {line.split(": ")[1]: line for line in said if line.startswith("the cache: ")}
    assert by_name[WEIGHTS].endswith(f": repaired from the workspace's {WEIGHTS}")
    command = "`snakemake --cores N --forcerun train_classifier -- stage_train_classifier` makes it again"
    for name in (OTHER, RECORD):
        assert f": no good copy; {command}; then " in by_name[name]
        kept = inside(clone / ".dvc/cache", oid(clone, name)).read_bytes()
        assert kept == flipped(FILES[name])  # a bad copy may be worth more than none
    assert "error: 2 of 3 bad files are left" in said
    assert any(line.startswith("no remote to repair from: the remote: ") for line in said)


def test_damage_on_both_sides_is_mended_from_the_workspace(connected):
    for place in (connected / ".dvc/cache", connected.parent / "storage"):
        damage(inside(place, oid(connected, WEIGHTS)), flipped)
    said = verify(connected, "--remote", "--repair")
    assert [line.split(":")[0] for line in said[:2]] == ["the cache", "the remote storage"]
    assert verify(connected, "--remote") == [f"{SOUND_BOTH} storage"]


def test_a_remote_that_cannot_be_read_is_told_in_one_line(clone, monkeypatch):
    dvc(clone, "remote", "add", "--default", "--quiet", "storage", "../nowhere")
    assert verify(clone, "--remote", code=1) == [
        f"error: the remote storage: nothing at {clone.parent / 'nowhere'}; `dvc push` comes first"
    ]
    assert verify(clone, "--remote", "cloud", code=1)[0].startswith("error: the remote cloud: ")


@pytest.mark.long
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_on_s3_is_found_named_and_mended(clone, address, how, monkeypatch):
    for name, value in stand_in.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    prefix = how.__name__ if how else "missing"
    stand_in.connect(clone, address, prefix)
    nothing = f"error: the remote cloud: nothing at {stand_in.BUCKET}/{prefix}; `dvc push` comes first"
    assert verify(clone, "--remote", code=1) == [nothing]
    dvc(clone, "push", "--quiet")
    client, digest = stand_in.client(address), oid(clone, WEIGHTS)
    key = {"Bucket": stand_in.BUCKET, "Key": f"{prefix}/files/md5/{digest[:2]}/{digest[2:]}"}
    if how:
        client.put_object(**key, Body=how(FILES[WEIGHTS]))
    else:
        client.delete_object(**key)
    named = f"the remote cloud: {WEIGHTS}: {'corrupt' if how else 'missing'} (s3://{key['Bucket']}/{key['Key']})"
    assert verify(clone, "--remote", code=1)[0] == named
    assert verify(clone, "--remote", "--repair")[0] == f"{named}: repaired from the cache"
    assert client.get_object(**key)["Body"].read() == FILES[WEIGHTS]
    # The other way: only S3 has it.
    damage(inside(clone / ".dvc/cache", digest), how)
    (clone / WEIGHTS).unlink()
    assert verify(clone, "--repair")[0].endswith(": repaired from the remote cloud")
    assert verify(clone, "--remote") == [f"{SOUND_BOTH} cloud"]


@pytest.mark.long
def test_missing_credentials_are_told_in_one_line(clone, address, monkeypatch):
    for name in stand_in.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(clone / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    stand_in.connect(clone, address, "denied")
    (said,) = verify(clone, "--remote", code=1)
    assert said.startswith("error: the remote cloud: NoCredentialsError: ") and "docs/remotes.md" in said
