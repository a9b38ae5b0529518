"""Bad settings, with the line that each gives, and how they are given; a part of the table of bad_input.py."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from conf_copy import ROOT, copied, edit, every_job
from data.datasets import put
from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import files
from googlenet.planning import preflight

like = re.compile
DEMO = "experiment/demo.yaml"
FIRST = "# @package _global_\n"


def params(text: str) -> tuple[str, str]:
    """params.yaml with these overrides."""
    return "params.yaml", f"experiment: demo\noverrides: {text}\n"


def demo(line: str) -> tuple[str, str]:
    """The demo's file with one more line, in the place of the one that gives the same key."""
    key, text = line.split(":")[0], (ROOT / "conf" / DEMO).read_text()
    kept = re.sub(rf"^{key}:.*\n( .*\n)*", "", text, flags=re.MULTILINE)
    return DEMO, kept.replace(FIRST, f"{FIRST}{line}\n", 1)


def settings(folder: Path, given: Any) -> None:
    """A file of a copy of conf/, or params.yaml, replaced or added to; `demo` composed, and looked at as before a run.

    given: (file, text), or (file, pattern, replacement).
    """
    file, *change = given
    root = copied(folder)
    if len(change) == 2:
        edit(root, file, *change)
    else:
        put(root / file if file == "params.yaml" else root / "conf" / file, change[0])
    composed = experiment(root)
    list(files(composed))
    preflight.check(composed, every_job(composed), local=True)


def chosen(folder: Path, given: Any) -> None:
    """An experiment asked for by name; its file, empty, is there if a second value says so."""
    name, there = given if isinstance(given, tuple) else (given, False)
    root = copied(folder)
    if there:
        put(root / f"conf/experiment/{name}.yaml", "# @package _global_\n")
    experiment(root, name)


