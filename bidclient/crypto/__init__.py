"""Bytes in, bytes out: certificates, signatures, envelopes, timestamps, sealed streams.

No clock, no disk layout, no network.
"""
