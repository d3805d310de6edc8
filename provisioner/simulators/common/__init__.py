"""What every simulator is made of: a database, snapshot lines, and serving in a thread."""
