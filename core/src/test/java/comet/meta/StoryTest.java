package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.Reply;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo.Durability;
import comet.cluster.VolumeLimits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What people are told of what was decided.
class StoryTest extends GroupRig {
    private long told;

    /// What was told since the last call.
    private List<String> told() {
        List<String> lines = new ArrayList<>();
        for (GroupEvent event : group.eventsAfter(told)) {
            told = event.number();
            lines.add(
                    "%s %s | %s | %s | %s | %s"
                            .formatted(
                                    event.level(),
                                    event.code(),
                                    event.subject(),
                                    event.reporter(),
                                    event.cause(),
                                    event.consequence()));
        }
        return lines;
    }

    private void promote(int diskId, int from, int to, long copiedBytes) {
        List<PgEpoch> pgs = new ArrayList<>();
        for (int pg = from; pg < to; pg++) {
            pgs.add(new PgEpoch(pg, map.pg(pg).epoch()));
        }
        done(new Command.InSync(diskId, pgs, copiedBytes));
    }

    @Test
    void a_cluster_is_set_up() {
        twoDisks();
        assertThat(told())
                .containsExactly(
                        "INFO cluster-created | cluster | operator |  | 16 placement groups, 2 copies",
                        "INFO node-joined | node node-1 | node node-1 |  | in domain room-1",
                        "INFO disk-added | disk 1 on node-1 | node node-1 |  | in domain room-1",
                        "INFO disk-started | disk 1 on node-1 | disk 1 on node-1 | its first start"
                                + " | it takes part in 16 placement groups",
                        "INFO node-joined | node node-2 | node node-2 |  | in domain room-2",
                        "INFO disk-added | disk 2 on node-2 | node node-2 |  | in domain room-2",
                        "INFO disk-started | disk 2 on node-2 | disk 2 on node-2 | its first start"
                                + " | it takes part in 16 placement groups");
    }

    @Test
    void a_disk_is_left_behind_comes_back_and_is_a_copy_again_in_one_line_each() {
        twoDisks();
        told();
        timeMs = 1_000;
        aliveDisks.remove(1);
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        assertThat(told())
                .containsExactly(
                        "WARN disk-left-behind | disk 2 on node-2 | leader m1 | it was silent for 3 s"
                                + " | 16 placement groups go on without it, 16 with one copy");
        timeMs = 20_000;
        aliveDisks.add(new DiskLife(2, 1));
        done(new Command.Recovering(2, 1));
        assertThat(told())
                .containsExactly(
                        "INFO disk-came-back | disk 2 on node-2 | disk 2 on node-2 | it serves, and"
                                + " was left behind | it recovers in 16 placement groups");
        timeMs = 25_000;
        promote(2, 0, 10, 5 << 20);
        assertThat(told()).isEmpty();
        timeMs = 32_800;
        promote(2, 10, 16, 9 << 20);
        assertThat(told())
                .containsExactly(
                        "INFO disk-in-sync | disk 2 on node-2 | disk 2 on node-2 | after 12.8 s, 9 MiB"
                                + " copied | 16 placement groups have it as a copy again");
        assertThat(group.eventsAfter(0)).last().extracting(GroupEvent::timeMs).isEqualTo(32_800L);
    }

    @Test
    void starts_are_told_with_what_they_mean() {
        twoDisks();
        told();
        boot(register(2, 2, 1, true, false));
        boot(register(2, 3, 1, false, false));
        promote(2, 0, 16, 0);
        aliveDisks.clear();
        boot(register(1, 2, 1, false, false));
        submit(register(1, 2, 7, false, false));
        done(new Command.AcceptDataLoss(1));
        List<String> lines = told();
        assertThat(lines).hasSize(5);
        assertThat(lines.get(0))
                .isEqualTo(
                        "INFO disk-started | disk 2 on node-2 | disk 2 on node-2 | it was stopped"
                                + " cleanly and starts again | nothing is lost");
        assertThat(lines.get(1))
                .startsWith("WARN disk-restarted | disk 2 on node-2 |")
                .endsWith("| it recovers in 16 placement groups");
        assertThat(lines.get(2)).startsWith("INFO disk-in-sync | disk 2");
        assertThat(lines.get(3))
                .startsWith("WARN disk-restarted | disk 1 on node-1 |")
                .endsWith("it goes on in 16 placement groups without another copy that lives");
        assertThat(lines.get(4)).startsWith("WARN data-loss-accepted | disk 1 on node-1 |");
    }

