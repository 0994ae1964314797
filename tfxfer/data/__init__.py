"""Sources, checks, splits, decoding: from a folder or a manifest to arrays that a network takes.

The road of a run: `open_source` lists, `scan` reads and decodes every file once, `admit` decides about
problems, `split_records` divides, `Scan.select` gives each split's pictures, `as_dataset` feeds them.
"""

from tfxfer.data.admit import Admitted, BadRecord, OnBadRecord, admit
from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.data.check import check_source
from tfxfer.data.chosen import ChosenSource
from tfxfer.data.decode import decode_image
from tfxfer.data.findings_values import values_summary
from tfxfer.data.materialise import materialise
from tfxfer.data.problems import Problem
from tfxfer.data.records import Record, Source, SplitName
from tfxfer.data.report import CheckReport, fingerprint
from tfxfer.data.resize import as_picture, resize_contract, resize_image
from tfxfer.data.scan import Scan, open_scan, scan
from tfxfer.data.slices import Slicing, check_slices, slice_values
from tfxfer.data.sources import open_source
from tfxfer.data.splits import Fractions, Splits, split_records
from tfxfer.data.tables import bad_records_csv, splits_csv
from tfxfer.data.targets import label_counts, label_names, target_array, task_of
from tfxfer.data.tfdata import as_dataset
from tfxfer.data.unlabelled import Unlabelled, open_unlabelled, picture_files

__all__ = [
    "Admitted",
    "ArraySplit",
    "BadRecord",
    "CheckReport",
    "ChosenSource",
    "Fractions",
    "ImageRows",
    "OnBadRecord",
    "Problem",
    "Record",
    "Scan",
    "Slicing",
    "Source",
    "SplitName",
    "Splits",
    "Unlabelled",
    "admit",
    "as_dataset",
    "as_picture",
    "bad_records_csv",
    "check_slices",
    "check_source",
    "decode_image",
    "fingerprint",
    "label_counts",
    "label_names",
    "materialise",
    "open_scan",
    "open_source",
    "open_unlabelled",
    "picture_files",
    "resize_contract",
    "resize_image",
    "scan",
    "slice_values",
    "split_records",
    "splits_csv",
    "target_array",
    "task_of",
    "values_summary",
]
