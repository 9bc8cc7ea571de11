"""``python -m storyboard_worker``: the same as the console script."""

from storyboard_worker.cli import main

if __name__ == "__main__":
    main()
