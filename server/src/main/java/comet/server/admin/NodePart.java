package comet.server.admin;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The storage nodes that this process can speak to directly: its own, or those that it has
/// started.
public interface NodePart {
    /// A disk as its own node sees it.
    ///
    /// @param state `serving`, `waiting`, `refused` (by the metadata group), `failed`, `removed`
    /// @param detail what it waits for or how it failed; of one that serves, what it keeps although
    ///   nobody asks for it; empty otherwise
    /// @param journalUsed share of the journal in use, 0 to 1
    record DiskState(
            int diskId,
            String node,
            String path,
            String state,
            String detail,
            long usedBytes,
            long capacityBytes,
            double journalUsed) {}

    List<DiskState> disks();

    /// Gives a node a new disk.
    ///
    /// @param weightBytes 0: the capacity of its device
    /// @param domain null: the node's
    /// @param idle it gets nothing until it replaces another one, or is told to
    /// @return the disk's id
    int addDisk(String node, Path folder, long weightBytes, @Nullable String domain, boolean idle);
}
