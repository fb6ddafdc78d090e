"""How kernels are compiled: typed and lowered one by one, as numba does it, into one whole."""

from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba._dynfunc import make_function
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.typing.templates import signature

from capsim.engine.compiled.jit import is_kernel, is_seldom
from capsim.engine.compiled.whole import Whole, call_kernel

# Nobody calls a kernel from Python, so it needs none of numba's wrappers. It makes no objects
# either, so there are no references to count.
_OPTIONS: Any = {
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}


def machine_code(kernel: Callable[..., Any], name: str, arguments: tuple[Any, ...]) -> bytes:
    """Compile a kernel and all that it calls.

    Args:
        kernel: to be called.
        name: under which other languages find it, with their way of calling.
        arguments: numba's types of its arguments.

    Returns:
        An object file for this machine.
    """
    with global_compiler_lock:
        whole = Whole(cpu_target.target_context.codegen(), name)
        whole.add_door(name, _Kernels(whole).compiled(kernel, arguments).fndesc)
        return whole.machine_code()


class _Kernels:
    """The kernels that belong to one whole, as numba knows them."""

    def __init__(self, whole: Whole) -> None:
        """Know none."""
        self.whole = whole
        self.calls: dict[Any, Any] = {}  # how operators were typed
        self._dispatchers: dict[Callable[..., Any], Any] = {}

    def compiled(self, kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Compile a kernel, and all that it calls."""
        dispatcher = self._dispatcher(kernel)
        dispatcher.compile(arguments)
        return dispatcher.overloads[arguments]

    def type_of(self, thing: Any) -> Any:
        """Return the type of a kernel; none: it is something else."""
        return types.Dispatcher(self._dispatcher(thing)) if is_kernel(thing) else None

    def _dispatcher(self, kernel: Callable[..., Any]) -> Any:
        if kernel not in self._dispatchers:
            parts = type("_Parts", (_PartCompiler,), {"kernels": self})
            self._dispatchers[kernel] = numba.njit(pipeline_class=parts, **_OPTIONS)(kernel)
        return self._dispatchers[kernel]


class _Known:
    """A typing context that knows kernels, and remembers how an operator was typed.

    numba tries some dozen candidates each time, and kernels compare and add the same few types.
    """

    def __init__(self, context: Any, kernels: _Kernels) -> None:
        """Stand before another context."""
        self._context, self._kernels = context, kernels

    def __getattr__(self, name: str) -> Any:
        """Be like the context behind in all else."""
        return getattr(self._context, name)

    def resolve_value_type(self, value: Any) -> Any:
        """Return the type of a global."""
        return self._kernels.type_of(value) or self._context.resolve_value_type(value)

    def resolve_getattr(self, of: Any, name: str) -> Any:
        """Return the type of an attribute; a module's may be a kernel."""
        value = getattr(of.pymod, name) if isinstance(of, types.Module) else None
        return self._kernels.type_of(value) or self._context.resolve_getattr(of, name)

    def resolve_function_type(self, function: Any, arguments: Any, keywords: Any) -> Any:
        """Return the signature of a call.

        numba would compile a kernel once more for each number that it is called with in so many
        words. The optimiser knows better where that is worth it.
        """
        if isinstance(function, types.Dispatcher):
            arguments = tuple(types.unliteral(each) for each in arguments)
            keywords = {name: types.unliteral(each) for name, each in keywords.items()}
        known, call = self._kernels.calls, (function, tuple(arguments))
        if not isinstance(function, types.Function) or keywords:
            return self._context.resolve_function_type(function, arguments, keywords)
        if call not in known:
            known[call] = self._context.resolve_function_type(function, arguments, keywords)
        return known[call]


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(typed_passes.NopythonTypeInference):
    """Find the types in a kernel."""

    _name = "capsim_type_inference"

    def run_pass(self, state: Any) -> bool:
        """Infer with what is known of other kernels."""
        context = state.typingctx
        state.typingctx = _Known(context, state.pipeline.kernels)
        try:
            return bool(super().run_pass(state))
        finally:
            state.typingctx = context


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(typed_passes.NativeLowering):
    """Turn a kernel into a part of the whole."""

    _name = "capsim_part_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower, and let other kernels call what comes of it."""
        whole, kernel = state.pipeline.kernels.whole, state.func_id
        state["library"], state.flags.no_compile = whole, True
        super().run_pass(state)
        lowered, described = state["cr"], state["cr"].fndesc
        whole.finish_kernel(described, seldom=is_seldom(kernel.func))

        def call(target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return call_kernel(described, target, builder, arguments)

        # What stands for the kernel among numba's functions; Python cannot call it.
        module = described.lookup_module()
        handle = make_function(module, kernel.func_qualname, "", 0, lowered.env, ())
        state.targetctx.insert_func_defn([(call, handle, described.argtypes)])
        described.typemap = described.calltypes = None  # they hold all of numba's own statements
        state["cr"] = compiler.compile_result(
            entry_point=handle,
            fndesc=described,
            signature=signature(state.return_type, *state.args),
            objectmode=False,
        )
        return True


class _PartCompiler(compiler.CompilerBase):
    """Compiles kernels: without numba's passes for what they do not have, as closures or arrays."""

    kernels: _Kernels

    def define_pipelines(self) -> list[PassManager]:
        """Return the passes."""
        passes = PassManager("capsim_part")
        for each in (
            untyped_passes.TranslateByteCode,
            untyped_passes.FixupArgs,
            untyped_passes.IRProcessing,
            untyped_passes.ReconstructSSA,
            _TypeInference,
            typed_passes.PreLowerStripPhis,
            _PartLowering,
        ):
            passes.add_pass(each, each._name)  # noqa: SLF001 (numba has no other name for it)
        passes.finalize()
        return [passes]
