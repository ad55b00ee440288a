"""What a peer needs: a running `handfast dev`, its credentials, and a tally that fails loudly."""

import atexit
import json
import subprocess
import sys
import traceback

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
    """Runs one case; `expected` is 'accepted' or the reason of the refusal."""
    try:
        outcome = run()
    except Exception:  # any surprise is a wrong row
        outcome = f"raised {traceback.format_exc()}"
    _rows.append((peer, name, expected, outcome))


def finish():
    """Prints the tally; one wrong row fails the suite."""
    failed = [row for row in _rows if row[2] != row[3]]
    for peer, name, expected, outcome in _rows:
        is_right = outcome == expected
        told = expected if is_right else f"expected {expected}, got {outcome}"
        print(f"{'ok  ' if is_right else 'FAIL'} {peer}: {name}: {told}")
    print(f"{len(_rows) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not _rows else 0)
