"""`snakemake --report`: every marked output has its caption, and every caption its output."""

import re
from pathlib import Path

WORKFLOW = Path(__file__).parents[2] / "workflow"


def test_every_caption_is_a_file_and_every_file_a_caption():
    texts = [path.read_text(encoding="utf-8") for path in sorted((WORKFLOW / "rules").glob("*.smk"))]
    marked = [name for text in texts for name in re.findall(r'caption="\.\./report/(\w+)\.rst"', text)]
    head = re.findall(
        r'^report: "report/(\w+)\.rst"', (WORKFLOW / "Snakefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(marked) == sum(text.count("report(") for text in texts) == 7 and head == ["workflow"]
    assert {path.stem for path in (WORKFLOW / "report").glob("*.rst")} == {*marked, *head}
