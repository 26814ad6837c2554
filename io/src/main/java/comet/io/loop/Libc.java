package comet.io.loop;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// How functions of the C library are called: every handle takes the memory of [#state] before the
/// function's own arguments, and leaves its error number there. To be kept in constants.
@SuppressWarnings("restricted") // native access
public final class Libc {
    private Libc() {}

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBRARY = LINKER.defaultLookup();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /// Memory for the error numbers of one thread's calls.
    public static MemorySegment state(Arena arena) {
        return arena.allocate(STATE);
    }

    /// What the last call that failed has left; positive.
    public static int errno(MemorySegment state) {
        return (int) ERRNO.get(state, 0L);
    }

    public static MethodHandle function(
            String name, MemoryLayout answer, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LIBRARY.findOrThrow(name), FunctionDescriptor.of(answer, arguments), CAPTURE);
    }

    /// @param fixed arguments before the variable ones
    public static MethodHandle variadic(
            String name, int fixed, MemoryLayout answer, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LIBRARY.findOrThrow(name),
                FunctionDescriptor.of(answer, arguments),
                CAPTURE,
                Linker.Option.firstVariadicArg(fixed));
    }

    /// For what a handle declares to throw and never does.
    public static AssertionError impossible(Throwable t) {
        return new AssertionError("a call of the C library threw", t);
    }
}
