package comet.replica;

/// What an operator sees of a disk's replicas.
public record DiskStatus(int diskId, boolean serving, String why) {
    static DiskStatus of(DiskServer disk, Recoveries recoveries, Pulls pulls) {
        return new DiskStatus(disk.identity().diskId(), disk.serving(), disk.unavailableWhy());
    }
}
