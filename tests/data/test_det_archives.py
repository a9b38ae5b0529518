"""ILSVRC's archives of detection in little: those of 2014 and the one of 2017 give what the unpacked release gives."""

import gzip

import numpy as np
import official_archives as official
import pytest
from scipy.io import savemat

from data.datasets import detection, put, shown
from googlenet.data.prepare import check_source
from googlenet.data.readers import ilsvrc, ilsvrc_archives
from googlenet.errors import UserError
from ticking import lines_of

HALVES = {"train": "train", "validation": "val1", "test": "val2"}
BLACK = "devkit/data/ILSVRC2014_det_validation_blacklist.txt"


def read_det(root, reader=ilsvrc_archives, **changes):
    name = reader.__name__.rpartition(".")[2]
    settings = detection(name, root, **({"splits": HALVES, "box_origin": 0} | changes))
    return reader.read(settings)


def halves(folder):
    put(folder / "val1.txt", "ILSVRC2012_val_00000001 1\nILSVRC2012_val_00000003 2\nILSVRC2012_val_00000005 3\n")
    put(folder / "val2.txt", "ILSVRC2012_val_00000002 1\nILSVRC2012_val_00000004 2\nILSVRC2012_val_00000006 3\n")


def as_unpacked(root):
    """The files of the one archive and its kit on disk, as `ilsvrc` reads them."""
    for name, content in official.release().items():
        put(root / name, content)
    for name, content in official.detection()["ILSVRC2014_devkit"].items():
        if "det_lists" not in name:
            put(root / "ILSVRC/devkit" / name, content)
    halves(root / "ILSVRC/ImageSets/DET")
    return root


@pytest.mark.parametrize("negatives", [True, False])
@pytest.mark.parametrize("write", [official.write_release, official.write_detection])
def test_detection_gives_what_the_unpacked_release_gives(tmp_path, write, negatives):
    write(tmp_path / "packed")
    halves(tmp_path / "packed/ImageSets/DET")
    packed = read_det(tmp_path / "packed", negatives=negatives, blacklist=BLACK)
    unpacked = read_det(as_unpacked(tmp_path / "unpacked"), ilsvrc, negatives=negatives, blacklist=BLACK)
    assert shown(packed) == shown(unpacked) and not packed.refused
    assert len(packed.splits["train"]) == (9 if negatives else 6)
    assert {item.annotation.names for item in packed.splits["test"]} == {(key,) for key in packed.keys}
    first = packed.splits["validation"][0]
    assert first.name == "ILSVRC2012_val_00000001.JPEG" and first.partial == (2,)  # by the blacklist
    assert packed.classes == [f"made {key}" for key in packed.keys]


@pytest.mark.parametrize(
    ("write", "archives"),
    [
        (official.write_release, ["ILSVRC2017_DET.tar"]),
        (official.write_detection, ["ILSVRC2014_DET_train.tar", "ILSVRC2014_DET_bbox_train.tgz"]),
    ],
)
def test_listing_what_is_in_archives_reports_its_progress(tmp_path, write, archives):
    write(tmp_path)
    halves(tmp_path / "ImageSets/DET")
    lines = lines_of(lambda: read_det(tmp_path))
    assert [name for name in archives if not any(line.startswith(f"files of {name}: 1, ") for line in lines)] == []


def test_the_archives_of_2014_may_lie_unpacked(tmp_path):
    official.write_detection(tmp_path / "packed")
    halves(tmp_path / "packed/ImageSets/DET")
    for name, files in official.detection().items():
        for path, content in files.items():
            put(tmp_path / "unpacked" / name / path, content)
    halves(tmp_path / "unpacked/ImageSets/DET")
    assert shown(read_det(tmp_path / "unpacked")) == shown(read_det(tmp_path / "packed"))


def test_lists_that_name_the_file_alone_find_it_in_its_tar(tmp_path):
    official.write_detection(tmp_path)
    kit = official.detection()["ILSVRC2014_devkit"]
    for name, content in kit.items():
        lines = content.decode().splitlines()
        if "train_" in name:
            content = "".join(f"{line.rpartition('/')[2]}\n" for line in lines).encode()
        put(tmp_path / "ILSVRC2014_devkit" / name, content)
    before = {**HALVES, "validation": "val", "test": "val2"}
    halves(tmp_path / "ImageSets/DET")
    packed = shown(read_det(tmp_path, splits=before))
    (tmp_path / "ILSVRC2014_devkit.tgz").unlink()
    assert shown(read_det(tmp_path, splits=before)) == packed


def test_names_of_classes_come_from_the_matlab_file_where_there_is_no_list(tmp_path):
    official.write_detection(tmp_path)
    (tmp_path / "ILSVRC2014_devkit.tgz").unlink()
    made = official.detection()["ILSVRC2014_devkit"]
    for name, content in made.items():
        if "map_det" not in name:
            put(tmp_path / "ILSVRC2014_devkit" / name, content)
    rows = [
        (int(line.split()[1]), line.split()[0], "a thing") for line in made["data/map_det.txt"].decode().splitlines()
    ]
    rows += [(0, "n00001740", "entity")]
    table = np.array([rows], [("ILSVRC2014_DET_ID", object), ("WNID", object), ("name", object)])
    savemat(tmp_path / "ILSVRC2014_devkit/data/meta_det.mat", {"synsets": table})
    halves(tmp_path / "ImageSets/DET")
    reading = read_det(tmp_path)
    assert reading.classes == [f"a thing ({key})" for key in reading.keys] and len(reading.splits["train"]) == 9


def test_detection_that_lacks_something_is_reported_before_any_job(tmp_path):
    official.write_detection(tmp_path)
    settings = detection("ilsvrc_archives", tmp_path, splits=HALVES, box_origin=0)
    check_source(settings)
    (tmp_path / "ILSVRC2013_DET_bbox_val.tgz").unlink()
    with pytest.raises(UserError, match=r"detection\.root: .* has neither ILSVRC2013_DET_bbox_val\.tgz"):
        check_source(settings)
    put(tmp_path / "ILSVRC2017_DET.tar.gz", gzip.compress(bytes(2000)))
    with pytest.raises(UserError, match=r"ILSVRC2017_DET\.tar\.gz: is compressed.*becomes ILSVRC2017_DET\.tar"):
        check_source(settings)


def test_a_list_that_is_not_there_is_reported_when_it_is_read(tmp_path):
    official.write_release(tmp_path)
    with pytest.raises(UserError, match=r"detection\.splits\.validation: no file .*ImageSets/DET/val1\.txt"):
        read_det(tmp_path)
