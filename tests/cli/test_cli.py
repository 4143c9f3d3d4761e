"""The command line's contracts: options, outputs, exit codes. Run by ctest; needs NumPy and libxxhash.

usage: test_cli.py BURNISH [unittest options]
"""

import sys
import unittest

import cli_case
from test_audit import Audit, AuditErrors
from test_build import Build, BuildWithBudget
from test_cost import Cost, CostErrors, CostReport
from test_help import Help
from test_inspect import Inspect, InspectPrecision
from test_inspect_accuracy import InspectAccuracy, InspectHostileReports
from test_run import Bench, Compare, Run

__all__ = [
    "Audit",
    "AuditErrors",
    "Bench",
    "Build",
    "BuildWithBudget",
    "Compare",
    "Cost",
    "CostErrors",
    "CostReport",
    "Help",
    "Inspect",
    "InspectAccuracy",
    "InspectHostileReports",
    "InspectPrecision",
    "Run",
]

if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        cli_case.BURNISH = sys.argv.pop(1)
    unittest.main()
