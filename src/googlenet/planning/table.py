"""The plan as text: a row for each stage, what it is made of, and a verdict."""

from collections.abc import Sequence
from dataclasses import asdict

from googlenet.config.schema.base import Settings
from googlenet.config.schema.detection import Search
from googlenet.config.schema.shared import Compute, Sampling
from googlenet.models.network import Architecture
from googlenet.planning.machine import Measured
from googlenet.planning.networks import NetworkShape
from googlenet.planning.plan import Plan, gb, verdict
from googlenet.planning.rates import Measurement, Rate, Rates
from googlenet.planning.records import Compared
from googlenet.planning.sizes import ImageSize

HEAD = ("stage", "jobs", "passes", "units", "longest job", "all jobs", "wall, least", "memory a job", "disk")
LEFT = 4  # columns that are text, but for `jobs`
SHOWN_MB = 50  # parts of a job's memory that are listed


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would use."""
    for unit, size in (("years", 365 * 86400), ("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines of a table: the first columns to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < left and i != 1 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def stage_rows(plan: Plan) -> list[tuple[str, ...]]:
    """The table's rows."""
    rows = []
    for stage in plan.stages:
        words = (
            stage.stage + (" *" if stage.separate else ""),
            str(len(stage.jobs)),
            stage.passes,
            stage.units,
        )
        seconds = (stage.longest.wall_s, stage.total("wall_s"), plan.least_wall_of(stage))
        memory_mb = sum(stage.largest.memory_mb.values())
        rows.append((*words, *map(duration, seconds), gb(memory_mb), gb(stage.total("disk_mb"))))
    jobs = sum(len(stage.jobs) for stage in plan.stages)
    every = sum(stage.total("wall_s") for stage in plan.stages)
    most = max(sum(stage.largest.memory_mb.values()) for stage in plan.stages)
    total = ("all", str(jobs), "", "", "", duration(every), duration(plan.least_wall[0]), gb(most))
    return [*rows, (*total, gb(plan.disk_mb))]


def as_text(plan: Plan, measured: Measured | None) -> str:
    """The whole plan. measured: how a machine's rates were measured, if not just now."""
    lines = [*heading(plan, measured), ""]
    table = aligned([HEAD, *stage_rows(plan)], LEFT)
    rule = "-" * max(map(len, table))
    lines += [table[0], rule, *table[1:-1], rule, table[-1], "", *notes(plan), "", "memory of a job:"]
    lines += memory_lines(plan)
    lines += ["", "verdict:", *(f"  {line}" for line in verdict(plan))]
    return "\n".join(lines)


def heading(plan: Plan, measured: Measured | None) -> list[str]:
    """Experiment, machine, data."""
    target, machine = plan.target, plan.target.machine
    where = target.name or "this machine"
    gpus = f", {target.gpus} of {machine.gpu}" if target.gpus else ", no GPU"
    dated = " just now"
    if measured:
        beside = f", beside {measured.beside}" if measured.beside else ""
        dated = f" on {measured.date} with torch {measured.torch}{beside}"
    lines = [
        f"plan of {plan.experiment} for {where}: {target.cores} cores of {machine.cpu}{gpus}, {machine.memory_gb:.0f} GB",
        f"from rates that were measured in seconds{dated}: expect it to be wrong by a third, and more where data differ",
    ]
    for kind, size in plan.sizes.items():
        splits = ", ".join(f"{count:,} {split}" for split, count in size.splits.items())
        shape = f"{size.width}x{size.height} px, {size.mean_kb:.0f} kB each"
        lines.append(f"{kind}: {splits}; {size.classes} classes; {shape} ({size.basis})")
    return lines


