"""The former spelling of `googlenet score`."""

from googlenet.cli.main import former

if __name__ == "__main__":
    former("googlenet.evaluate_detections", "score")
