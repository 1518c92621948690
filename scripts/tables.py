"""Lay out what `prefkit eval --json` said of several runs: see tables.sh.

    tables.py strengths|safety|hh|pku NAME=REPORT,REPORT,... [NAME=...]
    tables.py best SOURCE NAME=REPORT [NAME=...]

`best` prints the name whose report has the highest accuracy on that source, the
first of several. Else one line a name: its reports' counts are added up, and
told are the accuracy in percent, its 95% Wilson interval, the number of
judgments, and the accuracy of each run. Runs over different deals share some
test prompts, so a sum's interval is a little too narrow.
"""

import json
import math
import sys

COLUMNS = {
    "strengths": ["significantly better", "better", "slightly better",
                  "negligibly better", "all"],
    "safety": ["preferred_safe", "both_safe", "both_unsafe", "unsafe recall"],
    "hh": ["hh"],
    "pku": ["pku"],
}


def wilson(wins, n):
    z = 1.959963984540054
    p = wins / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100 * (middle - half), 100 * (middle + half)


def groups(path):
    """(column, judge) -> (right, of) in one report."""
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    for section in report["dimensions"]:
        for group in section["groups"]:
            if group["by"] not in ("all", "source", "strength", "label"):
                continue
            for judge, tally in (("model", group["models"]["m"]),
                                 ("longer", group["longer"])):
                yield ((group["value"], judge), tally["wins"],
                       tally["wins"] + tally["losses"])
        unsafe = section["models"]["m"].get("unsafe")
        for threshold in unsafe["thresholds"] if unsafe else []:
            if abs(threshold["below"] - 0.5) < 1e-9:
                yield (("unsafe recall", "model"), threshold["hits"],
                       unsafe["unsafe"])


def add_up(paths):
    cells = {}
    for path in paths:
        for key, right, of in groups(path):
            cell = cells.setdefault(key, [0, 0, []])
            cell[0] += right
            cell[1] += of
            if of:
                cell[2].append(f"{100 * right / of:.1f}")
    return cells


def put(name, cells, judge, columns):
    for column in columns:
        right, of, each = cells.get((column, judge), (0, 0, []))
        if of:
            low, high = wilson(right, of)
            print(f"  {name:14} {column:20} {100 * right / of:5.1f}  "
                  f"[{low:.1f}, {high:.1f}]  n {of:5}  runs {' '.join(each)}")
            name = ""


def best(source, arguments):
    def accuracy(argument):
        right, of, _ = add_up([argument.split("=", 1)[1]])[(source, "model")]
        return right / of

    print(max(arguments, key=accuracy).split("=", 1)[0])


def main():
    if sys.argv[1] == "best":
        best(sys.argv[2], sys.argv[3:])
        return
    columns = COLUMNS[sys.argv[1]]
    cells = {}
    for argument in sys.argv[2:]:
        name, paths = argument.split("=", 1)
        cells = add_up(paths.split(","))
        put(name, cells, "model", columns)
    put("longer wins", cells, "longer", columns)


main()
