"""Changes of valid files, as Hypothesis' strategies: of bytes, of text, of JSON, of a tar's headers.

Each draws one to four small changes, so that what fails shrinks to one or two of them.
"""

import gzip
import json
import re
import struct
import zlib
from copy import deepcopy

from hypothesis import strategies as st

HEAD = 128  # bytes: every other change is among the first ones, where files keep sizes and kinds
CHANGES = st.integers(1, 4)
SPANS = st.sampled_from((1, 2, 4, 8, 64, 512))
EXTREMES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    bytes(4),
    bytes(8),
    b"\xff" * 4,
    b"\xff" * 8,
    b"\0\0\0\x80",
    b"\xff\xff\xff\x7f",
)
PACKED = (struct.pack(form, value) for form in ("<H", ">H", "<I", ">I", "<Q") for value in (1, 9, 1000, 65535))
BYTES = st.sampled_from((*EXTREMES, *PACKED)) | st.binary(min_size=1, max_size=8)
EDITS = st.sampled_from(
    (
        lambda content, at, span, put: content[:at] + put + content[at + len(put) :],
        lambda content, at, span, put: content[:at] + put + content[at:],
        lambda content, at, span, put: content[:at] + content[at + span :],
        lambda content, at, span, put: content[:at] + content[at : at + span] * 9 + content[at + span :],
        lambda content, at, span, put: content[:at],
    )
)

WORD = re.compile(r"[^\s<>/=\"',:;{}\[\]()]+")
NUMBERS = ("0", "-1", "1", "2", "7", "0.5", "nan", "inf", "-inf", "1e308", "-1e308", "1e-320", "1e999", "0x10", "1_000")
NO_NUMBERS = ("", "9" * 5000, "99999999999999999999", "٣", "١٢", "²", "½", "True", "yes", "none", "cat", "dog")
PATHS = ("..", "../../etc/passwd", "/etc/passwd", "~", ".", "a/b", "a\\b", "a" * 300, "é" * 200, "holiday (1)")
LETTERS = (
    "\0",
    "\x1b[31m",
    "\u202e",
    "猫",
    "e\u0301",
    "\ufeff",
    "\ud800",
    "\udcff",
    '"',
    "'",
    "<",
    "&",
    "#",
    "%s",
    "$HOME",
)
WORDS = st.sampled_from((*NUMBERS, *NO_NUMBERS, *PATHS, *LETTERS))
BREAKS = st.sampled_from(("\r\n", "\r", "\n\n", "", " ", "\x85", "\u2028", "\0", "\n#", "\t"))
CODES = st.sampled_from(("utf-8",) * 9 + ("utf-8-sig", "utf-16", "latin-1"))

SCALARS = (
    None,
    True,
    False,
    0,
    -1,
    1,
    3,
    8,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    10**18,
    10**30,
    10**400,
    -(10**400),
)
STRINGS = ("", "x", "1", "cat", "\ud800", "\0", "\u2028", "../x.jpg", "/etc/passwd", "a" * 300, "holiday (1).jpg")
NESTED = ([], {}, [[]], [None], {"id": {}}, [1, 1, 9, 9], [1e308] * 4, [0, 0, float("inf"), 1])
VALUES = st.sampled_from((*SCALARS, *STRINGS, *NESTED))
DEEP = b"[" * 200_000

