"""An HTTP server for this machine only: requests in, one line of JSON out.

The standard library's server suffices, and adds no dependency. Requests are untrusted: the server limits their size,
time and number, and answers every error with one line, never with a traceback.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RD
from threading import BoundedSemaphore, Timer
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

from googlenet.errors import UserError, nearest, printable

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")  # allowed in the Host header: any other name may be an attack by DNS rebinding
OWN_PAGES = ("", "none", "same-origin")  # Sec-Fetch-Site of requests that no other site's page has caused
TIMEOUT_S = 30.0  # without a byte from a client, for a whole head, and for a whole body
LINGER_S, LINGER_BYTES = 1.0, 4_000_000  # limits on reading what a refused client still sends
LENGTH_DIGITS = 18  # of a Content-Length, at most: Python converts no text of thousands of digits to a number
AT_ONCE = 16  # requests that are read concurrently; they are computed one at a time
CONNECTIONS = 64  # open concurrently; each has a thread
Query = dict[str, str]
Answer = dict[str, Any]


class Refused(Exception):
    """A request that is answered with a 4xx status and one line."""

    def __init__(self, status: HTTPStatus, line: str):
        super().__init__(printable(" ".join(line.split())))
        self.status = status


class Answering(Protocol):
    """What a server asks. posts: the names of each path's parameters."""

    posts: dict[str, tuple[str, ...]]

    def about(self) -> Answer:
        """What is served."""
        ...

    def post(self, path: str, body: bytes, query: Query) -> Answer:
        """The answer to an image's bytes, posted to one of the paths."""
        ...


class Handler(BaseHTTPRequestHandler):
    """A request: checked, read within the limits, answered with JSON."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "googlenet", ""
    timeout: ClassVar[float] = TIMEOUT_S
    server: "Server"

    def handle_one_request(self) -> None:
        """Read and answer a request; a head that takes too long, however steadily it comes, is cut off."""
        self.cut_off = Timer(self.timeout, self._cut_off)
        self.cut_off.daemon = True
        self.cut_off.start()
        try:
            super().handle_one_request()
        finally:
            self.cut_off.cancel()

    def _cut_off(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # it is closed already
            self.connection.shutdown(SHUT_RD)

    def do_GET(self) -> None:
        """Describe what is served."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Answer for the image in the body."""
        self._answer(self._post)

    def _get(self) -> Answer:
        path, posts = self._address().path, self.server.answers.posts
        if path in posts:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path}: POST an image: curl --data-binary @photo.jpg")
        if path != "/":
            raise Refused(HTTPStatus.NOT_FOUND, f"no {path}{nearest(path, ('/', *posts))}")
        return self.server.answers.about()

    def _post(self) -> Answer:
        address, posts = self._address(), self.server.answers.posts
        if (path := address.path) not in posts:
            raise Refused(HTTPStatus.NOT_FOUND, f"no {path}{nearest(path, posts)}")
        query = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        if unknown := [name for name in query if name not in posts[path]]:
            line = f"{path}: no parameter '{unknown[0]}'{nearest(unknown[0], posts[path])}"
            raise Refused(HTTPStatus.BAD_REQUEST, line)
        return self.server.answers.post(path, self._body(), query)

    def _address(self) -> SplitResult:
        """The requested address, of a sender that is answered."""
        self._check_sender()
        try:
            return urlsplit(self.path)
        except ValueError as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"the address is invalid ({error}); GET / says what is answered"
            ) from None

    def _check_sender(self) -> None:
        """Refuse requests from other sites' web pages, by what browsers send with them, or with another name as Host."""
        host, site = self.headers.get("Host", "").rsplit(":", 1)[0], self.headers.get("Sec-Fetch-Site", "")
        if host not in NAMES or self.headers.get("Origin") or site not in OWN_PAGES:
            raise Refused(HTTPStatus.FORBIDDEN, f"only this machine's own programs are answered; ask {HOST}")

    def _body(self) -> bytes:
        lengths, most = self.headers.get_all("Content-Length", []), self.server.max_mb
        length = lengths[0] if len(lengths) == 1 else ""  # of several, a proxy might have read another
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "send the image with its one Content-Length, not in chunks")
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

    def _answer(self, made: Callable[[], Answer]) -> None:
        """Send what `made` returns, or one line for the error that it raises."""
        self.cut_off.cancel()
        # What follows a head without a length is the next request; a body that a GET has is not read.
        self.body_read = self.command == "GET" and not {"content-length", "transfer-encoding"} & {
            *map(str.lower, self.headers)
        }
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

    def _send(self, status: HTTPStatus, content: Answer) -> None:
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
    """Listens on the loopback address. port: 0 for a free one. max_mb: of a body. places, connections: limit the
    requests that are read, and the connections that are open, at once."""

    daemon_threads = True

    def __init__(self, port: int, max_mb: float, answers: Answering):
        self.max_mb, self.answers = max_mb, answers
        self.places, self.connections = BoundedSemaphore(AT_ONCE), BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise UserError(f"--port {port}: {error.strerror}; choose another, or 0 for a free one") from None

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or close one too many."""
        if self.connections.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection's requests, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of our own bugs, but nothing for a client that is gone."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.server_address[1]}"
