package comet.volume;

import comet.base.Prng;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.GatewayInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeLimits;
import comet.port.MetaClient;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The metadata group in one object: decides attachments like the real one, and has its map changed
/// by the test.
final class FakeMeta {
    final FakeLoop loop;
    final Prng prng;
    final ClusterMap map = new ClusterMap();
    final List<Client> clients = new ArrayList<>();
    final TreeSet<Long> deadGateways = new TreeSet<>();
    boolean yieldsAsked;
    @Nullable Boolean lastYield;
    boolean away;

    FakeMeta(FakeLoop loop, Prng prng, int pgCount) {
        this.loop = loop;
        this.prng = prng;
        commit(new ClusterInfo(11, 12, pgCount, 2), List.of(), List.of(), List.of(), List.of());
    }

    void commit(
            @Nullable ClusterInfo cluster,
            List<NodeInfo> nodes,
            List<DiskInfo> disks,
            List<PgConfig> pgs,
            List<VolumeInfo> volumes) {
        commit(cluster, nodes, disks, List.of(), pgs, volumes);
    }

    void commit(
            @Nullable ClusterInfo cluster,
            List<NodeInfo> nodes,
            List<DiskInfo> disks,
            List<GatewayInfo> gateways,
            List<PgConfig> pgs,
            List<VolumeInfo> volumes) {
        MapUpdate update =
                new MapUpdate(
                        map.revision(),
                        map.revision() + 1,
                        cluster,
                        nodes,
                        disks,
                        gateways,
                        pgs,
                        volumes,
                        List.of());
        take(update);
    }

    /// The operator changes a setting of the cluster.
    void set(String key, String value) {
        long revision = map.revision();
        List<SettingValue> settings = List.of(new SettingValue(key, value));
        take(
                new MapUpdate(
                        revision,
                        revision + 1,
                        null,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of(),
                        settings,
                        List.of(),
                        List.of()));
    }

    private void take(MapUpdate update) {
        map.apply(update);
        for (Client client : clients) {
            client.push(update);
        }
    }

    void addDisk(int diskId, long bootId) {
        commit(
                null,
                List.of(
                        new NodeInfo(
                                diskId,
                                "n" + diskId,
                                "d" + diskId,
                                "h" + diskId,
                                List.of("disk:" + diskId))),
                List.of(
                        new DiskInfo(
                                diskId,
                                diskId,
                                7,
                                diskId,
                                "d" + diskId,
                                1,
                                bootId,
                                1,
                                DiskInfo.State.ACTIVE)),
                List.of(),
                List.of());
    }

    void reboot(int diskId, long bootId) {
        DiskInfo d = map.disk(diskId);
        commit(
                null,
                List.of(),
                List.of(
                        new DiskInfo(
                                diskId,
                                diskId,
                                7,
                                diskId,
                                "d" + diskId,
                                1,
                                bootId,
                                d.startCount() + 1,
                                d.state())),
                List.of(),
                List.of());
    }

    /// A new epoch of a PG with these members.
    void setPg(int pg, PgConfig.Member... members) {
        commit(
                null,
                List.of(),
                List.of(),
                List.of(new PgConfig(pg, map.pg(pg).epoch() + 1, List.of(members))),
                List.of());
    }

    static PgConfig.Member member(int diskId, long bootId, MemberState state) {
        return new PgConfig.Member(diskId, bootId, state);
    }

    void addVolume(long id, String name, long size, VolumeInfo.Durability durability) {
        commit(
                null,
                List.of(),
                List.of(),
                List.of(),
                List.of(new VolumeInfo(id, name, size, durability, 1, 0, null, true, 0, 0)));
    }

    void attachment(VolumeInfo v, VolumeInfo.@Nullable Attachment a, long lastTerm, boolean clean) {
        commit(
                null,
                List.of(),
                List.of(),
                List.of(),
                List.of(
                        new VolumeInfo(
                                v.volumeId(),
                                v.name(),
                                v.sizeBytes(),
                                v.durability(),
                                v.snapshotSequence(),
                                lastTerm,
                                a,
                                clean,
                                0,
                                0,
                                v.limits())));
    }

    void limit(long id, VolumeLimits limits) {
        VolumeInfo v = map.volume(id);
        commit(null, List.of(), List.of(), List.of(), List.of(v.withLimits(limits)));
    }

    void resize(long id, long size) {
        VolumeInfo v = map.volume(id);
        commit(
                null,
                List.of(),
                List.of(),
                List.of(),
                List.of(
                        new VolumeInfo(
                                id,
                                v.name(),
                                size,
                                v.durability(),
                                1,
                                v.lastTerm(),
                                v.attachment(),
                                false,
                                0,
                                0,
                                v.limits())));
    }