    @Test
    void an_older_copy_of_a_disk_is_told() {
        twoDisks();
        boot(register(2, 5, 1, true, false));
        told();
        submit(by(99, register(2, 4, 1, true, false)));
        assertThat(told())
                .singleElement()
                .asString()
                .startsWith("ERROR disk-refused | disk 2 on node-2 |")
                .contains("is an older copy");
    }

    @Test
    void volumes_are_told_with_who_loses_by_it() {
        twoDisks();
        long first = id(gateway("a", "h"));
        long second = ((Reply.Id) submit(by(8, gateway("b", "h")))).id();
        aliveGateways.addAll(List.of(first, second));
        told();
        VolumeLimits limits = new VolumeLimits(500, 100 << 20, 0);
        long volume = id(new Command.CreateVolume("v", GIB, Durability.FLUSH, 5, limits));
        term(new Command.Attach(volume, first, Mode.NORMAL));
        assertThat(submit(by(8, new Command.Attach(volume, second, Mode.TAKEOVER)))).isNotNull();
        aliveGateways.remove(second);
        term(new Command.Attach(volume, first, Mode.NORMAL));
        done(new Command.Migrate(volume, second));
        assertThat(submit(by(8, new Command.Attach(volume, second, Mode.NORMAL)))).isNotNull();
        done(new Command.Detach(volume, second, 4, false));
        term(new Command.Attach(volume, first, Mode.NORMAL));
        done(new Command.Detach(volume, first, 5, true));
        done(new Command.LimitVolume(volume, VolumeLimits.NONE));
        done(new Command.LimitVolume(volume, new VolumeLimits(7, 0, 0)));
        done(new Command.ResizeVolume(volume, 2 * GIB));
        done(new Command.RenameVolume(volume, "w"));
        done(new Command.DeleteVolume(volume, 9));
        done(new Command.PurgeVolume(volume));
        assertThat(told())
                .containsExactly(
                        "INFO volume-created | volume v | gateway a |  | 1 GiB, 500 requests/s,"
                                + " 100 MiB/s",
                        "WARN volume-taken-over | volume v | gateway b | by the operator's word, from"
                                + " gateway a | what gateway a had not flushed may be lost; it can write"
                                + " no more",
                        "WARN volume-taken-over | volume v | gateway a | gateway b is silent | what"
                                + " gateway b had not flushed may be lost; it can write no more",
                        "INFO volume-migrates | volume v | gateway a |  | gateway b takes it over with"
                                + " its first write",
                        "INFO volume-migrated | volume v | gateway b | it was marked | it has left"
                                + " gateway a",
                        "WARN volume-detached-by-force | volume v | gateway a |  | what gateway b had"
                                + " not flushed may be lost; it can write no more",
                        "INFO volume-limited | volume v | gateway a |  | no limits",
                        "INFO volume-limited | volume v | gateway a |  | 7 requests/s",
                        "INFO volume-resized | volume v | gateway a |  | it has 2 GiB",
                        "INFO volume-renamed | volume v | gateway a |  | it is now w",
                        "INFO volume-deleted | volume w | gateway a |  | ",
                        "INFO volume-purged | volume w | gateway a |  | its data is dropped");
    }

    private void thirdDisk() {
        volume("v");
        id(new Command.RegisterNode("node-3", "room-2", "host", List.of()));
        id(new Command.AddDisk(3, 100, 3, "room-2", 1000));
        boot(register(3, 1, 0, false, false));
        aliveDisks.add(new DiskLife(3, 1));
        told();
    }

