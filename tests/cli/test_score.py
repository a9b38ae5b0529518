"""The command that scores a file of detections: a case worked by hand, its switches, and its errors in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.datasets import put, xml
from googlenet.cli.main import main

ROOT = Path(__file__).parents[2]
# Two classes in three images. By number: cat 1, dog 2, fox 3; images 1 to 3.
SUBMISSION = """\
1 1 0.9 0 0 99 99
1 1 0.8 0 0 99 99
2 1 0.7 0 0 49 99
2 1 0.6 200 0 204 4
3 1 0.5 0 0 99 99
1 2 0.9 0 0 99 99
3 2 0.1 0 0 99 99
"""


@pytest.fixture
def case(tmp_path):
    """The arguments of the command for a small data set on disk."""
    put(tmp_path / "list.txt", "a 1\nb 2\nc 3\n")
    put(tmp_path / "classes.txt", "n02000001 1 cat\nn02000002 2 dog\nn02000003 3 fox\n")
    put(tmp_path / "black.txt", "1 n02000002\n")
    put(tmp_path / "xml/a.xml", xml(("n02000001", 0, 0, 99, 99), size=None))
    put(tmp_path / "xml/b.xml", xml(("n02000001", 0, 0, 99, 99), ("n02000001", 200, 0, 209, 9), size=None))
    put(tmp_path / "xml/c.xml", xml(("n02000002", 0, 0, 99, 99), size=None))
    put(tmp_path / "d.txt", SUBMISSION)
    files = {"annotations": "xml", "list": "list.txt", "classes": "classes.txt", "json": "out.json"}
    return [
        str(tmp_path / "d.txt"),
        *(word for key, name in files.items() for word in (f"--{key}", str(tmp_path / name))),
    ]


def result(case, *more):
    assert main(["score", *case, *more]) == 0
    return json.loads(Path(case[case.index("--json") + 1]).read_text())


def test_a_case_by_hand(case, capsys):
    found = result(case)
    # Cat, best first: hit; duplicate; hit (half of b's large one); hit (a quarter of 10 x 10 px is enough); miss.
    # Precision 1, 1/2, 2/3, 3/4, 3/5 at 1/3, 1/3, 2/3, 1 of three objects; the envelope lifts 2/3 to 3/4.
    cat = 100 * (1 + 3 / 4 + 3 / 4) / 3
    # Dog: a miss, then the hit: 1/2.
    assert [row["ap_percent"] for row in found["classes"]] == pytest.approx([cat, 50, None])
    assert found["mean_ap_percent"] == pytest.approx((cat + 50) / 2)
    assert (found["images"], found["objects"], found["detections"]) == (3, 4, 7)
    assert found["classes"][0] | {"ap_percent": 0} == {
        "class": "n02000001", "name": "cat", "objects": 3, "detections": 5, "ap_percent": 0
    }  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if "-----" not in line] == [
        ["class", "objects", "detections", "AP", "%"],
        ["cat", "3", "5", "83.33"],
        ["dog", "1", "2", "50.00"],
        ["fox", "0", "0", "-"],
        ["mean", "of", "2", "classes", "4", "7", "66.67"],
    ]
    assert len({len(line) for line in lines}) == 1  # in columns


def test_the_fixed_threshold(case):
    # The small cat is missed now: precision 1, 1/2, 2/3, 2/4, 2/5 at 1/3, 1/3, 2/3.
    found = result(case, "--threshold", "fixed")
    assert found["classes"][0]["ap_percent"] == pytest.approx(100 * (1 + 2 / 3) / 3) and found["threshold"] == "fixed"


def test_the_blacklist(case, capsys):
    found = result(case, "--blacklist", str(Path(case[0]).with_name("black.txt")))
    assert found["classes"][1]["ap_percent"] == 100  # the dog that was no dog in image 1 is ignored
    assert (found["neutral_detections"], found["blacklisted_pairs"], found["blacklist_outside"]) == (1, 1, 0)
    assert capsys.readouterr().out.splitlines()[-1] == "1 detections count neither way"


def test_the_blacklist_of_the_whole_set_with_a_part_of_it(case, capsys):
    """The first image is left out of the list: its entry is skipped and counted; numbers of one's own are reported."""
    root = Path(case[0]).parent
    put(root / "d.txt", "".join(line + "\n" for line in SUBMISSION.splitlines() if not line.startswith("1")))
    put(root / "black.txt", "1 n02000002\n3 n02000001\n")
    part = [*case, "--blacklist", str(root / "black.txt")]
    put(root / "list.txt", "b 2\nc 3\n")
    found = result(part)
    assert (found["blacklisted_pairs"], found["blacklist_outside"], found["neutral_detections"]) == (1, 1, 1)
    assert "1 entries of the blacklist are on images or classes not scored here" in capsys.readouterr().out
    put(root / "list.txt", "b 1\nc 2\n")
    assert main(["score", *part]) == 1 and "no image 3: the 2 of list.txt have numbers of" in capsys.readouterr().err
    put(root / "d.txt", "".join(f"{int(line[0]) - 1}{line[1:]}\n" for line in SUBMISSION.splitlines() if line[0] > "1"))
    again = result([*part, "--numbers", str(put(root / "val.txt", "a 1\nb 2\nc 3\n"))])
    assert again == found