def notes(plan: Plan) -> list[str]:
    """How the table is meant."""
    seconds, chain = plan.least_wall
    cores, gpus = plan.target.cores, plan.target.gpus
    resources = f"{cores} cores" + (f" and {gpus} GPUs" if gpus else "")
    reason = (
        f"the longest job of {' -> '.join(chain)}, one after another"
        if chain
        else f"all work over {resources}"
    )
    lines = [
        f"wall, least: no order of jobs on {resources} is faster: of a stage its longest job, or its work over {resources};",
        f"  of all ({duration(seconds)}): {reason}. What is there already is counted as if it were not.",
    ]
    if any(stage.separate for stage in plan.stages):
        lines.append("* of the target `ablations`, which nothing else needs")
    disk = f"disk: {gb(plan.disk_mb)}"
    if plan.place.disk_free_mb is not None:
        disk += f"; {gb(plan.place.disk_free_mb)} are free on {plan.place.path}"
    else:
        disk += "; what is free on that machine is not known here"
    lines.append(disk)
    if plan.dvc_copies:
        limit = f"; above {plan.commit_limit_gb:.0f} GB only `make sync` puts it there"
        lines.append(
            f"  DVC's cache holds a copy: {gb(2 * plan.disk_mb)} with it, unless the file system shares blocks (reflinks) or"
            f" cache.type has links{limit if plan.disk_mb > 1000 * plan.commit_limit_gb else ''}"
        )
    raw = [size for size in plan.sizes.values() if "official" in size.basis]
    if raw:
        size = sum(one.images * one.mean_kb / 1000 for one in raw)
        lines.append(f"  the raw pictures ({gb(size)}) are not in it, nor their archives")
    if gpus > 1:
        lines.append(
            "  jobs take the first GPU unless CUDA_VISIBLE_DEVICES says otherwise (docs/architecture.md)"
        )
    return lines


def memory_lines(plan: Plan) -> list[str]:
    """What the memory of each stage's largest job is made of."""
    lines = []
    for stage in plan.stages:
        for where, parts in (("", stage.largest.memory_mb), (" (GPU)", stage.largest.gpu_memory_mb)):
            shown = [f"{name} {gb(value)}" for name, value in parts.items() if value >= SHOWN_MB]
            if len(shown) > 1 or (where and shown):
                lines.append(f"  {stage.stage}{where}: {', '.join(shown)}")
    return lines


def rates_text(rates: Rates) -> str:
    """The rates that the plan used."""
    lines = ["rates used (seconds are of one picture, crop, region or step):"]
    for asked, rate in rates.used.items():
        values = ", ".join(f"{name} {value:.3g}" for name, value in rate)
        lines.append(f"  {asked.name}: {values}   [{short(asked)}]")
    return "\n".join(lines)


HIDDEN = ("context_px", "policies", "crop_area", "crop_aspect", "match_iou")  # in the list of rates


def short(asked: Measurement[Rate]) -> str:
    """What a rate depends on in few words; a machine's file has it whole."""
    return "; ".join(filter(None, (in_words(name, value) for name, value in asked if name not in HIDDEN)))


def in_words(name: str, value: object) -> str:
    """One value; "" for one that is left out."""
    match value:
        case ImageSize():
            return f"{value.width}x{value.height} px"
        case NetworkShape():
            return network_in_short(value)
        case Compute():
            return f"{value.device} {value.precision}, threads {value.numeric_threads}"
        case Sampling():
            return f"{value.method}, {value.interpolation}, photometric {value.photometric:g}"
        case Search():
            return f"{value.preset}, scale {value.superpixel_scale:g}"
        case Settings() | None | 0:
            return ""
    return f"{name} {value}"


def network_in_short(network: NetworkShape) -> str:
    """A network by its width, input and classes, and what else is not the paper's."""
    shape, usual = asdict(network.architecture), asdict(Architecture())
    shown = f"width {shape.pop('width'):g} at {shape.pop('input_px')} px, {network.classes} classes"
    kind = [] if network.network == "paper" else [f"network {network.network}"]
    return ", ".join(
        [shown, *(f"{key} {value}" for key, value in shape.items() if value != usual[key]), *kind]
    )


def compared_text(rows: Sequence[Compared]) -> str:
    """Planned beside measured."""
    head = ("stage", "jobs", "planned s", "measured s", "ratio", "planned MB", "measured MB", "ratio")
    table: list[tuple[str, ...]] = [head]
    for row in rows:
        seconds, memory = row.planned_s / max(row.measured_s, 0.01), row.planned_mb / max(row.measured_mb, 1)
        numbers = [f"{row.planned_s:.0f}", f"{row.measured_s:.0f}", f"{seconds:.2f}"]
        numbers += [f"{row.planned_mb:.0f}", f"{row.measured_mb:.0f}", f"{memory:.2f}"]
        table.append((row.stage, str(row.jobs), *numbers))
    totals = [sum(getattr(row, name) for row in rows) for name in ("jobs", "planned_s", "measured_s")]
    ratio = f"{totals[1] / totals[2]:.2f}"
    table.append(("all", str(totals[0]), f"{totals[1]:.0f}", f"{totals[2]:.0f}", ratio, "", "", ""))
    return "\n".join(aligned(table, 1))
