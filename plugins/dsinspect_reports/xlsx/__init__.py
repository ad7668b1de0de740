"""The `xlsx` report: a workbook to look at and to review."""
