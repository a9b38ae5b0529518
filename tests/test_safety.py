"""What this project must never do with what a person brings: run it, hand it to a shell, or serve it to other machines."""

import ast
import re
from pathlib import Path

import pytest

from conf_copy import ROOT
from workflow.clones import build, call, snakemake

SOURCES = sorted(
    path.relative_to(ROOT) for folder in ("src", "workflow", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)
RULES = sorted([ROOT / "workflow/Snakefile", *(ROOT / "workflow/rules").glob("*.smk")])
# Modules that run what a file says, and XML readers that resolve entities. Beside them: names that are harmless.
UNSAFE_MODULES = {
    "pickle": {"UnpicklingError"},  # what torch.load raises
    "xml": {"Element", "ParseError", "escape"},  # what defusedxml returns and raises; what writes
}
UNSAFE_MODULES |= {name: set() for name in ("marshal", "shelve", "dill", "cloudpickle", "joblib", "lxml")}
UNSAFE_MODULES["scipy.io"] = {"loadmat", "savemat"}  # MATLAB's tables of the development kits: arrays, no code
UNSAFE_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.load_all",
    "np.load",
    "numpy.load",
    "np.fromfile",
    "torch.hub.load",
    "torch.jit.load",
    "shutil.unpack_archive",
    "importlib.import_module",
    "hydra.utils.instantiate",
}
UNSAFE_METHODS = {"extractall", "extract"}  # of archives: a member may name a path outside
DECODER = Path("src/googlenet/data/images.py")  # the one module that opens images
RIVALS = {Path("benchmarks/loader.py"), Path("benchmarks/prediction.py")}  # what they are compared with opens its own
OPENERS = {"imread", "imdecode", "imreadmulti", "imdecodemulti", "read_image", "decode_image", "decode_jpeg"}
SAFE_LOADERS = {"yaml.SafeLoader", "_Strict", "_Strict if dates else _WithoutDates"}


