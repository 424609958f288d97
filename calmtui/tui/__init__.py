"""The screens: they show and ask, and never connect, block or decide. Only this folder imports textual."""

import os

os.environ.setdefault("TEXTUAL_FPS", "240")  # how long a key waits for its paint when one was just made: 4 ms, not 17
