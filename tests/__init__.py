"""Whatever runs from here, the tests and the processes they start, seals personal data with one key."""

import os
from base64 import b64encode

from engine.storage import sealing

DATA_KEYS = b64encode(b"a key for tests, and none else !").decode()

os.environ["THONGSUOT_DATA_KEYS"] = DATA_KEYS
sealing.use(sealing.Ring([b"a key for tests, and none else !"]))
