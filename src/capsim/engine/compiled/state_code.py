"""The instructions with which compiled code reads and writes the tables of a state.

Every load and store says which column of which table it is of (LLVM's type-based alias metadata),
so that what was read from one column is not read again because another one was written to.
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    lower_builtin,
    lower_getattr,
    lower_getattr_generic,
    lower_setattr_generic,
)

from capsim.engine.compiled.state import FACTS, TABLES
from capsim.engine.compiled.state_type import RowsType, RowType, StateType, TableType

_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_ROWS = ir.LiteralStructType([_BYTE.as_pointer(), _WORD])
_NUMBERS = {name: number for number, name in enumerate(TABLES)}


@lower_getattr_generic(StateType)  # type: ignore[untyped-decorator]
def _look_up(_context: Any, _builder: Any, _of: Any, state: Any, _name: str) -> Any:
    return state


@lower_builtin(len, RowsType)  # type: ignore[untyped-decorator]
def _length(_context: Any, builder: Any, of: Any, arguments: Any) -> Any:
    return _count(builder, of.args[0], arguments[0])


@lower_getattr(TableType, "shape")  # type: ignore[untyped-decorator]
def _shape(context: Any, builder: Any, of: TableType, table: Any) -> Any:
    sizes = [_fact(builder, of, table, "rows"), _fact(builder, of, table, "columns")]
    kind = types.UniTuple(types.int64, of.dimensions)
    return context.make_tuple(builder, kind, sizes[: of.dimensions])


@lower_builtin(operator.getitem, RowsType, types.Any)  # type: ignore[untyped-decorator]
def _read_place(_context: Any, builder: Any, of: Any, arguments: Any) -> Any:
    kind, found = of.args[0], of.return_type
    address = _address(builder, of, arguments)
    if isinstance(found, RowType):
        return address
    if isinstance(found, RowsType):
        rows = builder.insert_value(ir.Constant(_ROWS, ir.Undefined), address, 0)
        return builder.insert_value(rows, _fact(builder, kind, arguments[0], "columns"), 1)
    return _load(builder, address, kind.dtype, kind.table)


@lower_builtin(operator.setitem, RowsType, types.Any, types.Any)  # type: ignore[untyped-decorator]
def _write_place(context: Any, builder: Any, of: Any, arguments: Any) -> Any:
    kind, value = of.args[0], arguments[2]
    address = _address(builder, of, arguments)
    if isinstance(of.args[2], RowType):
        size = ir.Constant(_WORD, kind.dtype.itemsize)
        cgutils.raw_memcpy(builder, address, value, size, 1)
    else:
        _store(builder, address, kind.dtype, kind.table, value)
    return context.get_dummy_value()


@lower_getattr_generic(RowType)  # type: ignore[untyped-decorator]
def _read_column(_context: Any, builder: Any, of: RowType, row: Any, name: str) -> Any:
    return _load(builder, _column(builder, of, row, name), of.dtype[name], f"{of.table}.{name}")


@lower_setattr_generic(RowType)  # type: ignore[untyped-decorator]
def _write_column(_context: Any, builder: Any, of: Any, arguments: Any, name: str) -> None:
    kind, (row, value) = of.args[0], arguments
    place = _column(builder, kind, row, name)
    _store(builder, place, kind.dtype[name], f"{kind.table}.{name}", value)


def _fact(builder: Any, kind: TableType, state: Any, name: str) -> Any:
    """Look a fact up, which is the same as long as a kernel runs."""
    place = ir.Constant(_WORD, _NUMBERS[kind.table] * len(FACTS) + FACTS.index(name))
    fact = builder.load(builder.gep(state, [place], inbounds=True))
    fact.set_metadata("invariant.load", _metadata(builder.module, None))
    return fact


def _count(builder: Any, kind: RowsType, rows: Any) -> Any:
    if isinstance(kind, TableType):
        return _fact(builder, kind, rows, "rows")
    return builder.extract_value(rows, 1)


def _address(builder: Any, of: Any, arguments: Any) -> Any:
    """Return where a place of a table is, or the first place of a row of rows."""
    (kind, place), (rows, number) = of.args[:2], arguments[:2]
    if not isinstance(kind, TableType):
        first = builder.extract_value(rows, 0)
    else:
        first = builder.inttoptr(_fact(builder, kind, rows, "address"), _BYTE.as_pointer())
    if isinstance(place, types.BaseTuple):
        row, column = cgutils.unpack_tuple(builder, number, 2)
        number = builder.add(builder.mul(row, _fact(builder, kind, rows, "columns")), column)
    elif kind.dimensions > 1:
        number = builder.mul(number, _fact(builder, kind, rows, "columns"))
    size = ir.Constant(_WORD, kind.dtype.itemsize)
    return builder.gep(first, [builder.mul(number, size)], inbounds=True)


def _column(builder: Any, kind: RowType, row: Any, name: str) -> Any:
    fields: Any = kind.dtype.fields
    offset = fields[name][1]
    return builder.gep(row, [ir.Constant(_WORD, offset)], inbounds=True)


def _stored(kind: np.dtype[Any]) -> Any:
    """Return what a value of a column is in memory."""
    if kind.kind == "f":
        return ir.DoubleType() if kind.itemsize == 8 else ir.FloatType()  # noqa: PLR2004 (bytes)
    return ir.IntType(8 * kind.itemsize)


def _load(builder: Any, address: Any, kind: np.dtype[Any], column: str) -> Any:
    """Read a value, and widen it to what kernels see."""
    stored = _stored(kind)
    loaded = builder.load(builder.bitcast(address, stored.as_pointer()), align=1)
    loaded.set_metadata("tbaa", _metadata(builder.module, column))
    if kind.kind == "f":
        return builder.fpext(loaded, ir.DoubleType())
    return builder.zext(loaded, _WORD) if kind.kind == "b" else builder.sext(loaded, _WORD)


def _store(builder: Any, address: Any, kind: np.dtype[Any], column: str, value: Any) -> None:
    """Write a value as narrow as its column is."""
    stored = _stored(kind)
    narrow = builder.fptrunc if kind.kind == "f" else builder.trunc
    pointer = builder.bitcast(address, stored.as_pointer())
    builder.store(narrow(value, stored), pointer, align=1).set_metadata(
        "tbaa", _metadata(builder.module, column)
    )


def _metadata(module: Any, column: str | None) -> Any:
    """Return what says of which column an access is; no column: of what never changes.

    Each is made once in a module, since a module compares what it is given with all that it has.
    """
    made = vars(module).setdefault("capsim_metadata", {})
    if column not in made:
        if column is None:
            made[column] = module.add_metadata([])
        else:
            nowhere = ir.Constant(_WORD, 0)
            kind = module.add_metadata([column, module.add_metadata(["capsim"]), nowhere])
            made[column] = module.add_metadata([kind, kind, nowhere])
    return made[column]
