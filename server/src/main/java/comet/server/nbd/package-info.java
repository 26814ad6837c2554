/// The NBD front end: Network Block Device, fixed newstyle, as in the protocol's own document
/// (NetworkBlockDevice/nbd, doc/proto.md).
///
/// Data path. Everything runs on one event loop, the gateway's: no locks, pooled requests, data by
/// reference. [comet.server.nbd.NbdSession] is the protocol without I/O; the handler connects it to
/// a socket. Bounds: [comet.server.nbd.NbdLimits].
@NullMarked
package comet.server.nbd;

import org.jspecify.annotations.NullMarked;
