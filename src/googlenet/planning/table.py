"""The plan as text: a row for each stage, its parts, and a verdict; and a comparison with the times of a run's jobs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from googlenet.config.schema.base import Settings
from googlenet.config.schema.detection import Search
from googlenet.config.schema.shared import Compute, Sampling
from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.models.network import Architecture
from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.job_file import run_record
from googlenet.planning.cluster import Node, Simulation, cheapest
from googlenet.planning.machine import Measured
from googlenet.planning.plan import Plan, gb, verdict
from googlenet.planning.rates import NetworkShape, Rates
from googlenet.planning.sizes import ImageSize
from googlenet.planning.work import Target
from googlenet.report.words import plural

HEAD = ("stage", "jobs", "passes", "units", "longest job", "all jobs", "wall, least", "memory a job", "disk")
COMPARED = ("stage", "jobs", "planned s", "measured s", "ratio", "planned MB", "measured MB", "ratio")
LEFT = 4  # columns that are text, except `jobs`
SHOWN_MB = 50  # smallest part of a job's memory that is listed
UNITS_S = {"years": 365 * 86400, "days": 86400, "h": 3600, "min": 60}
HIDDEN = ("context_px", "policies", "crop_area", "crop_aspect", "match_iou")  # not in the list of rates


def duration(seconds: float) -> str:
    """Seconds in a readable unit."""
    for unit, size in UNITS_S.items():
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines of a table: the first columns left-aligned, except the second, and the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<" if i < left and i != 1 else ">" for i in range(len(widths))]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return [form.format(*row).rstrip() for row in rows]


def as_text(plan: Plan, measured: Measured | None) -> str:
    """The whole plan. measured: how the machine's rates were measured; None if just now."""
    rows: list[tuple[str, ...]] = [HEAD]
    for stage in plan.stages:
        name, jobs = stage.stage + (" *" if stage.separate else ""), str(len(stage.jobs))
        seconds = stage.longest_s, stage.total("wall_s"), plan.least_wall_of(stage)
        size = gb(stage.job_memory_mb), gb(stage.total("disk_mb"))
        rows.append((name, jobs, stage.passes, stage.units, *map(duration, seconds), *size))
    jobs = str(sum(len(stage.jobs) for stage in plan.stages))
    seconds_of_all = sum(stage.total("wall_s") for stage in plan.stages), plan.least_wall[0]
    size = gb(max(stage.job_memory_mb for stage in plan.stages)), gb(plan.disk_mb)
    rows.append(("all", jobs, "", "", "", *map(duration, seconds_of_all), *size))
    head, *body, total = aligned(rows, LEFT)
    rule = "-" * max(map(len, (head, *body, total)))
    lines = [*heading(plan, measured), "", head, rule, *body, rule, total, "", *notes(plan), "", "memory of a job:"]
    for stage in plan.stages:
        for where, parts in (("", stage.largest.memory_mb), (" (GPU)", stage.largest.gpu_memory_mb)):
            shown = [f"{name} {gb(value)}" for name, value in parts.items() if value >= SHOWN_MB]
            if len(shown) > 1 or (where and shown):
                lines.append(f"  {stage.stage}{where}: {', '.join(shown)}")
    return "\n".join([*lines, "", "verdict:", *(f"  {line}" for line in verdict(plan))])


def heading(plan: Plan, measured: Measured | None) -> Iterator[str]:
    """Experiment, machine, data."""
    experiment, target, machine = plan.context.experiment, plan.context.target, plan.context.target.machine
    gpus = f"{target.gpus} of {machine.gpu}" if target.gpus else "no GPU"
    hardware = f"{plural(target.cores, 'core')} of {machine.cpu}, {gpus}, {machine.memory_gb:.0f} GB"
    yield f"plan of {experiment.name} for {target.name or 'this machine'}: {hardware}"
    dated = f"on {measured.date} with torch {measured.torch}" if measured else "just now"
    beside = f", beside {measured.beside}" if measured and measured.beside else ""
    caution = "expect it to be off by about a third, and by more if your data differ"
    yield f"from rates that were measured in seconds {dated}{beside}: {caution}"
    for kind, size in plan.context.sizes.items():
        splits = ", ".join(f"{count:,} {split}" for split, count in size.splits.items())
        shape = f"{size.width}x{size.height} px, {size.mean_kb:.0f} kB each"
        yield f"{kind}: {splits}; {size.classes} classes; {shape} ({size.basis})"


