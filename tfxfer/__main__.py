"""`python -m tfxfer` is the command `tfxfer`."""

from tfxfer.cli.main import main

if __name__ == "__main__":
    main()
