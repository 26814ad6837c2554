package comet.server.config;

import comet.base.Sizes;
import comet.server.config.Key.Kind;
import java.util.ArrayList;
import java.util.List;

/// Every key of every config file, in the order of the reference (docs/config.md), with its
/// default.
final class Keys {
    private Keys() {}

    /// One member of the metadata group, in `meta.members`.
    static final List<Key> MEMBER =
            List.of(
                    new Key("name", Kind.NAME, null, "The member's name: its node's or its own."),
                    new Key(
                            "raft",
                            Kind.ADDRESS,
                            null,
                            "Where the other members reach it (port 7492 by custom)."),
                    new Key(
                            "control",
                            Kind.ADDRESS,
                            null,
                            "Where nodes and gateways reach it: `listen` of the node that carries"
                                    + " it, or a port of its own (7491 by custom)."));

    private static final List<Key> DISK =
            List.of(
                    new Key(
                            "path",
                            Kind.PATH,
                            null,
                            "The disk's folder, on ext4 or XFS. It must exist; a new disk's is empty."),
                    new Key(
                            "journal",
                            Kind.PATH,
                            "",
                            "Folder for the disk's journal where it lies on a faster device. Default:"
                                    + " the disk's own folder."),
                    new Key(
                            "weight",
                            Kind.SIZE,
                            "",
                            "The disk's share of placement. Default: the capacity of its device."),
                    new Key(
                            "domain",
                            Kind.NAME,
                            "",
                            "The disk's failure domain, where it is not the node's."));

    private static final List<Key> COMMON =
            List.of(
                    new Key("name", Kind.NAME, null, "The process's name, unique in the cluster."),
                    new Key(
                            "data",
                            Kind.PATH,
                            ".",
                            "Folder for identity, state and sockets of the process."),
                    new Key(
                            "pid-file",
                            Kind.PATH,
                            "",
                            "File for the number of the process, while it runs. Default: none."),
                    new Key(
                            "insecure",
                            Kind.BOOLEAN,
                            "false",
                            "Allow addresses other than loopback although nothing is encrypted and"
                                    + " peers are not authenticated."));

    private static final List<Key> SOCKETS =
            List.of(
                    new Key(
                            IoConfig.SOCKETS,
                            Kind.TEXT,
                            "auto",
                            "How the process waits for its sockets: `epoll`, `io_uring`, `nio` (the"
                                    + " JDK's), or `auto`, which takes the fastest that the machine"
                                    + " allows."));

    private static final List<Key> LOOPS =
            List.of(
                    new Key(
                            IoConfig.LOOPS,
                            Kind.INTEGER,
                            "",
                            "Event loops of the process; 1 to 64. A node spreads its disks over them, a"
                                    + " gateway its volumes; each of those stays on one. Not with"
                                    + " `io.sockets = io_uring`. Default: 1 up to 4 cores, else one for"
                                    + " each core, at most 16."));

    private static final List<Key> LOOPS_OF_ALL =
            List.of(
                    new Key(
                            IoConfig.LOOPS,
                            Kind.INTEGER,
                            "",
                            "With `nodes`: event loops of each node and of the gateway. One process"
                                    + " alone has one loop. Default: see there."));

    private static final List<Key> FILES =
            List.of(
                    new Key(
                            IoConfig.FILES,
                            Kind.TEXT,
                            "auto",
                            "How disks reach their devices: `io_uring`, `threads`, or `auto`, which"
                                    + " takes the ring where the kernel gives one."));

    private static final List<Key> ADMIN =
            List.of(
                    new Key(
                            "admin.socket",
                            Kind.PATH,
                            "admin.sock",
                            "The CLI's unix socket, in the data folder unless absolute; mode 0600."),
                    new Key(
                            "admin.listen",
                            Kind.ADDRESS,
                            "",
                            "The admin API and /metrics over TCP, with the token in `admin.token` of"
                                    + " the data folder (127.0.0.1:7490 by custom). Default: none."));

