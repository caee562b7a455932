"""Verdict, leak certificate and diagnosis on the page, for runs that have them and that do not."""

import re

import numpy as np

from layerwise.contracts import Target
from layerwise.report import write_report
from layerwise.report.record import Record
from layerwise.report.sentences import diagnosis, headline
from layerwise.report.tables import leaks_table

CERTIFICATE = {
    "rows": {"train": {"rows": 7, "looked_at": 7, "fingerprint": "0123456789abcdef"}},
    "sampled": None,
    "passed": False,
    "checks": [
        {"name": "Row numbers", "passed": True, "text": "None.", "rows": [], "columns": []},
        {"name": "Groups", "passed": None, "text": "No column.", "rows": [], "columns": []},
        {
            "name": "Exact duplicates",
            "passed": False,
            "text": "1 row <equals> another.",
            "rows": [[3, 1]],
            "columns": [],
        },
        {
            "name": "Fitted constants",
            "passed": True,
            "text": "All.",
            "rows": [],
            "columns": [],
            "constants": [{"constant": "a: mean", "split": "train", "rows": 7}],
        },
    ],
}


def page(run):
    write_report(run)
    return (run.folder / "report.html").read_text(encoding="utf-8")


def made_run(made, folder, share=0.8):
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 300)
    positive = np.where((generator.random(300) < share) == (truth == 1), 0.9, 0.1)
    scores = np.stack([1 - positive, positive], axis=1)
    return made.judged_run(folder, Target("binary", ("y",), ("no", "yes")), truth, scores,
                           ["accuracy"])  # fmt: skip


def test_the_certificate_is_a_table_of_what_passed_was_found_and_is_open(made, tmp_path):
    run = made_run(made, tmp_path / "run")
    run.write("leaks", CERTIFICATE)
    text = page(run)
    assert re.findall(r'class="check (\w+)"', text) == ["passed", "open", "found", "passed"]
    assert "1 row &lt;equals&gt; another." in text
    assert "3 and 1" in text
    assert "0123456789abcdef" in text
    assert "2 of 4 checks passed, 1 found something, 1 could not be made" in text
    assert run.read("report")["leaks"]["constants"] == CERTIFICATE["checks"][3]["constants"]


def test_without_a_certificate_there_is_no_such_section(made, tmp_path):
    assert 'id="leaks"' not in page(made_run(made, tmp_path / "run"))
    assert leaks_table(Record("run", {}))["checks"] == []


def test_the_verdict_stands_in_the_headline(made, tmp_path):
    run = made_run(made, tmp_path / "run")
    text = page(run)
    assert '<p class="judged better">The network is better than constant' in text
    assert "within 0.010 (one percentage point) does not matter" in text
    said = {"headline": {"metric": "accuracy", "value": 0.9, "split": "train"}}
    verdict = {"verdict": {"finding": "better", "sentence": "no"}}
    assert headline(Record("run", {}, results=said | verdict))["against"] == ""


def test_the_diagnosis_names_the_next_command(made, tmp_path):
    run = made_run(made, tmp_path / "run")
    results = run.read("results")
    results["dead_units"] = {"layers.1": [30, 32]}
    run.write("results", results)
    text = page(run)
    assert "Many units are dead" in text
    assert "30 of 32 units" in text
    assert "--network.activation leaky_relu" in text


def test_a_run_that_has_not_begun_has_no_diagnosis():
    assert diagnosis(Record("run", {"state": "running"})) == []
