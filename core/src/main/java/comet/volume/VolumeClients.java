package comet.volume;

import comet.base.Check;
import comet.port.Loop;
import org.jspecify.annotations.Nullable;

/// Who uses a volume at this gateway: without clients, and unless the operator pins it, it is given
/// back after a while.
final class VolumeClients {
    private final Volume volume;
    private int count;

    /// Those of them that ask for nothing more.
    private int leavingCount;

    /// One that has not said goodbye may come again, as QEMU does.
    private boolean returns;

    private boolean pinned;
    private Loop.@Nullable Timer detaching;

    VolumeClients(Volume volume) {
        this.volume = volume;
    }

    int count() {
        return count;
    }

    boolean pinned() {
        return pinned;
    }

    void join() {
        count++;
        returns = false;
        if (detaching != null) {
            detaching.cancel();
            detaching = null;
        }
    }

    /// A client asks for nothing more.
    void leaving(boolean goodbye) {
        leavingCount++;
        returns |= !goodbye;
        if (allLeave()) {
            volume.pump();
        }
    }

    /// Whether nobody is there who would ask for more.
    boolean allLeave() {
        return leavingCount == count;
    }

    /// Whether it is held for nobody: all have said goodbye, and the operator has not pinned it.
    boolean nobody() {
        return allLeave() && !pinned && !returns;
    }

    /// One that was [#leaving] is gone.
    void leave() {
        Check.that(leavingCount > 0, "a client left twice");
        count--;
        leavingCount--;
        leftAlone();
    }

    void pin(boolean newPinned) {
        pinned = newPinned;
        leftAlone();
    }

    /// Detaches after a while without clients.
    void leftAlone() {
        if (count > 0 || pinned || detaching != null) {
            return;
        }
        long afterNs = volume.gateway().config().detachAfterNs();
        detaching =
                volume.gateway()
                        .loop()
                        .schedule(
                                afterNs,
                                () -> {
                                    detaching = null;
                                    if (count == 0 && !pinned) {
                                        volume.attachment().drain();
                                    }
                                });
    }
}
