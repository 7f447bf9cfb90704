"""Python runs this at the start of each process of the product that a test starts: sockets stay out of transactions
there too. What is reported goes to the process's log, which the test looks through at its end."""

import sys

from tests.support import socket_guard

socket_guard.install(lambda where: sys.stderr.write(f"{socket_guard.MARK}:\n{where}\n"))
