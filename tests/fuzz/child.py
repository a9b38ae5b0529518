"""A process that reads one input after another under guard, and says how each ended.

Guarded are its memory (a limit of the kernel's), what it starts, calls or writes elsewhere (an audit hook), its time
(by the process that hands it the inputs) and its end (a crash of a library ends this process alone).
"""

import gzip
import multiprocessing
import os
import re
import resource
import shutil
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from fuzz.mutations import headers_in
from googlenet.errors import LONGEST, UserError, printable

Files = dict[str, bytes]  # by their paths below a folder
MEMORY_MB = 1024  # that one input may take
BUSY_S, WAIT_S = 20.0, 600.0  # that one input may compute, and may take on a busy machine; it takes milliseconds
# What no input may cause: a process, a connection, a library by name, a pickled class or function.
FORBIDDEN = re.compile(r"subprocess|os\.(exec|fork|forkpty|posix_spawn|spawn|system)|pty|socket|ctypes|pickle")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NOWHERE = "/dev/null"
UNPACKED = 2**20  # bytes of a file, unpacked if it is compressed, whose lines count as entries of a list
READY = "ready"


class Format(NamedTuple):
    """A kind of file: a valid input, the strategy for those of its files that are changed, and what reads the folder.

    `read` returns the lines with which single files were left out; it raises UserError for the whole.
    """

    name: str
    files: Callable[[], Files]
    changed: Callable[[Files], object]
    read: Callable[[Path], list[str]]


class Outcome(NamedTuple):
    """How an input ended: "record", "error" (in one line) or "fault"; the line, or what went wrong."""

    kind: str
    text: str
    seconds: float = 0.0
    memory_mb: float = 0.0  # that it took at most, beyond what the process had before


class Guard:
    """The limits of this process; they are never lifted. `broken`: what was forbidden and tried during an input."""

    def __init__(self, home: Path):
        self.home, self.broken, self.on = str(home), "", False
        bytes_now = status("VmData") * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_now + (MEMORY_MB << 20),) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple) -> None:
        """Refuse an event, and remember it: a library may swallow the refusal."""
        if not self.on or not (FORBIDDEN.match(event) or (event == "open" and self.elsewhere(*arguments[:3]))):
            return
        self.broken = f"{event} {arguments!r:.300}"
        raise PermissionError(self.broken)

    def elsewhere(self, path: object, mode: str | None, flags: int) -> bool:
        """Whether this opens a file outside the input's folder for writing."""
        if not flags & WRITING or not isinstance(path, str | bytes):
            return False
        name = os.path.abspath(os.fsdecode(path))
        return name != NOWHERE and not name.startswith(self.home)


