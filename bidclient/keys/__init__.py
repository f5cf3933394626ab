"""Who holds the private key: a token behind its vendor's library, or a file. Others see only PrivateKey.

Nothing is imported here: a key host is a module of this package and must start without the other sources.
"""
