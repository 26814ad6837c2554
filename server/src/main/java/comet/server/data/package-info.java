/// The data path of a process, put together: loop, sockets, files and index beneath the cores of a
/// node and of a gateway. Control path: blocking code on the caller's thread, which reaches the
/// cores only through their loop.
@NullMarked
package comet.server.data;

import org.jspecify.annotations.NullMarked;
