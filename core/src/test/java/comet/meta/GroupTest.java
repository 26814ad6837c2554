package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo.Durability;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The rules, one by one; those of attachments are in [AttachRulesTest].
class GroupTest extends GroupRig {
    @Test
    void nothing_works_before_the_cluster_exists() {
        refused("no-cluster", gateway("g", "h"));
        refused("invalid-cluster", new Command.CreateCluster(new ClusterInfo(1, 2, 100, 2)));
        refused("invalid-cluster", new Command.CreateCluster(new ClusterInfo(1, 2, 128, 4)));
        refused("invalid-cluster", new Command.CreateCluster(new ClusterInfo(0, 0, 128, 2)));
        done(new Command.CreateCluster(new ClusterInfo(1, 2, 128, 2)));
        done(new Command.CreateCluster(new ClusterInfo(1, 2, 128, 2)));
        refused("cluster-exists", new Command.CreateCluster(new ClusterInfo(1, 3, 128, 2)));
        assertThat(map.pgCount()).isEqualTo(128);
        assertThat(group.revision()).isEqualTo(1);
    }

    @Test
    void nodes_and_gateways_are_known_by_name() {
        done(new Command.CreateCluster(new ClusterInfo(1, 2, PGS, 2)));
        long node = id(new Command.RegisterNode("n", "a", "host", List.of("x:1")));
        assertThat(id(new Command.RegisterNode("n", "a", "host", List.of("x:2")))).isEqualTo(node);
        assertThat(found(map.node((int) node)).addresses()).containsExactly("x:2");
        assertThat(id(new Command.RegisterNode("m", "a", "host", List.of()))).isNotEqualTo(node);
        refused("invalid-name", new Command.RegisterNode("n/", "a", "host", List.of()));
        refused("invalid-name", new Command.RegisterNode("n", "", "host", List.of()));
        id(new Command.AddDisk((int) node, 1, 1, "a", 10));
        refused("domain-changed", new Command.RegisterNode("n", "b", "host", List.of()));
        long gateway = id(gateway("g", "h1"));
        assertThat(id(gateway("g", "h2"))).isEqualTo(gateway);
        assertThat(found(map.gateway(gateway)).hostId()).isEqualTo("h2");
    }

    @Test
    void disks_are_known_by_uuid() {
        done(new Command.CreateCluster(new ClusterInfo(1, 2, PGS, 2)));
        refused("unknown-node", new Command.AddDisk(1, 9, 9, "a", 10));
        id(new Command.RegisterNode("n", "a", "host", List.of()));
        id(new Command.RegisterNode("m", "a", "host", List.of()));
        long disk = id(new Command.AddDisk(1, 9, 9, "a", 10));
        assertThat(id(new Command.AddDisk(1, 9, 9, "a", 10))).isEqualTo(disk);
        refused("disk-elsewhere", new Command.AddDisk(2, 9, 9, "a", 10));
        refused("invalid-weight", new Command.AddDisk(2, 9, 8, "a", 0));
        refused("unknown-disk", register(44, 1, 0, false, false));
        refused("foreign-disk", new Command.RegisterDisk(1, 9, 10, 1, 0, false, false));
    }

    @Test
    void a_cluster_that_is_set_up_disk_by_disk_ends_balanced_and_in_sync() {
        done(new Command.CreateCluster(new ClusterInfo(1, 2, 1024, 2)));
        for (int i = 1; i <= 8; i++) {
            id(new Command.RegisterNode("node-" + i, "room-" + i % 4, "host", List.of()));
            id(new Command.AddDisk(i, 100, i, "room-" + i % 4, 1000));
            boot(register(i, 1, 0, false, false));
        }
        int[] count = new int[9];
        for (int pg = 0; pg < 1024; pg++) {
            assertThat(map.pg(pg).members()).hasSize(2);
            for (Member member : map.pg(pg).members()) {
                assertThat(member.state()).isEqualTo(MemberState.IN_SYNC);
                assertThat(member.bootId()).isEqualTo(1);
                count[member.diskId()]++;
            }
        }
        for (int i = 1; i <= 8; i++) {
            assertThat(count[i]).isEqualTo(256);
        }
    }

