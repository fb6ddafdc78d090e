"""What a state and its tables are to the compiler: addresses, and what stands there.

numba's arrays count references and allow for negative indices, in many instructions, and it has to
assume that two of them overlap. Tables do none of this, so they are types of their own. Kernels
see whole numbers as int64 and others as float64, however narrow a column is.
"""

import operator
from typing import Any

import numpy as np
from numba import types
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_global,
    signature,
)
from numba.extending import infer_getattr, models, register_model

from capsim.engine.compiled.state import TABLES


class StateType(types.Type):
    """The type of a state."""

    def __init__(self) -> None:
        """Have a short name, because it becomes a part of every symbol."""
        super().__init__(name="capsim")


class RowsType(types.Type):
    """The type of a row of a table that has rows of rows."""

    dimensions = 1

    def __init__(self, table: str) -> None:
        """Be the type of the rows of a table."""
        self.table, self.dtype = table, TABLES[table][0]
        super().__init__(name=f"{type(self).__name__[:-4]}.{table}")

    @property
    def element(self) -> types.Type:
        """What stands at a place."""
        return value_type(self.dtype) if self.dtype.names is None else RowType(self.table)


class TableType(RowsType):
    """The type of a table; it is looked up in the state when something is done with it."""

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        """How many numbers a place has."""
        return TABLES[self.table][1]


class RowType(types.Type):
    """The type of a record, whose columns are attributes."""

    def __init__(self, table: str) -> None:
        """Be the type of the records of a table."""
        self.table, self.dtype = table, TABLES[table][0]
        super().__init__(name=f"Row.{table}")


def value_type(kind: np.dtype[Any]) -> types.Type:
    """Return what kernels see of a column."""
    return types.float64 if kind.kind == "f" else types.int64


@register_model(StateType)
@register_model(TableType)
class _StateModel(models.PrimitiveModel):
    """Where the facts about all tables stand."""

    def __init__(self, manager: Any, of: types.Type) -> None:
        super().__init__(manager, of, manager.lookup(types.CPointer(types.int64)).get_data_type())


@register_model(RowType)
class _RowModel(models.PrimitiveModel):
    """Where the record stands."""

    def __init__(self, manager: Any, of: RowType) -> None:
        super().__init__(manager, of, manager.lookup(types.voidptr).get_data_type())


@register_model(RowsType)
class _RowsModel(models.StructModel):
    """Where the first one stands, and how many fit in there."""

    def __init__(self, manager: Any, of: RowsType) -> None:
        super().__init__(manager, of, [("address", types.voidptr), ("count", types.int64)])


@infer_getattr
class _StateAttributes(AttributeTemplate):
    """A state's attributes are its tables."""

    key = StateType

    def generic_resolve(self, _of: Any, name: str) -> Any:  # type: ignore[override]
        """Return the type of a table."""
        return TableType(name) if name in TABLES else None


@infer_getattr
class _TableAttributes(AttributeTemplate):
    """A table has a shape."""

    key = TableType

    def resolve_shape(self, of: TableType) -> Any:
        """Return the type of a shape."""
        return types.UniTuple(types.int64, of.dimensions)


@infer_getattr
class _RowAttributes(AttributeTemplate):
    """A record's attributes are its columns."""

    key = RowType

    def generic_resolve(self, of: Any, name: str) -> Any:  # type: ignore[override]
        """Return the type of a column."""
        return value_type(of.dtype[name]) if name in (of.dtype.names or ()) else None


@infer_global(operator.getitem)
class _Look(AbstractTemplate):
    """A place of a table; of one with rows of rows, a row or a place of a row."""

    def generic(self, arguments: Any, _keywords: Any) -> Any:
        """Return the signature of a look-up."""
        table, place = arguments
        if not isinstance(table, RowsType):
            return None
        if isinstance(place, types.BaseTuple):
            return signature(table.element, table, types.UniTuple(types.int64, 2))
        found = table.element if table.dimensions == 1 else RowsType(table.table)
        return signature(found, table, types.int64)


@infer_global(operator.setitem)
class _Write(AbstractTemplate):
    """Write to a place of a table, a copy of another record for instance."""

    def generic(self, arguments: Any, _keywords: Any) -> Any:
        """Return the signature of an assignment."""
        table = arguments[0]
        if not isinstance(table, RowsType):
            return None
        place = types.int64 if table.dimensions == 1 else types.UniTuple(types.int64, 2)
        return signature(types.none, table, place, table.element)


@infer_global(len)
class _Length(AbstractTemplate):
    """How many rows fit in a table."""

    def generic(self, arguments: Any, _keywords: Any) -> Any:
        """Return the signature of a length."""
        (table,) = arguments
        return signature(types.intp, table) if isinstance(table, RowsType) else None
