"""What a processor is called, and which precision suits it."""

import platform

import pytest

from googlenet.config.schema.shared import Compute
from googlenet.models.processor import cpu_name, precision_of
from googlenet.models.runtime import Runtime


@pytest.mark.parametrize(
    ("info", "name"),
    [
        (
            "model name\t: A CPU\ncpu family\t: 25\nmodel\t\t: 17\nflags\t\t: fpu avx2 avx512f\n",
            "A CPU (family 25, model 17, avx512f)",
        ),
        (
            "model name\t: A CPU\nflags\t\t: avx512f amx_bf16\n\nmodel name\t: A CPU\nflags\t\t: avx512f\n",
            "A CPU (amx_bf16)",
        ),
        ("model name\t: A CPU\n", "A CPU"),
        ("Features\t: fp asimd\n", platform.machine()),
        (None, platform.processor()),
    ],
)
def test_a_processor_is_known_by_what_its_kernels_depend_on(tmp_path, info, name):
    if info is not None:
        (tmp_path / "cpuinfo").write_text(info)
    assert cpu_name(tmp_path / "cpuinfo") == name


@pytest.mark.parametrize(
    ("requested", "device", "cpu", "expected"),
    [
        ("auto", "cpu", "A CPU (family 6, model 207, amx_bf16)", "bf16"),
        ("auto", "cpu", "A CPU (family 25, model 17, avx512_bf16)", "bf16"),
        ("auto", "cpu", "A CPU (family 6, model 85, avx512f)", "fp32"),
        ("auto", "cpu", "A CPU (family 25, model 1, avx2)", "fp32"),
        ("auto", "cpu", "arm", "fp32"),
        ("auto", "cuda", "A CPU (family 25, model 1, avx2)", "bf16"),
        ("bf16", "cpu", "A CPU (family 25, model 1, avx2)", "bf16"),
        ("fp32", "cpu", "A CPU (family 6, model 207, amx_bf16)", "fp32"),
        ("fp32", "cuda", "", "fp32"),
    ],
)
def test_auto_is_bf16_where_the_machine_has_instructions_for_it(requested, device, cpu, expected):
    assert precision_of(requested, device, cpu) == expected


@pytest.mark.parametrize("cpu", ["A CPU (avx512_bf16)", "A CPU (avx2)"])
def test_a_runtime_never_has_the_precision_auto(monkeypatch, cpu):
    monkeypatch.setattr("googlenet.models.processor.cpu_name", lambda: cpu)
    made = Runtime.of(Compute(device="cpu", precision="auto", numeric_threads=1), "openvino", 2)
    assert made == Runtime("cpu", "bf16" if "bf16" in cpu else "fp32", 2, "openvino")
