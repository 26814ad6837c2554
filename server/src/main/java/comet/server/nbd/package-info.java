/// The NBD front end: Network Block Device, fixed newstyle, as in the protocol's own document
/// (NetworkBlockDevice/nbd, doc/proto.md).
///
/// Data path. Each connection is on one event loop, that of the export which it has chosen: no
/// locks, pooled requests, data by reference; what connections share is shared by those of one loop
/// ([comet.server.nbd.NbdLoop]). [comet.server.nbd.NbdSession] is the protocol without I/O; the
/// handler connects it to a socket. Bounds: [comet.server.nbd.NbdLimits].
@NullMarked
package comet.server.nbd;

import org.jspecify.annotations.NullMarked;