# A tar's header: where a field begins, and what may be in it. The checksum is put right afterwards.
TAR_FIELDS = {
    0: (b"../../etc/passwd", b"/etc/passwd", b"", b"a\0", b"\xff\xfe", b"a" * 100, b"n1/", b".", b"x.tar", b"\x1b[31m"),
    124: (b"00000000000\0", b"77777777777\0", b"-0000000001\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"00000001000\0"),
    156: tuple(b"\x000123456LKxgSVDNM7"[at : at + 1] for at in range(18)),
    157: (b"/etc/passwd", b"../x", b"\xff" * 100, b""),
    257: (b"ustar\x0000", b"ustar  \0", b"\0" * 8),
    345: (b"..", b"/", b"\xff" * 155, b"a" * 155),
    386: (b"\xff" * 96, b"00000000000\x0000000001000\0" * 4),  # GNU's sparse table
}


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Bytes overwritten, inserted, removed, repeated or cut off."""
    for _ in range(draw(CHANGES)):
        at = draw(st.integers(0, min(len(content), HEAD)) | st.integers(0, len(content)))
        content = draw(EDITS)(content, at, draw(SPANS), draw(BYTES))
    return content


@st.composite
def reworded(draw, content: bytes, snippets: tuple[str, ...] = ()) -> bytes:
    """Text with other words, lines, line breaks, snippets, or in another encoding."""
    text = content.decode()
    for _ in range(draw(CHANGES)):
        edit = draw(st.sampled_from(("word", "word", "lines", "break", *["snippet"][: len(snippets)])))
        spans = [found.span() for found in WORD.finditer(text)] or [(0, 0)]
        start, end = draw(st.sampled_from(spans))
        lines = text.splitlines(keepends=True) or [""]
        if edit == "word":
            others = st.sampled_from([text[slice(*span)] for span in spans])
            text = text[:start] + draw(WORDS | others) + text[end:]
        elif edit == "lines":
            taken, place = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            line = lines.pop(taken)
            text = "".join(lines[:place] + [line] * draw(st.sampled_from((0, 1, 2))) + lines[place:])
        elif edit == "break":
            text = text.replace("\n", draw(BREAKS), draw(st.sampled_from((1, -1))))
        else:
            text = text[:start] + draw(st.sampled_from(snippets)) + text[start:]
    code = draw(CODES)
    return text.encode(code, "surrogatepass" if code == "utf-8" else "replace")


@st.composite
def restructured(draw, content: bytes) -> bytes:
    """JSON with values replaced, removed or repeated, at any depth."""
    top = {"": json.loads(content)}
    for _ in range(draw(CHANGES)):
        parent, key = draw(st.sampled_from(list(places(top))))
        edit = draw(st.sampled_from(("replace", "replace", "remove", "repeat")))
        if edit == "replace":
            parent[key] = deepcopy(draw(VALUES))
        elif edit == "remove" and parent is not top:
            del parent[key]
        elif isinstance(parent, list):
            parent.insert(key, deepcopy(parent[key]))
    return json.dumps(top[""]).encode()


def places(value):
    """Every value in a JSON value, as what holds it and its key there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


@st.composite
def tar_headers(draw, content: bytes) -> bytes:
    """A tar in which fields of headers are others, with right checksums; those of tars in it as well."""
    blocks, heads = bytearray(content), headers_in(content)
    for _ in range(draw(CHANGES)):
        at, field = draw(st.sampled_from(heads)), draw(st.sampled_from(sorted(TAR_FIELDS)))
        value = draw(st.sampled_from(TAR_FIELDS[field]))
        blocks[at + field : at + field + len(value)] = value
        if not value:
            blocks[at + field] = 0
        blocks[at + 148 : at + 156] = b" " * 8
        blocks[at + 148 : at + 156] = b"%06o\0 " % sum(blocks[at : at + 512])
    return bytes(blocks)


def headers_in(content: bytes) -> list[int]:
    """Where the headers of a tar and of the tars in it begin."""
    return [at for at in range(0, len(content) - 511, 512) if content[at + 257 : at + 262] == b"ustar"]


def tars(content: bytes) -> st.SearchStrategy[bytes]:
    """A tar whose headers or bytes are changed."""
    return tar_headers(content) | damaged(content)


def gzipped(content: bytes) -> st.SearchStrategy[bytes]:
    """A compressed tar that is changed inside or outside."""
    return tars(gzip.decompress(content)).map(lambda inner: gzip.compress(inner, 1, mtime=0)) | damaged(content)


def with_checksums(content: bytes) -> bytes:
    """A PNG with the checksums of its chunks put right, as far as there are chunks."""
    made, at = content[:8], 8
    while at + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunk = content[at + 4 : at + 8 + size]
        made += content[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + size
    return made + content[at:]


def one_of_files(files: dict[str, bytes], change) -> st.SearchStrategy[dict[str, bytes]]:
    """One of some files, changed by a strategy of its bytes."""
    strategies = [change(content).map(lambda made, name=name: {name: made}) for name, content in files.items()]
    return st.one_of(strategies)
