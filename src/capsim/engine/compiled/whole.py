"""How kernels are compiled: as parts of one whole, which is optimised once.

numba makes a function ready for use by itself: it optimises it together with copies of all that it
calls, and makes machine code of that. A kernel that is called by kernels that are called by others
goes through this as often as there are kernels above it, and nobody ever calls it by itself. So a
kernel stops short of it here, and whoever asks for machine code gets that of the whole. That takes
a third of the time, and the code is no slower.
"""

from collections.abc import Callable, Iterator
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba._dynfunc import make_function
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass

from capsim.engine.compiled.jit import is_kernel, is_seldom

_OPTIMISATION = 1  # of LLVM's three levels: others take longer, and the code is hardly faster

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
        return _machine_code(_Kernels().compiled(kernel, arguments), name, arguments)


def _machine_code(compiled: Any, name: str, arguments: tuple[Any, ...]) -> bytes:
    target, described = compiled.target_context, compiled.fndesc
    whole = _Whole(target.codegen(), name)
    module = whole.create_ir_module(name)
    given = [target.get_value_type(kind) for kind in arguments]
    result = target.get_value_type(described.restype)
    door = ir.Function(module, ir.FunctionType(result, given), name)
    builder = ir.IRBuilder(door.append_basic_block())
    _status, found = target.call_conv.call_function(
        builder,
        target.declare_function(module, described),
        described.restype,
        described.argtypes,
        door.args,
    )
    builder.ret(found)  # a kernel raises nothing, so its status tells nothing
    whole.add_ir_module(module)
    whole.add_linking_library(compiled.library)
    whole.enable_object_caching()
    whole.finalize()
    return bytes(whole._get_compiled_object())  # noqa: SLF001 (numba keeps it for its own cache)


class _Kernels:
    """The kernels that belong to one whole, as numba knows them."""

    def __init__(self) -> None:
        """Know none."""
        self.calls: dict[Any, Any] = {}  # how operators were typed
        self._dispatchers: dict[Callable[..., Any], Any] = {}

    def compiled(self, kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Compile a kernel as a part, and all that it calls."""
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


class _Part(JITCodeLibrary):
    """What a kernel does, for others to take in."""

    def add_llvm_module(self, module: Any) -> None:
        """Take code in as it is."""
        self._final_module.link_in(module)

    def keep_small(self, name: str) -> None:
        """Have a function of this part be called, not copied, and compiled for its size."""
        for attribute in ("cold", "noinline", "minsize", "optsize"):
            self._final_module.get_function(name).add_function_attribute(attribute)

    def finalize(self) -> None:
        """Be complete: there is nothing to be done for a part alone."""
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return this part with all that it calls, which nobody else will look for."""
        if self._shared_module is None:
            whole = self._final_module.clone()
            own = set(_defined(whole))
            for module in self._below({}).values():
                whole.link_in(module, preserve=True)
            for name in _defined(whole):
                linkage = "linkonce_odr" if name in own else "internal"
                whole.get_function(name).linkage = linkage
            self._shared_module = whole
        return self._shared_module

    def _below(self, found: dict[JITCodeLibrary, Any]) -> dict[JITCodeLibrary, Any]:
        """Return the code of all that this part calls, each once."""
        for library in self._linking_libraries:
            if library is self or library in found:
                continue
            if isinstance(library, _Part):
                found[library] = library._final_module  # noqa: SLF001 (its like)
                library._below(found)  # noqa: SLF001
            else:  # one of numba's own functions
                found[library] = library._get_module_for_linking()  # noqa: SLF001
        return found


class _Whole(JITCodeLibrary):
    """A kernel with all its parts."""

    def add_llvm_module(self, module: Any) -> None:
        """Take code in as it is."""
        self._final_module.link_in(module)

    def _optimize_final_module(self) -> None:
        """Optimise once; there are no loops over arrays to be unrolled."""
        passes, options = self._codegen._module_pass_manager(  # noqa: SLF001 (the base class does)
            opt=_OPTIMISATION, loop_vectorize=False, slp_vectorize=False
        )
        passes.run(self._final_module, options)


def _defined(module: Any) -> Iterator[str]:
    """Return the names of the functions that a module has, and not only mentions."""
    for function in module.functions:
        if not function.is_declaration and function.linkage == llvm.Linkage.external:
            yield function.name


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
        """Return the signature of a call."""
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
    """Turn a kernel into a part."""

    _name = "capsim_part_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower, and let other kernels call what comes of it."""
        target, name = state.targetctx, state.func_id.func_qualname
        state.library = _Part(target.codegen(), name)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered, kept = state["cr"], (state.library,)
        if is_seldom(state.func_id.func):
            state.library.keep_small(lowered.fndesc.llvm_func_name)
        # What stands for the kernel among numba's functions; Python cannot call it.
        module = lowered.fndesc.lookup_module()
        handle = make_function(module, name, "", 0, lowered.env, kept)
        target.insert_user_function(handle, lowered.fndesc, kept)
        state["cr"] = lowered._replace(cfunc=handle)
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
            typed_passes.AnnotateTypes,
            _PartLowering,
            typed_passes.NoPythonBackend,
        ):
            passes.add_pass(each, each._name)  # noqa: SLF001 (numba has no other name for it)
        passes.finalize()
        return [passes]
