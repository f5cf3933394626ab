"""tender → draft → package → signed → sealed → submitted → opened.

One file per stage, each made from the one before.
"""
