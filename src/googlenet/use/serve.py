"""The command `googlenet serve`: classes and boxes over HTTP, for this machine only.

The standard library's server suffices, and adds no dependency. Requests are untrusted: the server limits their size,
time and number; decodes one image at a time; and answers every error with one line, never with a traceback.
"""

import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, ClassVar, NoReturn
from urllib.parse import parse_qs, urlsplit

import numpy as np

from googlenet.errors import UserError, nearest, printable
from googlenet.use import classify, detect, detectors
from googlenet.use.images import Opener
from googlenet.use.members import CROPS, Ready
from googlenet.use.results import Asked, Results

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")  # allowed in the Host header: any other name may be an attack by DNS rebinding
TIMEOUT_S = 30.0  # without a byte from a client, and for a whole body
LINGER_S, LINGER_BYTES = 1.0, 4_000_000  # limits on reading what a refused client still sends
LENGTH_DIGITS = 18  # of a Content-Length, at most: Python converts no text of thousands of digits to a number
AT_ONCE = 16  # requests that are read concurrently; they are computed one at a time
Query = dict[str, str]


@dataclass(frozen=True)
class Serving:
    """What to serve, and the limits. port: 0 for a free one."""

    port: int = 8000
    asked: Asked = field(default_factory=Asked)
    max_mb: float = 20.0
    max_megapixels: float = 40.0


class Refused(Exception):
    """A request that is answered with a 4xx status and one line."""

    def __init__(self, status: HTTPStatus, line: str):
        super().__init__(printable(" ".join(line.split())))
        self.status = status


class Answers:
    """The networks, loaded once, and their answers for an image's bytes. Computes one request at a time."""

    def __init__(self, results: Results, asked: Asked):
        self.classifiers = classify.ClassifierEnsemble(results, asked)
        self.detectors: detectors.DetectorEnsemble | None = None
        self.no_detectors = ""  # the reason why there are none
        try:
            self.detectors = detectors.DetectorEnsemble(results, asked)
        except UserError as error:
            self.no_detectors = str(error)
        self.experiment, self._lock = results.experiment.name, Lock()
        self._classify: dict[int, Ready] = {}  # by number of crops, built at the first image
        self._detect: detectors.Ready | None = None

    def about(self) -> dict[str, Any]:
        """What is served."""
        paths = {"/predict": "?crops=1|10|144&top=N"} | ({"/detect": "?min_score=X"} if self.detectors else {})
        return {"experiment": self.experiment, "classes": list(self.classifiers.classes), "post_an_image_to": paths}

    def predict(self, image: bytes, query: Query) -> dict[str, Any]:
        """The likeliest classes of an image."""
        crops, top = number(query, "crops", 10, int), number(query, "top", 5, int)
        if crops not in CROPS or top < 1:
            raise Refused(HTTPStatus.BAD_REQUEST, "crops: 1, 10 or 144; top: 1 or more")
        with self._lock:
            pixels = opened(self.classifiers.opener, image)
            if crops not in self._classify:
                self._classify[crops] = self.classifiers.ready([pixels], crops)
            (answer,) = self._classify[crops].answers([pixels])
        return answer.to_json(top)

    def detect(self, image: bytes, query: Query) -> dict[str, Any]:
        """The objects in an image, as COCO's results."""
        least = number(query, "min_score", 0.0, float)
        if self.detectors is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"/detect: {self.no_detectors}")
        with self._lock:
            pixels = opened(self.detectors.opener, image)
            self._detect = self._detect or detectors.Ready(self.detectors, pixels, 1)
            found = self._detect.detect(pixels)
        rows = detect.coco(found, self.detectors.classes)
        return {"objects": [row for row in rows if row["score"] >= least], "proposals": found.proposals}


def number(query: Query, name: str, default: Any, kind: Callable[[str], Any]) -> Any:
    """A number in the query. Raises Refused for text that is not a number."""
    try:
        return kind(query.get(name, default))
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: '{query[name]}' is no number; leave it out") from None


def opened(opener: Opener, image: bytes) -> np.ndarray:
    """The pixels of the image in a request's body. Raises Refused if it is not an image, or has too many pixels."""
    try:
        return opener.pixels(image, "body")
    except UserError as error:
        if "exceeds limit" in str(error) or "pixels are decoded" in str(error):
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{error}; shrink it") from None
        mend = "send an image file's bytes as the body: curl --data-binary @photo.jpg"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{error}; {mend}") from None


