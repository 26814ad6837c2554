package comet.sim;

import comet.base.Check;
import comet.base.Sizes;
import comet.cluster.Command;
import comet.cluster.DiskFacts;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.index.FlatIndex;
import comet.port.Events.Level;
import comet.port.Media;
import comet.replica.BootIdSink;
import comet.replica.DiskLook;
import comet.replica.DiskServer;
import comet.replica.MapNotes;
import comet.replica.NodeServer;
import comet.sim.check.ReplicaImage;
import comet.store.ChunkStore;
import comet.store.Disk;
import comet.store.DiskIdentity;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One disk of a node.
final class SimDisk {
    private final Cluster cluster;
    private final SimMedia media;
    private final long uuid;
    private int diskId;
    private @Nullable Disk disk;
    private @Nullable DiskServer served;
    private @Nullable String error;

    SimDisk(Cluster cluster, String name) {
        this.cluster = cluster;
        media = new SimMedia(cluster.simulation(), name);
        media.behaviour.capacityBytes = cluster.options().diskBytes();
        media.behaviour.liesAboutSync = cluster.canary() == Canary.LIE_ABOUT_SYNC;
        media.behaviour.liesAboutData = cluster.canary() == Canary.RECORD_BEFORE_DATA;
        uuid = Integer.toUnsignedLong(name.hashCode());
    }

    SimMedia media() {
        return media;
    }

    int diskId() {
        return diskId;
    }

    @Nullable Disk disk() {
        return disk;
    }

    @Nullable DiskServer served() {
        return served;
    }

    void start(SimProcess life, SimMetaClient client, NodeServer node, int nodeId, String domain) {
        client.submit(
                new Command.AddDisk(nodeId, 7, uuid, domain, 1 << 20),
                reply -> {
                    if (reply instanceof Reply.Refused refused
                            && refused.code().equals("removed-disk")) {
                        return;
                    }
                    Check.that(reply instanceof Reply.Id, "disk refused: " + reply);
                    diskId = (int) ((Reply.Id) reply).id();
                    Media folder = media.mount(life);
                    DiskIdentity identity = Disk.identity(folder).identity();
                    // One that a group made anew does not know any more is given to it as new.
                    if (identity != null && identity.diskId() == diskId) {
                        open(life, folder, node);
                        return;
                    }
                    // A process that died while it made the disk has left a part of it.
                    media.wipe();
                    Disk.format(
                            folder,
                            new DiskIdentity(1, 2, 7, uuid, diskId, cluster.options().pgCount()),
                            cluster.options().store(),
                            life.bufs(),
                            problem -> {
                                Check.that(problem == null, "format: " + problem);
                                open(life, folder, node);
                            });
                });
    }

    private void open(SimProcess life, Media folder, NodeServer node) {
        FlatIndex.open(
                folder,
                life.loop(),
                life.bufs(),
                (index, problem) -> {
                    if (index == null) {
                        refused(life, problem);
                    } else {
                        open(life, folder, index, node);
                    }
                });
    }

    private void refused(SimProcess life, @Nullable String problem) {
        error = problem;
        cluster.event(life.name(), Level.ERROR, "disk-does-not-open", "" + problem);
    }

    private void open(SimProcess life, Media folder, FlatIndex index, NodeServer node) {
        Disk.open(
                folder,
                index,
                life.loop(),
                life.bufs(),
                cluster.options().store(),
                null,
                life.events(cluster::event),
                (opened, problem) -> {
                    error = problem;
                    if (opened == null) {
                        index.close();
                        refused(life, problem);
                        return;
                    }
                    disk = opened;
                    served =
                            node.addDisk(
                                    SimNode.identity(diskId, uuid),
                                    new SimStore(
                                            cluster.canary() == Canary.BLIND_SCRUB
                                                    ? Blind.of(opened)
                                                    : opened,
                                            cluster,
                                            diskId),
                                    opened.startCount(),
                                    opened.bootId(),
                                    opened.clean(),
                                    opened.damaged(),
                                    new Folder(opened));
                });
    }

    /// What the disk itself says while nobody serves it; null where it was never made.
    void look(Consumer<@Nullable DiskFacts> done) {
        SimProcess life = cluster.process("look");
        Media folder = media.mount(life);
        if (Disk.identity(folder).identity() == null) {
            life.life().end();
            done.accept(null);
            return;
        }
        FlatIndex.open(
                folder,
                life.loop(),
                life.bufs(),
                (index, problem) -> {
                    Check.that(index != null, "no index: " + problem);
                    Disk.open(
                            folder,
                            index,
                            life.loop(),
                            life.bufs(),
                            cluster.options().store(),
                            null,
                            life.events(cluster::event),
                            (opened, why) -> {
                                Check.that(opened != null, "does not open: " + why);
                                DiskFacts facts = DiskLook.of(opened, media.toString());
                                opened.close(
                                        (token, result) -> {
                                            life.life().end();
                                            done.accept(facts);
                                        },
                                        0);
                            });
                });
    }

