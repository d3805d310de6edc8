"""Rehearsal: a plan applied to a simulated copy of the phone system, by the very code that applies it.

The real phone system is read and never written to, and of the store nothing changes but the audit.
"""

from provisioner.rehearsal.run import Rehearsed, rehearse

__all__ = ["Rehearsed", "rehearse"]
