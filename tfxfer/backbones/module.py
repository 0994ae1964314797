"""A loaded SavedModel as a function of one tensor: what it takes and gives, and what in it can learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.util import tf_inspect

from tfxfer.backbones.saved_model_file import check_saved_model, is_tf1_style, load_saved_model
from tfxfer.errors import BackboneError, ConfigError

SIGNATURE, DEFAULT_OUTPUT = "serving_default", "default"
ENDPOINTS = "return_endpoints"  # the argument by which TF Hub's modules give their inner outputs too
INNER_ERRORS = (ValueError, TypeError, KeyError, tf.errors.OpError)


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One function of a SavedModel. `call(inputs, training)` gives one tensor."""

    loaded: Any  # kept, so that what is exported tracks its variables
    call: Callable[[Any, bool], Any]
    spec: tf.TensorSpec  # of what it takes, batch included
    variables: tuple[Any, ...]  # tf.Variables, in the order in which the function uses them
    trainable: frozenset[int]  # id() of those that may learn
    losses: tuple[Callable[[], Any], ...]  # regularisation terms
    takes_training: bool  # whether it has a way of its own for training
    frozen_because: str = ""  # why it cannot learn; empty: it can


def open_module(
    folder: Path, signature: str | None = None, output: str | None = None, *, seed: int = 0
) -> Module:
    """Load a SavedModel and find the function to call.

    A callable one (TF Hub's TF2 format) is called itself, unless `signature` names one of its signatures, which
    only works frozen. `output` chooses among several outputs. Dropout and the like follow `seed` where they were
    exported without one.

    Raises:
        BackboneError: the folder holds no SavedModel of one tensor, or a damaged or unsafe one.
        ConfigError: no such signature or output; those that there are are listed.
    """
    described = check_saved_model(folder)
    loaded = load_saved_model(folder, seed=seed)
    where = str(folder)
    if signature is not None or not callable(loaded):
        why = _why_frozen(tf1=is_tf1_style(described), chosen=signature)
        return _of_signature(loaded, where, signature or SIGNATURE, output, why)
    return _of_callable(loaded, where, output)


def _why_frozen(*, tf1: bool, chosen: str | None) -> str:
    if tf1:
        return "it was exported by TensorFlow 1, without objects whose variables could learn"
    if chosen is not None:
        return f"its signature '{chosen}' is for inference; leave options.signature out to call the module itself"
    return "it has signatures for inference only, and cannot be called itself (TF Hub's TF2 format)"


def _of_signature(loaded: Any, where: str, name: str, output: str | None, why: str) -> Module:
    known = [key for key in loaded.signatures if not key.startswith("__")]
    if name not in known:
        raise ConfigError(
            f"the signature must be one of the SavedModel's: {', '.join(sorted(known)) or 'it has none'}. "
            f"Received: {name!r} of {where}. Set options.signature; a SavedModel without signatures must be "
            "callable: export it again with tf.saved_model.save and a __call__."
        )
    function = loaded.signatures[name]
    inputs: Mapping[str, tf.TensorSpec] = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise BackboneError(
            f"a backbone takes one tensor. Received: signature {name!r} of {where}, which takes {sorted(inputs)}. "
            "Choose another with options.signature."
        )
    ((argument, spec),) = inputs.items()
    chosen = _chosen(list(function.structured_outputs), output, where)

    def call(x: Any, training: bool) -> Any:
        return function(**{argument: x})[chosen]

    return Module(loaded, call, spec, _in_order(function), frozenset(), (), False, why)


