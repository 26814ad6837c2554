/// How processes and the metadata group talk: submissions, reads of the map, pushes, heartbeats.
///
/// Owner threads: one worker per service or client turns documents into messages and keeps the
/// session's state; connections and callbacks belong to their loops. The log's threads only hand
/// over. Bounds: [comet.server.control.Documents], [comet.server.control.ControlSession].
@NullMarked
package comet.server.control;

import org.jspecify.annotations.NullMarked;
