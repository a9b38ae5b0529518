"""A real MLflow server on this machine that a test can stop and start again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from googlenet.tracking import mirror, open_store


class Server:
    """`mlflow server` over a SQLite file, or over a folder; what it has is there again after a stop."""

    def __init__(self, folder, backend=""):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self._process = folder, None
        self.uri, self._backend = f"http://127.0.0.1:{self.port}", backend or f"sqlite:///{folder}/mlflow.db"

    @property
    def is_running(self):
        return self._process is not None

    def start(self):
        words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--workers", "1", "--backend-store-uri", self._backend]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        quiet |= {"MLFLOW_ALLOW_FILE_STORE": "true"}
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                words, env=os.environ | quiet, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(1200):
            try:
                urlopen(f"{self.uri}/health", timeout=5).close()
                return
            except (URLError, OSError):
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
        pytest.fail("the server did not answer in two minutes")

    def stop(self):
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def one_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        shutil.move(open_store(folder).removeprefix("sqlite:///"), folder / "mlflow.db")
    made = Server(folder)
    yield made
    made.stop()


@pytest.fixture
def server(one_server, monkeypatch):
    """The server, running; runs are mirrored to it, and a mirror tries again at once after a failure."""
    if not one_server.is_running:
        one_server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", one_server.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")  # on a busy machine; one that is stopped refuses at once
    monkeypatch.setattr(mirror, "RETRY_S", 0)
    return one_server
