"""The most confident mistakes as pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Picture, Pictures, Section, Words
from tfxfer.report.finished import FinishedRun, facts, number, rows


def mistakes(run: FinishedRun) -> Section | None:
    """Where to look first: wrong answers that were given with confidence, or the largest errors."""
    test = facts(run.report, "test")
    if "mistakes" not in test:
        return None
    entries = rows(test, "mistakes")
    title = "Largest errors" if run.task == "regression" else "Most confident mistakes"
    if not entries:
        return Section("mistakes", title, (Words("No test picture was answered wrongly."),))
    shown = tuple(_picture(entry, run.pictures) for entry in entries)
    advice = (
        "Look at these first: they are hard, wrongly labelled, or unlike the pictures that it learned from."
    )
    if any(picture.heat is not None for picture in shown):
        advice += " Under each: the bright places are those that speak for its answer (Grad-CAM)."
    return Section("mistakes", title, (Words(advice), Pictures(shown)))


def _picture(entry: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Picture:
    truth, answer, path = (str(entry.get(key)) for key in ("truth", "answer", "path"))
    sure, error = number(entry, "confidence"), number(entry, "error")
    how = f"confidence {words.share(sure)}" if sure is not None else f"error {words.figure(error)}"
    data, heat = (_data(pictures.get(str(entry.get(key)))) for key in ("picture", "heat_map"))
    alternative = f"test picture {path}: {answer} where {truth} is true"
    return Picture(data, heat, alternative, (f"truth: {truth}", f"answer: {answer}", how, path))


def _data(found: bytes | None) -> str | None:
    return None if found is None else f"data:image/jpeg;base64,{base64.b64encode(found).decode()}"
