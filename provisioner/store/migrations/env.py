"""Runs the migrations on the connection that the program hands in (store/database.py)."""

from __future__ import annotations

from alembic import context

from provisioner.store.tables import metadata

if hasattr(context, "config"):  # not where somebody merely looks for doctests
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
