"""Inspect a dataset: open, plan, load, measure, judge, finish."""
