"""Quality gates: Great Expectations suites, their outcomes and their pages."""
