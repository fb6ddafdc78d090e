"""A cluster of two worker processes on this computer, until standard input is closed."""

import json
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as local:
        pids = [worker.pid for worker in local.workers.values()]
        address = local.scheduler_address.removeprefix("tcp://")
        sys.stdout.write(json.dumps({"address": address, "workers": pids}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
