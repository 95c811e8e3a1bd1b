"""The protocol of peer.ts, for peers that are written in Python."""

import sys
import time


def serve(operations):
    """Answers each line with how many nanoseconds the operations took.

    operations: by their names, functions that take the line's arguments.
    """
    for line in sys.stdin:
        name, count, *args = line.split()
        print(measure(operations.get(name), int(count), args), flush=True)


def measure(operation, count, args):
    if operation is None:
        return "error no such operation"
    try:
        start = time.perf_counter_ns()
        for _ in range(count):
            operation(*args)
        return time.perf_counter_ns() - start
    except Exception as error:
        return f"error {error}".replace("\n", " ")
