"""Programs that a command starts end with it."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

COMMAND = """
import subprocess, sys, time
from foundations.child_processes import Stopped, end_with_parent, ended_by_signals
try:
    with ended_by_signals():
        child = subprocess.Popen(["sleep", "60"], preexec_fn=end_with_parent())
        print(child.pid, flush=True)
        child.wait()
        time.sleep(60)
except Stopped as stop:
    sys.exit(stop.exit_status)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_children_end_with_their_parent(number: signal.Signals) -> None:
    if number == signal.SIGKILL and not sys.platform.startswith("linux"):
        pytest.skip("Linux alone binds children to a parent that is killed")
    parent = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, number)
    assert parent.wait(timeout=30) == (-number if number == signal.SIGKILL else 128 + number)
    parent.stdout.close()
    for _ in range(300):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("the child goes on")
