"""What a peer needs: a running `handfast dev`, its credentials, and a tally that fails loudly."""

import atexit
import json
import os
import subprocess
import sys
import traceback
from importlib.metadata import version

_rows = []


def start_dev(binary):
    """Starts `handfast dev --json` and gives its first line; the process ends with this one."""
    child = subprocess.Popen([binary, "dev", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    atexit.register(child.wait)
    atexit.register(child.terminate)
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"handfast dev ended with code {child.wait()}")
    return json.loads(line)


def check(peer, name, expected, run):
    """Runs one case; `expected` is 'accepted' or the reason of the refusal.

    `peer` is the packages, the first one's name first, the part they play, and the algorithm they play it with.
    """
    try:
        outcome = run()
    except Exception:  # any surprise is a wrong row
        outcome = f"raised {traceback.format_exc()}"
    _rows.append((peer, name, expected, outcome))


def finish():
    """Prints the tally, and notes it for the matrix (../matrix.mjs) where it was asked for; one wrong row fails the suite."""
    failed = [row for row in _rows if row[2] != row[3]]
    notes = os.environ.get("HANDFAST_INTEROP_ROWS")
    lines = []
    for (packages, part, algorithm), name, expected, outcome in _rows:
        is_right = outcome == expected
        told = expected if is_right else f"expected {expected}, got {outcome}"
        print(f"{'ok  ' if is_right else 'FAIL'} {packages[0]}, {part}, {algorithm}: {name}: {told}")
        said = " through ".join(f"{one} {version(one)}" for one in packages).removeprefix(f"{packages[0]} ")
        row = {"peer": packages[0], "version": said, "as": part, "alg": algorithm, "name": name}
        lines.append(json.dumps(row | {"expected": expected, "outcome": outcome, "ok": is_right}))
    print(f"{len(_rows) - len(failed)} passed, {len(failed)} failed")
    if notes:
        with open(notes, "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    sys.exit(1 if failed or not _rows else 0)
