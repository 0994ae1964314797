"""`tfxfer verify`: check a bundle anywhere."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.cli.environment import prepare_tensorflow
from tfxfer.cli.options import json_option, quiet_option
from tfxfer.cli.output import print_json, print_page
from tfxfer.cli.working import working
from tfxfer.errors import VerificationError


@click.command("verify", short_help="Check a bundle anywhere.")
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.option("--data", metavar="PATH", help="Labelled images, to measure accuracy as well.")
@click.option(
    "--key",
    metavar="PUBLIC.pem",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key that the bundle must be signed with (tfxfer sign).",
)
@json_option
@quiet_option
def command(bundle: Path, data: str | None, *, key: Path | None, as_json: bool, quiet: bool) -> None:
    """Check the files of BUNDLE against its manifest, its contract and its golden vectors."""
    prepare_tensorflow()
    with working(f"running every file of {bundle}", quiet=quiet):
        from tfxfer.verification.verify import inspect_bundle

        report = inspect_bundle(bundle, data, key=key)
    if as_json:
        print_json(report.as_dict())
    else:
        print_page(report.as_dict())
    if not report.passed:
        failed = ", ".join(dict.fromkeys(check.name for check in report.failures))
        raise VerificationError(f"'{bundle}' is not verified; failed checks: {failed}.")
