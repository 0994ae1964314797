from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

from tfxfer.formats.captured import captured_output


def test_what_python_and_c_print_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with captured_output() as output:
        print("from Python")
        os.write(2, b"from C++\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        warnings.warn("a warning that is an error in our tests", stacklevel=2)
        lines = set(output.text().splitlines())
    assert lines == {"from Python", "from C++", "from a child"}
    assert capfd.readouterr() == ("", "")


def test_printing_goes_on_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="stop"), captured_output():
        raise ValueError("stop")
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"
