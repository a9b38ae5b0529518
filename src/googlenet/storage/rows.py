"""Arrays on disk a few rows at a time: safetensors files that need not fit in memory.

The files are byte for byte those of `checkpoint.save_arrays`. None stays open, so loader processes may share them.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from googlenet.errors import UserError
from googlenet.storage import checkpoint
from googlenet.storage.files import atomic

FLOAT32 = np.dtype("<f4")
NUMPY = {f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "UI" for size in (1, 2, 4, 8)}
NUMPY |= {"BOOL": "?", "F16": "<f2", "F32": "<f4", "F64": "<f8"}


class Ranges(Protocol):
    """An array [n, ...], or an object that returns one for a range of rows: ranges[a:b]."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


class Rows:
    """An array [n, ...] in a file. rows[a:b] reads these rows; raises UserError if the file is truncated or deleted."""

    def __init__(self, path: Path | str, offset: int, dtype: np.dtype, shape: tuple[int, ...]):
        self.path, self.offset, self.dtype, self.shape = str(path), offset, dtype, shape
        self.row_items = math.prod(shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"{self.path}: rows are read in steps of 1, not {step}")
        array = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        offset = self.offset + start * self.row_items * self.dtype.itemsize
        if not self._read(array.reshape(-1).view(np.uint8), offset):
            raise UserError(f"{self.path}: changed or gone while it was read; run the same command again")
        return array

    def _read(self, into: np.ndarray, offset: int) -> bool:
        """Fill an array of bytes from an offset; return whether the file has them."""
        try:
            file = os.open(self.path, os.O_RDONLY)  # `open` takes twice as long
        except FileNotFoundError:
            return False
        try:
            done = 0
            while done < len(into) and (count := os.preadv(file, [into[done:].data], offset + done)):
                done += count
        finally:
            os.close(file)
        return done == len(into)


def open_rows(path: Path | str) -> tuple[dict[str, Rows], dict[str, str]]:
    """`checkpoint.load_arrays` without reading the arrays. Raises the same errors."""
    slices, metadata = checkpoint.read(path, "np", lazy=True)
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
    arrays = {}
    for name, one in slices.items():
        if one.get_dtype() not in NUMPY:
            raise UserError(f"{path}: '{name}' is {one.get_dtype()}, which numpy lacks; {checkpoint.RUN_AGAIN}")
        offset = start + header[name]["data_offsets"][0]
        arrays[name] = Rows(path, offset, np.dtype(NUMPY[one.get_dtype()]), tuple(one.get_shape()))
    return arrays, metadata


class Writing:
    """float32 arrays that are being written."""

    def __init__(self, files: Mapping[str, BinaryIO], shapes: Mapping[str, tuple[int, ...]]):
        self.files, self.shapes = files, shapes
        self.written = dict.fromkeys(shapes, 0)

    def add(self, name: str, rows: np.ndarray) -> None:
        """Append rows to an array."""
        if rows.shape[1:] != self.shapes[name][1:]:
            raise ValueError(f"{name}: rows of {rows.shape[1:]} for an array of {self.shapes[name]}")
        self.files[name].write(np.ascontiguousarray(rows, FLOAT32).data)
        self.written[name] += len(rows)


@contextmanager
def written(path: Path | str, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str]) -> Iterator[Writing]:
    """Within the block, write float32 arrays of known shapes to a file, which appears once all rows are written."""
    header: dict[str, Any] = {"__metadata__": checkpoint.metadata_of(path, metadata)}
    end, offsets = 0, {}
    for name, shape in sorted(shapes.items()):
        offsets[name], end = end, end + math.prod(shape) * FLOAT32.itemsize
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offsets[name], end]}
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    with atomic(path) as part:
        part.write_bytes(len(head).to_bytes(8, "little") + head)
        with ExitStack() as stack:
            files = {name: stack.enter_context(part.open("r+b")) for name in shapes}
            for name, file in files.items():
                file.seek(8 + len(head) + offsets[name])
            writing = Writing(files, shapes)
            yield writing
        for name, shape in shapes.items():
            if writing.written[name] != shape[0]:
                raise ValueError(f"{path}: {writing.written[name]} rows of {name}, of {shape[0]}")
