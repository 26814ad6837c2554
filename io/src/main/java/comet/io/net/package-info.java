/// Connections over TCP and unix sockets, and direct ones within a process.
@NullMarked
package comet.io.net;

import org.jspecify.annotations.NullMarked;
