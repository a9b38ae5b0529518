"""Archives as they may come: whole, cut off, damaged, with members that no data set has, compressed."""

import gzip
import io
import tarfile

import pytest
from official_archives import packed

from data.datasets import put
from googlenet.data import tar_index
from googlenet.data.archive_path import files_below, opened, tree_of
from googlenet.errors import UserError

LONG = "a" * 90 + "/" + "b" * 90 + ".JPEG"  # beyond the fields of the old header
FILES = [("one.JPEG", b"1" * 700), (LONG, b"2" * 3), ("d/ä.JPEG", b""), ("two.JPEG", b"3" * 512)]


def written(path, format=tarfile.GNU_FORMAT, files=FILES, **changes):
    """A tar of files; `changes` to attributes of the last member."""
    with tarfile.open(path, "w", format=format) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if name == files[-1][0]:
                for key, value in changes.items():
                    setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_lie_where_the_index_says(tmp_path, format):
    path = written(tmp_path / "a.tar", format)
    tar_index.check_archive(path)
    content = path.read_bytes()
    found = [(name, content[at : at + size]) for name, at, size in tar_index.members(path)]
    assert found == FILES
    assert list(tar_index.contents(path, lambda name: True)) == FILES


def test_members_of_a_tar_in_a_tar_lie_in_the_outer_file(tmp_path):
    path = put(tmp_path / "a.tar", packed([("n1.tar", packed(FILES)), ("n2.tar", packed(FILES[:1]))]))
    content = path.read_bytes()
    outer = list(tar_index.members(path))
    assert [member.name for member in outer] == ["n1.tar", "n2.tar"]
    for member, files in zip(outer, (FILES, FILES[:1]), strict=True):
        inner = tar_index.members(path, member.offset, member.size)
        assert [(name, content[at : at + size]) for name, at, size in inner] == files


def test_a_dot_before_a_name_and_folders_are_passed_over(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            (".", tarfile.DIRTYPE),
            ("./d/", tarfile.DIRTYPE),
            ("d", tarfile.DIRTYPE),
            ("./d/x", tarfile.REGTYPE),
        ):
            entry = tarfile.TarInfo(name)
            entry.type = kind
            archive.addfile(entry)
    assert [member.name for member in tar_index.members(path)] == ["d/x"]


def test_an_empty_archive_has_no_members(tmp_path):
    assert list(tar_index.members(written(tmp_path / "a.tar", files=[]))) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "/etc/x"}, "'/etc/x' has an absolute name"),
        ({"name": "a/../../x"}, r"'a/\.\./\.\./x' points outside the archive"),
        ({"name": ".."}, r"'\.\.' points outside the archive"),
        ({"name": "a\nb"}, "has a name that no file can have"),
        ({"name": b"\xff.JPEG".decode("utf-8", "surrogateescape")}, "has a name that no file can have"),
        ({"name": "one.JPEG"}, "two members are called 'one.JPEG'"),
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a symbolic link"),
        ({"type": tarfile.LNKTYPE, "linkname": "one.JPEG"}, "is a hard link"),
        ({"type": tarfile.CHRTYPE}, "is a device"),
        ({"type": tarfile.FIFOTYPE}, "is a pipe"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "is a sparse file"),
        ({"type": b"V"}, "is of a kind that no image is"),
    ],
)
def test_members_that_no_data_set_has_end_it(tmp_path, changes, reason):
    files = [*FILES[:1], ("last", b"")]
    path = written(tmp_path / "a.tar", files=files, **changes)
    with pytest.raises(UserError, match=rf"^a\.tar: .*{reason}.*fetch it again, or take"):
        list(tar_index.members(path))
    whole = put(tmp_path / "out/b.tar", packed([("in.tar", path.read_bytes())]))
    with pytest.raises(UserError, match=rf"^in\.tar in b\.tar: .*{reason}"):
        list(files_below(opened(whole)))
    squeezed = put(tmp_path / "c.tgz", gzip.compress(path.read_bytes()))
    with pytest.raises(UserError, match=rf"^c\.tgz: .*{reason}"):
        list(tar_index.contents(squeezed, lambda name: True))


@pytest.mark.parametrize("kept", [100, 600, 1024, 1536, 2000, 2100, 2560, 5000])
def test_a_cut_anywhere_is_reported_with_the_byte(tmp_path, kept):
    content = written(tmp_path / "whole.tar").read_bytes()
    path = put(tmp_path / "a.tar", content[:kept])
    with pytest.raises(UserError, match=r"^a\.tar: (stops after [\d,]+ bytes|damaged).*; fetch it again$"):
        list(tar_index.members(path))
    with pytest.raises(UserError, match=r"a\.tar: (stops after [\d,]+ bytes|not a tar).*; fetch it again$"):
        tar_index.check_archive(path)
    squeezed = put(tmp_path / "a.tgz", gzip.compress(content, 0)[:kept])
    with pytest.raises(UserError, match=r"^a\.tgz: cut off before its end; fetch it again$"):
        list(tar_index.contents(squeezed, lambda name: True))


