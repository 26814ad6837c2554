package comet.replica;

import comet.base.Check;
import comet.base.Sizes;

/// The bounds of this package, each with its reason.
public final class Limits {
    private Limits() {}

    private static final long MS = 1_000_000L;

    /// A device may owe an answer for so long before its disk says that it does not serve: longer
    /// than any sync of a device that is busy takes, short enough for guests to survive it.
    public static final long DEVICE_DEADLINE_NS = 5000 * MS;

    /// Connections that have not said HELLO yet; beyond that the oldest is closed. A peer says it
    /// within a round trip, so a few hundred are many.
    public static final int HALF_OPEN_MAX = 256;

    /// Connections in all: two per gateway and disk and one per pair of disks, with much to spare.
    public static final int CONNECTIONS_MAX = 8192;

    /// A connection that has not said HELLO by then is closed.
    public static final long HELLO_DEADLINE_NS = 5000 * MS;

    /// Between the last answer on a connection that we end and its close.
    public static final long CLOSE_GRACE_NS = 100 * MS;

    /// Bytes of frames that may wait on one connection before it is not read any more. Above the
    /// largest credit window, so that only a peer that ignores its credit ever meets it.
    public static final long BACKLOG_BYTES_PAUSE = 32L << 20;

    /// The same in frames, for frames that carry little data.
    public static final int BACKLOG_FRAMES_PAUSE = 8192;

    /// Openings remembered per connection, for their LISTs; the oldest is forgotten first, and its
    /// LIST then answers BUSY.
    public static final int OPENS_MAX = 4096;

    /// Requests under way per connection on the READ and PEER lanes, before it is not read any
    /// more. A read may hold 4 MiB, see also [#REPLY_BYTES_PAUSE].
    public static final int READS_MAX = 256;

    /// Bytes of answers that a peer has not taken yet, before its requests are not read any more.
    public static final long REPLY_BYTES_PAUSE = 16L << 20;

    /// How soon a connection that was paused for [#REPLY_BYTES_PAUSE] is looked at again.
    public static final long REPLY_CHECK_NS = MS;

    /// How often durability, credit, deadlines and recovery are looked after without a cause.
    public static final long TICK_NS = 100 * MS;

    /// What a client may have under way on one connection, at most and at least: at least, because
    /// one write of a whole chunk must fit.
    public static final long CREDIT_WINDOW_MAX = 16L << 20;

    public static final long CREDIT_WINDOW_MIN = Sizes.CHUNK_BYTES;

    /// All grants of a disk together, at most this and at most a 16th of the disk. As much again
    /// stays free beside them, so that what was sent once finds room again.
    public static final long GRANTS_MAX = 1L << 30;

    /// Placement groups of one disk that are compared at the same time.
    public static final int RECOVERIES_MAX = 32;

    /// Chunks of one placement group that are known to differ, before more are listed.
    public static final int DIFFERING_MAX = 65_536;

    /// An opening that came here and does not get to the source is given up after so many I/O
    /// deadlines, even if its client lives.
    public static final int OPENING_PATIENCE = 10;

    /// Between two reports that recovery lacks space.
    public static final long NO_SPACE_EVENT_NS = 60_000 * MS;

    /// A chunk for which there is no space here rests for so long: space comes when guests trim or
    /// somebody deletes, not in the blink of an eye.
    public static final long NO_SPACE_RETRY_NS = 1000 * MS;

    /// Chunks of one disk that are copied at the same time; each may hold [Sizes#CHUNK_BYTES].
    public static final int PULLS_MAX = 8;

    /// The same of recovery where guests are busy.
    public static final int PULLS_BESIDE_GUESTS = 2;

    /// Chunks that wait to be levelled or repaired; more are answered BUSY.
    public static final int PULLS_WAITING_MAX = 8192;

    /// Chunks with bad blocks that wait for their repair or rest after one that found no good copy.
    public static final int REPAIRS_MAX = 8192;

    /// How long a block rests after the first repair that found no good copy; twice as long each
    /// time, up to the second value: then a chunk costs its peers 16 KiB every ten minutes.
    public static final long REPAIR_PAUSE_NS = 1000 * MS;

    public static final long REPAIR_PAUSE_NS_MAX = 600_000 * MS;

    /// Chunks with blocks that are whole here and lost at a source, until it knows.
    public static final int OFFERS_MAX = 1024;

    /// Blocks asked for at once in a copy, in one READ or in several: 512 KiB.
    public static final int PULL_READ_BLOCKS = 128;

    /// Blocks of a copy that are put in one go, as the smallest ring has room for them, and what is
    /// asked of the ring for that: data, and a record for each.
    public static final int PULL_PUT_BLOCKS = 8;

    public static final int PULL_PUT_BYTES = PULL_PUT_BLOCKS * (Sizes.BLOCK_BYTES + 128);

