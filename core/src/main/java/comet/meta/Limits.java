package comet.meta;

/// Bounds of the agreed state. What would go beyond is refused with code `limit`.
public final class Limits {
    private Limits() {}

    public static final int NODES_MAX = 1024;
    public static final int DISKS_MAX = 4096;
    public static final int GATEWAYS_MAX = 4096;
    public static final int VOLUMES_MAX = 65_536;

    /// A split of 8,192 groups by 128, far beyond what 4,096 disks need.
    public static final int PGS_MAX = 1 << 20;

    /// Placement groups that move at a time, to or from one disk and in all. A small one takes
    /// about half a second, most of it waiting for the next look; large ones share what a disk
    /// copies at a time. So few that each change of the map is small.
    public static final int MOVES_PER_DISK = 48;

    public static final int MOVES_MAX = 512;

    public static final int NAME_CHARACTERS_MAX = 128;
    public static final int ADDRESSES_MAX = 16;
    public static final int ADDRESS_CHARACTERS_MAX = 256;

    /// Answers remembered, so that a command that is sent again is not decided again. A client
    /// sends again within seconds; this many changes take minutes.
    public static final int ANSWERED_MAX = 4096;

    /// Events remembered for people, some 300 bytes each.
    public static final int EVENTS_MAX = 10_000;

    /// Ids of purged volumes remembered for those who are behind; who is further behind gets
    /// everything.
    public static final int PURGED_MAX = 10_000;

    /// A term has 24 bits in a version, and the replicas keep the last one for themselves.
    public static final long TERM_MAX = comet.base.Versions.TERM_MAX - 1;
}
