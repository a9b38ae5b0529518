"""The moments at which the fault test kills: one in every stage, and others drawn by seed."""

import random
from typing import NamedTuple

from googlenet.pipeline.registry import ROWS

# Of every stage that keeps what it has done: its jobs in smoke, its points, and how often a job comes there at least.
KEEPING = {
    "train_classifier": ("m1 m2 m3", {"batch": 5, "write": 7, "event": 5}),
    "predict_crops": ("m1 m2 m3", {"piece": 9, "write": 10, "event": 5}),
    "propose_regions": ("p1 p2", {"piece": 3, "write": 4, "event": 5}),
    "train_multibox": ("all", {"batch": 6, "write": 7, "event": 5}),
    "merge_proposals": ("p1 p2", {"piece": 3, "write": 4, "event": 5}),
    "train_detector": ("d1 d2", {"batch": 6, "write": 7, "event": 5}),
    "score_regions": ("d1 d2", {"piece": 3, "write": 4, "event": 5}),
}
DATA = [row.name for row in ROWS if row.group == "data"]
FIRST = {"member": "m1", "detector": "d1", "part": "p1"}
COMMITTED = 100  # files at most, of about 150 that a commit of smoke adds to an empty cache
ENGINES = ("snakemake", "dvc")
# Dealt out, not drawn, so that the first few have some of each: where a job is hit, and who is.
PLACES = ("own", "write", "own", "write", "event")  # own: the stage's batch or piece
VICTIMS = ("job", "engine", "term", "group")


class Moment(NamedTuple):
    """Kill `victim` when the job comes to the point for the number-th time; or all, after so many seconds (point "").

    Of the stage "sync" all is killed when DVC's commit has added `number` files to its cache.
    fresh: the job begins at its beginning.
    """

    stage: str
    job: str
    point: str
    number: int
    victim: str
    engine: str
    after_s: float = 0.0
    fresh: bool = False

    @property
    def fault(self) -> str:
        """As the job reads it; "" where nothing but time decides."""
        return f"{self.point} {self.number} {self.victim} {self.stage}/{self.job}" if self.point else ""


def one_in_every_stage() -> list[Moment]:
    """Each stage's first job, when its first file is whole and not yet in its place."""
    stages = [row for row in ROWS if row.target == "all" and row.name != "import_weights"]
    return [Moment(row.name, FIRST.get(row.per, "all"), "write", 1, "job", "snakemake") for row in stages]


def drawn(count: int, seed: int) -> list[Moment]:
    """So many moments: three of five in a job that keeps its state, one in DVC's commit, one at no matter what time.

    No job twice, so that each goes on from the state of its one moment.
    """
    rng = random.Random(seed)
    found, jobs = [], [(stage, job) for stage, (listed, _) in KEEPING.items() for job in listed.split()]
    rng.shuffle(jobs)
    for i in range(count):
        if i % 5 == 4:
            stage = rng.choice([*KEEPING, *DATA])
            after_s = rng.uniform(1.5, 8.0)
            found.append(Moment(stage, "all", "", 0, "group", rng.choice(ENGINES), after_s))
        elif i % 5 == 3:
            found.append(Moment("sync", "all", "", rng.randint(1, COMMITTED), "group", "snakemake"))
        else:
            found.append(in_a_job(rng, *jobs.pop(), len(jobs)))
    return found


def in_a_job(rng: random.Random, stage: str, job: str, deal: int) -> Moment:
    """A moment in a job that keeps its state."""
    points = dict(zip(("own", "write", "event"), KEEPING[stage][1].items(), strict=True))
    victim = VICTIMS[deal % len(VICTIMS)]
    # Told to stop at its last write, a job rightly ends well.
    point, most = points["own" if victim == "term" else PLACES[deal % len(PLACES)]]
    return Moment(stage, job, point, rng.randint(1, most), victim, rng.choice(ENGINES), fresh=True)


def in_order(moments: list[Moment]) -> list[Moment]:
    """As the pipeline comes to them; of a stage first those that need a job to come to its point so many times."""
    order = [*(row.name for row in ROWS), "sync"]
    return sorted(moments, key=lambda moment: (order.index(moment.stage), -moment.number))
