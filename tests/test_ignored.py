"""Git keeps the pages of data/ and results/, and ignores all else in them."""

import subprocess

import pytest

from conf_copy import ROOT


@pytest.mark.parametrize("folder", ["data", "results"])
def test_only_the_page_of_a_folder_is_kept(folder):
    assert (ROOT / folder / "README.md").read_text(encoding="utf-8").startswith(f"# {folder}/\n")
    others = [f"{folder}/{name}" for name in ("x", "x/README.md", "classification", "smoke/metrics.json", ".gitignore")]
    words = ["git", "check-ignore", "--no-index", f"{folder}/README.md", *others]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == others
