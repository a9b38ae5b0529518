"""Write docs/configuration.md from the schema and the defaults of conf/, or check that it is up to date."""

import click

from googlenet.pipeline import settings_reference


@click.command(help=__doc__)
@click.argument("action", metavar="write|check", type=click.Choice(settings_reference.ACTIONS))
def command(action: str) -> None:
    """Raise UserError if the document is stale."""
    settings_reference.perform(action)
