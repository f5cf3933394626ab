"""The trading network of practice and tests: a whole small world on loopback, played by honest rules."""
