"""Find files of DVC's cache, and of its remote, that differ from dvc.lock; list them, and repair them from each other.

usage: python workflow/verify.py [--remote [NAME]] [--repair]

Every file is read and its MD5 compared, whatever DVC has recorded: DVC trusts a file of its cache if it is read-only.
--remote  also read the files of a remote: the default one, or the named one
--repair  replace a bad file of the cache by the workspace's or the remote's, a bad one of the remote by the cache's or
          the workspace's. A good copy is checked before it replaces the bad file; without one, the bad file stays.
Ends with an error if a bad file is left.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.tree import Tree

import own_source  # noqa: F401 (checks where the package is)
from googlenet.errors import UserError, escape_output

READERS = 8  # files read concurrently: remotes are slow, and hashing releases the GIL
CHUNK = 1 << 20


class Content(NamedTuple):
    """A content listed in dvc.lock. oid: its digest, ending in ".dir" for a folder's list; stage: that makes it."""

    oid: str
    paths: tuple[str, ...]
    stage: str


class Place:
    """The cache or a remote, where DVC stores each content under its digest."""

    def __init__(self, name: str, odb: HashFileDB):
        self.name, self.odb = name, odb

    def where(self, oid: str) -> str:
        """The path or URL of a content."""
        path = self.odb.oid_to_path(oid)
        inside = self.odb.fs.protocol == "local" and Path(path).is_relative_to(Path.cwd())
        return os.path.relpath(path) if inside else self.odb.fs.unstrip_protocol(path)

    def fault(self, oid: str) -> str:
        """What is wrong with a content: missing, corrupt or unreadable; "" if nothing is."""
        try:
            with self.odb.fs.open(self.odb.oid_to_path(oid), "rb") as file:
                return "" if md5(file) == digest_in(oid) else "corrupt"
        except FileNotFoundError:
            return "missing"
        except OSError as error:  # a failing disk, another user's file
            return f"unreadable, {error.strerror or error}"

    def read(self, oid: str) -> bytes | None:
        """The bytes of a content; None unless it is intact."""
        if self.fault(oid):
            return None
        with self.odb.fs.open(self.odb.oid_to_path(oid), "rb") as file:
            return file.read()


class Finding(NamedTuple):
    """A bad file: its place, its content, its fault."""

    place: Place
    content: Content
    fault: str

    def __str__(self) -> str:
        shown, more = self.content.paths[:3], len(self.content.paths) - 3
        names = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        kind = "the list of " if self.content.oid.endswith(".dir") else ""
        return f"{self.place.name}: {kind}{names}: {self.fault} ({self.place.where(self.content.oid)})"


def digest_in(oid: str) -> str:
    """The MD5 that the name of a content contains."""
    return oid.removesuffix(".dir")


def md5(file: Any) -> str:
    """The MD5 of an open file."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def md5_of(path: Path) -> str:
    """The MD5 of a file; "" if it does not exist."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return md5(file)


@contextmanager
def one_line_errors(what: str) -> Iterator[None]:
    """Turn a remote's errors into one line. Catches all exceptions, because each kind of storage has its own."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise UserError(f"{what}: {kind}: {error}; see docs/remotes.md for addresses and credentials") from error


def remote_of(repo: Repo, name: str) -> Place:
    """A remote by name, "" for the default one. Raises UserError if it is unknown or empty."""
    name = name or repo.config["core"].get("remote", "")
    with one_line_errors(f"the remote {name}".strip()):
        remote = repo.cloud.get_remote(name)
        if not remote.fs.exists(remote.odb.path):
            raise UserError(f"the remote {remote.name}: nothing at {remote.path}; `dvc push` comes first")
        return Place(f"the remote {remote.name}", remote.odb)


class Stores:
    """The cache and a remote, which is checked too if --remote asks for it, and otherwise only provides good copies."""

    def __init__(self, repo: Repo, name: str | None, repairs: bool):
        self.repo, self.repairs = repo, repairs
        self.cache = Place("the cache", repo.cache.repo)
        self.asked = None if name is None else remote_of(repo, name)

    @cached_property
    def remote(self) -> Place | None:
        """A source of good copies besides cache and workspace; None, with a printed line, if it cannot be used."""
        if self.asked or not self.repairs:
            return self.asked
        try:
            return remote_of(self.repo, "")
        except UserError as error:
            print(f"no remote to repair from: {error}", file=sys.stderr)
            return None


def folder_list(out: Any, stores: Stores) -> bytes | None:
    """A folder's list: from the cache, rebuilt from the workspace, or from the remote; None if it is nowhere."""
    oid = out.hash_info.value
    content = stores.cache.read(oid) or rebuilt(out, oid)
    return content or (stores.remote.read(oid) if stores.remote else None)


def rebuilt(out: Any, oid: str) -> bytes | None:
    """A folder's list rebuilt from the workspace; None if it is a different list."""
    plain = HashFileDB(out.fs, out.cache.path, hash_name="md5")  # without DVC's stored digests
    try:
        tree = build(plain, out.fs_path, out.fs, "md5", dry_run=True, ignore=out.dvcignore)[2]
    except FileNotFoundError:
        return None
    return tree.as_bytes() if isinstance(tree, Tree) and tree.oid == oid else None


