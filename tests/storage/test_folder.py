"""A folder written as a whole: the files of this run, and no others."""

from googlenet.storage.folder import write_folder


def test_files_of_an_earlier_run_go_and_folders_stay(tmp_path):
    folder = tmp_path / "figures"
    write_folder(folder, {"a.png": b"1", "b.png": b"2"})
    (folder / "kept").mkdir()
    write_folder(folder, {"b.png": b"3", "c.png": b"4"})
    assert {path.name: path.read_bytes() for path in folder.glob("*.png")} == {"b.png": b"3", "c.png": b"4"}
    assert (folder / "kept").is_dir()


def test_no_files_leave_no_folder(tmp_path):
    write_folder(tmp_path / "figures", {})
    assert not (tmp_path / "figures").exists()
