"""What each command does; a file for each group of them. `provisioner/cli.py` has their words."""
