"""`python -m bench` is `./manage bench`."""

import signal
import sys

from bench.run import main

signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers it started end with it
main()
