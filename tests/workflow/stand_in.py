"""A stand-in for S3 on this machine: the same protocol, a server of moto's in this process, nothing outside."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workflow.clones import dvc

BUCKET = "results"
# Nobody's: the stand-in asks for some, and takes any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3() -> Iterator[str]:
    """Serve an empty bucket; gives the server's address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        client(address).create_bucket(Bucket=BUCKET)
        yield address
    finally:
        server.stop()


def client(address: str) -> Any:
    """A client of the stand-in."""
    import boto3

    names = {"AWS_DEFAULT_REGION": "region_name"}
    return boto3.client(
        "s3", endpoint_url=address, **{names.get(name, name.lower()): value for name, value in CREDENTIALS.items()}
    )


def connect(clone: Path, address: str, prefix: str) -> None:
    """Make the bucket the clone's remote `cloud`, as docs/remotes.md has it."""
    dvc(clone, "remote", "add", "--local", "--default", "--force", "cloud", f"s3://{BUCKET}/{prefix}")
    dvc(clone, "remote", "modify", "--local", "cloud", "endpointurl", address)
    dvc(clone, "remote", "modify", "--local", "cloud", "verify", "true")
