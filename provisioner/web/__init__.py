"""Serving HTTP: processes that answer on `bind`, and what every request passes on its way in and out."""
