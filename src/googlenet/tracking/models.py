"""A reproduction's members and their ensemble as MLflow's registered models, with a new version for each new content.

A version's tag `digest` covers weights, settings and code. A model whose digest is known is that version, whoever
registered it, so every step can be repeated. A model is a folder that MLflow's commands serve without this project; in
a local store, files that several models share are stored once, as hard links.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from googlenet.storage.files import sha256, write_json
from googlenet.tracking import local_store
from googlenet.tracking.servable import Servable
from googlenet.tracking.store import Connection, say, uploading

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

ENSEMBLE = "ensemble"
PART = ".model-"  # begins the name of a folder in which a model is put together
CURRENT = "current"  # the alias of the last reproduction's version, in a store that no other clone shares
PACKAGE = Path(__file__).parents[1]
CONTENT = "served.json"
VERSIONS = "mlflow.modelVersions"  # the tag from which a logged model's page links its version


class Origin(NamedTuple):
    """Where the models come from: the MLflow run of the reproduction and the commit; folder: for temporary files."""

    run_id: str
    folder: Path
    commit: str


def register(store: Connection, servable: Servable, origin: Origin) -> dict[str, str]:
    """Register each member, and the ensemble if there are several; return the version of each model by its name.

    Weights that have since changed or been deleted are reported and left out, and so are all models if code that they
    need is gone. MLflow's errors propagate."""
    for left in origin.folder.glob(f"{PART}*"):  # by a mirror that was killed
        shutil.rmtree(left, ignore_errors=True)
    if gone := [file for file in servable.code if not (PACKAGE.parent / file).is_file()]:
        say(f"warning: {gone[0]}: gone before MLflow could register the models; run again")
        return {}
    members = [name for name, weights in servable.weights.items() if _is_there(weights.path, weights.sha256)]
    for name in servable.weights.keys() - set(members):
        say(f"warning: {servable.weights[name].path}: changed or gone before MLflow could register it; run again")
    wanted = {name: [name] for name in members}
    if len(members) == len(servable.weights) > 1:
        wanted[ENSEMBLE] = members
    registry = _Registry(store, servable, origin)
    return dict(registry.version(_Wanted.of(servable, model, of)) for model, of in wanted.items())


def model_name(experiment: str, model: str) -> str:
    """The name of a registered model: of a member, or of the ensemble."""
    return f"{local_store.PREFIX.rstrip('/')}.{experiment}.{model}"


def note(versions: Mapping[str, str]) -> str:
    """Lines of a run's description that link its models."""
    links = [f"[{name} version {version}](#/models/{name}/versions/{version})" for name, version in versions.items()]
    return f"\nRegistered models: {', '.join(links)}.\n" if links else ""


