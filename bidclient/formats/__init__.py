"""The shapes that our files share: canonical JSON, the strict stored ZIP, safe names, money, time, codes."""
