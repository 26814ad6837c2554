package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskInfo;
import comet.cluster.DiskInfo.State;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.SettingValue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The leader's steps, carried out by a group with disks that recover, die and come back.
class MovesTest extends GroupRig {
    private static final int GROUPS = 256;
    private static final long LOOK_MS = 250;

    private final TreeMap<Integer, Long> starts = new TreeMap<>();
    private Moves moves = new Moves();
    private long nowMs = 1_000_000;
    private long wallMs = 1_700_000_000_000L;
    private int replicas;
    private int begun;
    private int most;

    private void cluster(int copies, int disks, int domains) {
        replicas = copies;
        done(new Command.CreateCluster(new ClusterInfo(1, 2, GROUPS, copies)));
        for (int i = 0; i < disks; i++) {
            add("room-" + i % domains, 1000);
        }
        volume("v");
    }

    /// A node with one disk.
    private int add(String domain, long weight) {
        int node =
                (int)
                        id(
                                new Command.RegisterNode(
                                        "node-" + (map.nodes().size() + 1),
                                        domain,
                                        "h",
                                        List.of("h:1")));
        int disk = (int) id(new Command.AddDisk(node, 100, 1000 + node, domain, weight));
        starts.put(disk, 0L);
        boot(disk);
        return disk;
    }

    private static Command set(String key, String value) {
        return new Command.ChangeSettings(List.of(new SettingValue(key, value)));
    }

    private void boot(int disk) {
        DiskInfo info = found(map.disk(disk));
        long count = info.startCount() + 1;
        boot(
                new Command.RegisterDisk(
                        disk, 100, info.uuidLow(), count, info.bootId(), false, false));
        aliveDisks.add(new DiskLife(disk, found(map.disk(disk)).bootId()));
    }

    private void kill(int disk) {
        aliveDisks.removeIf(life -> life.diskId() == disk);
    }

    private boolean lives(int disk) {
        return aliveDisks.stream().anyMatch(life -> life.diskId() == disk);
    }

    private Facts facts() {
        return new Facts(leaderIsNew, aliveGateways, aliveDisks, ended);
    }

    /// One look, with what the look-out for silent disks does, too.
    private List<Command> look() {
        nowMs += LOOK_MS;
        wallMs += LOOK_MS;
        leaveBehind();
        List<Command> steps = moves.look(map, facts(), Set.of(), nowMs * 1_000_000, wallMs);
        for (Command step : steps) {
            List<PgConfig> before = configs();
            done(step);
            check(before);
            begun += step instanceof Command.StartMoves s ? s.moves().size() : 0;
        }
        int underWay = 0;
        for (int pg = 0; pg < GROUPS; pg++) {
            underWay += map.pg(pg).move() == null ? 0 : 1;
        }
        most = Math.max(most, underWay);
        return steps;
    }

    /// What the look-out for silent disks does.
    private void leaveBehind() {
        for (DiskInfo disk : map.disks()) {
            if (disk.counts() && !lives(disk.diskId())) {
                done(
                        new Command.Unreachable(
                                disk.diskId(), disk.bootId(), Command.Unreachable.SILENT));
            }
        }
    }

    private List<PgConfig> configs() {
        List<PgConfig> all = new ArrayList<>();
        for (int pg = 0; pg < GROUPS; pg++) {
            all.add(map.pg(pg));
        }
        return all;
    }

    /// What no step may do.
    private void check(List<PgConfig> before) {
        for (int pg = 0; pg < GROUPS; pg++) {
            PgConfig was = before.get(pg);
            PgConfig is = map.pg(pg);
            assertThat(is.inSyncCount()).isPositive();
            assertThat(is.members().size()).isLessThanOrEqualTo(replicas + 1);
            boolean sameRoom = false;
            if (was.move() != null && was.move().from() != 0) {
                sameRoom = room(was.move().from()).equals(room(was.move().to()));
            }
            if (is.inSyncCount() < was.inSyncCount()) {
                assertThat(is.inSyncCount() >= Math.min(replicas, is.members().size()) || sameRoom)
                        .as(was + " became " + is)
                        .isTrue();
            }
            Set<String> rooms = new HashSet<>();
            for (Member member : is.members()) {
                assertThat(found(map.disk(member.diskId())).state()).isNotEqualTo(State.REMOVED);
                boolean leaves = is.move() != null && is.move().from() == member.diskId();
                assertThat(leaves || rooms.add(room(member.diskId()))).isTrue();
            }
        }
    }

