"""What is checked of the store before the first job."""

import os
import socket

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from googlenet.errors import UserError
from googlenet.tracking import check, deliver, job_run, open_store, store


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.long
def test_a_server_that_answers_is_right_and_a_wrong_address_is_one_line(server, tmp_path, monkeypatch):
    check(tmp_path, "demo")
    with socket.socket() as silent:  # it takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://name:secret@{address}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        with pytest.raises(UserError) as raised:
            check(tmp_path, "demo")
    assert str(raised.value).startswith(f"MLFLOW_TRACKING_URI: http://{address}: no answer; start")
    assert "secret" not in str(raised.value)


def test_a_broken_store_is_named(tmp_path):
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_text("not a database")
    with pytest.raises(UserError, match=r"mlflow\.db: .*file is not a database; move the file away"):
        check(tmp_path, "demo")


def test_a_deleted_experiment_says_how_to_restore_it(tmp_path, monkeypatch):
    check(tmp_path, "gone")  # before the first job there is no store, and none is made
    assert not (tmp_path / "mlflow").exists()
    with job_run(tmp_path, "gone", "stage", "all", {}, {}, {}):
        pass
    assert deliver(tmp_path)
    check(tmp_path, "gone")
    uri = open_store(tmp_path)
    client = MlflowClient(uri)
    experiment_id = client.get_experiment_by_name("googlenet/gone").experiment_id
    client.delete_experiment(experiment_id)
    for given in ("", uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
        with pytest.raises(UserError, match=f"restore --experiment-id {experiment_id}"):
            check(tmp_path, "gone")


@pytest.mark.parametrize(("given", "for_uploads"), [("", "120"), ("30", "30")])
def test_uploads_have_longer_than_other_requests(tmp_path, monkeypatch, given, for_uploads):
    waits = {}

    def noting(real):
        def sent(*words, **more):
            waits[real.__name__] = os.environ[store.TIMEOUT]
            return real(*words, **more)

        return sent

    for real in (MlflowClient.log_artifact, MlflowClient.set_terminated):
        monkeypatch.setattr(MlflowClient, real.__name__, noting(real))
    monkeypatch.delenv(store.TIMEOUT, raising=False)
    if given:
        monkeypatch.setenv(store.TIMEOUT, given)
    (tmp_path / "metrics.json").write_text("{}")
    with job_run(tmp_path, "demo", "stage", "all", {}, {}, {}) as run:
        run.artifact(tmp_path / "metrics.json")
    assert deliver(tmp_path)
    assert waits == {"log_artifact": for_uploads, "set_terminated": given or "5"}


def test_an_answer_that_comes_too_late_names_the_variable(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host")
    late = "API request to http://host/api failed with exception HTTPConnectionPool: Read timed out."
    expected = r"no answer; start or repair that server \(MLFLOW_HTTP_REQUEST_TIMEOUT=300 waits longer for it\), or"
    with pytest.raises(UserError, match=expected), store.translate_errors("http://host"):
        raise MlflowException(late)
