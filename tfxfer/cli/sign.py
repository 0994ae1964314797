"""`tfxfer sign`: prove whose bundle it is."""

from __future__ import annotations

from pathlib import Path

import click

from tfxfer.bundle.reading import read_contract
from tfxfer.bundle.signature import sign_bundle
from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_json


@click.command("sign", short_help="Sign a bundle with your key.")
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    metavar="PRIVATE.pem",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ed25519, unencrypted: openssl genpkey -algorithm ed25519 -out PRIVATE.pem",
)
@json_option
def command(bundle: Path, key: Path, *, as_json: bool) -> None:
    """Write manifest.sig into BUNDLE, over the manifest that holds the SHA-256 of every file.

    `tfxfer verify BUNDLE --key PUBLIC.pem` then refuses a bundle that another hand has rewritten, hashes and all.
    """
    read_contract(bundle)
    public = sign_bundle(bundle, key)
    if as_json:
        print_json({"bundle": str(bundle), "public_key": public})
    else:
        click.echo(f"signed by the key {public}")
