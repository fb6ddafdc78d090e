"""All kernels as one whole, which is optimised once, and machine code is made of.

numba makes a function ready for use by itself: it optimises it together with copies of all that it
calls, and makes machine code of that. A kernel that is called by kernels that are called by others
goes through this as often as there are kernels above it, and nobody ever calls it by itself. So
all kernels are put in one module here, each once, and machine code is made of that. That takes a
quarter of the time, and the code is no slower.
"""

from typing import Any

from llvmlite import ir
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import cpu_target

_OPTIMISATION = 1  # of LLVM's three levels: others take longer, and the code is hardly faster
# What is called seldom is to be small, and not to be copied to where it is called.
_SELDOM = ("cold", "noinline", "minsize", "optsize")


class Whole(JITCodeLibrary):
    """All kernels in one module, which is complete when the last one has been lowered."""

    def __init__(self, codegen: Any, name: str) -> None:
        """Have no kernels."""
        super().__init__(codegen, name)
        self._module = super().create_ir_module(name)

    def create_ir_module(self, _name: str) -> Any:
        """Return where the next kernel goes."""
        return self._module

    def add_ir_module(self, module: Any) -> None:
        """Wait for the others."""

    def add_llvm_module(self, module: Any) -> None:
        """Take code in as it is."""
        self._final_module.link_in(module)

    def add_door(self, name: str, kernel: Any) -> None:
        """Let other languages call a kernel.

        Args:
            name: under which they find it.
            kernel: numba's description of it.
        """
        target = cpu_target.target_context
        values = [target.get_value_type(kind) for kind in kernel.argtypes]
        result = target.get_value_type(kernel.restype)
        door = ir.Function(self._module, ir.FunctionType(result, values), name)
        builder = ir.IRBuilder(door.append_basic_block())
        builder.ret(call_kernel(kernel, target, builder, door.args))

    def finish_kernel(self, kernel: Any, *, seldom: bool) -> None:
        """Say of the code of a kernel who calls it.

        Args:
            kernel: numba's description of it.
            seldom: whether that is done seldom.
        """
        code = self._module.get_global(kernel.llvm_func_name)
        code.linkage = "internal"
        for attribute in _SELDOM if seldom else ():
            code.attributes.add(attribute)

    def machine_code(self) -> bytes:
        """Return an object file of all kernels, which is made once."""
        self.enable_object_caching()
        self.finalize()
        return bytes(self._get_compiled_object())

    def finalize(self) -> None:
        """Take all kernels in, optimise them, and make machine code of them."""
        super().add_ir_module(self._module)
        super().finalize()

    def _optimize_final_module(self) -> None:
        """Optimise once; there are no loops over arrays to be unrolled."""
        passes, options = self._codegen._module_pass_manager(  # noqa: SLF001 (the base class does)
            opt=_OPTIMISATION, loop_vectorize=False, slp_vectorize=False
        )
        passes.run(self._final_module, options)


def call_kernel(kernel: Any, target: Any, builder: Any, arguments: Any) -> Any:
    """Call a kernel; its status is not looked at, for it raises nothing (a test makes sure)."""
    code = target.declare_function(builder.module, kernel)
    _status, found = target.call_conv.call_function(
        builder, code, kernel.restype, kernel.argtypes, arguments
    )
    return found