def _of_callable(loaded: Any, where: str, output: str | None) -> Module:
    function = loaded.__call__
    arguments = set(tf_inspect.getfullargspec(function).args + tf_inspect.getfullargspec(function).kwonlyargs)
    traces = function.concrete_functions
    specs = [_first_spec(trace.structured_input_signature) for trace in traces]
    if not specs or specs[0] is None:
        raise BackboneError(
            f"a backbone takes one tensor. Received: {where}, whose __call__ "
            f"{'was never traced' if not specs else 'takes something else'}. Export it again with an input_signature."
        )
    fixed: dict[str, Any] = {ENDPOINTS: True} if ENDPOINTS in arguments and output is not None else {}
    spec, takes_training = specs[0], "training" in arguments

    def raw(x: Any, training: bool) -> Any:
        return function(x, training=training, **fixed) if takes_training else function(x, **fixed)

    trace = _traced(function, spec, {**fixed, **({"training": False} if takes_training else {})}, where)
    can_train = takes_training and _has_trace(function, spec, fixed)
    call = _one_output(raw, trace.structured_outputs, output, where)
    variables = _in_order(trace)
    trainable = frozenset(id(variable) for variable in _trainable(loaded, variables))
    losses = _attribute(loaded, "regularization_losses")
    why = "" if trainable else "none of its variables is trainable"
    return Module(loaded, call, spec, variables, trainable, tuple(losses), can_train, why)


def _one_output(
    raw: Callable[[Any, bool], Any], outputs: Any, output: str | None, where: str
) -> Callable[[Any, bool], Any]:
    """`raw`, with the asked for output of those it gives."""
    if not isinstance(outputs, Mapping):
        if output is not None or not isinstance(outputs, (tf.Tensor, tf.TensorSpec)):
            raise ConfigError(
                f"{where} must give one tensor, or several by name. Received: "
                f"{'one without a name' if output is not None else type(outputs).__name__}. "
                "Leave options.output out, or choose a signature with options.signature."
            )
        return raw
    chosen = _chosen(list(outputs), output, where)
    return lambda x, training: raw(x, training)[chosen]


def _chosen(known: Sequence[str], output: str | None, where: str) -> str:
    if output is None and len(known) == 1:
        return known[0]
    if output is None and DEFAULT_OUTPUT in known:
        return DEFAULT_OUTPUT
    if output is not None and output in known:
        return output
    received = "none chosen" if output is None else repr(output)
    raise ConfigError(
        f"{where} has the outputs {', '.join(sorted(known))}. Received: {received}. "
        "Set options.output to one of them."
    )


def _first_spec(signature: Any) -> tf.TensorSpec | None:
    positional, _ = signature
    first = positional[0] if positional else None
    # Without its name, which it would have to be given by.
    return tf.TensorSpec(first.shape, first.dtype) if isinstance(first, tf.TensorSpec) else None


def _traced(function: Any, spec: tf.TensorSpec, fixed: Mapping[str, Any], where: str) -> Any:
    try:
        return function.get_concrete_function(spec, **fixed)
    except INNER_ERRORS as error:
        raise BackboneError(
            f"{where} must take a tensor {tuple(spec.shape)} in inference. "
            f"Received: {str(error).strip().partition(chr(10))[0]} Export it with training=False traced."
        ) from error


def _has_trace(function: Any, spec: tf.TensorSpec, fixed: Mapping[str, Any]) -> bool:
    """Whether the module was traced in training mode."""
    try:
        function.get_concrete_function(spec, training=True, **fixed)
    except INNER_ERRORS:
        return False
    return True


def _in_order(function: Any) -> tuple[Any, ...]:
    """The variables of a concrete function as it captured them, which is as it uses them."""
    by_handle = {id(variable.handle): variable for variable in function.variables}
    used = [by_handle[id(outer)] for outer in function.captured_inputs if id(outer) in by_handle]
    return tuple({id(variable): variable for variable in used}.values())


def _trainable(loaded: Any, variables: Sequence[Any]) -> list[Any]:
    """Those of its list in TF Hub's format where there is one, or else those that were made to learn."""
    listed = _attribute(loaded, "trainable_variables")
    if not listed:
        return [variable for variable in variables if variable.trainable]
    ids = {id(variable) for variable in listed}
    return [variable for variable in variables if id(variable) in ids]


def _attribute(loaded: Any, name: str) -> list[Any]:
    """One of the optional lists of TF Hub's format."""
    return list(vars(loaded).get(name, ()))