def test_names_with_blanks_and_extensions(case):
    """`b (1)` is not the image b, which is there too."""
    root = Path(case[0]).parent
    expected = result(case)
    (root / "xml/b.xml").rename(root / "xml/b (1).xml")
    put(root / "xml/b.xml", xml(("n02000003", 0, 0, 9, 9), size=None))
    put(root / "list.txt", "a.JPEG 1\nb (1).JPEG 2\nc.JPEG 3\n")
    assert result(case) == expected
    put(root / "list.txt", "a\nb (1)\nc\n")
    assert result(case) == expected


def test_equal_scores_count_in_the_order_of_the_images_numbers(case):
    """As in the kit's program, which sorts detections by image number first: whatever the order of the list."""
    root = Path(case[0]).parent
    put(root / "d.txt", "3 2 0.5 0 0 99 99\n1 2 0.5 0 0 99 99\n")  # a dog in image 3, none in image 1
    for order in ("a 1\nb 2\nc 3\n", "c 3\nb 2\na 1\n"):
        put(root / "list.txt", order)
        assert result(case)["classes"][1]["ap_percent"] == 50  # the miss in image 1 comes first


def test_difficult_objects(case):
    root = Path(case[0]).parent
    put(root / "xml/a.xml", xml(("n02000001", 0, 0, 99, 99), size=None, difficult=1))
    # Both detections of it are neutral; then hit, hit, miss of two objects.
    assert result(case)["classes"][0]["ap_percent"] == pytest.approx(100)
    assert result(case, "--difficult", "count")["classes"][0]["ap_percent"] == pytest.approx(250 / 3)


def test_names_instead_of_numbers_and_no_table(case):
    root = Path(case[0]).parent
    names = {"1": "n02000001", "2": "n02000002"}
    rows = [line.split() for line in SUBMISSION.splitlines()]
    lines = [",".join(["abc"[int(row[0]) - 1], names[row[1]], *row[2:]]) for row in rows]
    put(root / "d.csv", "image,class,score,xmin,ymin,xmax,ymax\n" + "\n".join(lines))
    at = case.index("--classes")
    by_name = [str(root / "d.csv"), *case[1:at], *case[at + 2 :]]
    assert result(by_name)["mean_ap_percent"] == result(case)["mean_ap_percent"]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("d.txt", "1 1 nan 0 0 9 9\n", "error: d.txt, line 1: score is 'nan', not a finite number"),
        ("classes.txt", "n02000001 1 cat\n", "error: c.xml: no class 'n02000002'; did you mean 'n02000001'?"),
        ("list.txt", "a 1\nb 2\n", "error: d.txt, line 5: no image '3' among the 2 of list.txt"),
        ("xml/a.xml", "<annotation>", "error: list.txt, 'a': a.xml: is not XML"),
    ],
)
def test_bad_input_is_one_line_and_no_table(case, capsys, file, content, said):
    put(Path(case[0]).parent / file, content)
    assert main(["score", *case]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(said) and told.err.count("\n") == 1 and not told.out
    assert not Path(case[case.index("--json") + 1]).exists()


def test_pictures_without_any_object_are_told(case, capsys):
    for name in "abc":
        put(Path(case[0]).parent / f"xml/{name}.xml", xml())
    assert main(["score", *case]) == 1
    assert capsys.readouterr().err == "error: mean AP: no object to find in any image; give a split that has boxes\n"


def test_a_file_that_cannot_be_written_is_named(case, capsys):
    below = f"{case[0]}/out.json"  # in a file, not a folder
    assert main(["score", *case, "--json", below]) == 1
    shown, said = capsys.readouterr()
    assert "mean of 2 classes" in shown  # the table is not lost
    remedy = "correct the path or its permissions, or free some space"
    assert said.startswith(f"error: {case[0]}: ") and said.endswith(f"; {remedy}\n") and said.count("\n") == 1


def test_a_folder_in_place_of_the_result_is_reported_before_any_work(case, capsys):
    folder = str(Path(case[0]).parent)
    assert main(["score", "absent.txt", *case[1:], "--json", folder]) == 1
    assert capsys.readouterr().err == f"error: {folder}: is a folder; name a file\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line(case):
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "googlenet", "score", *case]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    line = "error: output: No space left on device; correct the path or its permissions, or free some space\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_it_runs_as_a_module_and_imports_nothing_heavy(case):
    code = "import sys, googlenet.cli.score; print([m for m in ('torch', 'mlflow', 'cv2') if m in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    run = {"capture_output": True, "text": True, "env": environment}
    assert subprocess.run([sys.executable, "-c", code], **run, check=True).stdout.strip() == "[]"
    done = subprocess.run([sys.executable, "-m", "googlenet", "score", *case], **run, check=False)
    assert done.returncode == 0 and "mean of 2 classes" in done.stdout and not done.stderr
