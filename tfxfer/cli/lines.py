"""Journal events as lines for people."""

from __future__ import annotations

from collections.abc import Mapping

from tfxfer.cli.output import shown
from tfxfer.store.journal import Event

# Facts of an epoch that are not metrics.
_NOT_METRICS = (
    *("event", "phase", "epoch", "epochs", "solver", "seconds", "took_seconds", "images_per_second"),
)


def event_line(event: Event) -> str | None:
    """The line for an event, or None where there is nothing to say."""
    kind = event.get("event")
    if kind == "stage":
        return _stage(event)
    if kind == "phase":
        return _phase(event)
    if kind == "epoch":
        return _epoch(event)
    if kind == "artifact":
        return _artifact(event)
    if kind in ("decision", "warning") and event.get("text"):
        return f"  {event['text']}" if kind == "decision" else f"warning: {event['text']}"
    return None


def progress_line(event: Event) -> str:
    """How far a task is: `  head: features 320/750, 310 images/s, 1 s left`."""
    return f"  {task(event)} {', '.join(progress_facts(event))}"


def task(event: Event) -> str:
    """The name of what is progressing."""
    names = [event.get(key) for key in ("task", "phase", "doing")]
    return ": ".join(str(name) for name in names if name) or "working"


def progress_facts(event: Event) -> list[str]:
    """Done and total, speed, and time left, as far as they are known."""
    done, total = shown(event.get("done", 0)), event.get("total")
    facts = [done if total is None else f"{done}/{shown(total)}"]
    if (speed := event.get("images_per_second")) is not None:
        facts.append(f"{shown(speed)} images/s")
    if (left := event.get("seconds_left")) is not None:
        facts.append(f"{duration(left)} left")
    return facts


def duration(seconds: object) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`."""
    if not isinstance(seconds, int | float):
        return str(seconds)
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _stage(event: Event) -> str | None:
    name, status = event.get("name"), event.get("status")
    if status == "start":
        return f"{name}"
    if status == "cached":
        elsewhere = event.get("source") == "cache"
        return "  as in an earlier run, from the cache" if elsewhere else "  unchanged, kept from before"
    took = event.get("took_seconds", event.get("seconds"))
    is_worth_telling = isinstance(took, int | float) and took >= 1
    return f"  done in {duration(took)}" if is_worth_telling else None


def _phase(event: Event) -> str:
    words = [str(event.get("learns") or f"up to {event.get('epochs')} epochs")]
    if engine := event.get("feature_engine"):
        words.append(f"features at {event.get('cached_boundary')} from {engine}")
    if event.get("solver") not in (None, "gradient"):
        words.append(f"solved by {event['solver']}")
    why = event.get("why")
    reasons = [f"    {reason}" for reason in why] if isinstance(why, list | tuple) else []
    return "\n".join([f"  {event.get('phase')}: {'; '.join(words)}", *reasons])


def _epoch(event: Event) -> str:
    metrics = {name: value for name, value in event.items() if name not in _NOT_METRICS}
    nested = metrics.pop("metrics", None)
    if isinstance(nested, Mapping):
        metrics = {**nested, **metrics}
    words = ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in metrics.items())
    speed = event.get("images_per_second")
    pace = duration(event.get("took_seconds")) + ("" if speed is None else f", {shown(speed)} images/s")
    if event.get("solver") not in (None, "gradient"):  # no epochs: solved at once
        return f"  {event.get('phase')}: solved: {words} ({duration(event.get('took_seconds'))})"
    return f"  {event.get('phase')}: epoch {event.get('epoch')}/{event.get('epochs')}: {words} ({pace})"


def _artifact(event: Event) -> str:
    name = f"{event.get('format')} {event.get('precision', '')}".strip()
    why = event.get("why")
    return f"  {name}: {event.get('status', 'written')}" + (f" ({why})" if why else "")
