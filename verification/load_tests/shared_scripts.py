"""Makes the scripts of verification/measurements importable; import this module first."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEASURED_FILE = HERE / "measured.toml"

sys.path.append(str(HERE.parent / "measurements"))