def _is_there(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


class _Wanted(NamedTuple):
    """A model that needs a version. content: of the file next to the weights; digest: of all that affects outputs."""

    model: str
    members: list[str]
    content: Mapping[str, Any]
    digest: str

    @classmethod
    def of(cls, servable: Servable, model: str, members: list[str]) -> "_Wanted":
        """The model of some members."""
        entries = [one for one in servable.content["members"] if one["name"] in members]
        content = {**servable.content, "members": entries}
        weights = sorted(servable.weights[name].sha256 for name in members)
        text = json.dumps([content, weights, sorted(servable.code.items())], sort_keys=True)
        return cls(model, members, content, hashlib.sha256(text.encode()).hexdigest()[:32])

    @property
    def tags(self) -> dict[str, str]:
        """The tags of its logged model and its version."""
        return {"digest": self.digest, "members": " ".join(self.members)}


class _Registry:
    """Registers the models of one reproduction with MLflow."""

    def __init__(self, store: Connection, servable: Servable, origin: Origin):
        self._store, self._servable, self._origin, self._stored = store, servable, origin, _Stored()

    def version(self, wanted: _Wanted) -> tuple[str, str]:
        """The name and version of a model, which is registered unless a version has its digest."""
        store, client, name = self._store, self._store.client, model_name(self._store.name, wanted.model)
        known = client.search_model_versions(f"name = '{name}' and tags.`digest` = '{wanted.digest}'", max_results=1)
        if known:
            version = known[0]
            self._stored.add(client.get_model_version_download_uri(name, version.version))
        else:
            logged, about = self._logged(wanted), self._about(wanted)
            self._make(name, wanted.model, about)
            tags = {"model_id": logged.model_id, "experiment": store.name, "commit": self._origin.commit} | store.labels
            version = client.create_model_version(
                name,
                logged.artifact_location,  # not models:/<id>, which MLflow looks up in the environment's store
                logged.source_run_id,
                wanted.tags | {key: value for key, value in tags.items() if value},  # MLflow rejects empty ones
                description=about,
                model_id=logged.model_id,
                await_creation_for=0,
            )
            registered = json.dumps([{"name": name, "version": version.version}])
            client.set_logged_model_tags(logged.model_id, {VERSIONS: registered})
        _link(store, self._origin.run_id, version.tags["model_id"])
        if not store.clone:
            client.set_registered_model_alias(name, CURRENT, version.version)
        return name, str(version.version)

    def _about(self, wanted: _Wanted) -> str:
        """A model's description."""
        members = ", ".join(wanted.members)
        who = f"The ensemble of {members}" if len(wanted.members) > 1 else f"The member {members}"
        return f"{who} of the experiment {self._store.name}: an image file in, classes with probabilities out."

    def _make(self, name: str, model: str, about: str) -> None:
        """Create a registered model unless it exists; another clone may create it at the same moment."""
        from mlflow.exceptions import MlflowException

        try:
            self._store.client.create_registered_model(name, {"experiment": self._store.name, "model": model}, about)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _logged(self, wanted: _Wanted) -> "LoggedModel":
        """MLflow's logged model with its files: an existing one, one that a killed mirror began, or a new one."""
        store, client, name = self._store, self._store.client, wanted.model
        selection = f"tags.`digest` = '{wanted.digest}' AND name = '{name}'"
        found = [one for one in client.search_logged_models([store.experiment_id], selection) if store.is_own(one.tags)]
        if not found:
            kind = "classifier ensemble" if len(wanted.members) > 1 else "classifier"
            tags, run_id = wanted.tags | store.labels, self._origin.run_id
            found = [client.create_logged_model(store.experiment_id, name, run_id, tags, model_type=kind)]
        logged: LoggedModel = found[0]
        if str(logged.status) != "READY":
            with TemporaryDirectory(dir=self._origin.folder, prefix=PART) as folder:
                made = _saved(Path(folder), logged, self._servable, wanted)
                if _is_here(logged.artifact_location):
                    self._stored.place(made, local_store.local_path(logged.artifact_location))
                else:
                    with uploading():
                        client.log_model_artifacts(logged.model_id, str(made))
            logged = client.finalize_logged_model(logged.model_id, "READY")
        return logged


def _saved(folder: Path, logged: "LoggedModel", servable: Servable, wanted: _Wanted) -> Path:
    """Write a model in MLflow's flavour python_function: code, data, requirements, signature, example."""
    import pandas  # type: ignore[import-untyped]
    from mlflow import pyfunc
    from mlflow.models import Model

    made, data = folder / "model", folder / "networks"
    for file in servable.code:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE.parent / file, folder / file)
    write_json(data / CONTENT, wanted.content)
    described = Model(model_id=logged.model_id, run_id=logged.source_run_id)
    pyfunc.save_model(
        str(made),
        loader_module=servable.loader,
        data_path=str(data),
        code_paths=[str(folder / PACKAGE.name)],
        mlflow_model=described,
        signature=signature(),
        input_example=pandas.DataFrame({"image": [servable.example]}),
        pip_requirements=list(servable.requirements),
    )
    for entry in wanted.content["members"]:  # linked after save_model, which would copy them
        _link_or_copy(servable.weights[entry["name"]].path, made / "data" / data.name / entry["weights"])
    described.model_size_bytes = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    described.save(str(made / "MLmodel"))
    return made


def signature() -> "ModelSignature":
    """Input: an image file. Output: its likeliest classes, and how far members and crops agree."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, Object, Property

    a_class = Object([Property("class", "string"), Property("probability", "double")])
    answer: list[Any] = [
        ColSpec(Array(a_class), "classes"),
        ColSpec("double", "members_agree"),
        ColSpec("double", "crops_agree"),
    ]
    image: list[Any] = [ColSpec("binary", "image")]
    parameters = [ParamSpec("crops", "long", 10), ParamSpec("top", "long", 5)]
    return ModelSignature(Schema(image), Schema(answer), ParamSchema(parameters))


def _link(store: Connection, run_id: str, model_id: str) -> None:
    """Make a model an output of a reproduction's run, unless it is one."""
    from mlflow.entities import LoggedModelOutput

    outputs = store.client.get_run(run_id).outputs
    if not outputs or model_id not in {output.model_id for output in outputs.model_outputs}:
        store.client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def _is_here(location: str) -> bool:
    """Whether an artefact location is a folder on this machine."""
    return urlsplit(location).scheme in ("", "file")


class _Stored:
    """The files of models in a local store, by digest, so that each is stored only once."""

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}
        self._unread: list[Path] = []

    def add(self, location: str) -> None:
        """Add the files of a stored model, if they are on this machine."""
        if _is_here(location):
            self._unread.append(local_store.local_path(location))

    def place(self, made: Path, there: Path) -> None:
        """Copy a model's folder to its location, with links to files that are already stored."""
        while self._unread:  # read only now, since most often nothing is placed
            files = [path for path in self._unread.pop().rglob("*") if path.is_file()]
            self._paths = {sha256(path): path for path in files} | self._paths
        for path in sorted(made.rglob("*")):
            if path.is_file():
                target = there / path.relative_to(made)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                known = self._paths.setdefault(sha256(path), target)
                if known == target:
                    shutil.copyfile(path, target)
                else:
                    _link_or_copy(known, target)


def _link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link, or a copy if the file system cannot link the two locations."""
    with suppress(OSError):
        os.link(source.resolve(), target)
        return
    shutil.copyfile(source, target)
