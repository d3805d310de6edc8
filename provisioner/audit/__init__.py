"""The audit from outside: proving that it is unbroken, exporting it, and collecting calls for it.

How it is kept is in provisioner/store: audit.py, chain.py, append_only.py.
"""