class Handler(BaseHTTPRequestHandler):
    """A request: checked, read within the limits, answered with JSON."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "googlenet", ""
    timeout: ClassVar[float] = TIMEOUT_S
    server: "Server"

    def do_GET(self) -> None:
        """Describe what is served."""
        self._answer(lambda: self._get())

    def do_POST(self) -> None:
        """Classify the image in the body, or detect its objects."""
        self._answer(lambda: self._post())

    def _get(self) -> dict[str, Any]:
        self._check_sender()
        path = urlsplit(self.path).path
        if path in ("/predict", "/detect"):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path}: POST an image: curl --data-binary @photo.jpg")
        if path != "/":
            raise Refused(HTTPStatus.NOT_FOUND, f"no {path}{nearest(path, ('/', '/predict', '/detect'))}")
        return self.server.answers.about()

    def _post(self) -> dict[str, Any]:
        self._check_sender()
        address = urlsplit(self.path)
        ways = {"/predict": self.server.answers.predict, "/detect": self.server.answers.detect}
        if address.path not in ways:
            raise Refused(HTTPStatus.NOT_FOUND, f"no {address.path}{nearest(address.path, ways)}")
        query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        return ways[address.path](self._body(), query)

    def _check_sender(self) -> None:
        """Refuse requests from other sites' web pages, for which browsers send an Origin, or another name as Host."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in NAMES or self.headers.get("Origin"):
            raise Refused(HTTPStatus.FORBIDDEN, f"only this machine's own programs are answered; ask {HOST}")

    def _body(self) -> bytes:
        length, most = self.headers.get("Content-Length", ""), self.server.serving.max_mb
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "send the image with its Content-Length, not in chunks")
        is_long = len(length) > LENGTH_DIGITS
        if is_long or int(length) > most * 1e6:
            size = f"a length of {len(length):,} digits" if is_long else f"{int(length):,} bytes"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: {size}; at most {most:g} MB are read")
        body, until = bytearray(), time.monotonic() + self.timeout
        while len(body) < int(length) and (part := self.rfile.read1(min(int(length) - len(body), 1 << 16))):
            body += part
            if time.monotonic() > until:
                raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"body: takes more than {self.timeout:g} s; send it faster")
        if len(body) < int(length):
            what = f"ends after {len(body):,} of {int(length):,} bytes"
            raise Refused(HTTPStatus.BAD_REQUEST, f"body: {what}; send it again")
        self.body_read = True
        return bytes(body)

    def _answer(self, made: Callable[[], dict[str, Any]]) -> None:
        """Send what `made` returns, or one line for the error that it raises."""
        self.body_read = self.command == "GET"
        if not self.server.places.acquire(blocking=False):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "too many requests at once; try again"})
            return
        try:
            self._send(HTTPStatus.OK, made())
        except Refused as error:
            self._send(error.status, {"error": str(error)})
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client is gone
        except Exception:  # our own bug: the client gets one line, the log the traceback, and the server continues
            traceback.print_exc()
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the server failed at this; its log says where"})
        finally:
            self.server.places.release()

    def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if not self.body_read:  # the rest of the body would be parsed as the next request
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if not self.body_read:
            self._linger()

    def _linger(self) -> None:
        """Read some of what the client still sends, because closing the connection before could discard the answer."""
        self.wfile.flush()
        self.connection.settimeout(LINGER_S)
        left, until = LINGER_BYTES, time.monotonic() + 2 * LINGER_S
        with suppress(OSError):
            while left > 0 and time.monotonic() < until and (part := self.connection.recv(1 << 16)):
                left -= len(part)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer invalid HTTP and other methods like everything else: with one line of JSON."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.body_read, self.command = False, self.command or "GET"
        self.request_version = self.protocol_version  # otherwise invalid HTTP would be answered without headers
        self._send(status, {"error": f"{status.phrase.lower()}; GET / says what is answered"})

    def log_message(self, format: str, *args: Any) -> None:
        """Print a line for each request to standard error, without control characters."""
        print(printable(format % args), file=sys.stderr, flush=True)


class Server(ThreadingHTTPServer):
    """Listens on the loopback address, with a thread for each request. places: limits the concurrent requests."""

    daemon_threads = True

    def __init__(self, serving: Serving, answers: Answers):
        self.serving, self.answers, self.places = serving, answers, BoundedSemaphore(AT_ONCE)
        try:
            super().__init__((HOST, serving.port), Handler)
        except OSError as error:
            raise UserError(f"--port {serving.port}: {error.strerror}; choose another, or 0 for a free one") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of our own bugs, but nothing for a client that is gone."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.server_address[1]}"


def limit_pixels(most: int) -> None:
    """Let Pillow, which opens every body first, refuse images with more pixels before it decodes them."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = most // 2  # Pillow warns above this number, and refuses more than twice as many
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def perform(serving: Serving, root: Path) -> NoReturn:
    """Serve until Ctrl-C, then exit the process."""
    limit_pixels(int(serving.max_megapixels * 1e6))
    answers = Answers(Results.of(root, serving.asked.experiment), serving.asked)
    with Server(serving, answers) as server:
        print(f"serving {answers.experiment} at {server.url}; Ctrl-C ends it", flush=True)
        if answers.no_detectors:
            print(f"without /detect: {answers.no_detectors}", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):  # shells start background processes with SIGINT ignored
            signal.signal(number, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    # Python's own exit aborts if a request's thread writes to standard error at the same time.
    os._exit(0)