    /// Tells the disk's folder what its replicas have learned.
    private record Folder(Disk disk) implements BootIdSink {
        @Override
        public void bootId(long id) {
            try {
                disk.setBootId(id);
            } catch (Media.MediaException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void recovered() {
            try {
                disk.damageHandled();
            } catch (Media.MediaException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    void close(Runnable closed) {
        Disk open = disk;
        if (open == null) {
            closed.run();
        } else {
            open.close((token, result) -> closed.run(), 0);
        }
    }

    void died(Cluster.Death death) {
        served = null;
        disk = null;
        heal();
        cluster.rotten().diskDied(diskId);
        if (death == Cluster.Death.POWER) {
            media.powerLost();
        } else {
            media.killed();
        }
    }

    void heal() {
        media.behaviour.hangsUntilNs = 0;
        media.behaviour.failReads = false;
        media.behaviour.failWrites = false;
        media.behaviour.failSyncs = false;
    }

    /// The device fails in some way until the process is started anew.
    void fail() {
        switch (media.prng().nextInt(3)) {
            case 0 -> media.behaviour.failReads = true;
            case 1 -> media.behaviour.failWrites = true;
            default -> media.behaviour.failSyncs = true;
        }
    }

    String state() {
        String problem = error;
        return problem == null ? "" : problem;
    }

    /// @param knownRevision of the map that the node knows
    void image(SimProcess life, long knownRevision, Consumer<ReplicaImage> done) {
        ReplicaImage image = new ReplicaImage(diskId);
        DiskServer server = served;
        if (server == null) {
            return;
        }
        ChunkStore store = server.store();
        List<ReplicaImage.ChunkId> ids = new ArrayList<>();
        for (int pg = 0; pg < cluster.options().pgCount(); pg++) {
            if (server.keepsOldCopy(pg)) {
                // Of a metadata group that was lost, with the end of a move that only others know.
                continue;
            }
            store.chunksOfPg(
                    pg,
                    -1,
                    -1,
                    chunk -> {
                        ReplicaImage.ChunkId id =
                                new ReplicaImage.ChunkId(chunk.volumeId(), chunk.chunkIndex());
                        ids.add(id);
                        image.chunks.put(id, new ReplicaImage.Chunk(chunk.pg(), chunk.version()));
                        return true;
                    });
        }
        MapUpdate map = MapNotes.read(store);
        image.knownRevision = knownRevision;
        image.mapRevision = map == null ? -1 : map.revision();
        chunk(life, store, image, ids, 0, done);
    }

    private void chunk(
            SimProcess life,
            ChunkStore store,
            ReplicaImage image,
            List<ReplicaImage.ChunkId> ids,
            int n,
            Consumer<ReplicaImage> done) {
        if (n == ids.size()) {
            done.accept(image);
            return;
        }
        ReplicaImage.ChunkId id = ids.get(n);
        ReplicaImage.Chunk chunk = Objects.requireNonNull(image.chunks.get(id));
        store.blocks(
                id.volumeId(),
                id.chunkIndex(),
                0,
                new ChunkStore.BlocksVisitor() {
                    @Override
                    public void block(int block, int state, long version, int crc) {
                        chunk.states[block] = state;
                        chunk.versions[block] = version;
                        chunk.crcs[block] = state == BlockState.DATA ? crc : 0;
                    }

                    @Override
                    public void end(int errno) {
                        Check.that(errno == 0, "blocks cannot be listed");
                        read(
                                life,
                                store,
                                id,
                                chunk,
                                () -> chunk(life, store, image, ids, n + 1, done));
                    }
                });
    }

    private void read(
            SimProcess life,
            ChunkStore store,
            ReplicaImage.ChunkId id,
            ReplicaImage.Chunk chunk,
            Runnable then) {
        Frame reply = life.frames().take();
        ReadReply.start(reply, 1, 0, 0, chunk.version, Sizes.CHUNK_BLOCKS, true);
        Check.that(reply.flags() == ReadRequest.VERSIONS, "flags");
        store.read(
                id.volumeId(),
                id.chunkIndex(),
                0,
                0,
                Sizes.CHUNK_BLOCKS,
                reply,
                (token, result) -> {
                    for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
                        chunk.bad[block] =
                                result < 0
                                        || ReadReply.state(reply, block) == BlockState.CORRUPT
                                        || ReadReply.state(reply, block) == BlockState.LOST;
                    }
                    reply.release();
                    then.run();
                },
                0);
    }
}