    private void move(int from, int to) {
        List<Command.PgMove> moves = new ArrayList<>();
        for (int pg = 0; pg < PGS; pg++) {
            moves.add(new Command.PgMove(pg, map.pg(pg).epoch(), from, to));
        }
        done(new Command.StartMoves(moves));
    }

    private void endMoves() {
        List<PgEpoch> pgs = new ArrayList<>();
        for (int pg = 0; pg < PGS; pg++) {
            pgs.add(new PgEpoch(pg, map.pg(pg).epoch()));
        }
        done(new Command.EndMoves(pgs));
    }

    @Test
    void a_disk_that_is_removed_is_told_by_its_ends_and_not_by_its_moves() {
        twoDisks();
        thirdDisk();
        done(new Command.SetDiskStates(List.of(2), DiskInfo.State.REMOVING));
        move(2, 3);
        promote(3, 0, PGS, 0);
        endMoves();
        done(new Command.SetMaintenance(1, 99));
        done(new Command.SetMaintenance(1, 0));
        assertThat(told())
                .containsExactly(
                        "INFO disk-removing | disk 2 on node-2 | node node-1 | the operator's word"
                                + " | 16 placement groups move to other disks",
                        "INFO disk-removed | disk 2 on node-2 | leader m1 | it holds nothing any more"
                                + " | it may not start again",
                        "INFO maintenance-on | node node-1 | node node-1 | the operator's word"
                                + " | nothing is made anew because its disks are away",
                        "INFO maintenance-off | node node-1 | node node-1 | the operator's word"
                                + " | what is away for long is made anew");
    }

    @Test
    void copies_that_are_made_anew_are_told_once() {
        twoDisks();
        thirdDisk();
        aliveDisks.remove(new DiskLife(2, 1));
        done(new Command.Unreachable(2, 1, Command.Unreachable.SILENT));
        told();
        move(2, 3);
        promote(3, 0, PGS, 0);
        assertThat(told())
                .containsExactly(
                        "WARN disk-rebuilt-elsewhere | disk 2 on node-2 | leader m1 | it is away for"
                                + " longer than 15m | its copies are made anew on other disks");
        endMoves();
        assertThat(told())
                .containsExactly(
                        "INFO disk-emptied | disk 2 on node-2 | leader m1 |  | all that it held is on"
                                + " other disks");
    }

    @Test
    void settings_are_told_with_what_they_were() {
        twoDisks();
        told();
        done(
                new Command.ChangeSettings(
                        List.of(
                                new SettingValue("recovery-share", "50%"),
                                new SettingValue("recovery-rate", "0"))));
        done(new Command.ChangeSettings(List.of(new SettingValue("recovery-share", ""))));
        assertThat(told())
                .containsExactly(
                        "INFO settings-changed | cluster | node node-1 |  | recovery-share 50%, before"
                                + " 80%",
                        "INFO settings-changed | cluster | node node-1 |  | recovery-share 80%, before"
                                + " 50%");
    }

    @Test
    void what_is_asked_twice_is_told_once_and_the_last_are_kept_over_snapshots() {
        twoDisks();
        Submission create = by(7, new Command.CreateVolume("v", GIB, Durability.FLUSH, 5));
        submit(create);
        submit(create);
        assertThat(told()).filteredOn(line -> line.contains("volume-created")).hasSize(1);
        long volume = info(1).volumeId();
        for (int n = 0; n < Limits.EVENTS_MAX; n++) {
            group.apply(List.of(by(7, new Command.RenameVolume(volume, "v" + n))), Facts.NONE);
        }
        List<GroupEvent> events = group.eventsAfter(0);
        assertThat(events).hasSize(Limits.EVENTS_MAX);
        assertThat(events.getLast().number() - events.getFirst().number())
                .isEqualTo(Limits.EVENTS_MAX - 1);
        Group restored = new Group(group.image());
        restored.apply(List.of(by(7, new Command.RenameVolume(volume, "w"))), Facts.NONE);
        assertThat(restored.eventsAfter(events.getLast().number()))
                .singleElement()
                .extracting(GroupEvent::number)
                .isEqualTo(events.getLast().number() + 1);
    }
}
