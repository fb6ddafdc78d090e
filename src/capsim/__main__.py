"""`python -m capsim` is the same as `capsim`."""

from capsim.cli import main

if __name__ == "__main__":
    main()
