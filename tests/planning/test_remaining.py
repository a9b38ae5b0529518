"""The time left of a run, worked out by hand: jobs laid out on cores, corrected by what ran and by counted work."""

import pytest

from googlenet.planning.remaining import (
    DVC_STAGE_S,
    LATER,
    MOST,
    OVERDUE,
    Planned,
    Run,
    State,
    Work,
    makespan,
    remaining,
)

NOW = 1000.0


def run(*jobs, expected=10.0, cores=2, **states):
    """A run of jobs (Planned, or the name of one that waits for nothing), each expected to take as long as the others."""
    planned = {job.name: job for job in (Planned(job) if isinstance(job, str) else job for job in jobs)}
    happened = {name.replace("_", "/"): state for name, state in states.items()}
    return Run(planned, happened, dict.fromkeys(planned, expected), cores=cores)


def left(*jobs, **given):
    return remaining(run(*jobs, **given), NOW).all_s


def done(seconds, failed=False):
    return State(NOW - seconds - 50, NOW - 50, failed)


def test_jobs_fill_the_cores():
    assert left("a/1", "a/2", "a/3") == 20
    assert left("a/1", "a/2", "a/3", cores=3) == 10
    assert left("a/1", "a/2", "a/3", cores=1) == 30
    assert makespan([5, 4, 3, 3, 3], 2) == 10 and makespan([], 4) == 0  # 5 + 3, 4 + 3 + 3


def test_a_job_waits_for_those_before_it():
    assert left("a/1", Planned("b/1", ("a/1",)), Planned("c/1", ("b/1",)), "d/1", cores=4) == 30
    assert left(Planned("b/1", ("a/1",)), cores=1) == 10  # what ran before this run is there


def test_priority_and_threads_count():
    long, short = Planned("long/1", priority=2), [Planned(f"short/{i}") for i in range(3)]
    plan = run(*short, long, expected=10.0)
    plan.expected["long/1"] = 30.0
    assert remaining(plan, NOW).all_s == 30  # it starts first, the others beside it
    wide = [Planned(f"a/{i}", threads=4) for i in range(2)]
    assert left(*wide, cores=4) == 20 and left(*wide, cores=2) == 20  # more threads than cores are scaled down


def test_gpus_count_where_they_are_limited():
    jobs = [Planned(f"a/{i}", gpu=1) for i in range(4)]
    limited = run(*jobs, cores=8)
    limited.gpus = 2
    assert remaining(limited, NOW).all_s == 20 and left(*jobs, cores=8) == 10


def test_a_running_job_is_as_far_as_its_time():
    assert left("a/1", a_1=State(NOW - 4)) == 6
    assert left("a/1", "a/2", a_1=State(NOW - 4), cores=1) == 16
    assert left("a/1", a_1=State(NOW - 10)) == pytest.approx(OVERDUE * 10)
    assert left("a/1", a_1=State(NOW - 40)) == pytest.approx(LATER * 30)


def test_counted_steps_correct_their_job():
    steps = Work(NOW - 2, "steps", done=50, total=100, each_s=0.4)  # 20 s left two seconds ago, so 48 s in all
    # After 30 s that counts as half a job of 43 s of work, where 5 s of work and 5 s of start were expected:
    of_all = (10 + 43 / 2) / (10 + 5 / 2)
    whole = 5 + 5 * (43 / 2 + 0.2 * 5 * of_all) / (5 / 2 + 0.2 * 5)
    assert left("a/1", a_1=State(NOW - 30, work=steps)) == pytest.approx((18 + whole - 30) / 2)
    part = Work(NOW, "images", done=1, total=10, each_s=1.0)  # other parts may follow
    assert left("a/1", a_1=State(NOW - 4, work=part)) == 9


def test_what_ran_corrects_its_stage_most_and_no_start():
    def second(name):
        return left(name, "a/1", a_1=done(20))

    of_all = (10 + 15) / (10 + 5)  # three times the work that was expected of one job, beside 10 s of it as expected
    assert second("b/1") == pytest.approx(5 + 5 * of_all)
    assert second("a/2") == pytest.approx(5 + 5 * (15 + 0.2 * 5 * of_all) / (5 + 0.2 * 5))
    assert second("a/2") > 18 and left("a/2", *[f"a/{i}" for i in range(3, 9)], cores=9, a_1=done(10)) == 10
    assert left("b/1", "a/1", a_1=done(2000)) == 5 + 5 * MOST  # larger data in `a`, rather than a slow machine
    short = run("b/1", "a/1", a_1=done(20))
    short.expected["b/1"] = 1.0
    assert remaining(short, NOW).all_s == pytest.approx(0.7 + 0.3 * of_all)


def test_a_running_job_tells_of_its_stage_before_it_ends():
    work = Work(NOW, "steps", done=50, total=100, each_s=0.4)
    alone = left("a/1", a_1=State(NOW - 20, work=work))
    both = left("a/2", "a/1", cores=1, a_1=State(NOW - 20, work=work))  # it will take 40 s, four times as expected
    assert 30 < both - alone < 35
    after_2_s = left("a/2", "a/1", cores=1, a_1=State(NOW - 2, work=Work(NOW, "steps", 5, 100, 0.4)))
    assert after_2_s < 36  # too early to trust it: that would be 78 s


def test_without_expectation_an_ablation_takes_what_a_member_took():
    happened = {"a/1": done(20), "train_classifier/m1": done(100)}
    jobs = [Planned(name) for name in [*happened, "train_ablation/x", "b/1"]]
    assert remaining(Run({job.name: job for job in jobs}, happened, {}, cores=1), NOW).all_s == 100 + 60


def test_without_expectation_a_job_takes_what_others_took():
    assert left("a/1", expected=None) is None
    assert left("a/1", "a/2", "b/1", expected=None, a_1=done(20), cores=1) == 40
    others = {"a_1": done(20), "a_2": done(20), "a_3": done(20), "c_1": done(2)}
    assert left("b/1", expected=None, **others) == 11  # each stage counts once


def test_a_failed_job_and_what_needs_it_are_not_waited_for():
    jobs = "a/1", Planned("b/1", ("a/1",)), Planned("c/1", ("b/1", "d/1")), "d/1"
    assert run(*jobs, a_1=done(3, failed=True)).blocked == {"b/1", "c/1"}
    assert left(*jobs, a_1=done(3, failed=True)) == 10  # of d/1, as expected: what failed says nothing of the pace


def test_dvc_runs_its_stages_one_after_the_other():
    plan = run("a/1", "a/2")
    plan.later = {"b": ["b/1", "b/2", "b/3"], "c": ["c"]}
    plan.expected |= dict.fromkeys(["b/1", "b/2", "b/3", "c"], 10.0)
    assert remaining(plan, NOW).all_s == 10 + (20 + DVC_STAGE_S) + (10 + DVC_STAGE_S)


def test_under_dvc_gpus_limit_only_the_stages_that_use_them():
    plan = run("a/1", cores=4)
    plan.gpus = 1
    plan.later = {
        "propose_regions": ["propose_regions/1", "propose_regions/2"],
        "train_detector": ["train_detector/d1", "train_detector/d2"],
    }
    plan.expected |= {name: 10.0 for names in plan.later.values() for name in names}
    assert remaining(plan, NOW).all_s == 10 + (10 + DVC_STAGE_S) + (20 + DVC_STAGE_S)
