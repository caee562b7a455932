"""Grids that are known by name: the elevation model of Matplotlib, a file of the folder climate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pandas import DataFrame

from layerwise.data.grid_files import read_grid
from layerwise.data.grids import factor_of, paired_patches
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError

CELLS = 32  # per side of a patch
BLOCK = 64  # cells per side of a block, which is in one part as a whole
GAP = 3  # cells between two blocks, which are in no patch
STEP = 16  # from one training patch to the next, within a block
PARTS = ("test", "train", "validation", "train", "train")  # of the blocks, in diagonals
COARSEN = 4


def elevation(options: dict) -> Source:
    """Patches of the elevation model that Matplotlib ships, coarse and fine.

    Blocks of 64 x 64 cells are in one part as a whole, three cells apart, so that no test patch
    touches one of training. Training patches overlap by half, the others do not.
    """
    from matplotlib import cbook

    factor = factor_of(options.get("coarsen", COARSEN))
    if factor not in (2, 4, 8, 16):
        raise SettingsError(
            f"--data.coarsen of elevation must be 2, 4, 8 or 16, which divide patches of {CELLS} "
            f"cells; got {factor}."
        )
    with np.load(cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False)) as file:
        heights = file["elevation"].astype(np.float32)
    patches, rows = [], []
    pitch = BLOCK + GAP
    down, across = ((side + GAP) // pitch for side in heights.shape)
    for i in range(down):
        for j in range(across):
            part = PARTS[(i + 2 * j) % len(PARTS)]
            step = STEP if part == "train" else CELLS
            for y in range(i * pitch, i * pitch + BLOCK - CELLS + 1, step):
                for x in range(j * pitch, j * pitch + BLOCK - CELLS + 1, step):
                    patches.append(heights[y : y + CELLS, x : x + CELLS])
                    rows.append((part, f"{i + 1},{j + 1}", y, x))
    frame = DataFrame(rows, columns=["part", "block", "row", "column"])
    notes = [
        f"{down * across} blocks of {BLOCK} x {BLOCK} cells, {GAP} cells apart, each in one part: "
        f"no test patch touches one of training. Patches have {CELLS} x {CELLS} cells of about "
        "90 m."
    ]
    fine = np.stack(patches)[:, None]
    whole = paired_patches(fine, ("elevation",), {"elevation": "m"}, factor, notes)
    return Source(
        "elevation", frame.drop(columns="part"), np.arange(len(frame)), ("elevation",),
        frame["part"].to_numpy().astype("<U10"), notes=tuple(notes),
        about="heights around a fault in Tennessee, metres (Matplotlib's jacksboro_fault_dem)",
        options={**options, "coarsen": factor}, form="grid", whole=whole, roles={"group": "block"},
    )  # fmt: skip


def climate(options: dict, folder: Path) -> Source:
    """Air temperature of North America by year in one climate projection, coarsened by 4."""
    path = folder / "climate" / "A1B_north_america.nc"
    if not path.is_file():
        raise DataError(
            f"{path} is not there. It is Iris' sample file of that name: put it there, or set "
            "LAYERWISE_DATA to the folder that holds climate/."
        )
    source = read_grid(path)
    about = "air temperature at 1.5 m over North America by year, 1860 to 2099 (Met Office, A1B)"
    options = {"coarsen": COARSEN, **options}
    return replace(source, name="climate", about=about, options=options)
