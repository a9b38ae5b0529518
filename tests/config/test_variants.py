"""The table of ablations: a variant takes the results of who trains alike, and a slip in a row gives one line."""

import pytest

from conf_copy import copied, edit, job_files
from googlenet.config import variants
from googlenet.config.schema.classification import TrainClassifier
from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import files, remove_former_jobs
from googlenet.pipeline.registry import ROWS
from tables import quick

ROW = "  - {{name: more, {}}}\n"


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def add(root, text):
    """Add a row to the table of ablations."""
    edit(root, "ablations.yaml", r"\Z", ROW.format(text))


def sources(root):
    """Whose results the variants take, as text."""
    return {name: "/".join(source) for name, source in experiment(root).ablation_sources.items()}


def test_the_members_of_the_demo_are_cells_of_its_table(root):
    found = sources(root)
    taken = {name: source for name, source in found.items() if source.startswith("train_classifier")}
    assert taken == {
        "reference_1": "train_classifier/m1",
        "reference_2": "train_classifier/m2",
        "last_weights_1": "train_classifier/m1",
        "last_weights_2": "train_classifier/m2",
        "photometric_3": "train_classifier/m3",
        "random_interpolation_4": "train_classifier/m4",
        "scale_jitter_5": "train_classifier/m5",
        "crop_256_6": "train_classifier/m6",
    }
    assert found["no_lrn_1"] == "train_ablation/no_lrn_1"
    assert found["last_weights_3"] == found["reference_3"] == "train_ablation/reference_3"


def test_a_shared_training_is_the_members_to_the_last_key(root):
    """What is shared is compared here key by key, and so is what is not shared."""
    composed = experiment(root)
    members = {
        job.name: composed.settings(job, TrainClassifier).model_dump() for job in composed.jobs("train_classifier")
    }
    for name, (stage, job) in composed.ablation_sources.items():
        variant = variants.variants(composed.composed)[name]
        row = variants.rows(composed.composed)[variant.row]
        seeds = {"name": name, "order_seed": variant.seed, "sampling_seed": variant.seed}
        resolved = variants.training(composed.composed, row).model_dump()
        whole = resolved | {"member": resolved["member"] | seeds}
        assert whole == composed.trainings[name].model_dump()
        alike = [
            member
            for member, theirs in members.items()
            if whole == theirs | {"member": theirs["member"] | {"name": name}}
        ]
        assert alike == ([job] if stage == "train_classifier" else [])


def test_a_member_that_differs_in_one_key_is_not_taken(root):
    edit(root, "ensemble/paper.yaml", r"name: m2, order_seed: 2", "name: m2, init_seed: 1, order_seed: 2")
    found = sources(root)
    assert found["reference_1"] == "train_classifier/m1"
    assert found["reference_2"] == found["last_weights_2"] == "train_ablation/reference_2"


@pytest.mark.long
def test_a_row_that_becomes_a_members_takes_its_results(root):
    add(root, "changes: {member: {width: 1.25}}")
    found = sources(root)
    assert (found["more_7"], found["more_6"]) == ("train_classifier/m7", "train_ablation/more_6")
    assert "train_ablation/more_7" not in job_files(root) and "train_ablation/more_6" in job_files(root)


@pytest.mark.parametrize("place", [r"\Z", r"(?<=rows:\n)"], ids=["last", "first"])
def test_equal_rows_train_once(root, place):
    """Under the first of their names, wherever they stand in the table."""
    edit(root, "ablations.yaml", place, ROW.format("changes: {model: {lrn: false}}"))
    taken = sources(root)
    for seed in range(1, 8):
        assert taken[f"more_{seed}"] == taken[f"no_lrn_{seed}"] == f"train_ablation/more_{seed}"


@pytest.mark.long
def test_a_row_changes_its_own_keys_and_no_others(root):
    add(root, "changes: {model: {lrn: false}, member: {init_seed: 4}, train_classifier: {averaging: {decay: 0.5}}}")
    before = job_files(copied(root / "other"))
    after = job_files(root)
    assert {job: after[job] for job in before if job != "compare_ablations/all"} == {
        job: before[job] for job in before if job != "compare_ablations/all"
    }
    new = {job for job in after if job not in before}
    assert new == {f"train_ablation/more_{seed}" for seed in range(1, 8)}
    own, plain = after["train_ablation/more_3"], after["train_ablation/reference_3"]
    assert own["variant"] == {"name": "more_3", "row": "more", "seed": 3}
    assert own["training"]["member"] == plain["training"]["member"] | {"name": "more_3", "init_seed": 4}
    assert own["training"]["model"] == plain["training"]["model"] | {"lrn": False}
    assert own["training"]["averaging"] == plain["training"]["averaging"] | {"decay": 0.5}
    same = own["training"].keys() - {"member", "model", "averaging"}
    assert {key: own["training"][key] for key in same} == {key: plain["training"][key] for key in same}


def test_a_members_row_gives_its_sampling(root):
    found = job_files(root)["train_ablation/scale_jitter_1"]["training"]
    assert found["sampling"]["scales"] == [256, 352] and found["sampling"]["method"] == "scale"
    assert (found["member"]["order_seed"], found["member"]["sampling_seed"]) == (1, 1)