    @Test
    void once_a_volume_was_created_missing_members_join_recovering_and_nothing_moves() {
        done(new Command.CreateCluster(new ClusterInfo(1, 2, PGS, 2)));
        id(new Command.RegisterNode("node-1", "room-1", "host", List.of()));
        id(new Command.AddDisk(1, 100, 1, "room-1", 1000));
        boot(register(1, 1, 0, false, false));
        volume("v");
        id(new Command.RegisterNode("node-2", "room-2", "host", List.of()));
        id(new Command.AddDisk(2, 100, 2, "room-2", 1000));
        assertThat(map.pg(0).members()).hasSize(1);
        boot(register(2, 1, 0, false, false));
        id(new Command.RegisterNode("node-3", "room-3", "host", List.of()));
        id(new Command.AddDisk(3, 100, 3, "room-3", 1000));
        boot(register(3, 1, 0, false, false));
        for (int pg = 0; pg < PGS; pg++) {
            assertThat(map.pg(pg).epoch()).isEqualTo(2);
            assertThat(map.pg(pg).members())
                    .containsExactly(
                            new Member(1, 1, MemberState.IN_SYNC),
                            new Member(2, 1, MemberState.RECOVERING));
        }
    }

    @Test
    void a_clean_stop_keeps_boot_and_epochs() {
        twoDisks();
        assertThat(boot(register(1, 2, 1, true, false))).isEqualTo(1);
        assertThat(map.pg(0).epoch()).isEqualTo(2);
        assertThat(found(map.disk(1)).startCount()).isEqualTo(2);
    }

    @Test
    void an_unclean_start_recovers_from_a_living_peer_in_a_new_epoch() {
        twoDisks();
        volume("v");
        assertThat(boot(register(1, 2, 1, false, false))).isEqualTo(2);
        for (int pg = 0; pg < PGS; pg++) {
            assertThat(map.pg(pg).epoch()).isEqualTo(3);
            assertThat(member(pg, 1)).isEqualTo(new Member(1, 2, MemberState.RECOVERING));
            assertThat(member(pg, 2)).isEqualTo(new Member(2, 1, MemberState.IN_SYNC));
        }
    }

    @Test
    void an_unclean_start_without_a_living_peer_stays_in_sync() {
        twoDisks();
        aliveDisks.clear();
        assertThat(boot(register(1, 2, 1, false, false))).isEqualTo(2);
        assertThat(member(0, 1)).isEqualTo(new Member(1, 2, MemberState.IN_SYNC));
        aliveDisks.add(new DiskLife(1, 2));
        assertThat(boot(register(2, 3, 1, false, false))).isEqualTo(3);
        assertThat(member(0, 2)).isEqualTo(new Member(2, 3, MemberState.RECOVERING));
    }

    @Test
    void a_peer_that_lives_under_another_boot_id_than_the_map_has_does_not_count() {
        twoDisks();
        aliveDisks.set(1, new DiskLife(2, 9));
        boot(register(1, 2, 1, false, false));
        assertThat(member(0, 1).state()).isEqualTo(MemberState.IN_SYNC);
    }

    @Test
    void under_a_new_leader_an_unclean_start_waits_until_peers_are_known() {
        twoDisks();
        aliveDisks.clear();
        leaderIsNew = true;
        refused("wait-for-peer", register(1, 2, 1, false, false));
        ended.add(new DiskLife(1, 2));
        assertThat(boot(register(2, 2, 1, false, false))).isEqualTo(2);
        assertThat(member(0, 2).state()).isEqualTo(MemberState.IN_SYNC);
        aliveDisks.add(new DiskLife(2, 2));
        assertThat(boot(register(1, 2, 1, false, false))).isEqualTo(2);
        assertThat(member(0, 1).state()).isEqualTo(MemberState.RECOVERING);
        assertThat(boot(register(2, 3, 2, true, false))).isEqualTo(2);
    }

    @Test
    void a_damaged_disk_waits_for_a_peer_or_the_operator() {
        twoDisks();
        aliveDisks.clear();
        refused("wait-for-peer", register(1, 2, 1, true, true));
        aliveDisks.add(new DiskLife(2, 1));
        boot(register(1, 2, 1, true, true));
        assertThat(member(0, 1).state()).isEqualTo(MemberState.RECOVERING);
        refused("wait-for-peer", register(2, 2, 1, false, true));
        refused("unknown-disk", new Command.AcceptDataLoss(9));
        refused("disk-serves", new Command.AcceptDataLoss(2));
        aliveDisks.remove(new DiskLife(2, 1));
        done(new Command.AcceptDataLoss(2));
        boot(register(2, 2, 1, false, true));
        assertThat(member(0, 2)).isEqualTo(new Member(2, 2, MemberState.IN_SYNC));
        refused("wait-for-peer", register(2, 3, 2, false, true));
    }

