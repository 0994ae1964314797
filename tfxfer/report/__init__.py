"""Reports from report.json alone."""
