"""Exact search by faiss, one query and sixteen at a time, as one line of JSON.

Rows and queries are those that bench/speed/search.ts left in a file, so that both search the same.

    python3 -m venv venv && venv/bin/pip install -r bench/peers/requirements-faiss.txt
    node bench/speed/search.ts 50000 128 10 5 rows.f32
    venv/bin/python bench/peers/search.py rows.f32
"""

import argparse
import json
import statistics
import time

import faiss
import numpy as np

BATCH = 16
QUERIES = 256


def timed(index: faiss.Index, queries: np.ndarray, count: int, k: int, seconds: float) -> list[float]:
    """Times of searches in ms, after some that warm up."""
    for i in range(20):
        index.search(queries[i : i + count], k)
    times = []
    first = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        index.search(queries[first : first + count], k)
        times.append((time.perf_counter() - start) * 1_000)
        first = (first + count) % (len(queries) - count)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", help="float32 rows and queries, written by bench/speed/search.ts")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()

    every = np.fromfile(args.rows, dtype=np.float32).reshape(-1, args.dim)
    rows, queries = every[:-QUERIES], every[-QUERIES:]
    index = faiss.IndexFlatIP(args.dim)
    index.add(rows)
    one = timed(index, queries, 1, args.k, args.seconds)
    many = timed(index, queries, BATCH, args.k, args.seconds)
    print(
        json.dumps(
            {
                "bench": "search",
                "library": f"faiss {faiss.__version__} IndexFlatIP",
                "threads": faiss.omp_get_max_threads(),
                "n": len(rows),
                "dim": args.dim,
                "k": args.k,
                "oneMs": round(statistics.median(one), 3),
                "batchMs": round(statistics.median(many), 3),
                "leastOneMs": round(min(one), 3),
                "leastBatchMs": round(min(many), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
