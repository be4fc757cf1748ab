"""Recall@1, MAP@R and R-precision by pytorch-metric-learning, as one line of JSON.

The rows are those that bench/speed/map-at-r.ts left in a file, so that the figures can be
compared beside the times.

    python3 -m venv venv && venv/bin/pip install -r bench/peers/requirements-metric.txt
    node bench/speed/map-at-r.ts 20000 128 200 5 rows.f32
    venv/bin/python bench/peers/map_at_r.py rows.f32
"""

import argparse
import json
import statistics
import time

import numpy as np
import pytorch_metric_learning
import torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", help="float32 rows, written by bench/speed/map-at-r.ts")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--classes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    rows = torch.from_numpy(np.fromfile(args.rows, dtype=np.float32).reshape(-1, args.dim))
    labels = torch.arange(len(rows)) % args.classes
    figures = ("precision_at_1", "mean_average_precision_at_r", "r_precision")
    calculator = AccuracyCalculator(include=figures, k="max_bin_count")
    found = calculator.get_accuracy(rows, labels)  # also the warm-up
    times = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        calculator.get_accuracy(rows, labels)
        times.append((time.perf_counter() - start) * 1_000)
    print(
        json.dumps(
            {
                "bench": "map-at-r",
                "library": f"pytorch-metric-learning {pytorch_metric_learning.__version__} + faiss",
                "threads": torch.get_num_threads(),
                "n": len(rows),
                "dim": args.dim,
                "classes": args.classes,
                "ms": round(statistics.median(times)),
                "mapAtR": found["mean_average_precision_at_r"],
                "recallAt1": found["precision_at_1"],
            }
        )
    )


if __name__ == "__main__":
    main()
