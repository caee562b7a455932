"""How many threads: what the system allows, what was measured, and what a resumed run had."""

import os

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise import Learner
from layerwise.errors import SettingsError
from layerwise.job.plan import make_plan
from layerwise.job.threads import control_group_limit, measure_threads, usable_processors
from layerwise.run import Run
from layerwise.scaling.processes import ALONE

V2, V1 = "sys/fs/cgroup/{}/cpu.max", "sys/fs/cgroup/cpu/{}/cpu.cfs_{}_us"


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def version_1(group, quota, period="100000"):
    return {V1.format(group, "quota"): f"{quota}\n", V1.format(group, "period"): f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({V2.format("."): "max 100000\n"}, None),
        ({V2.format("."): "150000 100000\n"}, 1.5),
        ({V2.format("."): "odd\n"}, None),
        # a job of a cluster is in a group below the top; the groups above it count as well
        ({"proc/self/cgroup": "0::/slurm/job_7\n", V2.format("slurm/job_7"): "400000 100000\n"}, 4),
        (
            {
                "proc/self/cgroup": "0::/slurm/job_7\n",
                V2.format("slurm/job_7"): "max 100000\n",
                V2.format("slurm"): "200000 100000\n",
            },
            2,
        ),
        (version_1(".", -1), None),
        (version_1(".", 300000), 3),
        ({"proc/self/cgroup": "5:cpu,cpuacct:/box\n1:name=x:/y\n", **version_1("box", 50000)}, 0.5),
        ({"proc/self/cgroup": "0::/../../elsewhere\n"}, None),
    ],
)
def test_the_limit_of_the_control_group_is_read_in_both_versions(files, limit, tmp_path):
    assert control_group_limit(tree(tmp_path, files)) == limit


def test_a_part_of_a_processor_is_one(tmp_path):
    assert usable_processors(tree(tmp_path, {V2.format("."): "50000 100000"})) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux pins processes")
def test_no_more_threads_than_processors_that_the_process_is_pinned_to(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_processors(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def table(tmp_path):
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = frame.a - 2 * frame.b
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_a_measurement_changes_nothing_and_gives_a_reason(table):
    learner = Learner("mlp", epochs=1, baselines="none", threads=1).fit(table, target="y")
    network = learner.model_.network
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    plan = make_plan(learner, table, {"target": "y"}, ALONE)
    threads = torch.get_num_threads()
    chosen, why = measure_threads(network, plan.recipe, plan.model.dataset(plan.source), 2)
    assert chosen in (1, 2)
    assert "measured" in why
    assert "with 1 thread" in why
    assert torch.get_num_threads() == threads
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


def test_a_resumed_run_has_the_threads_that_it_had(table, tmp_path):
    settings = {"epochs": 2, "baselines": "none", "schedule": "constant"}
    Learner("mlp", **settings).fit(table, target="y", folder=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    plan = run.read("plan")
    assert plan["environment"]["threads"] == 1
    plan["environment"]["threads"] = 2  # as if it had been measured so
    run.write("plan", plan)
    Learner.resume(run.folder, epochs=3)
    assert run.read("plan")["environment"]["threads"] == 2
    assert "as the run had before" in str(run.read("plan")["decisions"])


def test_reproducible_runs_use_one_thread_and_refuse_more():
    plan = Learner(reproducible=True).plan("iris")
    assert plan["environment"]["threads"] == 1
    with pytest.raises(SettingsError, match="fixes the threads to 1"):
        Learner(reproducible=True, threads=2).plan("iris")
    with pytest.raises(SettingsError, match="needs --precision"):
        Learner(reproducible=True, precision="bf16").plan("iris")
