import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from layerwise.contracts import Target
from layerwise.errors import RunError
from layerwise.report import write_report
from layerwise.run import Run


class Page(HTMLParser):
    """The page's text, tags and addresses."""

    def __init__(self, run):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.source = (run.folder / "report.html").read_text(encoding="utf-8")
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_data(self, data):
        if self.lasttag not in ("style",):
            self.words.append(data)


@pytest.mark.parametrize("name", ["digits", "cancer", "diabetes", "moons"])
def test_the_page_needs_nothing_from_outside_and_no_script(reported, name):
    page = Page(getattr(reported, name))
    assert "script" not in page.tags
    assert "link" not in page.tags
    outside = [link for link in page.links if not link.startswith(("#", "figures/", "data:"))]
    assert outside == []
    assert "@import" not in page.source
    assert not re.search(r"url\((?!#)", page.source)


@pytest.mark.parametrize("name", ["digits", "cancer", "diabetes", "moons"])
def test_the_elements_of_the_page_are_closed_and_its_ids_are_unique_per_section(reported, name):
    page = Page(getattr(reported, name))
    for tag in ("section", "table", "details", "figure", "svg", "div"):
        assert page.source.count(f"<{tag}") == page.source.count(f"</{tag}>"), tag
    assert len(set(re.findall(r'<section id="(\w+)"', page.source))) == len(
        re.findall(r'<section id="(\w+)"', page.source)
    )


def test_the_headline_says_value_interval_and_rows_in_words(reported):
    page, results = Page(reported.digits), reported.digits.read("results")
    head = results["headline"]
    assert f"Measured on {head['rows']} test rows, which it never saw in training" in page.text
    assert f"between {head['low']:.2f} and {head['high']:.2f}" in page.text
    assert f"<strong>{head['value']:.2f}</strong>" in page.source
    assert "The network is better than constant: its accuracy is" in page.text


def test_every_figure_has_its_files_and_is_in_the_page(reported):
    page, report = Page(reported.cancer), reported.cancer.read("report")
    expected = {"baselines", "loss", "validation", "confusion", "roc", "precision_recall"}
    expected |= {"thresholds"}
    assert set(report["figures"]) == expected | {"calibration", "coverage"}
    for name in report["figures"]:
        assert f'id="figure-{name}"' in page.source
        for suffix in ("svg", "pdf", "csv"):
            assert reported.cancer.path("figures", f"{name}.{suffix}").stat().st_size > 0


def test_report_json_holds_the_same_numbers_as_the_results(reported):
    report, results = (reported.diabetes.read(name) for name in ("report", "results"))
    assert report["headline"]["value"] == results["headline"]["value"]
    assert report["baselines"][0]["difference"] == results["baselines"][0]["difference"]
    assert report["scores"]["rows"][0]["scores"][2] == results["scores"]["test"][0]
    columns = report["figures"]["residuals"]["columns"]
    assert np.allclose(
        np.array(columns["truth"]) - np.array(columns["predicted"]), columns["residual"]
    )


def test_settings_decisions_departures_and_environment_are_on_the_page(reported):
    text = Page(reported.diabetes).text
    for said in (
        "mlp (8)",
        "rows are few",
        "Column 'id' is left out.",
        "Adam instead of momentum.",
    ):
        assert said in text
    for said in ("layerwise fit made", "python", "3.12.1", "seed", "stratified", "1,234"):
        assert said in text
    assert "Unset, so that the recipe or the data chose: epochs." in text


def test_worst_mistakes_are_pictures_where_the_rows_are(reported):
    pictures = re.findall(r'src="data:image/png;base64,', Page(reported.digits).source)
    assert len(pictures) == len(reported.digits.read_table("worst"))
    assert "radius" in Page(reported.cancer).text
    assert "data:image/png;base64,iVBOR" not in Page(reported.cancer).source


def test_the_glossary_explains_what_the_report_uses(reported):
    assert "Confusion matrix" in Page(reported.digits).text
    assert "Confusion matrix" not in Page(reported.diabetes).text
    assert "Residual" in Page(reported.diabetes).text
    assert "Decision boundary" in Page(reported.moons).text