    @Test
    void an_older_copy_of_a_disk_is_refused_however_often_it_tries() {
        twoDisks();
        for (int start = 2; start <= 6; start++) {
            assertThat(boot(register(1, start, start - 1, false, false))).isEqualTo(start);
        }
        for (int start = 4; start <= 12; start++) {
            boolean clean = start % 2 == 0;
            Submission copy = new Submission(8, start, register(1, start, 3, clean, false));
            Reply reply = submit(copy);
            assertThat(reply).isInstanceOf(Reply.Refused.class);
            assertThat(((Reply.Refused) reply).code()).isEqualTo("older-copy");
        }
        assertThat(boot(register(1, 7, 6, false, false))).isEqualTo(7);
        assertThat(found(map.disk(1)).bootId()).isEqualTo(7);
    }

    @Test
    void a_start_that_is_sent_again_by_the_same_process_is_answered_again() {
        twoDisks();
        Command again = register(1, 2, 1, false, false);
        assertThat(boot(again)).isEqualTo(2);
        long revision = group.revision();
        assertThat(boot(again)).isEqualTo(2);
        assertThat(group.revision()).isEqualTo(revision);
        Reply other = submit(new Submission(8, 1, again));
        assertThat(((Reply.Refused) other).code()).isEqualTo("older-copy");
    }

    @Test
    void promotion_counts_only_in_its_epoch() {
        twoDisks();
        boot(register(1, 2, 1, false, false));
        done(
                new Command.InSync(
                        1,
                        List.of(
                                new PgEpoch(0, 3),
                                new PgEpoch(0, 3),
                                new PgEpoch(1, 2),
                                new PgEpoch(-1, 3),
                                new PgEpoch(PGS, 3))));
        assertThat(member(0, 1).state()).isEqualTo(MemberState.IN_SYNC);
        assertThat(map.pg(0).epoch()).isEqualTo(4);
        assertThat(member(1, 1).state()).isEqualTo(MemberState.RECOVERING);
        done(new Command.InSync(1, List.of(new PgEpoch(0, 3))));
        done(new Command.InSync(3, List.of(new PgEpoch(1, 3))));
        assertThat(map.pg(0).epoch()).isEqualTo(4);
        List<Member> members = map.pg(1).members();
        done(new Command.NewEpoch(1, List.of(new PgEpoch(1, 3), new PgEpoch(2, 2))));
        assertThat(map.pg(1)).isEqualTo(new PgConfig(1, 4, members));
        assertThat(map.pg(2).epoch()).isEqualTo(3);
    }

    @Test
    void volume_names_and_sizes_are_checked() {
        twoDisks();
        for (String bad : List.of("", "a/b", "ä", "a b", "x".repeat(129))) {
            refused("invalid-name", new Command.CreateVolume(bad, GIB, Durability.FLUSH, 5));
        }
        for (long bad : new long[] {0, -4096, 4095, 4097, (1L << 46) + 4096, Long.MIN_VALUE}) {
            refused("invalid-size", new Command.CreateVolume("v", bad, Durability.FLUSH, 5));
        }
        long max = id(new Command.CreateVolume("v", 1L << 46, Durability.WRITE, 5));
        assertThat(max).isEqualTo(1);
        refused("name-taken", new Command.CreateVolume("v", 1L << 46, Durability.WRITE, 5));
        assertThat(volume("x".repeat(128))).isEqualTo(2);
        assertThat(info(1).durability()).isEqualTo(Durability.WRITE);
        assertThat(info(1).snapshotSequence()).isEqualTo(1);
    }

    @Test
    void a_creation_that_is_sent_again_is_answered_again() {
        twoDisks();
        Submission create =
                new Submission(9, 1, new Command.CreateVolume("v", GIB, Durability.FLUSH, 5));
        Reply first = submit(create);
        assertThat(submit(create)).isEqualTo(first);
        assertThat(map.volumes()).hasSize(1);
    }

