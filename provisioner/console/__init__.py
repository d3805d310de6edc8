"""The operators' console and its JSON API, served on `admin_bind` by the daemon's own process.

Nothing here may be imported by what serves `bind`: the public listener can't leak what it doesn't have.
"""