    /// @param prefix `nbd.tls`, or `nbd-tls` where `nbd` is a key itself
    private static List<Key> tls(String prefix) {
        return List.of(
                new Key(
                        prefix,
                        Kind.TEXT,
                        "off",
                        "Encryption of NBD over TCP: `off`, `optional` or `required` (then a client"
                                + " learns nothing before it has started TLS). Unix sockets never"
                                + " ask for it."),
                new Key(
                        prefix + "-certificate",
                        Kind.PATH,
                        "",
                        "The server's certificate and those between it and its authority, in PEM. A"
                                + " file that is replaced is taken within a minute."),
                new Key(
                        prefix + "-key",
                        Kind.PATH,
                        "",
                        "The certificate's private key, in PEM (PKCS#8, or RSA in PKCS#1)."),
                new Key(
                        prefix + "-client-ca",
                        Kind.PATH,
                        "",
                        "Authority of the clients' certificates, in PEM: without one of it nobody"
                                + " connects by TLS. Default: any client may."));
    }

    private static final List<Key> GROUP =
            List.of(
                    new Key(
                            GroupConfig.GROUP,
                            Kind.ADDRESSES,
                            null,
                            "The `control` addresses of the metadata group's members, some at least:"
                                    + " the process learns of changes and remembers them."));

    private static final List<Key> META =
            List.of(
                    new Key(
                            "meta.members",
                            Kind.OBJECTS,
                            "",
                            "The members that make the metadata group when they start for the first"
                                    + " time, one, three or five; one of them, by `name`, is this"
                                    + " process. Default: this process is none.",
                            MEMBER),
                    new Key(
                            GroupConfig.JOIN_RAFT,
                            Kind.ADDRESS,
                            "",
                            "In place of `meta.members`: this process carries a member that joins the"
                                    + " group at `group`, once `comet cluster add-member` or"
                                    + " `replace-member` takes it in. Where the other members reach"
                                    + " it."),
                    new Key(
                            GroupConfig.JOIN_CONTROL,
                            Kind.ADDRESS,
                            "",
                            "With it: where nodes and gateways reach it, as above."),
                    new Key(
                            GroupConfig.JOIN_NAME,
                            Kind.NAME,
                            "",
                            "With it: the member's name, which no member had before. Default: `name`."),
                    new Key(
                            "meta.grace-period",
                            Kind.DURATION,
                            "24h",
                            "How long a deleted volume can be restored before its space is freed."));

    private static final List<Key> JOURNAL =
            List.of(
                    new Key(
                            JournalConfig.SIZE,
                            Kind.SIZE,
                            "1G",
                            "Size of a new disk's journal; 64M to 64G. Existing disks keep theirs."),
                    new Key(
                            JournalConfig.MEMORY,
                            Kind.SIZE,
                            "",
                            "Of each disk: data of the journal that is kept in memory until it is in"
                                    + " its place; 16M to 64G. What is beyond is read from the journal"
                                    + " again. Default: an eighth of the machine's memory for all disks"
                                    + " together, and no more than the journal."),
                    new Key(
                            JournalConfig.LARGE,
                            Kind.SIZE,
                            "64K",
                            "A write with at least so much data goes straight to its place, and only a"
                                    + " note of it to the journal; 4K to 8M, which is never."));

    private static final List<Key> SCRUB =
            List.of(
                    new Key(
                            ScrubRate.KEY,
                            Kind.SIZE,
                            "4M",
                            "Of each disk: data that is read a second to check it against its checksums"
                                    + " and the other copies, a quarter of that while guests are busy;"
                                    + " once a day at most. 4 TiB take twelve days. 0: only when"
                                    + " `comet pg repair` or `comet disk scrub` asks for it."));

    static final List<Key> NODE =
            join(
                    COMMON,
                    List.of(
                            new Key(
                                    "domain",
                                    Kind.NAME,
                                    null,
                                    "The node's failure domain (room, rack). No two copies of a chunk"
                                            + " share one."),
                            new Key(
                                    "listen",
                                    Kind.ADDRESS,
                                    "127.0.0.1:7491",
                                    "Where gateways and other nodes reach the node."),
                            new Key(
                                    "advertise",
                                    Kind.ADDRESS,
                                    "",
                                    "What they are told instead of `listen`, where that differs."),
                            new Key(
                                    "socket",
                                    Kind.PATH,
                                    "node.sock",
                                    "Unix socket for neighbours on the same host, in the data folder"
                                            + " unless absolute."),
                            new Key("disks", Kind.OBJECTS, "", "The node's disks.", DISK)),
                    JOURNAL,
                    SCRUB,
                    GROUP,
                    META,
                    LOOPS,
                    SOCKETS,
                    FILES,
                    ADMIN);