def status(field: str) -> int:
    """A number of this process's status, KiB."""
    return int(re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def written(files: Files, folder: Path) -> Path:
    """Write files below a folder, and return it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def outcome_of(form: Format, files: Files, guard: Guard) -> Outcome:
    """Read one input under guard."""
    with tempfile.TemporaryDirectory(dir=guard.home) as place:
        folder = written(form.files() | files, Path(place))
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, start = status("VmRSS"), monotonic()
        guard.broken, guard.on = "", True
        try:
            lines, fault = form.read(folder), ""
        except UserError as error:
            lines, fault = [str(error)], ""
        except MemoryError:
            lines, fault = [], f"more than {MEMORY_MB} MB of memory:\n{traceback.format_exc()}"
        except BaseException:
            lines, fault = [], traceback.format_exc()
        guard.on = False
        took = monotonic() - start, (status("VmHWM") - before) / 1024
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
            fault = "a process was started"
        known = names_of(form.files(), files) | {place}
        fault = f"forbidden: {guard.broken}" if guard.broken else fault or "".join(fault_of(s, known) for s in lines)
        return Outcome("fault" if fault else "error" if lines else "record", fault or "\n".join(lines), *took)


def fault_of(line: str, known: set[str]) -> str:
    """What is wrong with an error line, if anything: more than one line, or none of the input's files named."""
    if not line.isprintable() or len(line) > LONGEST + 9:
        return f"not one line: {line!r}"
    starts = (name[: LONGEST // 2 - 100] for name in known)  # a message leaves out the middle of what is longer
    return "" if any(start in line for start in starts) else f"names no file and no key: {line}"


def names_of(files: Files, changed: Files) -> set[str]:
    """How a line may name what it is about: a file or folder with or without its suffix, a key, an entry of a list."""
    paths = [*files, *changed, *(name for content in files.values() for name in members_of(content))]
    names = {"dataset.", *(part for path in paths for part in (*Path(path).parts, Path(path).stem) if len(part) > 2)}
    texts = (unpacked(content)[:UNPACKED].decode("utf-8", "replace") for content in changed.values())
    lines = (line.strip() for text in texts for line in text.splitlines())  # those of a list in an archive too
    return names | {printable(entry) for line in lines if line for entry in (line, line.split()[0])}


def unpacked(content: bytes) -> bytes:
    """The content without gzip's compression, if it has it: its start, since a little may unpack to gigabytes."""
    with suppress(OSError, EOFError, zlib.error), gzip.open(BytesIO(content)) as file:
        return file.read(UNPACKED)
    return content


def members_of(content: bytes) -> list[str]:
    """The names in a tar, compressed or not, and in the tars in it."""
    content = unpacked(content)
    return [content[at : at + 100].rstrip(b"\0").decode("utf-8", "replace") for at in headers_in(content)]


def serve(connection, module: str, home: Path) -> None:
    """Be the child: read valid inputs of every format, then put up the guard and answer until the parent goes."""
    sys.dont_write_bytecode = True
    tempfile.tempdir = str(home)  # of the product's temporary files
    os.chdir(home)
    forms = formats(module)
    try:
        for at, form in enumerate(forms.values()):  # imports libraries, starts their threads
            lines = form.read(written(form.files(), home / str(at)))
            assert not lines, f"{form.name}: the valid input gives {lines}"
        guard = Guard(home)
        connection.send(READY)
    except BaseException:
        connection.send(traceback.format_exc())
        return
    with suppress(EOFError):
        while True:
            name, files = connection.recv()
            connection.send(tuple(outcome_of(forms[name], files, guard)))


@cache
def formats(module: str) -> dict[str, Format]:
    """The formats of a module of this folder, by name."""
    return {form.name: form for form in import_module(f"fuzz.{module}").FORMATS}


class Child:
    """The parent's end of such a process. One that hangs or dies is replaced at the next input."""

    def __init__(self, module: str, busy_s: float = BUSY_S, wait_s: float = WAIT_S):
        self.module, self.busy_s, self.wait_s, self._process = module, busy_s, wait_s, None

    def read(self, name: str, files: Files) -> Outcome:
        """Let the child read an input."""
        self.start()
        try:
            start, busy = monotonic(), self._busy()
            self._connection.send((name, files))
            while not self._connection.poll(1.0):
                if self._busy() - busy > self.busy_s or monotonic() - start > self.wait_s:
                    self.close()
                    return Outcome("fault", f"no end within {self.busy_s:g} s")
            return Outcome(*self._connection.recv())
        except (EOFError, ConnectionError):
            self._process.join()
            code = self._process.exitcode
            self.close()
            return Outcome("fault", f"the process died, exit code {code}")

    def _busy(self) -> float:
        """The time that the process has computed, s."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def start(self) -> None:
        """Start the process, if it does not run. Raises RuntimeError if a valid input ends in an error."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._home = Path(tempfile.mkdtemp(prefix="googlenet-fuzz-"))
            self._process = context.Process(target=serve, args=(theirs, self.module, self._home), daemon=True)
            self._process.start()
            theirs.close()
            if (answer := self._connection.recv()) != READY:
                self.close()
                raise RuntimeError(answer)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            shutil.rmtree(self._home, ignore_errors=True)
            self._process = None
