"""A run by workers of Ray in a process of its own, to be stopped: ray_process.py OUT LOG [ADDRESS]."""

import sys
from pathlib import Path

from ray_runs import Logged, annotate

from pgen.errors import PgenError
from pgen_ray.executor import RayExecutor


def main() -> None:
    out, log, *address = sys.argv[1:]
    executor = RayExecutor(workers=2, address=address[0] if address else None)
    try:
        annotate(Path(out), Logged(log=Path(log), lanes=2, seconds=0.1), executor)
    except PgenError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
