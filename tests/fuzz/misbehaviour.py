"""A format whose reader does what the file says: everything that no input may cause."""

import os
import pickle
import signal
import socket
import subprocess
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from fuzz.child import Format
from googlenet.errors import UserError


def read(folder: Path) -> list[str]:
    BEHAVIOURS[(folder / "x.txt").read_text()](folder)
    return []


def error(text: str):
    """Raise a UserError."""
    raise UserError(text)


def swallowed() -> None:
    """Start a process, and keep quiet about being refused it."""
    with suppress(Exception):
        subprocess.run(["true"])


BEHAVIOURS = {
    "record": lambda folder: None,
    "one line": lambda folder: error("x.txt: wrong; correct it"),
    "one line without a name": lambda folder: error("wrong; correct it"),
    "traceback": lambda folder: 1 / 0,
    "sleep": lambda folder: time.sleep(60),
    "loop": lambda folder: next(number for number in iter(int, 1) if number),
    "memory": lambda folder: bytearray(1100 << 20),
    "process": lambda folder: swallowed(),
    "shell": lambda folder: os.system("true"),
    "fork": lambda folder: os.fork() or os._exit(0),
    "connection": lambda folder: socket.create_connection(("127.0.0.1", 9)),
    "code": lambda folder: pickle.loads(pickle.dumps(OrderedDict())),
    "file elsewhere": lambda folder: (folder.parents[1] / "x.txt").write_text("x"),
    "file here": lambda folder: (folder / "y.txt").write_text("x"),
    "crash": lambda folder: os.kill(os.getpid(), signal.SIGSEGV),
}
FORMATS = (Format("any", lambda: {"x.txt": b"record"}, lambda files: None, read),)