def findings(source: str):
    """What a module imports or calls that it must not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if unsafe(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and unsafe(node.module):
            harmless = UNSAFE_MODULES[unsafe(node.module)]
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name not in harmless)
        elif isinstance(node, ast.Call):
            yield from wrong_call(
                ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}, node
            )


def unsafe(module: str) -> str:
    """The entry of UNSAFE_MODULES that a module belongs to, or ""."""
    return next((name for name in UNSAFE_MODULES if f"{module}.".startswith(f"{name}.")), "")


def wrong_call(name: str, words: dict, node: ast.Call):
    """A call by its name and keywords, if it must not be."""
    if name in UNSAFE_CALLS or ("." in name and name.split(".")[-1] in UNSAFE_METHODS):
        yield name
    if name == "torch.load" and words.get("weights_only") != "True":
        yield "torch.load without weights_only"
    if name == "yaml.load" and not {ast.unparse(argument) for argument in node.args[1:]} & SAFE_LOADERS:
        yield "yaml.load without a safe loader"
    if words.get("shell", "False") != "False":
        yield f"{name} with a shell"
    if "allow_pickle" in words:
        yield f"{name} with allow_pickle"
    if name.endswith("Image.open") and words.get("formats") not in ("FORMATS", "['JPEG']"):
        yield "Image.open of any format: Pillow runs Ghostscript for one"


def opens_images(name: str) -> bool:
    return name.endswith("Image.open") or name.split(".")[-1] in OPENERS


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_one_module_opens_images(path):
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    calls = [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]
    assert path == DECODER or path in RIVALS or not any(map(opens_images, calls))


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_module_runs_what_a_file_says(path):
    assert not list(findings((ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_the_rules_run_nothing_either(path):
    text = path.read_text()
    assert not re.search(r"\b(eval\(|exec\(|pickle|os\.system|shell=True|shell\()", text)
    assert not re.search(r"^\s+run:", text, re.MULTILINE), "a rule runs a command, not code of its own"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "from pickle import UnpicklingError, loads",
        "import joblib",
        "from scipy.io import readsav",
        "import xml.etree.ElementTree as ET",
        "from xml.etree.ElementTree import parse",
        "eval(text)",
        "os.system(f'ls {path}')",
        "subprocess.run(text, shell=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, yaml.Loader)",
        "yaml.load(text, Loader=yaml.Loader)",
        "np.load(path, allow_pickle=True)",
        "tarfile.open(path).extractall(folder)",
        "Image.open(path)",
    ],
)
def test_it_would_be_found(source):
    assert list(findings(source))


def test_what_is_harmless_is_not_found():
    source = "from pickle import UnpicklingError\nfrom xml.etree.ElementTree import ParseError\nfrom defusedxml.ElementTree import parse"
    calls = "torch.load(path, weights_only=True)\nyaml.load(text, _Strict)\nmodel.eval()\nsubprocess.run(['a', path])"
    assert not list(findings(f"{source}\n{calls}"))


def test_the_strict_loader_makes_plain_values_alone():
    import yaml

    from googlenet.storage import files

    assert issubclass(files._WithoutDates, files._Strict) and issubclass(files._Strict, yaml.CSafeLoader)
    made = {tag for tag in files._Strict.yaml_constructors if tag}
    assert made == {tag for tag in yaml.SafeLoader.yaml_constructors if tag} and not any(
        "python" in tag for tag in made
    )


# No name of a file reaches a shell as anything but a word.


def test_every_path_of_a_rule_is_quoted():
    count = 0
    for path in RULES:
        for placeholder in re.findall(r"\{((?:input|output|log|wildcards|params)\b[^{}]*)\}", path.read_text()):
            assert placeholder.endswith(":q"), f"{path.name}: {{{placeholder}}}"
            count += 1
    assert count > 80


def test_quoted_lists_and_empty_lists_become_words():
    import shlex

    from snakemake.iocontainers import InputFiles
    from snakemake.utils import format as filled

    given = InputFiles(fromdict={"one": "a b;touch pwned", "many": ["$(touch pwned)", "it's"], "none": []})
    line = filled("run --one {input.one:q} --many {input.many:q} --none {input.none:q} --end", input=given)
    assert shlex.split(line) == [
        "run",
        "--one",
        "a b;touch pwned",
        "--many",
        "$(touch pwned)",
        "it's",
        "--none",
        "--end",
    ]


@pytest.mark.engine
@pytest.mark.long
def test_a_folder_whose_name_is_a_command_is_a_folder(tmp_path):
    clone = tmp_path / "a b;touch pwned $(touch pwned)"
    build(clone)
    snakemake(clone, "--cores", "1", "--", "stage_prepare_classification")
    assert (clone / "data/classification/digits_tiny/manifest.json").is_file()
    assert (clone / "mlflow/mlflow.db").is_file()
    command = call(clone, "make", "-o", ".venv/ready", "test", "-n", "CORES=2")
    assert command.startswith("python -m pytest -n 2 ") and command.endswith(' -m "not long"\n')
    assert not list(tmp_path.rglob("pwned*"))


# What is served, is served to this machine alone.


def recipe(target: str) -> str:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return found[1].replace("\\\n", " ")


def test_mlflows_pages_are_served_to_this_machine_alone():
    served = recipe("ui")
    assert re.findall(r"--host\s+(\S+)", served) == ["127.0.0.1"]
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in served
    assert "0.0.0.0" not in served and "allowed-hosts" not in served and "cors" not in served


def test_nothing_opens_the_pages_to_others():
    texts = [(ROOT / path).read_text() for path in SOURCES] + [path.read_text() for path in RULES]
    texts += [(ROOT / "Makefile").read_text(), (ROOT / ".ci/run").read_text()]
    for text in texts:
        assert not re.search(r"0\.0\.0\.0|ALLOWED_HOSTS|CORS_ALLOWED|DISABLE_SECURITY", text)


def test_the_makefile_quotes_what_a_folder_may_be_called():
    text = (ROOT / "Makefile").read_text()
    recipes = "".join(re.findall(r"^\t.*\n", text, re.MULTILINE))
    assert "$(CURDIR)" not in recipes  # make would put it into the command as it is
    for unquoted in re.finditer(r"\$\$(\{|\(|PWD)", recipes):
        before = recipes[: unquoted.start()].rsplit("\n", 1)[-1]
        assert before.count('"') % 2 == 1, before