def test_rows_that_were_trained_on_are_said_to_prove_nothing(made, tmp_path):
    target = Target("binary", ("gender",), ("M", "F"))
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    codes = np.array([0, 1, 0, 1])
    run = made.judged_run(tmp_path / "people", target, codes, scores, ["accuracy"], split="train")
    made.write_plan(run, target, np.full(4, "train"), same_rows=True)
    write_report(run)
    text = Page(run).text
    assert "Nothing here generalizes: the rows it was trained on are the rows it is" in text
    assert "4 rows that it was trained on" in text
    assert "never saw" not in text
    assert "beats" not in text


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([0, 1, 1, 0], "No straight line parts these rows (this was checked), so some stay wrong"),
        ([0, 0, 0, 1], "Where no straight line parts the rows, as with XOR, some stay wrong"),
    ],
)
def test_a_network_without_hidden_layer_says_why_it_fails(made, tmp_path, codes, said):
    target = Target("binary", ("output",), ("0", "1"))
    never = np.array([[1.0, 0.0]] * 4)
    run = made.judged_run(
        tmp_path / "gate", target, np.array(codes), never, ["accuracy"], split="train"
    )
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    plane = {"points": torch.tensor(corners), "rows": torch.arange(4)}
    run.write_tensors("plane", plane)
    write_report(run)
    assert said in Page(run).text


def test_a_run_that_failed_at_once_gets_a_page(tmp_path):
    run = Run.create(tmp_path / "run")
    run.write("status", {"state": "failed", "message": "Column 'qualty' is not in <wine>.csv."})
    path = write_report(run)
    page = Page(run)
    assert path == run.folder / "report.html"
    assert "The run failed." in page.text
    assert "Column 'qualty' is not in <wine>.csv." in page.text
    assert "Nothing was judged" in page.text
    assert run.read("report")["state"] == "failed"


def test_an_interrupted_run_shows_its_curves_without_predictions(made, tmp_path):
    run = Run.create(tmp_path / "run")
    made.write_plan(run, Target("real", ("price",)), np.array(["train", "test"]))
    run.append(made.journal_line(1, "rmse", losses={"network": None}))
    run.append(made.journal_line(2, "rmse", best=True))
    run.write("status", {"state": "interrupted", "message": "Stopped by Ctrl-C."})
    write_report(run)
    page = Page(run)
    assert "The run was interrupted." in page.text
    assert "no finite number from epoch 1 on: training diverged" in page.text
    assert {"figure-loss", "figure-validation"} <= set(re.findall(r'id="([\w-]+)"', page.source))


def test_writing_the_report_again_changes_nothing(reported):
    before = {
        path.name: path.read_bytes()
        for path in [reported.moons.path("report.html"), *reported.moons.path("figures").iterdir()]
    }
    write_report(reported.moons)
    after = {name: reported.moons.path("figures", name) for name in before if "report" not in name}
    assert reported.moons.path("report.html").read_bytes() == before["report.html"]
    assert all(path.read_bytes() == before[name] for name, path in after.items())


def test_names_from_the_data_cannot_break_the_page(made, tmp_path):
    classes = ("<script>alert(1)</script>", "$x_1$ & co", "_hidden")
    target = Target("classes", ("<b>kind</b>",), classes)
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(3), 60)
    run = made.judged_run(tmp_path / "run", target, rng.integers(0, 3, 60), scores, ["accuracy"])
    write_report(run)
    page = Page(run)
    assert "script" not in page.tags
    assert "<b>kind" not in page.source
    assert "$x_1$ &amp; co" in page.source


def test_labels_counts_and_several_targets_have_reports(made, tmp_path):
    rng = np.random.default_rng(0)
    labels = Target("labels", ("a", "b"), ("a", "b"))
    truth, scores = rng.integers(0, 2, (60, 2)), rng.random((60, 2))
    run = made.judged_run(tmp_path / "labels", labels, truth, scores, ["f1"])
    write_report(run)
    assert "Every label: precision and recall" in Page(run).text

    counts = Target("count", ("visits",))
    run = made.judged_run(
        tmp_path / "count", counts, rng.poisson(3, 60), rng.random(60) + 3, ["mae"]
    )
    write_report(run)
    assert "the count visits" in Page(run).text

    pair = Target("real", ("width", "height"))
    truth, scores = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    run = made.judged_run(tmp_path / "pair", pair, truth, scores, ["rmse"])
    write_report(run)
    assert "Predicted against true height" in Page(run).text
    assert {"predicted-1", "predicted-2"} <= set(run.read("report")["figures"])


def test_a_damaged_record_is_a_clear_error(tmp_path):
    run = Run.create(tmp_path / "run")
    run.path("plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"plan\.json is damaged"):
        write_report(run)


def test_report_json_is_strict_json(reported):
    text = reported.cancer.path("report.json").read_text(encoding="utf-8")

    def refuse(name):
        raise AssertionError(name)

    json.loads(text, parse_constant=refuse)