    private String room(int disk) {
        return found(map.disk(disk)).domain();
    }

    /// Living disks become in sync where a living one is there to copy from, each with this chance
    /// in ten.
    private void recover(Prng prng, int chance) {
        TreeMap<Integer, List<PgEpoch>> ready = new TreeMap<>();
        for (int pg = 0; pg < GROUPS; pg++) {
            for (Member member : map.pg(pg).members()) {
                if (member.state() == MemberState.RECOVERING
                        && lives(member.diskId())
                        && MoveRules.inSync(map.pg(pg), 0, facts()) > 0
                        && prng.chance(chance, 10)) {
                    ready.computeIfAbsent(member.diskId(), _ -> new ArrayList<>())
                            .add(new PgEpoch(pg, map.pg(pg).epoch()));
                }
            }
        }
        ready.forEach((disk, pgs) -> done(new Command.InSync(disk, pgs)));
    }

    private void settle() {
        Prng prng = new Prng(3);
        for (int round = 0; round < 2000; round++) {
            boolean quiet = look().isEmpty();
            recover(prng, 10);
            if (quiet && moves.progress().isDone()) {
                return;
            }
        }
        throw new AssertionError("does not end: " + moves.progress());
    }

    private TreeMap<Integer, Integer> counts() {
        TreeMap<Integer, Integer> counts = new TreeMap<>();
        for (int pg = 0; pg < GROUPS; pg++) {
            for (Member member : map.pg(pg).members()) {
                counts.merge(member.diskId(), 1, Integer::sum);
            }
        }
        return counts;
    }

    private void allInSync() {
        for (int pg = 0; pg < GROUPS; pg++) {
            assertThat(map.pg(pg).inSyncCount()).isEqualTo(replicas);
            assertThat(map.pg(pg).members()).hasSize(replicas);
            assertThat(map.pg(pg).move()).isNull();
        }
    }

    @Test
    void a_new_disk_gets_its_share_and_nothing_else_moves() {
        cluster(2, 6, 3);
        settle();
        assertThat(begun).as("balanced from the start").isZero();
        int disk = add("room-0", 1000);
        settle();
        allInSync();
        int share = counts().getOrDefault(disk, 0);
        assertThat(share).as("a seventh of all copies").isBetween(73, 74);
        assertThat(begun).isEqualTo(share);
        counts().values().forEach(count -> assertThat(count).isBetween(73, 74));
    }

    @Test
    void few_move_at_a_time() {
        cluster(2, 2, 2);
        for (int n = 0; n < 2; n++) {
            add("room-" + n, 1000);
        }
        settle();
        assertThat(most).isBetween(Limits.MOVES_PER_DISK, 2 * Limits.MOVES_PER_DISK);
        allInSync();
    }

    @Test
    void weights_are_followed() {
        cluster(2, 4, 2);
        done(new Command.SetDiskWeight(1, 3000));
        settle();
        assertThat(counts()).containsEntry(1, 192).containsEntry(3, 64).containsEntry(2, 128);
        assertThat(begun).isEqualTo(64);
        allInSync();
    }

    @Test
    void a_replaced_disk_is_the_only_one_that_moves() {
        cluster(2, 6, 2);
        TreeMap<Integer, Integer> before = counts();
        int node = found(map.disk(1)).nodeId();
        int by = (int) id(new Command.AddDisk(node, 100, 77, "room-0", 1000, true));
        boot(by);
        settle();
        assertThat(begun).as("idle").isZero();
        done(new Command.ReplaceDisk(1, by));
        settle();
        allInSync();
        int share = found(before.get(1));
        assertThat(begun).isEqualTo(share);
        assertThat(counts().getOrDefault(by, 0)).isBetween(share - 1, share);
        assertThat(found(map.disk(1)).state()).isEqualTo(State.REMOVED);
    }

