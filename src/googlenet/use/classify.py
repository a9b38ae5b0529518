"""The classifiers of an experiment, found among its results."""

from googlenet.config.schema.classification import PredictCrops
from googlenet.config.schema.dataset import Dataset
from googlenet.metrics.data import read_manifest
from googlenet.use.images import Opener
from googlenet.use.members import ClassifyingMembers
from googlenet.use.results import Asked, Results, chosen


class ClassifierEnsemble(ClassifyingMembers):
    """The members of an experiment, loaded once: the named one, or all for ""."""

    def __init__(self, results: Results, asked: Asked, member: str = ""):
        names = chosen("--member", member, results.experiment.members)
        paths = {name: results.weights(name) for name in names}  # raises if any is missing, before anything is loaded
        settings = results.settings("predict_crops", names[0], PredictCrops)
        stored = {name: results.path("predict_crops", f"{name}/predictions.safetensors") for name in names}
        runtimes = {name: results.runtime(settings, path, asked) for name, path in stored.items()}
        opener = Opener.of(results.experiment.of(Dataset).classification)
        manifest = results.manifest("classification")
        dataset = read_manifest(manifest) if manifest.is_file() else None
        data = (dataset.classes, dataset.class_keys) if dataset else None
        super().__init__(paths, settings, runtimes, opener, data)
