"""One spherical k-means pass (assignment and update) of faiss, as one line of JSON.

Same data as bench/speed/k-means.ts: standard normal rows, unit norm. The time of a pass is the
difference between a long and a short training over its extra iterations, so that set-up and
seeding drop out.

    python3 -m venv venv && venv/bin/pip install -r bench/peers/requirements-faiss.txt
    venv/bin/python bench/peers/k_means.py
"""

import argparse
import json
import statistics
import time

import faiss
import numpy as np


def seconds(x: np.ndarray, k: int, iterations: int) -> float:
    """Wall-clock seconds of a training with this many iterations."""
    kmeans = faiss.Kmeans(x.shape[1], k, niter=iterations, spherical=True, seed=1, verbose=False)
    start = time.perf_counter()
    kmeans.train(x)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--k", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()

    x = np.random.default_rng(1).standard_normal((args.n, args.dim), dtype=np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    short, long = 2, 12
    seconds(x, args.k, 1)  # warm-up
    passes = [
        (seconds(x, args.k, long) - seconds(x, args.k, short)) / (long - short) * 1_000
        for _ in range(args.repeats)
    ]
    print(
        json.dumps(
            {
                "bench": "k-means",
                "library": f"faiss {faiss.__version__}",
                "threads": faiss.omp_get_max_threads(),
                "n": args.n,
                "dim": args.dim,
                "k": args.k,
                "passMs": round(statistics.median(passes), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