    @Test
    void nothing_moves_while_that_is_paused_but_lost_copies_are_made_anew() {
        cluster(2, 6, 3);
        done(set("rebalance", "off"));
        done(set("rebuild-after", "10s"));
        add("room-0", 1000);
        for (int n = 0; n < 20; n++) {
            assertThat(look()).isEmpty();
        }
        assertThat(moves.progress().waiting()).isPositive();
        kill(2);
        for (int n = 0; n < 38; n++) {
            look();
            assertThat(begun).isZero();
        }
        for (int n = 0; n < 200; n++) {
            look();
            recover(new Prng(n), 10);
        }
        assertThat(counts()).doesNotContainKey(2);
        done(set("rebalance", "on"));
        settle();
        allInSync();
    }

    @Test
    void one_that_comes_back_in_time_merely_recovers() {
        cluster(2, 4, 2);
        done(set("rebuild-after", "60s"));
        kill(1);
        for (int n = 0; n < 200; n++) {
            look();
        }
        assertThat(member(pgOf(1), 1).state()).isEqualTo(MemberState.STALE);
        boot(1);
        settle();
        assertThat(begun).isZero();
        allInSync();
    }

    private int pgOf(int disk) {
        for (int pg = 0; pg < GROUPS; pg++) {
            if (map.pg(pg).member(disk) != null) {
                return pg;
            }
        }
        throw new AssertionError("disk " + disk + " has nothing");
    }

    @Test
    void nothing_is_rebuilt_in_maintenance_and_never_where_it_is_switched_off() {
        cluster(2, 6, 3);
        done(set("rebuild-after", "5s"));
        int node = found(map.disk(1)).nodeId();
        done(new Command.SetMaintenance(node, wallMs + 60_000));
        kill(1);
        for (int n = 0; n < 200; n++) {
            look();
        }
        assertThat(begun).isZero();
        done(set("rebuild-after", "0"));
        for (int n = 0; n < 200; n++) {
            look();
        }
        assertThat(begun).isZero();
        done(set("rebuild-after", "5s"));
        settle();
        assertThat(counts()).doesNotContainKey(1);
        allInSync();
    }

    @Test
    void a_clock_that_jumps_neither_ends_a_maintenance_nor_makes_it_last() {
        long hourMs = 3_600_000;
        cluster(2, 6, 3);
        done(set("rebuild-after", "5s"));
        int node = found(map.disk(1)).nodeId();
        done(new Command.SetMaintenance(node, wallMs + 20_000));
        look();
        wallMs += 5 * hourMs;
        kill(1);
        for (int n = 0; n < 15_000 / LOOK_MS; n++) {
            look();
        }
        assertThat(begun).isZero();
        wallMs -= 10 * hourMs;
        for (int n = 0; n < 10_000 / LOOK_MS; n++) {
            look();
        }
        assertThat(begun).isPositive();
        settle();
        assertThat(counts()).doesNotContainKey(1);
        allInSync();
    }

    @Test
    void a_copy_that_no_domain_can_take_is_told() {
        cluster(2, 2, 2);
        done(set("rebuild-after", "5s"));
        kill(1);
        for (int n = 0; n < 100; n++) {
            look();
        }
        assertThat(moves.progress().rebuildImpossible()).isEqualTo(GROUPS);
        assertThat(begun).isZero();
        add("room-0", 1000);
        settle();
        assertThat(counts()).doesNotContainKey(1);
        allInSync();
    }

    /// Moves of the same groups under way, both ways of being in trouble.
    @Test
    void a_disk_that_is_lost_while_its_groups_move_is_made_up_for() {
        cluster(2, 6, 3);
        done(set("rebuild-after", "5s"));
        done(new Command.SetDiskStates(List.of(1, 4), State.DRAINING));
        look();
        recover(new Prng(1), 10);
        kill(2);
        settle();
        assertThat(counts()).doesNotContainKey(1).doesNotContainKey(4).doesNotContainKey(2);
        allInSync();
    }