def needed(stores: Stores) -> tuple[dict[str, Content], dict[str, bytes]]:
    """All contents that dvc.lock lists, by digest, and the folders' lists that could be read."""
    contents: dict[str, Content] = {}
    lists: dict[str, bytes] = {}

    def add(oid: str, path: str, stage: str) -> None:
        content = contents.get(oid, Content(oid, (), stage))
        contents[oid] = content._replace(paths=(*content.paths, path))

    for out in stores.repo.index.outs:
        if not (out.use_cache and out.hash_info):
            continue
        oid, top = out.hash_info.value, os.path.relpath(out.fs_path)
        add(oid, top, out.stage.name)
        if out.hash_info.isdir and (content := folder_list(out, stores)) is not None:
            lists[oid] = content
            for entry in json.loads(content):
                add(entry["md5"], f"{top}/{entry['relpath']}", out.stage.name)
    return contents, lists


def check(place: Place, contents: dict[str, Content]) -> list[Finding]:
    """Read every content in a place; return the bad ones, sorted by the names of their files."""
    with one_line_errors(place.name), ThreadPoolExecutor(READERS) as pool:
        faults = zip(contents.values(), pool.map(place.fault, contents), strict=True)
        findings = [Finding(place, content, fault) for content, fault in faults if fault]
    return sorted(findings, key=lambda finding: finding.content.paths)


def good_copy(content: Content, stores: Stores, lists: dict[str, bytes], part: Path) -> str:
    """Put an intact copy of a content at `part`; return its source, "" if there is none."""
    if content.oid in lists:
        part.write_bytes(lists[content.oid])
        return "the same list elsewhere"
    in_cache = Path(stores.cache.odb.oid_to_path(content.oid))
    for path in (in_cache, *map(Path, content.paths)):
        if md5_of(path) == digest_in(content.oid):
            shutil.copyfile(path, part)
            return stores.cache.name if path == in_cache else f"the workspace's {path}"
    if stores.remote and not stores.remote.fault(content.oid):
        stores.remote.odb.fs.get_file(stores.remote.odb.oid_to_path(content.oid), str(part))
        return stores.remote.name
    return ""


def repair(finding: Finding, stores: Stores, lists: dict[str, bytes]) -> str:
    """Replace a bad file by a good copy; return the source of the copy, "" if there is none."""
    content, place = finding.content, finding.place
    target = Path(stores.cache.odb.oid_to_path(content.oid))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with one_line_errors(str(finding)):
            source = good_copy(content, stores, lists, part)
        if not source or md5_of(part) != digest_in(content.oid):
            return ""
        if place is stores.cache:
            replace(target, part, content)
        else:
            with one_line_errors(str(finding)):
                place.odb.fs.put_file(str(part), place.odb.oid_to_path(content.oid))
        place.odb.protect(place.odb.oid_to_path(content.oid))
    finally:
        part.unlink(missing_ok=True)
    return "" if place.fault(content.oid) else source


def replace(target: Path, part: Path, content: Content) -> None:
    """Replace a bad file in the cache by `part`, and the workspace's hard links to that file by links to `part`."""
    former = target.stat() if target.exists() else None
    if former:  # keep the modification time, so that neither engine sees a newer file
        os.utime(part, ns=(former.st_atime_ns, former.st_mtime_ns))
    os.replace(part, target)
    for path in map(Path, content.paths):
        if former and path.is_file() and not path.is_symlink() and os.path.samestat(path.stat(), former):
            beside = path.with_name(f".{path.name}.part")
            os.link(target, beside)
            os.replace(beside, path)


def remedy(content: Content) -> str:
    """The commands to run if no good copy exists. Repair precedes the commit, which could link the bad file again."""
    path = Path(content.paths[0])
    stage = path.parent.name if "runs" in path.parts and path.suffix == ".json" else content.stage
    if stage.startswith("resolve_"):
        return "`snakemake -n` writes it again; then `make verify WHAT=--repair`, then `make sync`"
    run = f"snakemake --cores N --forcerun {stage} -- stage_{stage}"
    return f"`{run}` makes it again; then `make verify WHAT=--repair`, then `make sync`"


def verify(stores: Stores) -> tuple[int, int]:
    """Check, report, repair; return the numbers of bad files and of those that are left."""
    contents, lists = needed(stores)
    places = [stores.cache, *([stores.asked] if stores.asked else [])]
    findings = [finding for place in places for finding in check(place, contents)]
    left = 0
    for finding in findings:
        line, source = str(finding), repair(finding, stores, lists) if stores.repairs else ""
        if stores.repairs:
            line += f": repaired from {source}" if source else f": no good copy; {remedy(finding.content)}"
        print(line, flush=True)
        left += not source
    print(f"{len(contents)} files read in {' and in '.join(place.name for place in places)}", flush=True)
    return len(findings), left


def main() -> None:
    """Parse the command line; print errors as one line."""
    escape_output()
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--remote", nargs="?", const="", metavar="NAME")
    parser.add_argument("--repair", action="store_true")
    options = parser.parse_args()
    try:
        with Repo(".") as repo, repo.lock:
            bad, left = verify(Stores(repo, options.remote, options.repair))
        if left and options.repair:
            raise UserError(f"{left} of {bad} bad files are left")
        if left:
            files = f"{bad} bad file" + "s" * (bad != 1)
            raise UserError(f"{files}; `make verify WHAT=--repair` puts good copies in their place")
    except (UserError, DvcException, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
