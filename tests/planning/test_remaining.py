"""The time left of a run, worked out by hand: jobs laid out on cores, corrected by what ran and by counted work."""

import pytest

from googlenet.planning.remaining import DVC_STAGE_S, OVERDUE, Planned, Run, State, Work, makespan, remaining

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
    assert left("a/1", a_1=State(NOW - 40)) == pytest.approx(OVERDUE * 10)


def test_counted_steps_correct_their_job():
    half = Work(NOW - 2, "steps", done=50, total=100, each_s=0.4)  # 20 s left two seconds ago
    assert left("a/1", a_1=State(NOW - 22, work=half)) == pytest.approx(18)
    tenth = Work(NOW, "steps", done=10, total=100, each_s=0.4)
    assert left("a/1", a_1=State(NOW - 4, work=tenth)) == pytest.approx(0.2 * 36 + 0.8 * 6)
    part = Work(NOW, "images", done=1, total=10, each_s=1.0)  # other parts may follow
    assert left("a/1", a_1=State(NOW - 4, work=part)) == 9


def test_what_ran_corrects_its_stage_most():
    plan = run("a/1", "a/2", "b/1", a_1=done(20))
    seconds = {name: remaining(run(name, "a/1", a_1=done(20)), NOW).all_s for name in ("a/2", "b/1")}
    assert 19.5 < seconds["a/2"] <= 20 and seconds["b/1"] == pytest.approx(20)  # nothing else is known of b
    plan.expected |= {"c/1": 1.0, "c/2": 1.0}
    plan.planned["c/1"] = Planned("c/1")
    plan.states |= {"c/2": done(1)}
    left_of_short = remaining(Run({"c/1": Planned("c/1")}, plan.states, plan.expected, cores=1), NOW).all_s
    assert left_of_short < 1.2  # long jobs took twice their time, which says little of short ones


def test_a_running_job_tells_of_its_stage_before_it_ends():
    work = Work(NOW, "steps", done=50, total=100, each_s=0.4)
    slow = left("a/2", "a/1", cores=1, a_1=State(NOW - 20, work=work))
    assert slow == pytest.approx(20 + 40)  # four times as long as expected


def test_without_expectation_a_job_takes_what_others_took():
    assert left("a/1", expected=None) is None
    assert left("a/1", "a/2", "b/1", expected=None, a_1=done(20), cores=1) == 40


def test_a_failed_job_and_what_needs_it_are_not_waited_for():
    jobs = "a/1", Planned("b/1", ("a/1",)), Planned("c/1", ("b/1", "d/1")), "d/1"
    assert run(*jobs, a_1=done(3, failed=True)).blocked == {"b/1", "c/1"}
    assert left(*jobs, a_1=done(3, failed=True)) == 10  # of d/1, as expected: what failed says nothing of the pace


def test_dvc_runs_its_stages_one_after_the_other():
    plan = run("a/1", "a/2")
    plan.later = {"b": ["b/1", "b/2", "b/3"], "c": ["c"]}
    plan.expected |= dict.fromkeys(["b/1", "b/2", "b/3", "c"], 10.0)
    assert remaining(plan, NOW).all_s == 10 + (20 + DVC_STAGE_S) + (10 + DVC_STAGE_S)
