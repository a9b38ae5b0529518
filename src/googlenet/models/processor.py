"""What this machine's processor can do: its name with its instructions, and the precision that suits it.

Without torch, which not every job imports.
"""

import platform
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
WITH_BF16 = ("amx_bf16", "avx512_bf16")
INSTRUCTIONS = (*WITH_BF16, "avx512f", "avx2")  # for matrix products, the best first


@cache  # a job asks several times
def cpu_name(info: Path = CPUINFO) -> str:
    """The processor's name, with what else its kernels, and so the bits, depend on: family, model and instructions.

    A virtual machine's name can be that of several processors ("AMD EPYC"), and can hide instructions that they have.
    """
    try:
        lines = info.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    details = [f"{word} {fields[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if key in fields]
    details += [each for each in INSTRUCTIONS if each in fields.get("flags", "").split()][:1]
    name = fields.get("model name", platform.machine())
    return f"{name} ({', '.join(details)})" if details else name


def precision_of(requested: str, device: str, cpu: str | None = None) -> str:
    """bf16 or fp32, as requested; for auto, bf16 where it is the faster: on a GPU, and on a processor with instructions
    for it. Others emulate it, and take six to thirteen times as long as in fp32. cpu: as `cpu_name`
    names it, and by default this machine's."""
    if requested != "auto":
        return requested
    cpu = cpu_name() if cpu is None else cpu
    return "bf16" if device == "cuda" or any(each in cpu for each in WITH_BF16) else "fp32"