MORE = "ablations.rows.more: "
SLIPS = [
    ("changes: {modle: {lrn: false}}", f"{MORE}unknown key 'changes.modle'; did you mean 'model'?"),
    ("changes: {model: {lnr: false}}", f"{MORE}unknown key 'changes.model.lnr'; did you mean 'lrn'?"),
    ("changes: {model: {lrn: 0}}", f"{MORE}'changes.model.lrn' must be true or false, not 0"),
    (
        "changes: {model: {dropout: 1.5}}",
        f"{MORE}'changes.model.dropout' must be a number of at least 0 and below 1, not 1.5",
    ),
    ("changes: {model: {aux_heads: {a: 1}}}", f"{MORE}'changes.model.aux_heads' must be a list, not {{'a': 1}}"),
    ("changes: {model: 3}", f"{MORE}'changes.model' must be keys, not 3"),
    ("changes: {member: {sampling: aera}}", f"{MORE}changes.member.sampling: no 'aera'; did you mean 'area'?"),
    (
        "changes: {member: {sampling: no}}",
        f"{MORE}'changes.member.sampling' must be text, not false; put text that YAML reads as a number or a boolean",
    ),
    ("changes: {member: {width: wide}}", f"{MORE}'changes.member.width' must be a number above 0, not 'wide'"),
    ("changes: {member: {order_seed: 4}}", f"{MORE}unknown key 'changes.member.order_seed'; known: init_seed, "),
    (
        "changes: {train_classifier: {epoch: 4}}",
        f"{MORE}unknown key 'changes.train_classifier.epoch'; did you mean 'epochs'?",
    ),
    (
        "changes: {train_classifier: {epochs: 0}}",
        f"{MORE}'changes.train_classifier.epochs' must be a whole number of at least 1, not 0",
    ),
    (
        "changes: {train_classifier: {stall: {epochs: 0}}}",
        f"{MORE}'train_classifier.stall.epochs' no longer switches this off when 0; set train_classifier.stall.enabled",
    ),
    ("change: {}", "unknown key 'ablations.rows.more.change'; did you mean 'changes'?"),
    ("weights: lest", "'ablations.rows.more.weights' must be averaged or last, not 'lest'"),
    ("changes: 3", "'ablations.rows.more.changes' must be keys, not 3"),
]


def error_of(root):
    """The one line that composing and resolving ends with."""
    with pytest.raises(UserError) as raised:
        list(files(experiment(root)))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.long
@pytest.mark.parametrize(("text", "start"), quick(SLIPS, 4), ids=[slip[0] for slip in SLIPS])
def test_a_slip_in_a_row_names_row_and_key(root, text, start):
    add(root, text)
    assert error_of(root).startswith(f"conf/ablations.yaml: {start}")


NAMES = [
    ("no_lrn", "no_lrn.name' must be a name that neither the reference nor another row has, not 'no_lrn'"),
    ("reference", "reference.name' must be a name that neither the reference nor another row has, not 'reference'"),
    ("no lrn", "no lrn.name' must be a name of letters, digits and _ that does not begin with a digit, not 'no lrn'"),
    ('""', "[12].name' must be a name of letters, digits and _ that does not begin with a digit, not ''"),
    (
        "3",
        "[12].name' must be a name of letters, digits and _ that does not begin with a digit, not 3;"
        " put text that YAML reads as a number or a boolean in quotes",
    ),
]


@pytest.mark.parametrize(("name", "words"), quick(NAMES, 2), ids=[row[0] for row in NAMES])
def test_a_row_needs_a_name_of_its_own(root, name, words):
    edit(root, "ablations.yaml", r"\Z", f"  - {{name: {name}}}\n")
    line = error_of(root)
    assert line in (f"conf/ablations.yaml: 'ablations.rows.{words}", f"conf/ablations.yaml: 'ablations.rows{words}")


SEEDS = [
    (
        "[1]",
        "' must be a list of at least two entries, each a whole number of at least 0 and below 4294967296, not [1]",
    ),
    ("[]", "' must be a list of at least two entries, each a whole number of at least 0 and below 4294967296, not []"),
    ("[1, 1]", "' must be two or more different whole numbers, not [1, 1]"),
    ("[1, two]", "[1]' must be a whole number of at least 0 and below 4294967296, not 'two'"),
    ("[1, true]", "[1]' must be a whole number of at least 0 and below 4294967296, not true"),
]


@pytest.mark.parametrize(("seeds", "words"), quick(SEEDS, 2), ids=[row[0] for row in SEEDS])
def test_seeds_are_two_or_more_numbers(root, seeds, words):
    edit(root, "experiment/demo.yaml", r"ablations: \{seeds: .*\}", f"ablations: {{seeds: {seeds}}}")
    assert error_of(root) == f"conf/experiment/demo.yaml: 'ablations.seeds{words}"


def test_a_module_that_does_not_exist_is_named_before_the_first_job(root):
    add(root, "changes: {model: {aux_heads: [4z]}}")
    line = f"conf/ablations.yaml: {MORE}'changes.model.aux_heads[0]' must be 3a, 3b, 4a, 4b, "
    assert error_of(root).startswith(line)


def test_ablations_are_no_part_of_the_main_results(root):
    composed = experiment(root)
    apart = {"train_ablation": "/ablations", "compare_ablations": "/ablations", "measure_export": "/exports"}
    apart |= dict.fromkeys(("derive_structure", "train_structure", "compare_structures"), "/structures")
    for stage in (row.name for row in ROWS):
        assert composed.results(stage) == "results/demo" + apart.get(stage, "")
    former = root / "results/demo/ablations/train_ablation/gone_1"
    kept = root / "results/demo/ablations/train_ablation/no_lrn_1"
    shared = root / "results/demo/ablations/train_ablation/reference_1"  # m1's, since the member has these settings
    for folder in (former, kept, shared):
        folder.mkdir(parents=True)
    assert remove_former_jobs(composed) == [former, shared] and kept.exists()