    @Test
    void a_joining_disk_that_dies_is_given_up() {
        cluster(2, 4, 2);
        int disk = add("room-0", 1000);
        look();
        assertThat(begun).isPositive();
        kill(disk);
        for (int n = 0; n < 200; n++) {
            look();
        }
        for (int pg = 0; pg < GROUPS; pg++) {
            assertThat(map.pg(pg).members()).hasSize(2);
        }
        boot(disk);
        settle();
        allInSync();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
    void whatever_operators_and_disks_do_no_step_costs_a_copy_and_all_ends_in_balance(long seed) {
        Prng prng = new Prng(seed);
        int domains = 2 + prng.nextInt(3);
        cluster(1 + prng.nextInt(Math.min(3, domains)), domains + prng.nextInt(5), domains);
        done(set("rebuild-after", prng.chance(1, 3) ? "0" : 2 + prng.nextInt(10) + "s"));
        for (int round = 0; round < 250; round++) {
            change(prng, domains);
            look();
            recover(prng, 1 + prng.nextInt(9));
            if (prng.chance(1, 40)) {
                moves = new Moves();
            }
        }
        done(set("rebalance", "on"));
        for (DiskInfo disk : map.disks()) {
            if (disk.state() != State.REMOVED && !lives(disk.diskId())) {
                boot(disk.diskId());
            }
        }
        settle();
        balanced();
    }

    private void change(Prng prng, int domains) {
        List<DiskInfo> disks = map.disks().stream().filter(DiskInfo::counts).toList();
        DiskInfo disk = disks.get(prng.nextInt(disks.size()));
        switch (prng.nextInt(24)) {
            case 0 -> submit(new Command.SetDiskWeight(disk.diskId(), 500 + prng.nextInt(2000)));
            case 1 -> submit(new Command.SetDiskStates(List.of(disk.diskId()), State.DRAINING));
            case 2 -> submit(new Command.SetDiskStates(List.of(disk.diskId()), State.REMOVING));
            case 3, 4 -> submit(new Command.SetDiskStates(List.of(disk.diskId()), State.ACTIVE));
            case 5 -> {
                if (disks.size() < 14) {
                    add("room-" + prng.nextInt(domains + 1), 500 + prng.nextInt(2000));
                }
            }
            case 6 -> submit(set("rebalance", prng.chance(1, 3) ? "off" : "on"));
            case 7 -> {
                int node = disk.nodeId();
                submit(new Command.SetMaintenance(node, wallMs + prng.nextInt(20_000)));
            }
            case 8, 9 -> kill(disk.diskId());
            case 10, 11, 12, 13 -> {
                if (!lives(disk.diskId())) {
                    boot(disk.diskId());
                }
            }
            default -> {
                // Time passes.
            }
        }
    }

    /// Everybody has the share of its weight within its domain, and nobody has what it should not.
    private void balanced() {
        TreeMap<String, Double> weights = new TreeMap<>();
        TreeMap<String, Integer> held = new TreeMap<>();
        TreeMap<Integer, Integer> counts = counts();
        Set<String> rooms = new HashSet<>();
        for (DiskInfo disk : map.disks()) {
            int count = counts.getOrDefault(disk.diskId(), 0);
            if (disk.state() != State.ACTIVE) {
                assertThat(count).as("left by all").isZero();
                assertThat(disk.state()).isNotEqualTo(State.REMOVING);
                continue;
            }
            rooms.add(disk.domain());
            weights.merge(disk.domain(), (double) disk.weight(), Double::sum);
            held.merge(disk.domain(), count, Integer::sum);
        }
        assertThat(rooms.size()).isGreaterThanOrEqualTo(replicas);
        for (DiskInfo disk : map.disks()) {
            if (disk.state() == State.ACTIVE) {
                double share =
                        held.getOrDefault(disk.domain(), 0)
                                * disk.weight()
                                / weights.getOrDefault(disk.domain(), 1.0);
                int count = counts.getOrDefault(disk.diskId(), 0);
                assertThat(count).isBetween((int) share, (int) share + 1);
            }
        }
        allInSync();
    }
}
