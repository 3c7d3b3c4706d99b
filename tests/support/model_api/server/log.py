# SPDX-License-Identifier: Apache-2.0
# The log folder: one JSON object a line, written at once so that a reader sees
# everything that happened before it looked.
import json
import os
import threading
import time

LOG_DIR = os.environ.get("MODEL_API_LOG", "/srv/log")
_lock = threading.Lock()


def write(stream, record):
    """Appends `record` to LOG_DIR/<stream>.jsonl."""
    line = json.dumps(dict(record, time=round(time.time(), 3)), sort_keys=True) + "\n"
    with _lock, open(os.path.join(LOG_DIR, stream + ".jsonl"), "a", encoding="utf-8") as out:
        out.write(line)


def read(stream):
    """All records of a stream; none if nothing was written yet."""
    try:
        with open(os.path.join(LOG_DIR, stream + ".jsonl"), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []
