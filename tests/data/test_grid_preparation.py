"""Preparation of grids: constants of training rows alone, residuals, and the way back to units."""

import numpy as np
import pytest
import torch
from grid_cases import coarse_and_fine, dataset, fields, written

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.forms import Prepared, load_preparation
from layerwise.data.grid_preparation import GridPreparation, _block
from layerwise.data.grids import as_fields, images_as_fields
from layerwise.data.known import read_known
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.errors import DataError
from layerwise.evaluation.grid_baselines import fit as fit_baselines
from layerwise.tasks.downscale import Downscale

TRAIN = np.arange(16)


def source_of(data, folder, wanted=None, **options):
    return as_fields(read(str(written(data, folder / "a.nc")), options=options), wanted or {})


def prepared(source, rows=TRAIN):
    target = Target("field", source.target)
    return GridPreparation.fit(source, Roles((), time="time"), target, rows)


class Nothing(torch.nn.Module):
    """Adds nothing to any of the targets."""

    def __init__(self, targets=1):
        super().__init__()
        self.targets = targets

    def forward(self, inputs):
        return torch.zeros_like(inputs[:, : self.targets])


def test_a_network_that_adds_nothing_gives_the_corrected_interpolation(tmp_path):
    source = source_of(dataset(), tmp_path, coarsen=4)
    preparation = prepared(source)
    assert isinstance(preparation, Prepared)
    batch = preparation.dataset(source).batch(torch.arange(24))
    task = Downscale(preparation.target)
    found = preparation.in_units(task.outputs(Nothing(), batch)).numpy()
    parts = np.array(["train"] * 16 + ["test"] * 8)
    (by_hand,) = fit_baselines(["corrected_bicubic"], source, preparation, parts, seconds=1, seed=0)
    np.testing.assert_allclose(found.reshape(24, -1), by_hand.scores, atol=1e-3)


def test_what_is_learned_and_its_base_make_the_truth(tmp_path):
    source = source_of(dataset(), tmp_path, coarsen=4)
    preparation = prepared(source)
    beyond, base, counts = preparation.dataset(source).batch(torch.arange(24)).targets.chunk(3, 1)
    np.testing.assert_allclose(
        preparation.in_units(beyond + base)[:, 0].numpy(), fields(), atol=1e-3
    )
    areas = torch.from_numpy(preparation.areas).float()
    torch.testing.assert_close(counts, areas.expand(24, 1, -1, -1))
    weight = areas / areas.sum()
    assert float((beyond[:16, 0].mean(0) * weight).sum()) == pytest.approx(0, abs=1e-4)
    assert float((beyond[:16, 0] ** 2 * weight).sum(dim=(1, 2)).mean()) == pytest.approx(
        1, rel=1e-3
    )


def test_constants_see_training_rows_alone(tmp_path):
    values = fields()
    before = prepared(source_of(dataset(values), tmp_path, coarsen=4)).tensors()
    changed = values.copy()
    changed[16:] += 1000
    (tmp_path / "a.nc").unlink()
    after = prepared(source_of(dataset(changed), tmp_path, coarsen=4)).tensors()
    for name in before:
        torch.testing.assert_close(before[name], after[name], rtol=0, atol=0)


def test_constants_are_of_known_cells_and_missing_ones_do_not_count(tmp_path):
    values = fields()
    values[3, 0, 0] = np.nan
    values[:, 5, 5] = np.nan
    source = source_of(dataset(values), tmp_path, coarsen=2)
    preparation = prepared(source)
    assert all(bool(one.isfinite().all()) for one in preparation.tensors().values())
    targets = preparation.dataset(source).batch(torch.arange(24)).targets
    assert bool(targets.isfinite().all())
    assert (targets[:, 2, 5, 5] == 0).all()
    assert (targets[3, 2, 0, 0], targets[3, 0, 0, 0]) == (0, 0)
    truth = preparation.truth(source, np.arange(24))
    assert truth.shape == (24, 1, 192)
    assert np.isnan(truth[3, 0, [0, 5 * 16 + 5]]).all()
    shares = preparation.row_weights(source, np.arange(24))
    lost = preparation.areas[5, 5] / 192
    assert shares[0] == pytest.approx(1 - lost)
    assert shares[3] == pytest.approx(1 - lost - preparation.areas[0, 0] / 192)


