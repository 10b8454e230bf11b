"""What the programs tell the process that runs them: one JSON object a line on stdout, {"progress", "fraction"} or {"warning"}."""

import json


def progress(message, fraction):
    """fraction of the whole run, 0 to 1; an estimate."""
    print(json.dumps({"progress": message, "fraction": round(fraction, 4)}), flush=True)


def warning(message):
    print(json.dumps({"warning": message}), flush=True)