    /// Blocks that are put in one step of recovery beside guests: some tens of microseconds.
    public static final int PULL_STEP_BLOCKS = 32;

    /// What the versions of a chunk's blocks count for, in blocks: 16 KiB and a look at 8 pages.
    public static final int PULL_TABLE_BLOCKS = 8;

    /// After room in the ring was announced and did not suffice, until it is asked for again.
    public static final long ROOM_RETRY_NS = MS;

    /// Rounds of a copy while writes of its chunk go on, and how many differing blocks are worth
    /// one: fewer are copied within two round trips while writes wait.
    public static final int PULL_AHEAD_ROUNDS = 3;

    public static final int PULL_AHEAD_BLOCKS = 4;

    /// READs of one copy under way at a time.
    public static final int PULL_READS_MAX = 4;

    /// How often, and how many times, the source is asked for a write that was answered here and
    /// has not reached it; its chunk's writes wait meanwhile.
    public static final long PULL_PROBE_NS = 2 * MS;

    public static final int PULL_PROBES_MAX = 25;

    /// Attempts at one chunk that keeps changing at its source, before it is put back to the end.
    public static final int PULL_ATTEMPTS_MAX = 8;

    /// Frames that wait for a connection to another disk.
    public static final int LINK_QUEUE_MAX = 4096;

    /// Pause after a failed connection to another disk, or a failed step of a recovery.
    public static final long RETRY_NS = 200 * MS;

    /// How soon a disk asks again that could not start because another one has to be heard first.
    public static final long WAIT_FOR_PEER_NS = 500 * MS;

    /// How long finished groups are collected into one promotion. Each is a new map for everybody,
    /// and gateways open its groups anew.
    public static final long PROMOTION_BATCH_NS = 100 * MS;

    /// PGs in one promotion.
    public static final int PROMOTION_PGS_MAX = 1024;

    /// New epochs that one disk asks for to drop notes: one command in this time.
    public static final long NEW_EPOCH_INTERVAL_NS = 1000 * MS;

    /// Between two copies of the map on one disk, at least; a large one waits longer, so that
    /// copies take no more than so many bytes a second.
    public static final long MAP_NOTE_NS = 1000 * MS;

    public static final long MAP_NOTE_BYTES_PER_SECOND = 1 << 20;

    /// A longer map is not kept: 65,536 volumes with the longest names take 12 MiB.
    public static final int MAP_NOTE_BYTES_MAX = 16 << 20;

    /// Purged volumes that a node remembers; the group tells as many. Of the others a younger one
    /// exists.
    public static final int PURGED_MAX = 10_000;

    /// Chunks of a purged volume that are dropped in one step.
    public static final int PURGE_STEP = 64;

    /// Between two such steps: guests come first.
    public static final long PURGE_STEP_NS = MS;

    /// Blocks that a scrub reads in one go: 256 KiB, a few milliseconds of the slowest device,
    /// since a guest's read may come behind it.
    public static final int SCRUB_READ_BLOCKS = 64;

    /// What a step of a scrub counts at least, so that a disk full of holes is not gone through in
    /// a busy loop.
    public static final int SCRUB_STEP_BYTES_MIN = 16 << 10;

    /// Chunks listed in one go; chunks of one placement group that are found missing here in one
    /// scrub (the rest by the next).
    public static final int SCRUB_PAGE = 256;

    public static final int SCRUB_MISSING_MAX = 4096;

    /// From so many requests a second on, or while a recovery copies, guests are busy and a scrub
    /// takes so many times as long. Never longer: also a disk that is busy day and night is read.
    public static final long SCRUB_BUSY_PER_SECOND = 200;

    public static final int SCRUB_BUSY_FACTOR = 4;

    /// How long a scrub waits for the repair of the blocks that it found bad in one chunk: longer
    /// than it takes until a peer that does not answer is given up. What is repaired later counts
    /// as bad.
    public static final long SCRUB_REPAIR_POLL_NS = 50 * MS;

    public static final int SCRUB_REPAIR_POLLS = 300;

    /// How often the disk that leaves is tried as the source of the one that joins, before others.
    public static final int LEAVING_SOURCE_TRIES = 10;

    /// Chunks of groups that were moved away: dropped in one step, and the time between two steps,
    /// so that what is freed is no more than a fast disk could copy.
    public static final int LEFTOVER_STEP = 16;

    public static final long LEFTOVER_STEP_NS = 10 * MS;

    /// Between the news that a group was moved away and the first drop: more such news follow.
    public static final long LEFTOVER_PAUSE_NS = 200 * MS;

    static {
        Check.that(CREDIT_WINDOW_MAX <= BACKLOG_BYTES_PAUSE, "a window fits into the backlog");
        Check.that(CREDIT_WINDOW_MIN <= CREDIT_WINDOW_MAX, "windows");
        Check.that(PULL_READ_BLOCKS <= Sizes.CHUNK_BLOCKS, "pull reads");
    }
}
