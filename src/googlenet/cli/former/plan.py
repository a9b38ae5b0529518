"""The former spelling of `googlenet plan`."""

from googlenet.cli.main import former

if __name__ == "__main__":
    former("googlenet.plan", "plan")
