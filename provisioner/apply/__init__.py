"""Apply: carrying out a recorded plan, change by change, with nothing lost and nothing done twice."""

from provisioner.apply.chosen import Allowance
from provisioner.apply.course import Applied
from provisioner.apply.run import apply_plan

__all__ = ["Allowance", "Applied", "apply_plan"]
