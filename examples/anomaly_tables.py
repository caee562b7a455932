"""Anomalies in three public tables: an autoencoder of usual rows beside two simple detectors.

Test ROC AUC and PR AUC, means of three seeds (deviations in what is printed):

    cover    autoencoder 0.992 0.679   isolation forest 0.868 0.050   components 0.624 0.013
    celeba   autoencoder 0.749 0.073   isolation forest 0.704 0.063   components 0.675 0.064
    thyroid  autoencoder 0.966 0.665   isolation forest 0.988 0.722   components 0.721 0.155

On thyroid the forest is better. The networks are chosen on validation rows with anomalies, one of
six; the detectors are taken as they come (components that keep 90 % of the variance).

    python examples/anomaly_tables.py [folder with cover.npz, celeba.npz, thyroid.npz]

The tables (ADBench, Han et al. 2022) are looked for in anomaly/ under LAYERWISE_DATA. Divided,
chosen and judged as in credit_card_fraud.py, whose candidates were found on card payments only.
"""

import sys
from pathlib import Path

import numpy as np
from credit_card_fraud import METRICS, TARGET, best, divide, judged, standardized, value

from layerwise.data.kept import data_folder
from layerwise.evaluation.detectors import DETECTORS, fit_detectors

SEEDS = range(3)
ROWS_SEEN = 1_000_000  # in training, by every candidate


def judge(table: np.ndarray, truth: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Give the metrics of each method on the test rows of one division."""
    parts = divide(truth, seed)
    training, test = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "test")
    inputs = standardized(table, training)
    epochs = int(np.clip(ROWS_SEEN / len(training), 5, 100))
    choice, _, scores = best(inputs, truth, parts, epochs, seed)
    print(f"  seed {seed}: hidden {choice[0]}, code {choice[1]}, noise {choice[2]}", flush=True)
    of_method = {"autoencoder": scores} | {
        result.name: result.scores
        for result in fit_detectors(DETECTORS, inputs, training, TARGET, seed=seed)
    }
    return {
        name: [value(metric, judged(each, truth, test)) for metric in METRICS]
        for name, each in of_method.items()
    }


def main(folder: Path) -> None:
    """Judge three seeds of each table."""
    lines = []
    for name in ("cover", "celeba", "thyroid"):
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            table, truth = file["X"].astype(np.float64), file["y"]
        print(f"{name}: {len(truth)} rows, {100 * truth.mean():.2f} % anomalies")
        found = [judge(table, truth, seed) for seed in SEEDS]
        for method in found[0]:
            values = np.array([each[method] for each in found])
            centre, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
            cells = (f"{c:.3f} ({s:.3f})" for c, s in zip(centre, spread, strict=True))
            lines.append(f"{name:9} {method:18} {'   '.join(cells)}")
    print(f"\n{'table':9} {'method':18} {'   '.join(f'{metric:13}' for metric in METRICS)}")
    print("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder() / "anomaly")
