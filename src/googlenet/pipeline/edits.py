"""How a reproduction's settings differ from the commit's conf/: edits of its files, and overrides in params.yaml."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from googlenet.config.sources import GROUPS
from googlenet.errors import UserError
from googlenet.pipeline import git
from googlenet.storage.files import load_yaml
from googlenet.tracking import differing, flattened

PARAMS = "params.yaml"


def edits(root: Path, experiment: str) -> dict[str, str]:
    """The settings that differ from the commit's, by key: as "8 (params.yaml)" where params.yaml overrides a key, and
    as "0.3 → 0.4" where a file of conf/ was edited. Edits are not detected outside git."""
    params = load_yaml(root / PARAMS, dates=False) if (root / PARAMS).is_file() else {}
    overrides = flattened({"overrides": params.get("overrides") or {}})
    found = {key.removeprefix("overrides."): f"{value} ({PARAMS})" for key, value in overrides.items() if "." in key}
    with TemporaryDirectory() as folder:
        changed = git.output(
            root, "diff", "-z", "--name-only", "--relative", "HEAD", "--", "conf"
        )  # -z: names as they are
        for file in os.fsdecode(changed).split("\0"):
            path = Path(file)
            if path.suffix != ".yaml" or (path.parent.name == "experiment" and path.stem != experiment):
                continue
            committed = Path(folder) / path.name
            committed.write_bytes(git.output(root, "show", f"HEAD:./{file}"))
            before, now = (_settings(base, path) for base in (committed, root / file))
            for key in differing(before, now):
                found[key] = f"{before.get(key, 'absent')} → {now.get(key, 'absent')}"
    return found


def _settings(content: Path, path: Path) -> dict[str, str]:
    """The settings in `content`, of a file of conf/, by their keys in the composed tree; none if it is deleted."""
    group = path.parent.name
    section = {"conf": path.stem, "experiment": ""}.get(group, GROUPS.get(group, group))
    try:
        tree = load_yaml(content)
    except UserError:  # deleted, or invalid, which would have stopped the run
        return {}
    return flattened({section: tree} if section and path.name != "config.yaml" else tree)
