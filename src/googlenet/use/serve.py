"""The command `googlenet serve`: classes and boxes over HTTP, for this machine only.

Images are as untrusted as all else in a request (server.py): their pixels are limited, and one is decoded at a time.
"""

import math
import os
import signal
import sys
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import NoReturn

import numpy as np

from googlenet.errors import UserError
from googlenet.models.engine import EngineUse
from googlenet.use import classify, detect, detectors
from googlenet.use.images import Opener
from googlenet.use.members import CROPS, Ready
from googlenet.use.results import Asked, Results, fallbacks
from googlenet.use.server import Answer, Query, Refused, Server


@dataclass(frozen=True)
class Serving:
    """What to serve, and the limits. port: 0 for a free one."""

    port: int = 8000
    asked: Asked = field(default_factory=Asked)
    max_mb: float = 20.0
    max_megapixels: float = 40.0


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
        self._classify: Ready | None = None  # both are built at the first image
        self._detect: detectors.Ready | None = None
        self.posts = {"/predict": ("crops", "top"), "/detect": ("min_score",)}

    def about(self) -> Answer:
        """What is served."""
        crops = "|".join(map(str, CROPS))
        paths = {"/predict": f"?crops={crops}&top=N"} | ({"/detect": "?min_score=X"} if self.detectors else {})
        return {"experiment": self.experiment, "classes": list(self.classifiers.classes), "post_an_image_to": paths}

    def post(self, path: str, body: bytes, query: Query) -> Answer:
        """The answer to an image's bytes."""
        return self.predict(body, query) if path == "/predict" else self.detect(body, query)

    def predict(self, image: bytes, query: Query) -> Answer:
        """The likeliest classes of an image."""
        crops, top = (whole(query, name, default) for name, default in (("crops", 10), ("top", 5)))
        if crops not in CROPS or top < 1:
            raise Refused(HTTPStatus.BAD_REQUEST, f"crops: {', '.join(map(str, CROPS))}; top: 1 or more")
        with self._lock:
            pixels = opened(self.classifiers.opener, image)
            if self._classify is None:
                self._classify = self.classifiers.ready([pixels], max(CROPS))
                report(self._classify.uses)
            (answer,) = replace(self._classify, cropping=self.classifiers.cropping(crops)).answers([pixels])
        return answer.to_json(top)

    def detect(self, image: bytes, query: Query) -> Answer:
        """The objects in an image, as COCO's results."""
        least = real(query, "min_score", 0.0)
        if self.detectors is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"/detect: {self.no_detectors}")
        with self._lock:
            pixels = opened(self.detectors.opener, image)
            if self._detect is None:
                self._detect = detectors.Ready(self.detectors, pixels, 1)
                report(self._detect.uses)
            found = self._detect.detect(pixels)
        rows = detect.coco(found, self.detectors.classes)
        return {"objects": [row for row in rows if row["score"] >= least], "proposals": found.proposals}


def report(uses: Iterable[EngineUse]) -> None:
    """Print a line for each requested engine that is not in use."""
    for line in fallbacks(uses):
        print(line, file=sys.stderr, flush=True)


def whole(query: Query, name: str, default: int) -> int:
    """A whole number in the query. Raises Refused for other text."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: '{text}' is not a whole number; leave it out")
    return int(text)


def real(query: Query, name: str, default: float) -> float:
    """A finite number in the query. Raises Refused for other text."""
    try:
        value = float(query.get(name, default))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: '{query[name]}' is not a number; leave it out")
    return value


def opened(opener: Opener, image: bytes) -> np.ndarray:
    """The pixels of the image in a request's body. Raises Refused if it is not an image, or has too many pixels."""
    try:
        return opener.pixels(image, "body")
    except UserError as error:
        if "exceeds limit" in str(error) or "pixels are decoded" in str(error):
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{error}; shrink it") from None
        remedy = "send an image file's bytes as the body: curl --data-binary @photo.jpg"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{error}; {remedy}") from None


def limited(serving: Serving, answers: Answers) -> Server:
    """A server with the limits of its settings."""
    limit_pixels(int(serving.max_megapixels * 1e6))
    return Server(serving.port, serving.max_mb, answers)


def limit_pixels(most: int) -> None:
    """Let Pillow, which opens every body first, refuse images with more pixels before it decodes them."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = most // 2  # Pillow warns above this number, and refuses more than twice as many
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def perform(serving: Serving, root: Path) -> NoReturn:
    """Serve until Ctrl-C, then exit the process."""
    answers = Answers(Results.of(root, serving.asked.experiment), serving.asked)
    with limited(serving, answers) as server:
        print(f"serving {answers.experiment} at {server.url}; Ctrl-C ends it", flush=True)
        if answers.no_detectors:
            print(f"without /detect: {answers.no_detectors}", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):  # shells start background processes with SIGINT ignored
            signal.signal(number, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    # Python's own exit aborts if a request's thread writes to standard error at the same time.
    os._exit(0)
