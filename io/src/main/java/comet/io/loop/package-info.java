/// The event loop that owns cores: one thread, its clock, its timers, its buffers. Data path; the
/// owner thread is the loop itself, and only `submit` and `call` may be used from elsewhere.
@NullMarked
package comet.io.loop;

import org.jspecify.annotations.NullMarked;
