"""The plan as text: a row for each stage, what it is made of, and a verdict."""

from collections.abc import Sequence

from googlenet.planning import schedule
from googlenet.planning.machine import Rates
from googlenet.planning.plan import Plan, gb, verdict
from googlenet.planning.records import Compared

HEAD = ("stage", "jobs", "passes", "units", "longest job", "all jobs", "wall, least", "memory a job", "disk")
LEFT = 4  # columns that are text, but for `jobs`
SAID_MB = 50  # parts of a job's memory that are told


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
        rows.append(
            (
                stage.stage + (" *" if stage.separate else ""),
                str(len(stage.jobs)),
                stage.passes,
                stage.units,
                duration(stage.longest.wall_s),
                duration(stage.total("wall_s")),
                duration(schedule.least_wall([stage], plan.cores, plan.gpus)),
                gb(sum(stage.largest.memory_mb.values())),
                gb(stage.total("disk_mb")),
            )
        )
    jobs = sum(len(stage.jobs) for stage in plan.stages)
    every = sum(stage.total("wall_s") for stage in plan.stages)
    most = max(sum(stage.largest.memory_mb.values()) for stage in plan.stages)
    total = ("all", str(jobs), "", "", "", duration(every), duration(plan.least_wall[0]), gb(most))
    return [*rows, (*total, gb(plan.disk_mb))]


def as_text(plan: Plan, measured_by: dict) -> str:
    """The whole plan. measured_by: what is said of the measuring of a machine's rates."""
    lines = [*heading(plan, measured_by), ""]
    table = aligned([HEAD, *stage_rows(plan)], LEFT)
    rule = "-" * max(map(len, table))
    lines += [table[0], rule, *table[1:-1], rule, table[-1], "", *said(plan), "", "memory of a job:"]
    lines += memory_lines(plan)
    lines += ["", "verdict:", *(f"  {line}" for line in verdict(plan))]
    return "\n".join(lines)


def heading(plan: Plan, measured_by: dict) -> list[str]:
    """Experiment, machine, data."""
    machine, where = plan.machine, plan.name or "this machine"
    gpus = f", {plan.gpus} of {machine.gpu}" if plan.gpus else ", no GPU"
    beside = f", beside {measured_by['beside']}" if measured_by.get("beside") else ""
    dated = (
        f" on {measured_by['date']} with torch {measured_by['torch']}{beside}" if measured_by else " just now"
    )
    lines = [
        f"plan of {plan.experiment} for {where}: {plan.cores} cores of {machine.cpu}{gpus}, {machine.memory_gb:.0f} GB",
        f"from rates that were measured in seconds{dated}: expect it to be wrong by a third, and more where data differ",
    ]
    for kind, size in plan.sizes.items():
        splits = ", ".join(f"{count:,} {split}" for split, count in size.splits.items())
        shape = f"{size.width}x{size.height} px, {size.mean_kb:.0f} kB each"
        lines.append(f"{kind}: {splits}; {size.classes} classes; {shape} ({size.said})")
    return lines


def said(plan: Plan) -> list[str]:
    """How the table is meant."""
    seconds, chain = plan.least_wall
    resources = f"{plan.cores} cores" + (f" and {plan.gpus} GPUs" if plan.gpus else "")
    reason = (
        f"the longest job of {' -> '.join(chain)}, one after another"
        if chain
        else (f"all work over {resources}")
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
    raw = {kind: size for kind, size in plan.sizes.items() if "official" in size.said}
    if raw:
        size = sum(one.pictures * one.mean_kb / 1000 for one in raw.values())
        lines.append(f"  the raw pictures ({gb(size)}) are not in it, nor their archives")
    if plan.gpus > 1:
        lines.append(
            "  jobs take the first GPU unless CUDA_VISIBLE_DEVICES says otherwise (docs/architecture.md)"
        )
    return lines


def memory_lines(plan: Plan) -> list[str]:
    """What the memory of each stage's largest job is made of."""
    lines = []
    for stage in plan.stages:
        for where, parts in (("", stage.largest.memory_mb), (" (GPU)", stage.largest.gpu_memory_mb)):
            told = [f"{name} {gb(value)}" for name, value in parts.items() if value >= SAID_MB]
            if len(told) > 1 or (where and told):
                lines.append(f"  {stage.stage}{where}: {', '.join(told)}")
    return lines


def rates_text(rates: Rates) -> str:
    """The rates that the plan used."""
    lines = ["rates used (seconds are of one picture, crop, region or step):"]
    for row in rates.used.values():
        values = {key: value for key, value in row.items() if key not in ("what", "settings")}
        told = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
        lines.append(f"  {row['what']}: {told}   [{short(row['settings'])}]")
    return "\n".join(lines)


HIDDEN = (
    "stage",
    "embedded",
    "parts",
    "context_px",
    "confidence_percent",
    "policies",
)  # in the list of rates
USUAL = {
    "network": "paper",
    "inception": "reduced",
    "classifier": "average_pool",
    "lrn": True,
    "repeat_modules": [],
}


def short(settings: dict) -> str:
    """Settings in few words; a machine's file has them whole."""
    words = []
    for key, value in settings.items():
        if key == "picture":
            words.append(f"{value['width']}x{value['height']} px")
        elif key == "network" and isinstance(value, dict):
            words.append(network_in_short(value))
        elif key == "compute":
            words.append(f"{value['device']} {value['precision']}, threads {value['numeric_threads']}")
        elif key == "sampling":
            words.append(f"{value['method']}, {value['interpolation']}, photometric {value['photometric']:g}")
        elif key == "search":
            words.append(f"{value['preset']}, scale {value['superpixel_scale']:g}")
        elif key not in HIDDEN and value not in ("", [], False, None):
            words.append(f"{key} {value}")
    return "; ".join(words)


def network_in_short(network: dict) -> str:
    """A network by its width, input and classes, and what else is not the paper's."""
    other = [f"{key} {network[key]}" for key, usual in USUAL.items() if network.get(key, usual) != usual]
    own = f"width {network['width']:g} at {network['input_px']} px, {network['classes']} classes"
    return ", ".join([own, *other])


def compared_text(rows: Sequence[Compared]) -> str:
    """Planned beside measured."""
    head = ("stage", "jobs", "planned s", "measured s", "ratio", "planned MB", "measured MB", "ratio")
    table = [head]
    for row in rows:
        table.append(
            (
                row.stage,
                str(row.jobs),
                f"{row.planned_s:.0f}",
                f"{row.measured_s:.0f}",
                f"{row.planned_s / max(row.measured_s, 0.01):.2f}",
                f"{row.planned_mb:.0f}",
                f"{row.measured_mb:.0f}",
                f"{row.planned_mb / max(row.measured_mb, 1):.2f}",
            )
        )
    totals = [sum(getattr(row, name) for row in rows) for name in ("jobs", "planned_s", "measured_s")]
    ratio = f"{totals[1] / totals[2]:.2f}"
    table.append(("all", str(totals[0]), f"{totals[1]:.0f}", f"{totals[2]:.0f}", ratio, "", "", ""))
    return "\n".join(aligned(table, 1))
