"""Measured, not claimed: `./manage bench` runs our server and a naive host of the same process side by side."""

import os
from base64 import b64encode

from engine import sealing

KEY = b"a key for the bench, none else's"  # of the processes it starts, too
os.environ["THONGSUOT_DATA_KEYS"] = b64encode(KEY).decode()
sealing.use(sealing.Ring([KEY]))