    private static final List<Key> GROUP_OF_MEMBER =
            List.of(
                    new Key(
                            GroupConfig.GROUP,
                            Kind.ADDRESSES,
                            "",
                            "With `meta.join`: the `control` addresses of the metadata group's"
                                    + " members. Default: those in `meta.members`."));

    static final List<Key> META_ALONE = join(COMMON, GROUP_OF_MEMBER, META, SOCKETS, ADMIN);

    static final List<Key> GATEWAY =
            join(
                    COMMON,
                    GROUP,
                    List.of(
                            new Key(
                                    "nbd.socket",
                                    Kind.PATH,
                                    "nbd.sock",
                                    "NBD on a unix socket, in the data folder unless absolute."),
                            new Key(
                                    "nbd.listen",
                                    Kind.ADDRESS,
                                    "",
                                    "NBD over TCP (127.0.0.1:10809 by custom). Whoever reaches it can"
                                            + " read and write all exported volumes, unless"
                                            + " `nbd.tls-client-ca` says who may. Default: none.")),
                    tls("nbd.tls"),
                    List.of(
                            new Key(
                                    "exports",
                                    Kind.TEXTS,
                                    "",
                                    "Names of the volumes that the gateway serves; `*` at the end stands"
                                            + " for any rest. Default: none but `[\"*\"]` in `comet up`."),
                            new Key(
                                    "idle-detach",
                                    Kind.DURATION,
                                    "30s",
                                    "A volume is flushed and detached this long after its last client"
                                            + " has left."),
                            new Key(
                                    "memory",
                                    Kind.SIZE,
                                    "256M",
                                    "Bound of the data of writes that are kept until they are durable"
                                            + " everywhere, at most an eighth of what the process may take outside"
                                            + " of its heap. Each loop has an equal part of it.")),
                    LOOPS,
                    SOCKETS,
                    ADMIN);

    static final List<Key> UP =
            join(
                    List.of(
                            new Key("data", Kind.PATH, "data", "The data folder. Flag: --data."),
                            new Key(
                                    "nbd",
                                    Kind.ADDRESS,
                                    "127.0.0.1:10809",
                                    "NBD over TCP; port 0 means any free one. Flag: --nbd.")),
                    tls("nbd-tls"),
                    List.of(
                            new Key(
                                    "admin",
                                    Kind.ADDRESS,
                                    "127.0.0.1:7490",
                                    "The admin API over TCP; port 0 means any free one. Flag: --admin."),
                            new Key(
                                    "size",
                                    Kind.SIZE,
                                    "10G",
                                    "Size of the first volume, `disk0`. Flag: --size."),
                            new Key(
                                    "nodes",
                                    Kind.INTEGER,
                                    "0",
                                    "0: everything in one process. N: that many storage nodes and a gateway as"
                                            + " processes of their own. Flag: --nodes."),
                            new Key(
                                    UpConfig.PLACEMENT_GROUPS,
                                    Kind.INTEGER,
                                    Integer.toString(Sizes.PLACEMENT_GROUPS),
                                    "How many a new cluster has, for ever: a power of two."),
                            new Key(
                                    "grace-period",
                                    Kind.DURATION,
                                    "24h",
                                    "How long a deleted volume can be restored before its space is freed."),
                            new Key(
                                    "insecure",
                                    Kind.BOOLEAN,
                                    "false",
                                    "Allow addresses other than loopback although nothing is encrypted.")),
                    JOURNAL,
                    SCRUB,
                    LOOPS_OF_ALL,
                    SOCKETS,
                    FILES);

    @SafeVarargs
    private static List<Key> join(List<Key>... parts) {
        List<Key> all = new ArrayList<>();
        for (List<Key> part : parts) {
            all.addAll(part);
        }
        return List.copyOf(all);
    }
}