    @Test
    void volumes_grow_and_are_renamed() {
        twoDisks();
        long a = volume("a");
        long b = volume("b");
        refused("shrinking", new Command.ResizeVolume(a, GIB - 4096));
        refused("invalid-size", new Command.ResizeVolume(a, GIB + 1));
        refused("unknown-volume", new Command.ResizeVolume(77, GIB));
        done(new Command.ResizeVolume(a, GIB));
        done(new Command.ResizeVolume(a, 2 * GIB));
        assertThat(info(a).sizeBytes()).isEqualTo(2 * GIB);
        refused("name-taken", new Command.RenameVolume(a, "b"));
        refused("invalid-name", new Command.RenameVolume(a, "*"));
        done(new Command.RenameVolume(a, "a"));
        done(new Command.RenameVolume(a, "c"));
        assertThat(map.volume("a")).isNull();
        assertThat(found(map.volume("c")).volumeId()).isEqualTo(a);
        assertThat(found(map.volume("b")).volumeId()).isEqualTo(b);
    }

    @Test
    void deletion_has_a_grace_period() {
        twoDisks();
        long a = volume("a");
        refused("not-deleted", new Command.PurgeVolume(a));
        done(new Command.DeleteVolume(a, 0));
        done(new Command.DeleteVolume(a, 9));
        assertThat(map.volume("a")).isNull();
        assertThat(info(a).deletedAtMs()).isEqualTo(1);
        refused("deleted-volume", new Command.RenameVolume(a, "b"));
        refused("deleted-volume", new Command.ResizeVolume(a, 2 * GIB));
        long gateway = id(gateway("g", "h"));
        refused("deleted-volume", new Command.Attach(a, gateway, Mode.NORMAL));
        long b = volume("a");
        refused("name-taken", new Command.RestoreVolume(a));
        done(new Command.RenameVolume(b, "b"));
        done(new Command.RestoreVolume(a));
        done(new Command.RestoreVolume(a));
        assertThat(found(map.volume("a")).volumeId()).isEqualTo(a);
        done(new Command.DeleteVolume(a, 9));
        done(new Command.PurgeVolume(a));
        done(new Command.PurgeVolume(a));
        refused("unknown-volume", new Command.RestoreVolume(a));
        refused("unknown-volume", new Command.PurgeVolume(99));
        assertThat(map.volume(a)).isNull();
        assertThat(volume("a")).isEqualTo(3);
    }

    @Test
    void a_batch_is_one_revision_and_each_command_sees_those_before_it() {
        twoDisks();
        long before = group.revision();
        Group.Applied applied =
                group.apply(
                        List.of(
                                new Submission(
                                        1,
                                        1,
                                        new Command.CreateVolume("a", GIB, Durability.FLUSH, 1)),
                                new Submission(
                                        1,
                                        2,
                                        new Command.CreateVolume("a", GIB, Durability.FLUSH, 1)),
                                new Submission(1, 3, gateway("g", "h"))),
                        Facts.NONE);
        assertThat(group.revision()).isEqualTo(before + 1);
        assertThat(applied.decisions().get(0).reply()).isEqualTo(new Reply.Id(before + 1, 1));
        assertThat(applied.decisions().get(1).reply()).isInstanceOf(Reply.Refused.class);
        MapUpdate update = found(applied.update());
        assertThat(update.after()).isEqualTo(before);
        assertThat(update.volumes()).hasSize(1);
        assertThat(update.gateways()).hasSize(1);
        assertThat(update.pgs()).isEmpty();
    }

    @Test
    void who_is_behind_gets_what_changed_and_who_is_far_behind_everything() {
        twoDisks();
        long a = volume("a");
        ClusterMap behind = new ClusterMap();
        behind.apply(group.changesAfter(0));
        done(new Command.DeleteVolume(a, 5));
        done(new Command.PurgeVolume(a));
        long b = volume("b");
        MapUpdate changes = group.changesAfter(behind.revision());
        assertThat(changes.purgedVolumes()).containsExactly(a);
        assertThat(changes.pgs()).isEmpty();
        Group restored = new Group(group.image());
        MapUpdate all = restored.changesAfter(behind.revision());
        assertThat(all.after()).isZero();
        assertThat(all.purgedVolumes()).containsExactly(a);
        for (MapUpdate update : List.of(changes, all)) {
            ClusterMap learns = new ClusterMap();
            learns.apply(behind.image());
            assertThat(learns.apply(update)).isTrue();
            assertThat(learns.image()).isEqualTo(map.image());
            assertThat(learns.volume(a)).isNull();
            assertThat(found(learns.volume("b")).volumeId()).isEqualTo(b);
        }
        assertThat(group.changesAfter(99).revision()).isEqualTo(group.revision());
        assertThat(group.changesAfter(99).volumes()).isEmpty();
    }
}