def command(folder: Path, given: Any) -> None:
    """Words for `snakemake -n` in this repository's copied workflow; its one error line is raised."""
    copied(folder)
    words = [str(Path(sys.executable).with_name("snakemake")), "-n", "--snakefile", str(ROOT / "workflow/Snakefile")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([*words, *given], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1 and len(errors) == 1 and "Traceback" not in done.stderr, done.stderr
    raise UserError(errors[0].removeprefix("error: "))


# fmt: off
QUOTES = "put text that YAML reads as a number or a boolean in quotes"
SETTINGS = (
    ("unknown key", demo("train_clasifier: {epochs: 3}"), "conf/experiment/demo.yaml: unknown key 'train_clasifier'; did you mean 'train_classifier'?"),
    ("unknown key below", params("{train_classifier: {epoch: 3}}"), "params.yaml: unknown key 'train_classifier.epoch'; did you mean 'epochs'?"),
    ("unknown key of params.yaml", ("params.yaml", "experimnt: demo\n"), "params.yaml: unknown key 'experimnt'; did you mean 'experiment'?"),
    ("wrong type", params("{train_classifier: {epochs: many}}"), "params.yaml: 'train_classifier.epochs' must be a whole number of at least 1, not 'many'"),
    ("wrong value in params.yaml", params("{compute: {device: gpu}}"), "params.yaml: 'compute.device' must be cpu or cuda, not 'gpu'"),
    ("wrong value in an experiment", demo("evaluate_ensemble: {resamples: 0}"), "conf/experiment/demo.yaml: 'evaluate_ensemble.resamples' must be a whole number of at least 1, not 0"),
    ("wrong value in a stage's file", ("evaluate_detection.yaml", r"^nms_iou: \S+", "nms_iou: 3"), "conf/evaluate_detection.yaml: 'evaluate_detection.nms_iou' must be a number above 0 and at most 1, not 3"),
    ("wrong value in a group's file", ("model/small.yaml", r"^input_px: 64", "input_px: 8"), "conf/model/small.yaml: 'model.input_px' must be a whole number of at least 32, not 8"),
    ("key given twice in an experiment", demo("about: one\nabout: two"), "HERE/conf/experiment/demo.yaml: line 3: the key 'about' is given twice, first in line 2; keep one of them"),
    ("key given twice below another", demo("compare_ablations: {confidence_percent: 90, confidence_percent: 99}"), "HERE/conf/experiment/demo.yaml: line 2: the key 'confidence_percent' is given twice, first in line 2; keep one of them"),
    ("key given twice in params.yaml", ("params.yaml", "experiment: demo\nexperiment: smoke\n"), "HERE/params.yaml: line 2: the key 'experiment' is given twice, first in line 1; keep one of them"),
    ("section given twice in overrides", params("{model: {width: 0.5}, model: {width: 0.25}}"), "HERE/params.yaml: line 2: the key 'model' is given twice, first in line 2; keep one of them"),
    ("key given twice in a stage's file", ("compute.yaml", r"^device: \S+", "device: cpu\ndevice: cpu"), "HERE/conf/compute.yaml: line 5: the key 'device' is given twice, first in line 4; keep one of them"),
    ("tab", ("params.yaml", "experiment: demo\noverrides:\n\tmodel: {width: 0.5}\n"), like(r"HERE/params\.yaml: line 3 is not YAML \(.*\); use spaces, not tabs")),
    ("not closed", ("params.yaml", "experiment: demo\noverrides: {model: {width: 0.5}\n"), like(r"HERE/params\.yaml: line 3 is not YAML \(.*\); correct that line")),
    ("nested without end", ("params.yaml", "experiment: " + "[" * 100_000), "HERE/params.yaml: line 1: nested more than a hundred deep; correct that line"),
    ("not UTF-8", ("params.yaml", b"experiment: d\xe9mo\n"), like(r"HERE/params\.yaml: cannot be read as YAML \(.*\); correct the file")),
    ("a tag that a value does not fit", params("{evaluate_ensemble: {seed: !!int one}}"), like(r"HERE/params\.yaml: cannot be read as YAML \(.*\); correct the file")),
    ("a tag that would run code", params("!!python/object/apply:os.mkdir [made]"), like(r"HERE/params\.yaml: line 2 is not YAML \(.*\); correct that line")),
    ("list where keys are wanted", params("[train_classifier]"), "params.yaml: 'overrides' must be keys, not ['train_classifier']"),
    ("file that is a list", ("params.yaml", "- experiment: demo\n"), "HERE/params.yaml: holds no keys; write 'key: value' lines"),
    ("empty params.yaml", ("params.yaml", ""), "params.yaml or --config: no experiment '' in conf/experiment; known: bvlc, demo, ilsvrc2014, photos, smoke, tiny_imagenet, tiny_imagenet_cpu"),
    ("empty file of a stage", ("compute.yaml", ""), "conf/compute.yaml: the first line must be '# @package compute'; add it"),
    ("a stage's file that lacks a key", ("compute.yaml", r"^device: .*\n", ""), "conf/compute.yaml: lacks the key 'compute.device'; add it"),
    ("a stage's file without its first line", ("compute.yaml", r"\A.*\n", ""), "conf/compute.yaml: the first line must be '# @package compute'; add it"),
    ("an experiment's file without its first line", (DEMO, r"\A.*\n", ""), "conf/experiment/demo.yaml: the first line must be '# @package _global_'; add it"),
    ("reference to nothing", params("{dataset: {name: '${nothing}'}}"), like(r"params\.yaml: 'dataset\.name': .*; refer to a key that exists")),
    ("reference to nothing in an experiment", demo("compute: {device: '${nothing.at_all}'}"), like(r"conf/experiment/demo\.yaml: 'compute\.device': .*; refer to a key that exists")),
    ("unknown member of a detector", demo("ensemble: {detectors: [{name: d1, init_from: m33}]}"), "conf/experiment/demo.yaml: ensemble.detectors.d1.init_from: no 'm33'; did you mean 'm3'?"),
    ("processes that are no power of two", params("{execution: {processes_per_training: 3}}"), "params.yaml: 'execution.processes_per_training' must be a power of two (1, 2, 4, ...), not 3"),
    ("more nodes than processes", params("{execution: {nodes_per_training: 2}}"), "params.yaml: 'execution.nodes_per_training' must be a divisor of processes_per_training, not 2"),
    ("more processes than micro-batches", params("{execution: {processes_per_training: 2}}"), "params.yaml: execution.processes_per_training: 2 processes cannot share out 1 micro-batches; set train_classifier.micro_batches to 2 or a multiple of it, which retrains the members"),
    ("more micro-batches than images in a batch", params("{train_classifier: {micro_batches: 64}}"), "params.yaml: 'train_classifier.micro_batches' must be a power of two (1, 2, 4, ...) that is at most batch_size, not 64"),
    ("micro-batches with batch normalisation", params("{train_classifier: {micro_batches: 2}, model: {network: batch_norm}}"), "params.yaml: 'train_classifier.micro_batches' must be 1 with model.network: batch_norm, which needs the statistics of a whole batch, not 2"),
    ("absence of a replica that there is not", params("{train_classifier: {replicas: {count: 2, absences: [{replica: 2, from_step: 1, to_step: 2}]}}}"), "params.yaml: 'train_classifier.replicas.absences[0].replica' must be the number of a replica, below count, not 2"),
    ("absence that ends before it begins", params("{train_classifier: {replicas: {absences: [{replica: 1, from_step: 5, to_step: 5}]}}}"), "params.yaml: 'train_classifier.replicas.absences[0].to_step' must be a step after from_step, not 5"),
    ("replicas with batch normalisation", params("{train_classifier: {update: asynchronous}, model: {network: batch_norm}}"), "params.yaml: 'train_classifier.update' must be synchronous with model.network: batch_norm, whose statistics no gradient changes, not 'asynchronous'"),
    ("replicas that compute parts of a batch", params("{train_classifier: {update: asynchronous, micro_batches: 2}}"), "params.yaml: 'train_classifier.micro_batches' must be 1 with update: asynchronous, whose replicas compute whole batches, not 2"),
    ("real replicas on a GPU", params("{train_classifier: {update: asynchronous_ray}, compute: {device: cuda}}"), "params.yaml: 'train_classifier.update' must be synchronous or asynchronous with compute.device: cuda; Ray's replicas use processors, not 'asynchronous_ray'"),
    ("two members of one name", demo("ensemble: {members: [{name: m1}, {name: m1}]}"), "conf/experiment/demo.yaml: 'ensemble.members.m1.name' must be a name that no other row has, not 'm1'"),
    ("a key with a dot", params("{train_classifier.epochs: 3}"), "params.yaml: the key 'train_classifier.epochs' has a dot; nest the keys, as in train_classifier: {epochs: ...}"),
    ("member with a name of the results", demo("ensemble: {members: [{name: ensemble}]}"), "conf/experiment/demo.yaml: 'ensemble.members.ensemble.name' must be another name; the results name one and all of a table so, not 'ensemble'"),
    ("more members than have subsets to evaluate", demo(f"ensemble: {{members: [{', '.join(f'{{name: x{i}}}' for i in range(13))}]}}"), "conf/experiment/demo.yaml: 'ensemble.members.x12.name' must be one of at most 12, since every subset of them is evaluated, not 'x12'"),
    ("misspelt key of a member in an experiment", demo("ensemble: {members: [{name: m1, smapling: area}]}"), "conf/experiment/demo.yaml: unknown key 'ensemble.members.m1.smapling'; did you mean 'sampling'?"),
    ("misspelt key of a member in params.yaml", params("{ensemble: {members: [{name: m1, widht: 2}]}}"), "params.yaml: unknown key 'ensemble.members.m1.widht'; did you mean 'width'?"),
    ("misspelt key of a member in its own file", ("ensemble/paper.yaml", "name: m7, order_seed", "name: m7, order_sed"), "conf/ensemble/paper.yaml: unknown key 'ensemble.members.m7.order_sed'; did you mean 'order_seed'?"),
    ("member's name with a space", params("{ensemble: {members: [{name: m 1}]}}"), "params.yaml: 'ensemble.members.m 1.name' must be a name of letters, digits and _ that does not begin with a digit, not 'm 1'"),
    ("member without a name", params("{ensemble: {members: [{order_seed: 1}]}}"), "params.yaml: lacks the key 'ensemble.members[0].name'; add it"),
    ("no member", params("{ensemble: {members: []}}"), "params.yaml: 'ensemble.members' must be a list of rows, at least one, not []"),
    ("a seed of structures twice", params("{derive_structure: {seeds: [1, 1]}}"), "params.yaml: 'derive_structure.seeds' must be two or more different whole numbers, not [1, 1]"),
    ("a share of the correlation that is none", params("{derive_structure: {mass: 1.5}}"), "params.yaml: 'derive_structure.mass' must be a number above 0 and below 1, not 1.5"),
    ("misspelt key of an ablation", params("{ablations: {rows: [{name: a, change: {}}]}}"), "params.yaml: unknown key 'ablations.rows.a.change'; did you mean 'changes'?"),
    ("a schedule at zero before the last epoch", params("{train_classifier: {drop_factor: 0.001, drop_every_epochs: 1}}"), "params.yaml: 'train_classifier.drop_factor' must be larger, or epochs fewer (the rate is zero before the last of 8 epochs), not 0.001"),
    ("a power at zero before the last epoch", params("{train_detector: {schedule: poly, poly_power: 50.0}}"), "params.yaml: 'train_detector.poly_power' must be smaller, or epochs fewer (the rate is zero before the last of 5 epochs), not 50.0"),
    ("unknown recipe", (DEMO, "override /dataset: digits$", "override /recipe: replica_quik"), "conf/experiment/demo.yaml: no conf/recipe/replica_quik.yaml; did you mean 'replica_quick'?"),
    ("a recipe without its first line", ("recipe/replica_quick.yaml", r"\A.*\n", ""), "conf/recipe/replica_quick.yaml: the first line must be '# @package train_classifier'; add it"),
    ("unknown group's file", (DEMO, "override /dataset: digits$", "override /dataset: digit"), "conf/experiment/demo.yaml: no conf/dataset/digit.yaml; did you mean 'digits'?"),
    ("unknown group", (DEMO, "override /dataset: digits$", "override /datset: digits"), "conf/experiment/demo.yaml: 'defaults' overrides no group 'datset'; did you mean 'dataset'?"),
    ("two classifiers of regions", params("{score_regions: {switches: [svm, context_feature]}}"), "params.yaml: 'score_regions.switches' must be a list of at most one of context_feature and svm (each classifies the regions), not ['svm', 'context_feature']"),
    ("unknown switch", params("{score_regions: {compare: [[mirror], [miror]]}}"), "params.yaml: 'score_regions.compare[1][0]' must be bbox_regression, context_feature, svm or mirror, not 'miror'; did you mean 'mirror'?"),
    ("data set's name with a slash", params("{dataset: {name: a/b}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not 'a/b'"),
    ("data set's name that leads out", params("{dataset: {name: ..}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not '..'"),
    ("data set's name with a space", params("{dataset: {name: my flowers}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not 'my flowers'"),
    ("data set's name for a shell", params("{dataset: {name: 'a;touch pwned'}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not 'a;touch pwned'"),
    ("data set's name like an option", params("{dataset: {name: --help}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not '--help'"),
    ("data set without a name", params("{dataset: {name: ''}}"), "params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not ''"),
    ("unknown module", params("{train_multibox: {last: 5c}}"), "train_multibox.last: no module '5c'; known: 3a, 3b, 4a, 4b, 4c, 4d, 4e, 5a, 5b"),
    ("weights that are not there", params("{ensemble: {members: [{name: m1, weights: no/such}], detectors: [{name: d1}]}}"), "ensemble.members.m1.weights: no file or folder no/such; fetch the weights or correct the path"),
    ("no pictures to train on", params("{dataset: {classification: {splits: {train: ''}}}}"), "dataset.classification.splits.train: not set, and this experiment trains; name the training images, or give every member weights and set train_baseline.enabled to false"),
    ("a list too short", params("{model: {input_mean: [127.5]}}"), "params.yaml: 'model.input_mean' must be a list of three numbers, not [127.5]"),
    ("a list too long", demo("model: {input_mean: [1, 2, 3, 4]}"), "conf/experiment/demo.yaml: 'model.input_mean' must be a list of three numbers, not [1, 2, 3, 4]"),
    ("a list that is empty", params("{fit_region_heads: {bbox_regression: {lambdas: []}}}"), "params.yaml: 'fit_region_heads.bbox_regression.lambdas' must be a list of at least one entry, each a number above 0, not []"),
    ("a range too short", params("{dataset: {detection: {embedded: {digit_px: [36]}}}}"), "params.yaml: 'dataset.detection.embedded.digit_px' must be a list of two whole numbers, not [36]"),
    ("a range upside down", params("{sampling: {area: {aspect: [2, 1]}}}"), "params.yaml: 'sampling.area.aspect' must be two numbers above 0, the lower first, not [2, 1]"),
    ("a number where a list is wanted", params("{model: {input_mean: 127.5}}"), "params.yaml: 'model.input_mean' must be a list of three numbers, not 127.5"),
    ("keys where a list is wanted", params("{model: {input_mean: {red: 1}}}"), "params.yaml: 'model.input_mean' must be a list, not {'red': 1}"),
    ("a list where keys are wanted", demo("train_classifier: [epochs]"), "conf/experiment/demo.yaml: 'train_classifier' must be keys, not ['epochs']"),
    ("nothing where keys are wanted", params("{train_classifier: {averaging: }}"), "params.yaml: 'train_classifier.averaging' must be keys, not null"),
    ("an entry of another kind", params("{model: {repeat_modules: [4b, 7]}}"), "params.yaml: 'model.repeat_modules[1]' must be 3a, 3b, 4a, 4b, 4c, 4d, 4e, 5a or 5b, not 7"),
    ("an entry that is no number", params("{study_crops: {budgets: [1, x]}}"), "params.yaml: 'study_crops.budgets[1]' must be a whole number of at least 1, not 'x'"),
    ("an entry that is true", demo("study_crops: {budgets: [true]}"), "conf/experiment/demo.yaml: 'study_crops.budgets[0]' must be a whole number of at least 1, not true"),
    ("true for one of some numbers", params("{dataset: {detection: {box_origin: yes}}}"), "params.yaml: 'dataset.detection.box_origin' must be 0 or 1, not true"),
    ("infinite", params("{train_classifier: {learning_rate: .inf}}"), "params.yaml: 'train_classifier.learning_rate' must be a finite number above 0, not .inf"),
    ("infinite below 0", params("{fit_region_heads: {svm: {hard_score: -.inf}}}"), "params.yaml: 'fit_region_heads.svm.hard_score' must be a finite number, not -.inf"),
    ("infinitely many", params("{train_classifier: {epochs: .inf}}"), "params.yaml: 'train_classifier.epochs' must be a whole number of at least 1, not .inf"),
    ("not a number", demo("train_classifier: {learning_rate: .nan}"), "conf/experiment/demo.yaml: 'train_classifier.learning_rate' must be a finite number above 0, not .nan"),
    ("not a number in a list", demo("model: {input_mean: [.nan, 1, 2]}"), "conf/experiment/demo.yaml: 'model.input_mean[0]' must be a finite number, not .nan"),
    ("a fraction of an epoch", params("{train_classifier: {epochs: 1e-3}}"), "params.yaml: 'train_classifier.epochs' must be a whole number of at least 1, not 0.001"),
    ("a number in quotes", params("{train_classifier: {learning_rate: '1e-3'}}"), "params.yaml: 'train_classifier.learning_rate' must be a number above 0, not '1e-3'"),
    ("experiment of digits", ("params.yaml", "experiment: 2014\n"), f"params.yaml: 'experiment' must be text, not 2014; {QUOTES}"),
    ("experiment of a date", ("params.yaml", "experiment: 2014-08-18\n"), "HERE/params.yaml: line 1: 2014-08-18 is a date to DVC; put it in quotes"),
    ("data set of a date", params("{dataset: {name: 2014-08-18}}"), "HERE/params.yaml: line 2: 2014-08-18 is a date to DVC; put it in quotes"),
    ("member named on", params("{ensemble: {members: [{name: on}]}}"), f"params.yaml: 'ensemble.members[0].name' must be a name of letters, digits and _ that does not begin with a digit, not true; {QUOTES}"),
    ("member named 7", params("{ensemble: {members: [{name: 7}]}}"), f"params.yaml: 'ensemble.members[0].name' must be a name of letters, digits and _ that does not begin with a digit, not 7; {QUOTES}"),
    ("sampling no", params("{ensemble: {members: [{name: m1, sampling: no}]}}"), f"params.yaml: 'ensemble.members.m1.sampling' must be text, not false; {QUOTES}"),
    ("sampling named on", params("{sampling: {on: {method: area}}}"), f"params.yaml: the key 'sampling.true' must be text, not true; {QUOTES}"),
    ("classes of digits", params("{dataset: {detection: {classes: [0, 1]}}}"), f"params.yaml: 'dataset.detection.classes[0]' must be text, not 0; {QUOTES}"),
    ("classes yes and no", demo("dataset: {detection: {classes: ['yes', no]}}"), f"conf/experiment/demo.yaml: 'dataset.detection.classes[1]' must be text, not false; {QUOTES}"),
    ("a class twice", params("{dataset: {detection: {classes: [cat, dog, cat]}}}"), "params.yaml: 'dataset.detection.classes' must be a list of different entries, none empty, not ['cat', 'dog', 'cat']"),
    ("a class without a name", params("{dataset: {detection: {classes: ['', cat]}}}"), "params.yaml: 'dataset.detection.classes' must be a list of different entries, none empty, not ['', 'cat']"),
    ("a policy twice", params("{predict_crops: {policies: [10, 10]}}"), "params.yaml: 'predict_crops.policies' must be a list of different entries, none empty, not [10, 10]"),
    ("a head twice", demo("model: {aux_heads: [4a, 4a]}"), "conf/experiment/demo.yaml: 'model.aux_heads' must be a list of different entries, none empty, not ['4a', '4a']"),
    ("a seed of more than 32 bits", params("{study_crops: {seed: 4294967296}}"), "params.yaml: 'study_crops.seed' must be a whole number of at least 0 and below 4294967296, not 4294967296"),
    ("half of a character", params('{about: "\\ud800"}'), like(r"HERE/params\.yaml: line 2 is not YAML \(.*\); correct that line")),
    ("a zero byte in a path", params('{dataset: {detection: {root: "a\\0b"}}}'), "HERE/params.yaml: line 2: text cannot hold '\\x00'; write the character itself"),
    ("data set of digits", params("{dataset: {name: 2014}}"), f"params.yaml: 'dataset.name' must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first, not 2014; {QUOTES}"),
    ("group's file of digits", (DEMO, "override /dataset: digits$", "override /dataset: 7"), f"conf/experiment/demo.yaml: 'defaults' must name files, not 7; {QUOTES}"),
    ("parts of the proposals that differ", params("{merge_proposals: {parts: 4}}"), "params.yaml: 'merge_proposals.parts': must equal propose_regions.parts (2); remove it, and set propose_regions.parts"),
    ("switches that were not scored", demo("evaluate_detection: {switches: [mirror]}"), like(r"conf/experiment/demo\.yaml: 'evaluate_detection\.switches': must equal score_regions\.switches \(.*\); remove it, and set score_regions\.switches")),
    ("a stage's own threads", params("{train_classifier: {compute: {numeric_threads: 2}}}"), "params.yaml: 'train_classifier.compute.numeric_threads': must equal compute.numeric_threads (1); remove it, and set compute.numeric_threads"),
    ("an average that begins after the end", params("{train_classifier: {averaging: {form: equal, start_epoch: 60}}}"), like(r"params\.yaml: 'train_classifier\.averaging\.start_epoch' must be less than epochs \(\d+\), or no weights are averaged, not 60")),
    ("a job's row where there is none", params("{evaluate_ensemble: {seed: '${member.order_seed}'}}"), like(r"params\.yaml: 'evaluate_ensemble\.seed': .*; refer to a key that exists for evaluate_ensemble")),
    ("a job's row in what jobs share", params("{sampling: {area: {photometric: '${member.width}'}}}"), "params.yaml: 'sampling.area.photometric': only a stage's section can refer to ${member.width}; give a value"),
    ("a job's row for a table", params("{ensemble: {members: '${heads}'}}"), "params.yaml: 'ensemble.members': only a stage's section can refer to ${heads}; give a value"),
    ("a key that refers to itself", params("{about: '${about}'}"), "params.yaml: 'about': Recursive interpolation detected; refer to a key that exists"),
    ("a reference that is not closed", params("{dataset: {name: 'a${b'}}"), like(r"params\.yaml: 'overrides': .*; correct that value")),
)
FORMER = (
    ("plumbing in params.yaml", params("{plumbing: {loader_workers: 3}}"), "params.yaml: 'plumbing' is now 'execution'; rename it"),
    ("plumbing in an experiment", demo("plumbing: {loader_workers: 3}"), "conf/experiment/demo.yaml: 'plumbing' is now 'execution'; rename it"),
    ("detection false in params.yaml", params("{detection: false}"), "params.yaml: 'detection' now holds keys; write detection: {enabled: true} or detection: {enabled: false}"),
    ("detection false in an experiment", demo("detection: false"), "conf/experiment/demo.yaml: 'detection' now holds keys; write detection: {enabled: true} or detection: {enabled: false}"),
    ("detection true in config.yaml", ("config.yaml", r"^detection: \{.*?\}", "detection: true"), "conf/config.yaml: 'detection' now holds keys; write detection: {enabled: true} or detection: {enabled: false}"),
    ("no boxes of MultiBox", params("{merge_proposals: {multibox_boxes: 0}}"), "params.yaml: 'merge_proposals.multibox_boxes' no longer switches MultiBox off when 0; set train_multibox.enabled to false"),
    ("no boxes of MultiBox in an experiment", demo("merge_proposals: {multibox_boxes: 0}"), "conf/experiment/demo.yaml: 'merge_proposals.multibox_boxes' no longer switches MultiBox off when 0; set train_multibox.enabled to false"),
    ("crops are studied but not kept", params("{predict_crops: {keep_crops: false}}"), "params.yaml: predict_crops.keep_crops: study_crops needs the single crops; set it to true, or study_crops.enabled to false"),
    ("no crops kept", params("{predict_crops: {per_crop_images: 0}}"), "params.yaml: 'predict_crops.per_crop_images' no longer switches study_crops off when 0; set study_crops.enabled to false"),
    ("no crops kept in an experiment", demo("predict_crops: {per_crop_images: 0}"), "conf/experiment/demo.yaml: 'predict_crops.per_crop_images' no longer switches study_crops off when 0; set study_crops.enabled to false"),
    ("no stall", params("{train_classifier: {stall: {epochs: 0}}}"), "params.yaml: 'train_classifier.stall.epochs' no longer switches this off when 0; set train_classifier.stall.enabled to false"),
    ("no stall in an experiment", demo("train_classifier: {stall: {epochs: 0}}"), "conf/experiment/demo.yaml: 'train_classifier.stall.epochs' no longer switches this off when 0; set train_classifier.stall.enabled to false"),
    ("no stall in its own file", ("train_classifier.yaml", "enabled: true, epochs: 8", "epochs: 0"), "conf/train_classifier.yaml: 'train_classifier.stall.epochs' no longer switches this off when 0; set train_classifier.stall.enabled to false"),
    ("no hard negatives", params("{train_detector: {hard_negatives: {share: 0.0}}}"), "params.yaml: 'train_detector.hard_negatives.share' no longer switches them off when 0; set train_detector.hard_negatives.enabled to false"),
    ("no hard negatives in an experiment", demo("train_detector: {hard_negatives: {share: 0}}"), "conf/experiment/demo.yaml: 'train_detector.hard_negatives.share' no longer switches them off when 0; set train_detector.hard_negatives.enabled to false"),
    ("pictures of units", params("{analyse_units: {pictures: 7}}"), "params.yaml: 'analyse_units.pictures' is now 'analyse_units.images'; rename it"),
    ("pictures of units in an experiment", demo("analyse_units: {pictures: 7}"), "conf/experiment/demo.yaml: 'analyse_units.pictures' is now 'analyse_units.images'; rename it"),
    ("pictures without objects", params("{dataset: {detection: {pictures_without_objects: keep}}}"), "params.yaml: 'dataset.detection.pictures_without_objects' is now 'dataset.detection.images_without_objects'; rename it"),
    ("pictures without objects in a data set's file", ("dataset/digits.yaml", r"^detection: \{", "detection: {pictures_without_objects: keep, "), "conf/dataset/digits.yaml: 'dataset.detection.pictures_without_objects' is now 'dataset.detection.images_without_objects'; rename it"),
    ("batch size of peers", params("{measure_cost: {peer_batch_size: 7}}"), "params.yaml: 'measure_cost.peer_batch_size' is now 'measure_cost.reference_batch_size'; rename it"),
    ("repeats of peers", demo("measure_cost: {peer_repeats: 7}"), "conf/experiment/demo.yaml: 'measure_cost.peer_repeats' is now 'measure_cost.reference_repeats'; rename it"),
)
CHOSEN = (
    ("misspelt", "demmo", "params.yaml or --config: no experiment 'demmo' in conf/experiment; did you mean 'demo'?"),
    ("a path", "../demo", "params.yaml or --config: no experiment '../demo' in conf/experiment; did you mean 'demo'?"),
    ("for a shell", "demo; touch pwned", "params.yaml or --config: no experiment 'demo; touch pwned' in conf/experiment; known: bvlc, demo, ilsvrc2014, photos, smoke, tiny_imagenet, tiny_imagenet_cpu"),
    ("two", "demo,smoke", "params.yaml or --config: no experiment 'demo,smoke' in conf/experiment; did you mean 'smoke'?"),
    ("a file of such a name is there", ("my photos", True), "conf/experiment/my photos.yaml: must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first; rename the file"),
    ("a file like an option", ("-x", True), "conf/experiment/-x.yaml: must be a folder's name: letters, digits, _, - and . only, a letter, digit or _ first; rename the file"),
)
COMMAND = (
    ("misspelt key", ("--config", "experimnt=photos"), "--config: unknown key 'experimnt'; did you mean 'experiment'?"),
    ("list for a name", ("--config", "experiment=[demo]"), "params.yaml or --config: no experiment '[demo]' in conf/experiment; did you mean 'demo'?"),
)
# fmt: on