def notes(plan: Plan) -> Iterator[str]:
    """How to read the table."""
    (seconds, chain), target = plan.least_wall, plan.context.target
    resources = resources_of(target)
    reason = one_by_one(chain) if chain else f"all work over {resources}"
    bound = f"of a stage its longest job, or its work over {resources}"
    yield f"wall, least: no order of jobs on {resources} is faster: {bound};"
    yield f"  of all ({duration(seconds)}): {reason}. Existing results are counted as if they were missing."
    if any(stage.separate for stage in plan.stages):
        yield "* of another target than `all`, which nothing else needs"
    free_mb, unknown = plan.place.disk_free_mb, "what is free on that machine is not known here"
    free = unknown if free_mb is None else f"{gb(free_mb)} are free on {plan.place.path}"
    yield f"disk: {gb(plan.disk_mb)}; {free}"
    if plan.dvc_copies:
        limit_gb = plan.context.execution.commit_limit_gb
        limit = f"; above {limit_gb:.0f} GB only `make sync` puts it there"
        unless = "unless the file system shares blocks (reflinks) or cache.type has links"
        more = limit if plan.disk_mb > 1000 * limit_gb else ""
        yield f"  DVC's cache holds a copy: {gb(2 * plan.disk_mb)} with it, {unless}{more}"
    raw = [size for size in plan.context.sizes.values() if size.official]
    if raw:
        raw_mb = sum(size.images * size.mean_kb / 1000 for size in raw)
        yield f"  the raw images ({gb(raw_mb)}) are not in it, nor their archives"
    if target.gpus > 1:
        yield "  each job takes a free GPU; CUDA_VISIBLE_DEVICES narrows the choice (docs/architecture.md)"


def resources_of(place: Target | Node) -> str:
    """The cores and GPUs of a machine or a node."""
    return plural(place.cores, "core") + (f" and {plural(place.gpus, 'GPU')}" if place.gpus else "")


def one_by_one(chain: Sequence[Job]) -> str:
    """A chain of jobs in words."""
    names = (f"{job.stage} {job.name}" if job.name != "all" else job.stage for job in chain)
    return f"{' -> '.join(names)}, one after another"


def cluster_text(plan: Plan, nodes: int, deadline_h: float | None) -> str:
    """The run on some nodes, stage by stage; on 1 to 64 GPUs; and the cheapest layout that meets a deadline."""
    cluster = plan.cluster
    gpus = cluster.node.gpus
    made, layouts, unit = cluster.on(nodes), cluster.layouts, "GPU" if gpus else "node"
    spans = [(stage, f"{begin / 3600:.2f}", f"{end / 3600:.2f}") for stage, (begin, end) in made.stages.items()]
    lines = [f"on {plural(nodes, 'node')} of {resources_of(cluster.node)}, simulated job by job, in hours:"]
    lines += aligned([("stage", "from", "to"), *spans, ("all", "", f"{made.makespan_s / 3600:.2f}")], 1)
    lines += ["", f"on more of them (a job takes one {unit}; data parallel training is not in it):"]
    head = ("nodes", "GPUs", "hours", "GPU hours", "GPUs busy") if gpus else ("nodes", "hours", "node hours")
    lines += aligned([head, *map(layout_row, layouts)], 0)
    lines.append(f"no number of nodes takes less than {cluster.chain_s / 3600:.2f} h: {one_by_one(cluster.chain)}")
    if deadline_h is not None:
        lines.append(deadline_text(cheapest(layouts, deadline_h * 3600), layouts, deadline_h, unit))
    return "\n".join(lines)


def layout_row(made: Simulation) -> tuple[str, ...]:
    """A layout's nodes, its hours, its GPU (or node) hours, and, if it has GPUs, how many and how busy they are."""
    nodes, hours = str(made.nodes), (f"{made.makespan_s / 3600:.2f}", f"{made.cost_h:.1f}")
    if not made.gpus:
        return nodes, *hours
    return nodes, str(made.gpus), *hours, f"{100 * made.gpu_s / (made.makespan_s * made.gpus):.0f} %"


