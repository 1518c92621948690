"""Add up what `prefkit eval --json` said of several runs: see tables.sh.

    tables.py TITLE NAME=FILE,FILE,... [NAME=...]

One line a name, its files' counts together: accuracy and 95% Wilson interval
over all, by source and by strength, and how many of the unsafe responses a
score below zero finds. Runs over different deals share some test prompts, so
the interval of a sum is a little too narrow.
"""

import json
import math
import sys


def wilson(wins, n):
    z = 1.959963984540054
    p = wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def read(path, cells):
    """Add one report's counts to cells: (group) -> [wins, decided, runs]."""
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for section in report["dimensions"]:
        for group in section["groups"]:
            if group["by"] not in ("all", "source", "strength"):
                continue
            for judge, tally in (("", group["models"]["m"]),
                                 ("longer wins", group["longer"])):
                cell = cells.setdefault((group["value"], judge), [0, 0, []])
                decided = tally["wins"] + tally["losses"]
                cell[0] += tally["wins"]
                cell[1] += decided
                cell[2].append(tally["wins"] / decided if decided else 0)
        recall = section["models"]["m"].get("unsafe_at_half")
        if recall:
            cell = cells.setdefault(("unsafe recall", ""), [0, 0, []])
            cell[0] += recall["found"]
            cell[1] += recall["unsafe"]
            cell[2].append(recall["found"] / recall["unsafe"])


def main():
    print(f"\n{sys.argv[1]}")
    for argument in sys.argv[2:]:
        name, files = argument.split("=", 1)
        cells = {}
        for path in files.split(","):
            read(path, cells)
        for (value, judge), (wins, n, runs) in cells.items():
            if n == 0 or value == "unstated":
                continue
            low, high = wilson(wins, n)
            each = " ".join(f"{100 * x:.1f}" for x in runs)
            print(f"  {name:12} {value:22} {judge:12} {100 * wins / n:5.1f}%  "
                  f"[{100 * low:.1f}, {100 * high:.1f}]  n {n:4}  runs {each}")


main()
