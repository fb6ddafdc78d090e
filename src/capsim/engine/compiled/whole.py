"""How kernels are compiled: as parts of one whole, which is optimised once.

numba makes a function ready for use by itself: it optimises it together with copies of all that it
calls, and makes machine code of that. A kernel that is called by kernels that are called by others
goes through this as often as there are kernels above it, and nobody ever calls it by itself. So a
kernel stops short of it here, and the function that Python calls gathers the parts. That takes a
third of the time, and the code is no slower.
"""

from collections.abc import Iterator
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba._dynfunc import make_function
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager, register_pass

_OPTIMISATION = 2  # of LLVM's three levels: the third takes longer, and the code is no faster


class _Part(JITCodeLibrary):
    """What a kernel does, for others to take in."""

    def add_llvm_module(self, module: Any) -> None:
        """Take code in as it is."""
        self._final_module.link_in(module)

    def finalize(self) -> None:
        """Be complete: there is nothing to be done for a part alone."""
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return this part and all that it calls, of which nothing else has to be kept."""
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
    """The function that Python calls, with all parts."""

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
    """A typing context that remembers how an operator was typed.

    numba tries some dozen candidates each time, and kernels compare and add the same few types.
    """

    def __init__(self, context: Any, known: dict[Any, Any]) -> None:
        """Stand before another context."""
        self._context, self._known = context, known

    def __getattr__(self, name: str) -> Any:
        """Be like the context behind in all else."""
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, arguments: Any, keywords: Any) -> Any:
        """Return the signature of a call."""
        if not isinstance(function, types.Function) or keywords:
            return self._context.resolve_function_type(function, arguments, keywords)
        call = (function, tuple(arguments))
        if call not in self._known:
            self._known[call] = self._context.resolve_function_type(function, arguments, keywords)
        return self._known[call]


_KNOWN: dict[Any, Any] = {}


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(typed_passes.NopythonTypeInference):
    """Find the types in a kernel."""

    _name = "capsim_type_inference"

    def run_pass(self, state: Any) -> bool:
        """Infer with what is known from other kernels."""
        context = state.typingctx
        state.typingctx = _Known(context, _KNOWN)
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
        # What stands for the kernel among numba's functions; it has no address, so it is no use
        # to Python.
        handle = make_function(lowered.fndesc.lookup_module(), name, "", 0, lowered.env, kept)
        target.insert_user_function(handle, lowered.fndesc, kept)
        state["cr"] = lowered._replace(cfunc=handle)
        return True


class PartCompiler(compiler.CompilerBase):
    """Compiles kernels: without numba's passes for what they do not have, as closures or arrays."""

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


class WholeCompiler(compiler.CompilerBase):
    """Compiles the function that Python calls."""

    def define_pipelines(self) -> list[PassManager]:
        """Return numba's own passes, with another library at their end."""
        state = self.state
        state.library = _Whole(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()  # so that it can be kept on disk
        return [compiler.DefaultPassBuilder.define_nopython_pipeline(state)]
