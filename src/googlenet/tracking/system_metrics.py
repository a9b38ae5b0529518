"""Use of CPU, memory and GPU, as metrics of the job's run: MLflow has a page for names that begin with system/.

A thread of the job measures, first after `every_s` seconds, then at growing intervals; short jobs are not measured. It
only reads the system's counters and appends to the event log, so no result can depend on it.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from googlenet.errors import UserError

if TYPE_CHECKING:
    from googlenet.tracking.job_run import JobRun

PREFIX = "system/"
GROWTH, RAREST = 50, 30  # the interval is a fiftieth of the time so far, between every_s and 30 times every_s
GPU_QUERY = ("--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")
GPU_TIMEOUT_S = 5
MEGABYTE = 1e6  # as MLflow counts


@contextmanager
def sampled(run: "JobRun", every_s: float, device: str = "cpu") -> Iterator[None]:
    """Measure within the block. every_s: 0 to disable; device: cuda for a job that holds a GPU, torch's current one."""
    if not every_s:
        yield
        return
    ended, gpu = threading.Event(), gpu_uuid(device)  # in this thread: each thread has its own current device
    thread = threading.Thread(target=_sample, args=(run, every_s, gpu, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _sample(run: "JobRun", every_s: float, gpu: str, ended: threading.Event) -> None:
    """Log samples until the job ends or its log cannot be written, which the job's own next event then reports."""
    began, pause, measure = time.monotonic(), every_s, None
    while not ended.wait(pause):
        measure = measure or Measure(gpu)
        try:
            run.sample(measure())
        except UserError as error:
            print(f"no more system metrics: {error}", flush=True)
            return
        pause = min(max(every_s, (time.monotonic() - began) / GROWTH), RAREST * every_s)


def is_sample(values: Mapping[str, float]) -> bool:
    """Whether logged numbers are a sample of system metrics, whose steps are counted separately."""
    return any(name.startswith(PREFIX) for name in values)


class Measure:
    """Measures a process with its children, the machine, and one GPU. CPU shares are since the previous call."""

    def __init__(self, gpu: str = ""):
        import psutil  # type: ignore[import-untyped]  # late: short jobs do without it

        self._psutil, self._gpu = psutil, gpu if shutil.which("nvidia-smi") else ""
        self._process = psutil.Process()
        self._at, self._used = self._process.create_time(), 0.0
        psutil.cpu_percent()  # the first call returns nothing

    def __call__(self) -> dict[str, float]:
        """The machine's metrics, named as by MLflow's own sampler, and `job_` metrics, of this process and its
        children. CPU: 100 is one core for a job, all cores for the machine."""
        psutil = self._psutil
        processes = [self._process, *self._process.children(recursive=True)]
        used = memory = 0.0
        for process in processes:
            try:
                used += sum(process.cpu_times()[:4])  # its own, and that of children that have ended
                memory += process.memory_info().rss
            except psutil.Error:  # it has just ended
                continue
        now = time.time()
        share, self._at, self._used = max(0.0, used - self._used) / max(now - self._at, 1e-3), now, used
        machine = psutil.virtual_memory()
        values = {
            "job_cpu_percentage": 100 * share,
            "job_memory_megabytes": memory / MEGABYTE,
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": machine.used / MEGABYTE,
            "system_memory_usage_percentage": machine.percent,
        }
        return {f"{PREFIX}{name}": value for name, value in (values | gpu_use(self._gpu)).items()}


def gpu_uuid(device: str) -> str:
    """The UUID of the GPU that this job holds, as nvidia-smi spells it; "" for another device."""
    if device != "cuda":
        return ""
    import torch  # already imported by the job

    return f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"


def gpu_use(uuid: str) -> dict[str, float]:
    """Utilization and memory of a GPU; empty for "" or if the driver does not report them."""
    if not uuid:
        return {}
    words = ["nvidia-smi", f"--id={uuid}", *GPU_QUERY]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=GPU_TIMEOUT_S, check=True).stdout
        use, memory = (float(value) for value in answer.split(","))
    except (OSError, subprocess.SubprocessError, ValueError):  # busy, another GPU, or "[N/A]" on a part of one
        return {}
    return {"gpu_0_utilization_percentage": use, "gpu_0_memory_usage_megabytes": memory}
