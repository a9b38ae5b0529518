"""Models to register, of two members whose weights are a few letters."""

from googlenet.storage.files import sha256
from googlenet.tracking import Servable, Weights

CONTENT = {
    "members": [{"name": name, "weights": f"{name}.safetensors"} for name in ("m1", "m2")],
    "classes": ["a", "b"],
}
NAMES = ["googlenet.demo.ensemble", "googlenet.demo.m1", "googlenet.demo.m2"]


def weights(root, **contents):
    """Files of weights with these contents, and their digests."""
    found = {}
    for name, content in ({"m1": "one", "m2": "two"} | contents).items():
        path = root / f"results/demo/train_classifier/{name}/weights.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content * 1000)
        found[name] = Weights(path, sha256(path))
    return found


def servable(root, code="1", **contents):
    """What MLflow can serve of a root; code: the digest of its one module."""
    files = {"googlenet/__init__.py": "", "googlenet/errors.py": code}
    return Servable("googlenet.errors", CONTENT, weights(root, **contents), files, ["numpy==1.0"], b"an image")
