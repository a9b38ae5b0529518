"""The table of ablations: a variant takes the results of who trains alike, and a slip in a row is told in one line."""

import pytest

from conf_copy import copied, edit, job_files
from googlenet import preflight
from googlenet.config import variants
from googlenet.pipeline import experiment as config
from googlenet.errors import UserError

ROW = "  - {{name: more, {}}}\n"


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def add(root, text):
    """Add a row to the table of ablations."""
    edit(root, "ablations.yaml", r"\Z", ROW.format(text))


def sources(root, experiment=""):
    """Whose results the variants take, as text."""
    return {
        name: "/".join(source) for name, source in config.compose(root, experiment).ablation_sources.items()
    }


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
    settings = config.compose(root)
    for name, (stage, job) in settings.ablation_sources.items():
        variant = variants.variants(settings.tree)[name]
        row, columns = variants.rows(settings.tree)[variant["row"]], variants.member_columns(variant)
        own = variants.training(settings.tree, row, columns)
        assert own == settings.trainings[name]
        alike = []
        for member in settings.jobs("train_classifier"):
            theirs = {key: value for key, value in settings.resolved(member).items() if key in own}
            names = {"name": own["member"]["name"]}
            if own == theirs | {"member": theirs["member"] | names}:
                alike.append(member.name)
        assert alike == ([job] if stage == "train_classifier" else [])


def test_a_member_that_differs_in_one_key_is_not_taken(root):
    edit(root, "ensemble/paper.yaml", r"name: m2, order_seed: 2", "name: m2, init_seed: 1, order_seed: 2")
    found = sources(root)
    assert found["reference_1"] == "train_classifier/m1"
    assert found["reference_2"] == found["last_weights_2"] == "train_ablation/reference_2"


def test_a_row_that_becomes_a_members_takes_its_results(root):
    add(root, "changes: {member: {width: 1.25}}")
    found = sources(root)
    assert (found["more_7"], found["more_6"]) == ("train_classifier/m7", "train_ablation/more_6")
    assert "train_ablation/more_7" not in job_files(root) and "train_ablation/more_6" in job_files(root)


def test_equal_rows_train_once(root):
    add(root, "changes: {model: {lrn: false}}")
    found = sources(root)
    assert all(found[f"more_{seed}"] == f"train_ablation/no_lrn_{seed}" for seed in range(1, 8))


def test_a_row_changes_its_own_keys_and_no_others(root):
    add(
        root,
        "changes: {model: {lrn: false}, member: {init_seed: 4}, train_classifier: {averaging: {decay: 0.5}}}",
    )
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


SLIPS = [
    ("changes: {modle: {lrn: false}}", "more.changes.modle'; did you mean 'model'?"),
    ("changes: {model: {lnr: false}}", "more.changes.model.lnr'; did you mean 'lrn'?"),
    ("changes: {model: {lrn: 0}}", "more.changes.model.lrn' must be true or false, not 0"),
    ("changes: {model: {dropout: 1.5}}", "ablations.rows.more: 'model.dropout' must be from 0 to below 1"),
    ("changes: {member: {sampling: aera}}", "more.changes.member.sampling: no 'aera'; did you mean 'area'?"),
    ("changes: {member: {order_seed: 4}}", "more.changes.member.order_seed'"),
    ("changes: {train_classifier: {epoch: 4}}", "train_classifier.epoch'; did you mean 'epochs'?"),
    ("change: {}", "unknown key 'ablations.rows.more.change'; did you mean 'changes'?"),
    ("weights: lest", "ablations.rows.more.weights: no 'lest'; did you mean 'last'?"),
    ("changes: 3", "'ablations.rows.more.changes' must be keys, not 3"),
]


@pytest.mark.parametrize(("text", "said"), SLIPS, ids=[slip[0] for slip in SLIPS])
def test_a_slip_in_a_row_is_told(root, text, said):
    add(root, text)
    with pytest.raises(UserError) as raised:
        config.compose(root)
    message = str(raised.value)
    assert message.startswith("conf/ablations.yaml: ") and said in message and "\n" not in message


@pytest.mark.parametrize("name", ["no_lrn", "reference", "no lrn", "3", '""'])
def test_a_row_needs_a_name_of_its_own(root, name):
    edit(root, "ablations.yaml", r"\Z", f"  - {{name: {name}}}\n")
    with pytest.raises(
        UserError, match=r"every row needs a name of its own, such as no_lrn, and 'reference' is taken"
    ):
        config.compose(root)


@pytest.mark.parametrize("seeds", ["[1]", "[1, 1]", "[1, two]", "[]", "[1, true]"])
def test_seeds_are_two_or_more_numbers(root, seeds):
    edit(root, "experiment/demo.yaml", r"ablations: \{seeds: .*\}", f"ablations: {{seeds: {seeds}}}")
    with pytest.raises(UserError, match=r"'ablations.seeds' must be two or more different whole numbers"):
        config.compose(root)


def test_a_module_that_does_not_exist_is_told_before_the_first_job(root):
    add(root, "changes: {model: {aux_heads: [4z]}}")
    with pytest.raises(UserError, match=r"ablations.rows.more.changes.model.aux_heads: no module '4z'"):
        preflight.check(config.compose(root), local=True)


def test_ablations_are_no_part_of_the_main_results(root):
    settings = config.compose(root)
    for stage in config.ABLATION_STAGES:
        assert settings.results(stage) == "results/demo/ablations"
    former = root / "results/demo/ablations/train_ablation/gone_1"
    kept = root / "results/demo/ablations/train_ablation/no_lrn_1"
    shared = (
        root / "results/demo/ablations/train_ablation/reference_1"
    )  # m1's, since the member has these settings
    for folder in (former, kept, shared):
        folder.mkdir(parents=True)
    assert config.remove_former_jobs(settings) == [former, shared] and kept.exists()
