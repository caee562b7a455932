"""A Hopfield network of N units keeps about 0.138 N patterns by Hebb's rule, then breaks down.

Amit, Gutfreund and Sompolinsky 1985: above 0.138 N nothing is recalled, for N without bound.
Measured, random patterns, recall from the patterns themselves, mean and deviation of ten
seeds; recalled: overlap above 0.95; loads are rounded to whole patterns:

    units N                         100          200          300          400          500
    half are recalled at        0.209 N      0.189 N      0.177 N      0.171 N      0.169 N
    recalled at 0.100 N      1.00+-0.00   1.00+-0.00   1.00+-0.01   1.00+-0.01   1.00+-0.00
    recalled at 0.138 N      0.89+-0.14   0.89+-0.08   0.89+-0.06   0.89+-0.05   0.89+-0.05
    recalled at 0.200 N      0.56+-0.20   0.38+-0.08   0.28+-0.05   0.18+-0.07   0.13+-0.04
    unchanged at 0.138 N     0.79+-0.17   0.61+-0.12   0.48+-0.12   0.35+-0.05   0.26+-0.07

The five curves cross near 0.138 N: the larger the network, the sharper it breaks there. The whole
table takes about three minutes.

    python examples/hopfield_capacity.py [figure.png]
"""

import sys
from statistics import mean, stdev

import matplotlib
import torch

from layerwise.contracts import Batch
from layerwise.evaluation.recall import capacity_curve
from layerwise.networks.hopfield import Hopfield

matplotlib.use("agg")  # a file, no window
from matplotlib import pyplot as plt

UNITS = (100, 200, 300, 400, 500)
LOADS = (0.05, 0.08, 0.10, 0.12, 0.13, 0.138, 0.14, 0.15, 0.16, 0.18, 0.20, 0.25)
SEEDS = range(10)
MARK = 0.138  # Amit, Gutfreund and Sompolinsky 1985, for N without bound


def store(patterns):
    network = Hopfield((patterns.shape[1],))
    network.solve([Batch(patterns)])
    return network


def measure(units):
    """Per load: mean and deviation over the seeds of the shares that are stable and recalled."""
    curves = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        curves.append(capacity_curve(store, units, LOADS))
    rows = []
    for of_load in zip(*curves, strict=True):
        shares = [[one.stable for one in of_load], [one.recalled for one in of_load]]
        rows.append([(mean(share), stdev(share)) for share in shares])
    return rows


def crossing(rows):
    """Load at which half of the patterns are recalled, on the line between two loads."""
    shares = [recalled for _, (recalled, _) in rows]
    after = next(i for i, share in enumerate(shares) if share < 0.5)
    low, high = LOADS[after - 1], LOADS[after]
    return low + (high - low) * (shares[after - 1] - 0.5) / (shares[after - 1] - shares[after])


def draw(found, path):
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for units, rows in found.items():
        shares, deviations = zip(*[recalled for _, recalled in rows], strict=True)
        axes.errorbar(LOADS, shares, deviations, capsize=2, label=f"{units} units")
    axes.axvline(MARK, color="black", linestyle="--", label=f"{MARK} N")
    axes.set_xlabel("load: patterns per unit, P / N")
    axes.set_ylabel("share of patterns recalled with overlap above 0.95")
    axes.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    found = {}
    for units in UNITS:
        found[units] = measure(units)
        print(f"{units} units: half of the patterns are recalled at {crossing(found[units]):.3f} N")
        print("   P/N   stable          recalled with overlap above 0.95")
        for load, (stable, recalled) in zip(LOADS, found[units], strict=True):
            shown = "     ".join(
                f"{share:.3f} +- {deviation:.3f}" for share, deviation in (stable, recalled)
            )
            print(f"{load:6.3f}   {shown}", flush=True)
    if len(sys.argv) > 1:
        draw(found, sys.argv[1])
