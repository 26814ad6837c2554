/// The metadata group on Ratis.
@NullMarked
package comet.server.raft;

import org.jspecify.annotations.NullMarked;
