"""Results as rich tables for people, as JSON for programs and as CSV for spreadsheets.

A module per result, each with `renderable`, `as_json` and `as_csv`. Nothing here prints.
"""
