"""Switches beyond the paper: their names, which go together, what has to be fitted."""

import pytest

from googlenet.errors import UserError
from googlenet.switches import by_prefix, check, heads

WRONG = [
    (["miror"], [], "'score_regions.switches': no switch 'miror'; did you mean 'mirror'?"),
    ([], [["svn"]], "'score_regions.compare[0]': no switch 'svn'; did you mean 'svm'?"),
    ([], [[3]], "'score_regions.compare[0]': no switch 3; known: "),
    ([], ["mirror"], "'score_regions.compare[0]' must be a list of switches, such as [mirror], not 'mirror'"),
    (["svm", "context_feature"], [], "'score_regions.switches': context_feature and svm each classify"),
    ([], [["mirror", "mirror"]], "'score_regions.compare[0]' names a switch twice"),
    (
        ["mirror"],
        [["svm"], ["mirror"]],
        "'score_regions.compare[1]' is mirror, as 'score_regions.switches' is",
    ),
    (
        [],
        [["mirror", "svm"], ["svm", "mirror"]],
        "'score_regions.compare[1]' is svm+mirror, as 'score_regions.compare[0]'",
    ),
    ([], [[]], "'score_regions.compare[0]' is no switch, as 'score_regions.switches' is"),
]


@pytest.mark.parametrize(("switches", "compare", "said"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_mistakes_are_told(switches, compare, said):
    with pytest.raises(UserError) as raised:
        check(switches, compare, "conf/experiment/demo.yaml")
    assert str(raised.value).startswith(f"conf/experiment/demo.yaml: {said}")


def test_what_can_be_passes():
    check([], [], "a file")
    check(
        ["svm", "mirror"],
        [[], ["mirror"], ["svm"], ["context_feature", "mirror", "bbox_regression"]],
        "a file",
    )


def test_only_what_is_asked_for_is_fitted():
    def fitted(switches, compare):
        return heads({"switches": switches, "compare": compare})

    assert fitted([], []) == fitted(["mirror"], [["mirror"]]) == []
    assert fitted(["svm"], [["mirror", "bbox_regression"], ["svm", "mirror"]]) == ["bbox_regression", "svm"]


def test_settings_by_the_prefix_of_their_arrays():
    found = by_prefix(["svm"], [["mirror", "bbox_regression"], []])
    assert found == {
        "": ["svm"],
        "compare.mirror+bbox_regression.": ["mirror", "bbox_regression"],
        "compare.none.": [],
    }
