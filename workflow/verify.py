"""Find files of DVC's cache, and of its remote, that are not what dvc.lock says; name them, and mend them from each other.

usage: python workflow/verify.py [--remote [NAME]] [--mend]

Every file is read and its MD5 compared, whatever DVC believes of it: DVC trusts a file of its cache that is read-only.
--remote  also read the files of a remote: the default one, or the one of that name
--mend    replace a bad file of the cache by the workspace's or the remote's, a bad one of the remote by the cache's or
          the workspace's. A good copy is checked before it takes the bad one's place; what has none stays as it is.
Ends with an error when a bad file is left.
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

from googlenet.errors import UserError

READERS = 8  # files that are read at once: a remote answers slowly, hashing leaves Python's lock
CHUNK = 1 << 20


class Content(NamedTuple):
    """What dvc.lock asks for: a digest (".dir" at its end for a folder's list), its files, the stage that makes them."""

    oid: str
    paths: tuple[str, ...]
    stage: str


class Place:
    """The cache or a remote: where DVC keeps each content under its digest."""

    def __init__(self, name: str, odb: HashFileDB):
        self.name, self.odb = name, odb

    def where(self, oid: str) -> str:
        """The path, or the address, of a content."""
        path = self.odb.oid_to_path(oid)
        inside = self.odb.fs.protocol == "local" and Path(path).is_relative_to(Path.cwd())
        return os.path.relpath(path) if inside else self.odb.fs.unstrip_protocol(path)

    def fault(self, oid: str) -> str:
        """What is wrong with a content: "" for nothing, or missing, corrupt, unreadable."""
        try:
            with self.odb.fs.open(self.odb.oid_to_path(oid), "rb") as file:
                return "" if md5(file) == digest_in(oid) else "corrupt"
        except FileNotFoundError:
            return "missing"
        except OSError as error:  # a failing disk, a file that is someone else's
            return f"unreadable, {error.strerror or error}"

    def read(self, oid: str) -> bytes | None:
        """A content as bytes; None unless it is sound."""
        if self.fault(oid):
            return None
        with self.odb.fs.open(self.odb.oid_to_path(oid), "rb") as file:
            return file.read()


class Finding(NamedTuple):
    """A bad file: where, which content, what is wrong with it."""

    place: Place
    content: Content
    fault: str

    def __str__(self) -> str:
        shown, more = self.content.paths[:3], len(self.content.paths) - 3
        names = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
        kind = "the list of " if self.content.oid.endswith(".dir") else ""
        return f"{self.place.name}: {kind}{names}: {self.fault} ({self.place.where(self.content.oid)})"


def digest_in(oid: str) -> str:
    """The MD5 in the name of a content."""
    return oid.removesuffix(".dir")


def md5(file: Any) -> str:
    """The MD5 of an open file."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def md5_of(path: Path) -> str:
    """The MD5 of a file; "" for one that is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return md5(file)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tell what a remote says in one line. The kinds of its errors are as many as those of storages: so all are taken."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        kind = type(error).__name__
        mend = "see docs/remotes.md for addresses and credentials"
        raise UserError(f"{what}: {kind}: {error}; {mend}") from error


def remote_of(repo: Repo, name: str) -> Place:
    """A remote by its name, "" for the default one. Raises UserError when it is not known or holds nothing."""
    name = name or repo.config["core"].get("remote", "")
    with told(f"the remote {name}".strip()):
        remote = repo.cloud.get_remote(name)
        if not remote.fs.exists(remote.odb.path):
            raise UserError(f"the remote {remote.name}: nothing at {remote.path}; `dvc push` comes first")
        return Place(f"the remote {remote.name}", remote.odb)


class Sides:
    """The cache, and the remote: one that was asked for is read like the cache, another only lends good copies."""

    def __init__(self, repo: Repo, name: str | None, mend: bool):
        self.repo, self.mend = repo, mend
        self.cache = Place("the cache", repo.cache.repo)
        self.asked = None if name is None else remote_of(repo, name)

    @cached_property
    def remote(self) -> Place | None:
        """Where good copies may come from beside cache and workspace; None, and a line, when it cannot be used."""
        if self.asked or not self.mend:
            return self.asked
        try:
            return remote_of(self.repo, "")
        except UserError as error:
            print(f"no remote to mend from: {error}", file=sys.stderr)
            return None


def listed(out: Any, sides: Sides) -> bytes | None:
    """A folder's list, from the cache, made anew from the workspace, or from the remote; None when it is nowhere."""
    oid = out.hash_info.value
    found = sides.cache.read(oid) or rebuilt(out, oid)
    return found or (sides.remote.read(oid) if sides.remote else None)


def rebuilt(out: Any, oid: str) -> bytes | None:
    """A folder's list as the workspace gives it; None when it is another one."""
    plain = HashFileDB(out.fs, out.cache.path, hash_name="md5")  # without DVC's memory of digests
    try:
        tree = build(plain, out.fs_path, out.fs, "md5", dry_run=True, ignore=out.dvcignore)[2]
    except FileNotFoundError:
        return None
    return tree.as_bytes() if isinstance(tree, Tree) and tree.oid == oid else None


def needed(sides: Sides) -> tuple[dict[str, Content], dict[str, bytes]]:
    """All contents that dvc.lock asks for, by digest, and the folders' lists that could be read."""
    found: dict[str, Content] = {}
    lists: dict[str, bytes] = {}

    def add(oid: str, path: str, stage: str) -> None:
        known = found.get(oid, Content(oid, (), stage))
        found[oid] = known._replace(paths=(*known.paths, path))

    for out in sides.repo.index.outs:
        if not (out.use_cache and out.hash_info):
            continue
        oid, top = out.hash_info.value, os.path.relpath(out.fs_path)
        add(oid, top, out.stage.name)
        if out.hash_info.isdir and (content := listed(out, sides)) is not None:
            lists[oid] = content
            for entry in json.loads(content):
                add(entry["md5"], f"{top}/{entry['relpath']}", out.stage.name)
    return found, lists


def check(place: Place, contents: dict[str, Content]) -> list[Finding]:
    """Read every content in a place; returns the bad ones, by the names of their files."""
    with told(place.name), ThreadPoolExecutor(READERS) as pool:
        faults = zip(contents.values(), pool.map(place.fault, contents), strict=True)
        found = [Finding(place, content, fault) for content, fault in faults if fault]
    return sorted(found, key=lambda finding: finding.content.paths)


def good_copy(content: Content, sides: Sides, lists: dict[str, bytes], part: Path) -> str:
    """Put a sound copy of a content at `part`; returns where it came from, "" when there is none."""
    if content.oid in lists:
        part.write_bytes(lists[content.oid])
        return "the same list elsewhere"
    in_cache = Path(sides.cache.odb.oid_to_path(content.oid))
    for path in (in_cache, *map(Path, content.paths)):
        if md5_of(path) == digest_in(content.oid):
            shutil.copyfile(path, part)
            return sides.cache.name if path == in_cache else f"the workspace's {path}"
    if sides.remote and not sides.remote.fault(content.oid):
        sides.remote.odb.fs.get_file(sides.remote.odb.oid_to_path(content.oid), str(part))
        return sides.remote.name
    return ""


def mended(finding: Finding, sides: Sides, lists: dict[str, bytes]) -> str:
    """Put a good copy in a bad file's place; returns where it came from, "" when there is none."""
    content, place = finding.content, finding.place
    target = Path(sides.cache.odb.oid_to_path(content.oid))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with told(str(finding)):
            source = good_copy(content, sides, lists, part)
        if not source or md5_of(part) != digest_in(content.oid):
            return ""
        if place is sides.cache:
            replace(target, part, content)
        else:
            with told(str(finding)):
                place.odb.fs.put_file(str(part), place.odb.oid_to_path(content.oid))
        place.odb.protect(place.odb.oid_to_path(content.oid))
    finally:
        part.unlink(missing_ok=True)
    return "" if place.fault(content.oid) else source


def replace(target: Path, part: Path, content: Content) -> None:
    """Let `part` take a bad file's place in the cache, and be what the workspace's hard links to that file show."""
    former = target.stat() if target.exists() else None
    if former:  # the time stays: neither engine sees a newer file
        os.utime(part, ns=(former.st_atime_ns, former.st_mtime_ns))
    os.replace(part, target)
    for path in map(Path, content.paths):
        if former and path.is_file() and not path.is_symlink() and os.path.samestat(path.stat(), former):
            beside = path.with_name(f".{path.name}.part")
            os.link(target, beside)
            os.replace(beside, path)


def made_by(content: Content) -> str:
    """What to type when no good copy is left. The mend comes before a commit, which could link the bad file in again."""
    path = Path(content.paths[0])
    stage = path.parent.name if "runs" in path.parts and path.suffix == ".json" else content.stage
    if stage.startswith("resolve_"):
        return "`snakemake -n` writes it anew; then `make verify WHAT=--mend`, then `make sync`"
    run = f"snakemake --cores N --forcerun {stage} -- stage_{stage}"
    return f"`{run}` makes it anew; then `make verify WHAT=--mend`, then `make sync`"


def verify(sides: Sides) -> tuple[int, int]:
    """Check, tell, mend; returns the numbers of bad files and of those that are left."""
    contents, lists = needed(sides)
    places = [sides.cache, *([sides.asked] if sides.asked else [])]
    findings = [finding for place in places for finding in check(place, contents)]
    left = 0
    for finding in findings:
        said, source = str(finding), mended(finding, sides, lists) if sides.mend else ""
        if sides.mend:
            said += f": mended from {source}" if source else f": no good copy; {made_by(finding.content)}"
        print(said, flush=True)
        left += not source
    print(f"{len(contents)} files read in {' and in '.join(place.name for place in places)}", flush=True)
    return len(findings), left


def main() -> None:
    """Parse the command line; errors in one line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--remote", nargs="?", const="", metavar="NAME")
    parser.add_argument("--mend", action="store_true")
    given = parser.parse_args()
    try:
        with Repo(".") as repo, repo.lock:
            bad, left = verify(Sides(repo, given.remote, given.mend))
        if left and given.mend:
            raise UserError(f"{left} of {bad} bad files are left")
        if left:
            files = f"{bad} bad file" + "s" * (bad != 1)
            raise UserError(f"{files}; `make verify WHAT=--mend` puts good copies in their place")
    except (UserError, DvcException, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
