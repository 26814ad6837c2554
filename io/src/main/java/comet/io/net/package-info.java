/// Connections over TCP and unix sockets, and direct ones within a process. Data path; owner thread
/// is the loop of the connection. Bounds: a frame as in [comet.wire.Frame], bytes waiting to leave
/// in [Limits].
@NullMarked
package comet.io.net;

import org.jspecify.annotations.NullMarked;
