"""Python runs this at the start of each process of the product that a test starts: sockets stay out of transactions
there too, and its clock can be ahead. What is reported goes to the process's log, which the test looks through at its
end."""

import datetime as dt
import os
import sys

from tests.support import socket_guard

socket_guard.install(lambda where: sys.stderr.write(f"{socket_guard.MARK}:\n{where}\n"))

if seconds := os.environ.get("CLOCK_AHEAD_SECONDS"):
    import time_machine

    time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=float(seconds)), tick=True).start()
