"""`python -m provisioner`: the command line, for who has no `provisioner` on the path."""

from provisioner.cli import main

if __name__ == "__main__":
    main()
