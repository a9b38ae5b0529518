"""Ask git, where there is a repository and git is installed."""

import subprocess
from pathlib import Path


def output(root: Path, *words: str) -> bytes:
    """The output of a git command; empty if it fails, as it does outside git, or where git is not installed."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return b""
    return done.stdout if done.returncode == 0 else b""