def test_a_channel_with_missing_cells_in_training_has_a_mark(tmp_path):
    values = fields()
    values[:, :4, :4] = np.nan
    source = source_of(dataset(values), tmp_path, coarsen=4)
    preparation = prepared(source)
    assert preparation.feature_names[-1] == "tas is known"
    inputs = preparation.dataset(source).batch(torch.arange(2)).inputs
    assert tuple(inputs.shape[1:]) == preparation.input_shape
    assert inputs[0, -1, 0, 0] == 0
    assert inputs[0, -1, -1, -1] == 1
    assert bool(inputs.isfinite().all())


def test_numbers_over_time_are_the_same_everywhere_and_standardized(tmp_path):
    source = source_of(coarse_and_fine(), tmp_path, {"target": "tas"}, variable="coarse,co2")
    preparation = prepared(source)
    assert preparation.feature_names[:2] == ("coarse", "co2")
    inputs = preparation.dataset(source).batch(torch.arange(24)).inputs
    assert (inputs[:, 1] == inputs[:, 1, :1, :1]).all()
    assert float(inputs[:16, 1, 0, 0].mean()) == pytest.approx(0, abs=1e-5)


def test_json_and_tensors_make_the_same_preparation_again(tmp_path):
    source = source_of(dataset(), tmp_path, coarsen=4)
    preparation = prepared(source)
    again = load_preparation(preparation.to_json(), preparation.tensors())
    one, other = (each.dataset(source).batch(torch.arange(5)) for each in (preparation, again))
    torch.testing.assert_close(one.inputs, other.inputs)
    torch.testing.assert_close(one.targets, other.targets)


def test_equal_coarse_fields_have_equal_fingerprints(tmp_path):
    values = fields()
    values[7] = values[2]
    source = source_of(dataset(values), tmp_path, coarsen=4)
    marks = prepared(source).fingerprints(source)
    assert marks[7] == marks[2]
    assert len(np.unique(marks)) == 23


def test_errors_that_last_make_blocks_of_times():
    chance = np.random.default_rng(0)
    assert _block(chance.normal(size=400)) == 2, "forgotten at the next time"
    steps = np.repeat(chance.normal(size=80), 5)
    assert 6 <= _block(steps) <= 12
    assert _block(np.ones(10)) == 1


def test_a_fine_field_that_interpolation_gives_exactly_is_refused(tmp_path):
    flat = np.broadcast_to(np.arange(24, dtype=np.float32)[:, None, None], (24, 12, 16))
    source = source_of(dataset(flat.copy()), tmp_path, coarsen=4)
    with pytest.raises(DataError, match="nothing to learn"):
        prepared(source)


def test_the_blocks_of_the_elevation_model_do_not_touch():
    source = read_known("elevation", {})
    part, frame = source.parts, source.frame
    corners = frame[["row", "column"]].to_numpy()
    assert source.whole.fine.shape[1:] == (1, 32, 32)
    assert {name: int((part == name).sum()) for name in np.unique(part)} == {
        "test": 24, "train": 162, "validation": 24,
    }  # fmt: skip
    for other in ("train", "validation"):
        gaps = np.abs(corners[part == "test"][:, None] - corners[part == other][None])
        assert (gaps.max(axis=2) >= 32 + 3).all(), "three cells between them at least"
    blocks = {name: set(frame["block"][part == name]) for name in ("train", "validation", "test")}
    assert not blocks["train"] & blocks["test"]


def test_patches_are_seen_about_their_own_level_and_have_no_climate():
    source = read_known("elevation", {})
    target = Target("field", source.target)
    preparation = GridPreparation.fit(source, Roles((), group="block"), target, np.arange(100))
    batch = preparation.dataset(source).batch(torch.arange(10))
    assert preparation.input_shape == (1, 32, 32)
    assert preparation.network_options == {"depth": 3}, "4 x 4 cells at the bottom"
    torch.testing.assert_close(batch.inputs.mean(dim=(1, 2, 3)), torch.zeros(10), atol=0.05, rtol=0)
    found = preparation.in_units(Downscale(target).outputs(Nothing(), batch))
    bicubic = preparation.interpolated(source, np.arange(10), "bicubic")
    np.testing.assert_allclose(found.numpy(), bicubic, atol=1e-2)


def test_images_become_fields_of_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 10)).astype(np.uint8)
    source = images_as_fields(
        Source("photos", dataset().tas[:4, 0, 0].to_dataframe().reset_index()[["time"]], pixels,
               options={"coarsen": 2})
    )  # fmt: skip
    assert source.target == ("red", "green", "blue")
    np.testing.assert_array_equal(source.whole.fine, pixels)
    np.testing.assert_allclose(source.whole.coarse[0, 0, 0, 0], pixels[0, 0, :2, :2].mean())
