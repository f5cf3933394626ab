"""Passages that two texts have in common, what excuses them, and how alike they are."""
