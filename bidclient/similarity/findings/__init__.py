"""The catalogue of rules, and for each subject the findings that a self-check makes of it."""
