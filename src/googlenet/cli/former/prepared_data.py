"""The former spelling of `googlenet data`."""

from googlenet.cli.main import former

if __name__ == "__main__":
    former("googlenet.prepared_data", "data")
