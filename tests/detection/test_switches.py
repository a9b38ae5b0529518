"""Switches beyond the paper: which go together, what has to be fitted, what their arrays are called."""

import pytest
from pydantic import ValidationError

from googlenet.detection.switches import by_prefix
from settings import settings_of

WRONG = [
    ((), ("mirror",), "compare.0"),
    (("miror",), (), "switches.0"),
    ((), (("svn",),), "compare.0.0"),
    ((), ((3,),), "compare.0.0"),
    (("svm", "context_feature"), (), "context_feature and svm"),
    ((), (("mirror", "mirror"),), "once"),
    (("mirror",), (("svm",), ("mirror",)), "differs"),
    ((), (("mirror", "svm"), ("svm", "mirror")), "differs"),
    ((), ((),), "differs"),
]


def scoring(switches, compare):
    return settings_of("score_regions", switches=switches, compare=compare)


@pytest.mark.parametrize(("switches", "compare", "message"), WRONG)
def test_settings_that_do_not_go_together_are_refused(switches, compare, message):
    with pytest.raises(ValidationError) as raised:
        scoring(switches, compare)
    assert message in str(raised.value)


def test_only_the_heads_that_the_switches_need_are_fitted():
    assert scoring((), ()).heads == scoring(("mirror",), ((),)).heads == ()
    everything = scoring(("svm",), (("mirror", "bbox_regression"), ("context_feature",), ()))
    assert everything.heads == ("bbox_regression", "context_feature", "svm")
    assert scoring(("svm",), (("mirror", "bbox_regression"),)).heads == ("bbox_regression", "svm")


def test_settings_by_the_prefix_of_their_arrays():
    assert by_prefix(("svm",), (("mirror", "bbox_regression"), ())) == {
        "": ("svm",),
        "compare.mirror+bbox_regression.": ("mirror", "bbox_regression"),
        "compare.none.": (),
    }