    private Reply decide(Command command) {
        return switch (command) {
            case Command.Attach attach -> attach(attach);
            case Command.Detach detach -> {
                VolumeInfo v = map.volume(detach.volumeId());
                if (v.attachment() != null && v.attachment().term() == detach.term()) {
                    attachment(v, null, v.lastTerm(), detach.clean());
                }
                yield new Reply.Done(map.revision());
            }
            case Command.AnswerYield answer -> {
                lastYield = answer.yields();
                VolumeInfo v = map.volume(answer.volumeId());
                if (answer.yields()
                        && v.attachment() != null
                        && v.attachment().term() == answer.term()) {
                    attachment(v, null, v.lastTerm(), false);
                }
                yield new Reply.Done(map.revision());
            }
            default -> throw new AssertionError("unexpected " + command);
        };
    }

    private @Nullable Reply attach(Command.Attach attach) {
        VolumeInfo v = map.volume(attach.volumeId());
        if (v == null) {
            return new Reply.Refused(map.revision(), "no-such-volume", "no such volume");
        }
        VolumeInfo.Attachment held = v.attachment();
        boolean other =
                held != null
                        && held.gatewayId() != attach.gatewayId()
                        && !deadGateways.contains(held.gatewayId());
        if (other && attach.mode() != Command.Attach.Mode.TAKEOVER) {
            boolean migrating =
                    held.migrateTo() == attach.gatewayId()
                            && attach.mode() == Command.Attach.Mode.NORMAL;
            if (!migrating) {
                if (attach.mode() == Command.Attach.Mode.NORMAL
                        && yieldsAsked
                        && lastYield == null) {
                    return null;
                }
                if (attach.mode() == Command.Attach.Mode.NORMAL && !yieldsAsked) {
                    yieldsAsked = true;
                    lastYield = null;
                    for (Client client : clients) {
                        if (client.gatewayId == held.gatewayId()) {
                            client.ask(v.volumeId(), held.term());
                        }
                    }
                    return null;
                }
                yieldsAsked = false;
                return new Reply.Refused(map.revision(), "attached-elsewhere", "held elsewhere");
            }
        }
        yieldsAsked = false;
        long term = v.lastTerm() + 1;
        attachment(v, new VolumeInfo.Attachment(attach.gatewayId(), term, 0), term, false);
        return new Reply.Attached(map.revision(), term);
    }

    /// What gateways could not reach, and what the leader does.
    final List<DiskLife> reported = new ArrayList<>();

    final List<DiskLife> reportedSlow = new ArrayList<>();

    final List<DiskLife> reachedByLeader = new ArrayList<>();

    Client client(long gatewayId) {
        Client client = new Client(gatewayId);
        clients.add(client);
        commit(
                null,
                List.of(),
                List.of(),
                List.of(new GatewayInfo(gatewayId, "g", "h1")),
                List.of(),
                List.of());
        return client;
    }

    final class Client implements MetaClient {
        final long gatewayId;
        @Nullable Listener listener;
        boolean closed;

        Client(long gatewayId) {
            this.gatewayId = gatewayId;
        }

        private void later(Runnable work) {
            loop.schedule(
                    1000 + prng.nextLong(3_000_000),
                    () -> {
                        if (closed) {
                            return;
                        }
                        if (away) {
                            later(work);
                        } else {
                            work.run();
                        }
                    });
        }

        @Override
        public void submit(Command command, Consumer<Reply> done) {
            later(() -> {
                Reply reply = decide(command);
                if (reply == null) {
                    submit(command, done);
                } else {
                    later(() -> done.accept(reply));
                }
            });
        }

        @Override
        public void report(
                long ofGateway,
                List<DiskLife> silent,
                List<DiskLife> slow,
                Consumer<List<DiskLife>> done) {
            later(() -> {
                reported.addAll(silent);
                reportedSlow.addAll(slow);
                List<DiskLife> reached = silent.stream().filter(reachedByLeader::contains).toList();
                later(() -> done.accept(reached));
            });
        }

        @Override
        public void fetch(long revision, Consumer<MapUpdate> done) {
            later(() -> {
                MapUpdate image = map.image();
                later(() -> done.accept(image));
            });
        }

        @Override
        public void listen(Listener listener) {
            this.listener = listener;
        }

        void push(MapUpdate update) {
            if (prng.chance(1, 5)) {
                return;
            }
            later(() -> {
                if (listener != null) {
                    listener.onUpdate(update);
                }
            });
        }

        void ask(long volumeId, long term) {
            later(() -> {
                if (listener != null) {
                    listener.onYieldAsked(volumeId, term);
                }
            });
        }
    }
}
