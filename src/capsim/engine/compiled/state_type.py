"""What a state is to the compiler: a pointer to its tables, so that a kernel takes one argument.

numba has no such type of its own that does without counting references at every table that is
looked up, which would be most of the work. The tables do not change while a kernel runs.
"""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils, imputils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model

from capsim.engine.compiled.jit import IS_INTERPRETED
from capsim.engine.compiled.state import TABLES


class StateType(types.Type):
    """The type of a state; `tables` is that of the tuple of its tables."""

    def __init__(self, tables: Any) -> None:
        """Have a short name, because it becomes a part of every symbol."""
        self.tables = tables
        super().__init__(name="capsim.State")


@register_model(StateType)
class _StateModel(models.PrimitiveModel):
    """A pointer to a structure of arrays."""

    def __init__(self, manager: Any, of: StateType) -> None:
        super().__init__(manager, of, manager.lookup(of.tables).get_data_type().as_pointer())


@infer_getattr
class _StateAttributes(AttributeTemplate):
    """A state's attributes are its tables."""

    key = StateType

    def generic_resolve(self, of: Any, name: str) -> Any:  # type: ignore[override]
        """Return the type of a table."""
        return of.tables[TABLES.index(name)] if name in TABLES else None


@lower_getattr_generic(StateType)  # type: ignore[untyped-decorator]
def _table(context: Any, builder: Any, of: StateType, state: Any, name: str) -> Any:
    """Load a table, which is the same whenever it is loaded."""
    number = TABLES.index(name)
    loaded = builder.load(cgutils.gep_inbounds(builder, state, 0, number))
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    kind = of.tables[number]
    table = context.data_model_manager[kind].from_data(builder, loaded)
    return imputils.impl_ret_borrowed(context, builder, kind, table)


@intrinsic
def _pointer_to(context: Any, tables: Any) -> tuple[Any, Callable[..., Any]]:  # noqa: ARG001
    """Return the state of a tuple of tables, which lasts as long as the caller runs."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        model = context.data_model_manager[tables]
        place = cgutils.alloca_once(builder, model.get_data_type())
        builder.store(model.as_data(builder, arguments[0]), place)
        return place

    return StateType(tables)(tables), generate


class Interpreted:
    """A state for the interpreter, when numba is told to compile nothing."""

    def __init__(self, tables: tuple[Any, ...]) -> None:
        """Have the tables as attributes."""
        self.__dict__.update(zip(TABLES, tables, strict=True))


state_of: Any = Interpreted if IS_INTERPRETED else _pointer_to
