"""Interpolations and the climate, against values worked by hand."""

import numpy as np
import torch
import torch.nn.functional as F
from grid_cases import dataset, fields, written

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.grid_preparation import GridPreparation
from layerwise.data.grids import as_fields
from layerwise.data.known import read_known
from layerwise.data.roles import Roles
from layerwise.evaluation.grid_baselines import fit

NAMES = ("bilinear", "bicubic", "climatology", "corrected_bicubic")
PARTS = np.array(["train"] * 16 + ["test"] * 8)


def found(source, rows, parts):
    preparation = GridPreparation.fit(source, Roles(()), Target("field", source.target), rows)
    results = fit(NAMES, source, preparation, parts, seconds=1, seed=0)
    return {one.name: one for one in results}


def test_they_say_what_they_are_called(tmp_path):
    source = as_fields(read(str(written(dataset(), tmp_path / "a.nc")), options={"coarsen": 4}), {})
    results = found(source, np.arange(16), PARTS)
    assert list(results) == list(NAMES)
    scores = {name: one.scores.reshape(24, 12, 16) for name, one in results.items()}
    coarse = torch.from_numpy(source.whole.coarse)
    bilinear = F.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(scores["bilinear"], bilinear[:, 0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(
        scores["climatology"], np.tile(fields()[:16].mean(axis=0), (24, 1, 1)), rtol=1e-5
    )
    lacking = (fields() - scores["bicubic"])[:16].mean(axis=0)
    np.testing.assert_allclose(scores["corrected_bicubic"], scores["bicubic"] + lacking, rtol=1e-5)
    assert "16 training rows" in results["climatology"].note


def test_patches_of_other_places_have_no_climate():
    source = read_known("elevation", {})
    assert list(found(source, np.arange(50), source.parts)) == ["bilinear", "bicubic"]
