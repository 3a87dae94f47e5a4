"""Measured, not claimed: `./manage bench` runs our server and a naive host of the same process side by side."""

import os
from base64 import b64decode, b64encode

from engine.storage import sealing

# one key for this process and those it starts; whoever has one already keeps it
KEY = os.environ.setdefault("THONGSUOT_DATA_KEYS", b64encode(b"a key for the bench, none else's").decode())
sealing.use(sealing.Ring([b64decode(KEY)]))
