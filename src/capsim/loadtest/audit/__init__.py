"""The audit of measured data by operational laws, before any model.

`audited` takes datasets and returns typed findings. A law or a family of laws has a file, with
its thresholds and where they come from.
"""

from capsim.loadtest.audit.auditing import audit, audited
from capsim.loadtest.audit.finding import Finding, Severity
from capsim.loadtest.audit.kinds import WORDS, Kind, Words
from capsim.loadtest.audit.unchecked import unchecked

__all__ = ["WORDS", "Finding", "Kind", "Severity", "Words", "audit", "audited", "unchecked"]
