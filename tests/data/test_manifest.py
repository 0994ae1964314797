"""Manifests are read with the line of everything that is wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.data.pictures import put
from tfxfer.data import check_source, open_source
from tfxfer.data.problems import Problem
from tfxfer.data.records import Record
from tfxfer.errors import DataError, UsageError


def manifest(folder: Path, text: str | bytes, name: str = "photos.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(folder: Path, *rows: str, header: str = "path,label") -> tuple[Problem, ...]:
    return open_source(
        manifest(folder, "\n".join([header, "good.png,rose" + "," * (header.count(",") - 1), *rows]))
    ).problems()


def test_paths_are_relative_to_the_manifest(tmp_path: Path) -> None:
    put(tmp_path, "images/1.png")
    source = open_source(manifest(tmp_path, "path,label\nimages/1.png,rose\n./images/2.png,daisy\n"))
    assert source.records() == (Record("images/1.png", "rose"), Record("images/2.png", "daisy"))
    assert source.read(source.records()[0]).startswith(b"\x89PNG")


def test_all_columns_are_read(tmp_path: Path) -> None:
    text = "label,path,split,group,weight,camera\nrose,1.png,train,p1,2.5,phone\ndaisy,2.png,val,,,\n"
    assert open_source(manifest(tmp_path, text)).records() == (
        Record("1.png", "rose", "train", "p1", 2.5, (("camera", "phone"),)),
        Record("2.png", "daisy", "validation", None, 1.0, (("camera", ""),)),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", b"path,label\r\n1.png,rose\r\n"),
        ("m.csv", b"\xef\xbb\xbfpath,label\n1.png,rose\n"),
        ("m.CSV", b'"path","label"\n\n"1.png","rose"\n\n'),
        ("m.tsv", b"path\tlabel\n1.png\trose"),
        ("m.csv", "path,label\n1.png,rose\n".encode("utf-16")),
        ("m.csv", "\ufeffpath,label\r\n1.png,rose".encode("utf-16-be")),
    ],
)
def test_the_usual_spellings_are_the_same(tmp_path: Path, name: str, text: bytes) -> None:
    assert open_source(manifest(tmp_path, text, name)).records() == (Record("1.png", "rose"),)


def test_group_by_takes_a_column_or_a_pattern(tmp_path: Path) -> None:
    path = manifest(tmp_path, "path,label,patient\np1/1.png,rose,x\n")
    assert open_source(path, group_by="patient").records()[0].group == "x"
    assert open_source(path, group_by=r"^(\w+)/").records()[0].group == "p1"
    with pytest.raises(UsageError, match="or one of the columns path, label, patient"):
        open_source(path, group_by="patients")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"path,label\ncaf\xe9.png,rose\n", "line 2 with byte 0xe9.*Save it as UTF-8"),
        ("path,label\n".encode("utf-16-le"), "zero byte in line 1"),
        ("path,label\n".encode("utf-32"), "Received: UTF-32. Save it as UTF-8"),
        ("path,label\n1.png,rose\n".encode("utf-16") + b"\x00", "line 3 with byte 0x00"),
        (b"", "Received: an empty file"),
        (b"file,label\n", "the column 'path' is required"),
        (b"path,lable\n", "the column 'label' is required.*Did you mean 'lable'"),
        (b"path,labels\n", "for the task classification.*Set head.task to multi_label, or rename 'labels'"),
        (b"path;label\n", "seem to be separated by ';'"),
        (b"path,label,label\n", "columns must differ"),
        (b'path,label\n1.png,rose\n"2.png,rose\n', "line 3: a row must be well-formed"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_source(manifest(tmp_path, text))
    assert "photos.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("https://example.org/1.png,rose", "Download it first"),
        ("s3://bucket/1.png,rose", "Download it first"),
        ("/etc/passwd,rose", "stay inside the manifest's folder"),
        ("../1.png,rose", "stay inside the manifest's folder"),
        ("a/../../1.png,rose", "stay inside the manifest's folder"),
        ("C:\\1.png,rose", "stay inside the manifest's folder"),
        ("a\\1.png,rose", "Received: 'a\\1.png'. Write 'a/1.png'"),
        (".\\1.png,rose", "Write './1.png'"),
        ("gs://bucket/1.png,rose", "Download it first: a run must not depend on what a server sends today"),
        ("data:image/png;base64 AAAA,rose", "Download it first"),
        ("file:///data/1.png,rose", "Download it first"),
        (",rose", "a path is required"),
        ("1.png", "must have 2 fields. Received: 1"),
        ("1.png,rose,red", "must have 2 fields. Received: 3"),
        ("be\all.png,rose", r"with the character '\x07'"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, message: str) -> None:
    (problem,) = problems(tmp_path, row)
    assert (problem.kind, problem.severity, problem.skippable) == ("bad_row", "error", True)
    assert problem.message.startswith(f"'{tmp_path / 'photos.csv'}', line 3: ")
    assert message in problem.message
    assert problem.message.isprintable()


@pytest.mark.parametrize("label", ["", " ", "ro/se", "ro\\se", "rose ", "ro\tse", "..", "x" * 300])
def test_a_bad_label_cannot_be_skipped(tmp_path: Path, label: str) -> None:
    (problem,) = problems(tmp_path, f"1.png,{label}")
    assert (problem.kind, problem.skippable) == ("bad_label", False)
    assert "line 3" in problem.message


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "heavy"])
def test_a_weight_must_be_above_zero(tmp_path: Path, weight: str) -> None:
    (problem,) = problems(tmp_path, f"1.png,rose,{weight}", header="path,label,weight")
    assert "weight must be a number above 0" in problem.message


def test_a_misspelt_split_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, "1.png,rose,train", "2.png,rose,tset", header="path,label,split")
    assert [problem.message.split(": ")[0][-6:] for problem in found] == ["line 2", "line 4"]
    assert "Fill in every row, or none" in found[0].message
    assert "Did you mean 'test'?" in found[1].message


def test_an_empty_split_column_counts_as_none(tmp_path: Path) -> None:
    source = open_source(manifest(tmp_path, "path,label,split\n1.png,rose,\n2.png,daisy,\n"))
    assert source.problems() == ()
    assert {record.split for record in source.records()} == {None}


def test_a_path_listed_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    same, other = problems(tmp_path, "good.png,rose", "./good.png,daisy")
    assert (same.severity, other.severity) == ("notice", "error")
    assert "line 3" in same.message
    assert "already in line 2" in other.message
    assert other.drops == ("good.png",)


def test_quoted_line_ends_do_not_shift_line_numbers(tmp_path: Path) -> None:
    found = problems(tmp_path, '1.png,rose,"two\nlines"', "2.png,rose", header="path,label,note")
    assert [problem.message.split(":")[0][-6:] for problem in found] == ["line 5"]


def test_fields_may_hold_separators_quotes_and_other_scripts(tmp_path: Path) -> None:
    text = 'path,label,note\n"a, ""b""/1.png","rose, red","say ""hi"""\n写真/2.png,バラ,é\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        records = open_source(manifest(tmp_path, text.encode(encoding))).records()
        assert records == (
            Record('a, "b"/1.png', "rose, red", columns=(("note", 'say "hi"'),)),
            Record("写真/2.png", "バラ", columns=(("note", "é"),)),
        )


def test_labels_that_differ_by_unicode_form_only_are_found(tmp_path: Path) -> None:
    for column, task in (("label", "classification"), ("labels", "multi_label")):
        rows = [
            f"{number}.png,{unicodedata.normalize(form, 'café')}"
            for number, form in enumerate(["NFC", "NFD"] * 4)
        ]
        for number in range(8):
            put(tmp_path, f"{number}.png", number)
        path = manifest(tmp_path, "\n".join([f"path,{column}", *rows]))
        report = check_source(open_source(path, task=task))  # type: ignore[arg-type]
        (problem,) = [problem for problem in report.problems if problem.kind == "label_forms"]
        assert problem.severity == "error"
        assert "caf\\xe9" in problem.message


def test_ten_thousand_classes_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{number}.png,class {number}\n" for number in range(10_000))
    assert len(open_source(manifest(tmp_path, "path,label\n" + rows)).records()) == 10_000
