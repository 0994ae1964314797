"""`tfxfer demo`: the bundle in a browser page."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from tfxfer.cli.working import working


@click.command("demo", short_help="Try a bundle in the browser.")
@click.argument("model", metavar="RUN|BUNDLE", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 is any free one, the default.")
@click.option(
    "--packages",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A node_modules folder with onnxruntime-web and @litertjs/core, where there is no network.",
)
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser.")
def command(model: Path, port: int, packages: Path | None, *, opens: bool) -> None:
    """Serve a page that runs the bundle's LiteRT and ONNX files in the browser, to this machine alone.

    Drop a picture or use the camera. The first time, both runtimes are fetched from npm's registry, 45 MB, checked and
    kept in the cache. Ctrl-C ends it.
    """
    from tfxfer.stages.demo import bundle_of, serving
    from tfxfer.stages.web_packages import web_packages

    bundle = bundle_of(model)
    with working("the browser's runtimes, from npm's registry the first time", quiet=packages is not None):
        runtimes = web_packages() if packages is None else packages
    with serving(bundle, runtimes, port=port) as (address, server):
        click.echo(address)
        click.echo("Ctrl-C ends it", err=True)
        if opens:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)
