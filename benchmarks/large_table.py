"""A Parquet table of 10,000,000 x 28 float32: time to the first step, peak memory, an epoch.

    python benchmarks/large_table.py [--rows 10000000] [--folder DIR]

Writes the table once (1.1 GB), then runs ``layerwise fit`` on it in a process of its own, whose
anonymous memory is read ten times a second. Linux only: it reads /proc.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS, ROWS_PER_GROUP = 28, 500_000


def write_table(path: Path, rows: int) -> None:
    """Random columns and a label that a few of them decide."""
    names = [f"x{number}" for number in range(COLUMNS)]
    fields = [(name, pa.float32()) for name in names] + [("label", pa.int8())]
    with pq.ParquetWriter(path, pa.schema(fields)) as writer:
        for start in range(0, rows, ROWS_PER_GROUP):
            generator = np.random.default_rng(start)
            size = min(ROWS_PER_GROUP, rows - start)
            block = generator.standard_normal((COLUMNS, size), dtype=np.float32)
            noise = generator.standard_normal(size, dtype=np.float32)
            label = (block[0] + block[1] * block[2] + noise > 0).astype(np.int8)
            writer.write_table(pa.table([*block, label], schema=pa.schema(fields)))


def anonymous_bytes(process: int) -> int:
    """Resident memory of a process that is no file's."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))
    except (OSError, StopIteration):
        return 0


def main() -> None:
    """Write, run, watch, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    chosen = parser.parse_args()
    path = chosen.folder / f"layerwise-{chosen.rows}.parquet"
    if not path.exists():
        write_table(path, chosen.rows)
    size = chosen.rows * COLUMNS * 4
    print(f"{chosen.rows:,} x {COLUMNS} float32 = {size / 1e9:.2f} GB")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "layerwise", "fit", str(path), "--target", "label"]
        command += ["--epochs", "1", "--folder", str(run)]
        began, peak, first = time.monotonic(), 0, None
        process = subprocess.Popen(command)
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            if first is None and (run / "journal.jsonl").exists():
                first = time.monotonic() - began
            time.sleep(0.1)
        whole = time.monotonic() - began
        records = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
        fraction = records[0]["step"] / records[-1]["step"]
        print(f"first journal line after {first:.1f} s, when {fraction:.1%} of the epoch was done")
        print(f"epoch {records[-1]['seconds']:.1f} s, {records[-1]['rows_per_second']:,.0f} rows/s")
        print(f"first step after about {first - fraction * records[-1]['seconds']:.1f} s")
        print(f"whole job {whole:.1f} s")
        print(f"peak anonymous memory {peak / 1e9:.2f} GB = {peak / size:.2f} times the data")


if __name__ == "__main__":
    main()
