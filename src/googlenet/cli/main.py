"""The command `googlenet`, which reports each error as one line."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn, cast

import click
from click.exceptions import NoArgsIsHelpError

from googlenet.errors import UserError, escape_output, nearest, unusable
from googlenet.pipeline.code import check_source

COMMANDS = {
    "plan": "Disk, memory, passes and hours of an experiment, before it starts.",
    "data": "Inspect a prepared data set: report, verify, show.",
    "predict": "Classify images with the trained networks.",
    "detect": "Detect objects in images with the trained detectors.",
    "export": "Write a trained network as an ONNX, torch or OpenVINO file.",
    "serve": "Serve classes and boxes over HTTP, to this machine only.",
    "score": "Score a file of detections by ILSVRC's rules.",
    "verify": "Compare results with the experiment's reference, or renew it.",
    "crate": "Describe a finished run as an RO-Crate.",
    "why": "Why each job would run again: a setting, a module, an input.",
    "settings": "Write or check the settings reference, docs/configuration.md.",
    "mirror": "Deliver the jobs' pending logs to MLflow.",
}


class Commands(click.Group):
    """The subcommands, each imported only when it runs, because some import torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Import a subcommand. Raises UsageError with the closest valid name if it does not exist."""
        if cmd_name not in COMMANDS:
            raise click.UsageError(f"no command '{cmd_name}'{nearest(cmd_name, COMMANDS)}", ctx)
        command = cast(click.Command, import_module(f"googlenet.cli.{cmd_name}").command)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands in the help text, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands)
def googlenet() -> None:
    """Commands outside the workflow; `snakemake` or `dvc repro` runs the workflow itself."""
    check_source(Path.cwd())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 after an error, 2 if the command line itself is wrong."""
    escape_output()
    try:
        code: int | None = googlenet.main(arguments, prog_name="googlenet", standalone_mode=False)
        sys.stdout.flush()  # a full disk may show only here
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        help_command = f"{error.ctx.command_path} --help" if error.ctx else "googlenet --help"
        print(f"error: {UserError(error.format_message())} (see `{help_command}`)", file=sys.stderr)
        return error.exit_code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # `| head` has read what it needs
            print(f"error: {UserError(unusable(error))}", file=sys.stderr)
        drop_unwritable()
        return 1
    except click.Abort:  # Ctrl-C
        return 130
    return code or 0


def drop_unwritable() -> None:
    """Drop buffered output that cannot be written: Python would fail at it again when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def former(spelling: str, command: str) -> NoReturn:
    """Run a subcommand under its former spelling, `python -m SPELLING`, and print the new one."""
    print(f"note: `python -m {spelling}` is now `googlenet {command}`", file=sys.stderr)
    sys.exit(main([command, *sys.argv[1:]]))