def test_a_cut_within_a_picture_names_it(tmp_path):
    path = put(tmp_path / "a.tar", written(tmp_path / "whole.tar").read_bytes()[:1000])
    with pytest.raises(UserError, match=r"stops after 1,000 bytes, within 'one\.JPEG' of 1,212"):
        list(tar_index.members(path))


def test_an_inner_tar_that_says_more_than_it_is_does_not_reach_its_neighbour(tmp_path):
    inner = packed([("a.JPEG", b"x" * 600)])[:1024]
    path = put(tmp_path / "a.tar", packed([("n1.tar", inner), ("n2.tar", packed(FILES))]))
    with pytest.raises(UserError, match=r"^n1\.tar in a\.tar: stops after 1,024 bytes, within 'a\.JPEG'"):
        list(files_below(opened(path)))


def test_an_inner_tar_without_its_end_mark_ends_where_the_outer_says(tmp_path):
    inner = packed([("a.JPEG", b"x" * 512)])[:1024]
    path = put(tmp_path / "a.tar", packed([("n1.tar", inner), ("n2.tar", packed(FILES[:1]))]))
    assert [item.name for item in files_below(opened(path))] == ["a.JPEG", "one.JPEG"]


@pytest.mark.parametrize("names", [("n1.tar", "n1/a.JPEG"), ("n1/a.JPEG", "n1.tar"), ("a", "a/b")])
def test_a_file_and_a_folder_of_one_name(tmp_path, names):
    path = put(tmp_path / "a.tar", packed((name, packed([])) for name in names))
    with pytest.raises(UserError, match=r"^a\.tar: '.*' (is there twice|of '.*' is a file and a folder); fetch"):
        tree_of(path)


def test_a_damaged_header_is_not_the_end(tmp_path):
    content = bytearray(written(tmp_path / "whole.tar").read_bytes())
    content[1536:1540] = b"\xff\xfe\xfd\xfc"
    path = put(tmp_path / "a.tar", bytes(content))
    with pytest.raises(UserError, match=r"^a\.tar: damaged.*; fetch it again"):
        list(tar_index.members(path))


def test_any_damaged_byte_of_a_header_is_reported_or_changes_nothing_unsafe(tmp_path):
    content = written(tmp_path / "whole.tar", tarfile.PAX_FORMAT).read_bytes()
    for at in range(0, 4096, 7):
        for value in (0, 0x2F, 0x80, 0xFF):
            path = put(tmp_path / "a.tar", content[:at] + bytes([value]) + content[at + 1 :])
            try:
                found = list(tar_index.members(path))
            except UserError as error:
                assert "\n" not in str(error) and "a.tar" in str(error)
            else:
                assert all(m.offset >= 0 and m.offset + m.size <= len(content) for m in found)


def test_a_name_of_gigabytes_is_not_read(tmp_path):
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    path = put(tmp_path / "a.tar", entry.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(UserError, match=r"a header of 3,221,225,472 bytes"):
        list(tar_index.members(path))


def test_what_unpacks_to_far_too_much_is_refused_unread(tmp_path):
    for size in (tar_index.LARGEST_MEMBER + 1, 1 << 40):
        entry = tarfile.TarInfo("big.xml")
        entry.size = size
        path = put(tmp_path / "a.tgz", gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(4096)))
        with pytest.raises(UserError, match=r"^a\.tgz: unpacks to far more than it should, at 'big\.xml'"):
            list(tar_index.contents(path, lambda name: False))


def test_many_members_that_together_are_far_too_much_are_refused(tmp_path):
    content = put(tmp_path / "a.tgz", b"")
    with tarfile.open(content, "w:gz") as archive:
        for number in range(8):
            entry = tarfile.TarInfo(f"{number}.xml")
            entry.size = 2000
            archive.addfile(entry, io.BytesIO(bytes(2000)))
    with pytest.raises(UserError, match=r"^a\.tgz: unpacks to far more than it should, at '\d\.xml'"):
        list(tar_index.contents(content, lambda name: False, most_bytes=10_000))


def test_images_in_a_compressed_archive_are_refused_with_the_mend(tmp_path):
    path = put(tmp_path / "a.tar.gz", gzip.compress(written(tmp_path / "a.tar").read_bytes()))
    with pytest.raises(UserError, match=r"a\.tar\.gz: is compressed.*unpack that layer once .*becomes a\.tar\)"):
        tar_index.check_archive(path)


def test_what_is_no_archive_at_all(tmp_path):
    path = put(tmp_path / "a.tar", b"<html>log in first</html>" * 100)
    for look in (
        tar_index.check_archive,
        lambda p: list(tar_index.members(p)),
        lambda p: list(tar_index.contents(p, bool)),
    ):
        with pytest.raises(UserError, match=r"a\.tar: (not a tar archive|damaged archive)"):
            look(path)
