"""The other end of the line: speaks bidnet/1 to a trading network."""