def deadline_text(made: Simulation | None, layouts: Sequence[Simulation], deadline_h: float, unit: str) -> str:
    """The cheapest layout that meets the deadline, or a line that there is none."""
    if made is None:
        least = min(layout.makespan_s for layout in layouts) / 3600
        return f"no layout ends within {deadline_h:g} h: the fastest takes {least:.2f} h"
    size = plural(made.nodes, "node") + (f", {plural(made.gpus, 'GPU')}" if made.gpus else "")
    return f"cheapest within {deadline_h:g} h: {size}: {made.makespan_s / 3600:.2f} h, {made.cost_h:.1f} {unit} hours"


def rates_text(rates: Rates) -> str:
    """The rates that the plan used, with a short form of what each depends on; a machine's file has the full form."""
    lines = ["rates used (seconds are of one image, crop, region or step):"]
    for measurement, rate in rates.used.items():
        values = ", ".join(f"{name} {value:.3g}" for name, value in rate)
        words = [in_words(name, value) for name, value in measurement if name not in HIDDEN]
        lines.append(f"  {measurement.name}: {values}   [{'; '.join(filter(None, words))}]")
    return "\n".join(lines)


def in_words(name: str, value: object) -> str:
    """One value; "" to omit it. For a network: width, input, classes, and what else differs from the paper's."""
    match value:
        case ImageSize():
            return f"{value.width}x{value.height} px"
        case NetworkShape():
            shape, usual = asdict(value.architecture), asdict(Architecture())
            shown = [f"width {shape.pop('width'):g} at {shape.pop('input_px')} px", f"{value.classes} classes"]
            shown += [f"{key} {part}" for key, part in shape.items() if part != usual[key]]
            shown += [f"network {value.network}"] if value.network != "paper" else []
            return ", ".join(shown)
        case Compute():
            return f"{value.device} {value.precision}, threads {value.numeric_threads}"
        case Sampling():
            return f"{value.method}, {value.interpolation}, photometric {value.photometric:g}"
        case Search():
            return f"{value.preset}, scale {value.superpixel_scale:g}"
        case Settings() | None | 0:
            return ""
    return f"{name} {value}"


def records(experiment: Experiment, stages: Iterable[str]) -> dict[Job, RunRecord]:
    """The run.json of all jobs of some stages that have one of the whole job. Raises UserError if none has."""
    jobs = [job for stage in stages for job in experiment.jobs(stage)]
    paths = {job: experiment.root / run_record(Path(experiment.config_path(*job)), *job) for job in jobs}
    found = {job: record for job, path in paths.items() if path.is_file() and not (record := read_run(path)).resumed}
    if not found:
        raise UserError(f"--measured: no run of {experiment.name} has left its run.json; run it first")
    return found


def compared_text(plan: Plan, records: Mapping[Job, RunRecord]) -> str:
    """Planned seconds, and measured ones from the jobs' records, which exclude imports."""
    rows, totals = [COMPARED], (0, 0.0, 0.0)
    for stage in plan.stages:
        pairs = [(job, records[key]) for job in stage.jobs if (key := Job(stage.stage, job.name)) in records]
        if pairs:
            planned_s = sum(job.wall_s - job.start_s + job.recorded_s for job, _ in pairs)
            measured_s = sum(record.duration_s for _, record in pairs)
            planned_mb = max(sum(job.memory_mb.values()) for job, _ in pairs)
            measured_mb = max(record.peak_memory_mb or 0 for _, record in pairs)
            columns = *compared(planned_s, measured_s, 0.01), *compared(planned_mb, measured_mb, 1)
            rows.append((stage.stage, str(len(pairs)), *columns))
            totals = totals[0] + len(pairs), totals[1] + planned_s, totals[2] + measured_s
    count, planned_s, measured_s = totals
    return "\n".join(aligned([*rows, ("all", str(count), *compared(planned_s, measured_s, 0.01), "", "", "")], 1))


def compared(planned: float, measured: float, least: float) -> tuple[str, str, str]:
    """Both numbers and their ratio, for which `measured` is at least `least`."""
    return f"{planned:.0f}", f"{measured:.0f}", f"{planned / max(measured, least):.2f}"
