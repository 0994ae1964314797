"""The entry point: commands loaded when they are called, every error mapped to an exit code."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from tfxfer.cli.lazy import LazyGroup
from tfxfer.errors import TfxferError

INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
LESS_MEMORY = "Close other programs, or set a smaller backbone.image_size or training.batch_size."


@click.command(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `tfxfer check PHOTOS`, a folder with one folder for each class; then write a configuration "
    "(`tfxfer init` prints one) and ask what it would do: `tfxfer plan CONFIG`.",
)
@click.version_option(package_name="tfxfer", message="tfxfer %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """From a folder of labelled examples to edge models that are proven to work."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code: 0 done, 1 failed, 2 asked wrongly, 130 interrupted."""
    sys.exit(exit_code(arguments))


def exit_code(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what users can act on becomes a line on stderr, our own bugs stay tracebacks."""
    try:
        result = commands.main(args=arguments, prog_name="tfxfer", standalone_mode=False)
    except click.ClickException as error:
        return _fail(_usage(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except TfxferError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output, `head` for example, has what it wanted
        sys.stderr.close()
        return 1
    except OSError as error:  # a full disk, a folder without write permission
        return _fail(_refused(error), 1)
    except MemoryError as error:
        return _fail(f"memory must hold what is worked on. Received: {error or 'no room'}. {LESS_MEMORY}", 1)
    return result if isinstance(result, int) else 0


def _refused(error: OSError) -> str:
    if error.errno in FULL:
        return f"the disk must take what is written. Received: {error}. Make room, or write elsewhere."
    if error.errno in DENIED:
        return (
            f"what is used must be readable, and what is changed writable. Received: {error}. "
            "Change the permissions (chmod u+rwX), or name another place."
        )
    return str(error)


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message}\nTry '{error.ctx.command_path} --help'."
    return message


def _fail(message: str, code: int) -> int:
    click.echo(f"error: {message}", err=True)
    return code
