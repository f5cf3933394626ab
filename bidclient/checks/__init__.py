"""What an evaluator would reject, found while it can be mended: findings about a draft."""
