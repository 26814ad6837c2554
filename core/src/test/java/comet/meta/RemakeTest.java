package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskFacts;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.GatewayInfo;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.PgPage;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RemakeTest {
    private static final ClusterInfo CLUSTER = new ClusterInfo(1, 2, 1, 2);

    private static Member member(int disk, long boot, MemberState state) {
        return new Member(disk, boot, state);
    }

    private static PgConfig pg(long epoch, Member... members) {
        return new PgConfig(0, epoch, List.of(members));
    }

    private static PgConfig both(long epoch) {
        return pg(epoch, member(1, 1, MemberState.IN_SYNC), member(2, 1, MemberState.IN_SYNC));
    }

    private static PgConfig firstAlone(long epoch) {
        return pg(epoch, member(1, 1, MemberState.IN_SYNC), member(2, 1, MemberState.STALE));
    }

    private static VolumeInfo volume(long id, long term, @Nullable Attachment held) {
        return new VolumeInfo(
                id, "v" + id, 1 << 20, Durability.FLUSH, 1, term, held, held == null, 1, 0);
    }

    private static MapUpdate copy(long revision, PgConfig pg, VolumeInfo... volumes) {
        return new MapUpdate(
                0,
                revision,
                CLUSTER,
                List.of(new NodeInfo(1, "n", "a", "h", List.of("x:1"))),
                List.of(
                        new DiskInfo(1, 9, 1, 1, "a", 1, 1, 1, DiskInfo.State.ACTIVE),
                        new DiskInfo(2, 9, 2, 1, "b", 1, 1, 1, DiskInfo.State.ACTIVE)),
                List.of(new GatewayInfo(1, "g", "h")),
                List.of(pg),
                List.of(volumes),
                List.of(),
                List.of());
    }

    /// A disk that says what a test wants to hear.
    private static final class Facts {
        private final int diskId;
        private long startCount = 2;
        private long bootId = 1;
        private boolean damaged;
        private @Nullable MapUpdate copy;
        private final List<PgConfig> parts = new ArrayList<>();
        private final List<DiskFacts.Fence> fences = new ArrayList<>();
        private final List<DiskFacts.Opened> opened = new ArrayList<>();
        private final List<DiskFacts.Seen> volumes = new ArrayList<>();
        private long looks = 1;
        private long cluster = 1;

        Facts(int diskId, @Nullable MapUpdate copy, PgConfig... parts) {
            this.diskId = diskId;
            this.copy = copy;
            this.parts.addAll(List.of(parts));
        }

        Facts saw(long volumeId, long term, int lastChunk) {
            fences.add(new DiskFacts.Fence(volumeId, term));
            if (lastChunk >= 0) {
                volumes.add(new DiskFacts.Seen(volumeId, lastChunk));
            }
            return this;
        }

        DiskFacts done() {
            return new DiskFacts(
                    "disk-" + diskId,
                    cluster,
                    2,
                    diskId,
                    9,
                    diskId,
                    1,
                    startCount,
                    bootId,
                    true,
                    damaged,
                    copy,
                    parts,
                    fences,
                    opened,
                    volumes,
                    looks);
        }
    }

    private static Remake.Result made(Facts... disks) {
        List<DiskFacts> facts = new ArrayList<>();
        for (Facts disk : disks) {
            facts.add(disk.done());
        }
        return Remake.of(facts, List.of(), 5);
    }

    private static MapUpdate map(Remake.Result made) {
        assertThat(made.refusal()).isEmpty();
        return Objects.requireNonNull(made.image()).everything();
    }

    private static List<Member> members(Remake.Result made) {
        return map(made).pgs().getFirst().members();
    }

    private static VolumeInfo volume(Remake.Result made, long id) {
        for (VolumeInfo volume : map(made).volumes()) {
            if (volume.volumeId() == id) {
                return volume;
            }
        }
        throw new AssertionError("no volume " + id);
    }

    @Test
    void what_a_disk_has_written_down_counts_more_than_an_older_copy() {
        MapUpdate copy = copy(7, both(3));
        Remake.Result made = made(new Facts(1, copy, firstAlone(4)), new Facts(2, copy, both(3)));
        assertThat(members(made)).isEqualTo(firstAlone(4).members());
        assertThat(Objects.requireNonNull(made.findings()).later()).isEqualTo(1);
    }

    @Test
    void every_number_lies_above_those_of_the_lost_group() {
        MapUpdate copy = copy(7, both(3), volume(1, 4, null));
        Facts first = new Facts(1, copy, both(3)).saw(1, 9, 0);
        first.looks = 5;
        Remake.Result made = made(first, new Facts(2, copy, both(3)));
        MapUpdate map = map(made);
        assertThat(attempt(map.revision())).isEqualTo(5);
        assertThat(attempt(map.pgs().getFirst().epoch())).isEqualTo(5);
        assertThat(Objects.requireNonNull(made.image()).nextVolumeId()).isGreaterThan(5L << 32);
        assertThat(volume(made, 1).lastTerm()).isGreaterThanOrEqualTo(9 + Remake.TERM_GAP);
        // And again, from what the new group has left.
        Remake.Result again =
                made(new Facts(1, map, map.pgs().getFirst()), new Facts(2, copy, both(3)));
        assertThat(attempt(map(again).revision())).isEqualTo(6);
    }

    private static long attempt(long number) {
        return Incarnation.attempt(Incarnation.of(number));
    }

    @Test
    void groups_that_were_made_from_different_disks_are_told_apart() {
        MapUpdate copy = copy(7, both(3));
        MapUpdate one = map(made(new Facts(1, copy, both(3))));
        MapUpdate two = map(made(new Facts(2, copy, both(3))));
        long first = Incarnation.of(one.revision());
        long second = Incarnation.of(two.revision());
        assertThat(attempt(one.revision())).isEqualTo(attempt(two.revision()));
        assertThat(Incarnation.beside(first, second)).isTrue();
        assertThat(Incarnation.beside(first, first)).isFalse();
        assertThat(Incarnation.beside(1, 2)).as("of before there was the lower half").isFalse();
        // And nothing is made from what both have done.
        Facts served = new Facts(1, one, one.pgs().getFirst());
        Facts other = new Facts(2, two, two.pgs().getFirst());
        served.startCount = 9;
        other.startCount = 9;
        assertThat(made(served, other).refusal()).contains("beside each other");
        Remake.Result again = made(served, new Facts(2, copy, both(3)));
        assertThat(attempt(map(again).revision())).isEqualTo(2);
    }

    @Test
    void a_disk_that_was_not_looked_at_is_waited_for() {
        Remake.Result made = made(new Facts(2, copy(7, both(3)), both(3)));
        assertThat(members(made))
                .containsExactly(
                        member(1, 1, MemberState.IN_SYNC), member(2, 1, MemberState.STALE));
        Remake.Findings findings = Objects.requireNonNull(made.findings());
        assertThat(findings.unexamined()).containsExactly(1);
        assertThat(findings.waiting()).containsOnlyKeys(1);
        // The one that is there comes back as one that recovers, and never serves alone.
        Group group = new Group(Objects.requireNonNull(made.image()));
        Facts alone = new Facts(2, null);
        Command start = new Command.RegisterDisk(2, 9, 2, 3, 1, true, false);
        Decision decision =
                group.apply(
                                List.of(new Submission(4, 1, start)),
                                new comet.meta.Facts(
                                        false,
                                        List.of(),
                                        List.of(new DiskLife(2, alone.bootId)),
                                        List.of()))
                        .decisions()
                        .getFirst();
        assertThat(decision.reply()).isInstanceOf(Reply.DiskStarted.class);
        Member second = group.image().everything().pgs().getFirst().member(2);
        assertThat(Objects.requireNonNull(second).state()).isEqualTo(MemberState.RECOVERING);
    }

    @Test
    void a_stale_disk_need_not_be_looked_at() {
        Remake.Result made = made(new Facts(1, copy(7, firstAlone(4)), firstAlone(4)));
        assertThat(members(made)).isEqualTo(firstAlone(4).members());
        assertThat(Objects.requireNonNull(made.findings()).waiting()).isEmpty();
    }

    @Test
    void where_two_were_not_looked_at_nobody_is_trusted() {
        PgConfig three =
                pg(
                        3,
                        member(1, 1, MemberState.IN_SYNC),
                        member(2, 1, MemberState.IN_SYNC),
                        member(3, 1, MemberState.IN_SYNC));
        MapUpdate copy = copy(7, both(2));
        List<DiskInfo> disks = new ArrayList<>(copy.disks());
        disks.add(new DiskInfo(3, 9, 3, 1, "c", 1, 1, 1, DiskInfo.State.ACTIVE));
        MapUpdate wide =
                new MapUpdate(
                        0,
                        7,
                        CLUSTER,
                        copy.nodes(),
                        disks,
                        copy.gateways(),
                        List.of(three),
                        List.of(),
                        List.of());
        Remake.Result made = made(new Facts(2, wide, three));
        assertThat(members(made)).allMatch(member -> member.state() == MemberState.STALE);
        assertThat(Objects.requireNonNull(made.findings()).untrusted()).containsExactly(0);
    }

    private static MapUpdate threeDisks(long revision, PgConfig pg) {
        MapUpdate copy = copy(revision, pg);
        List<DiskInfo> disks = new ArrayList<>(copy.disks());
        disks.add(new DiskInfo(3, 9, 3, 1, "b", 1, 1, 1, DiskInfo.State.ACTIVE));
        return new MapUpdate(
                0,
                revision,
                CLUSTER,
                copy.nodes(),
                disks,
                copy.gateways(),
                List.of(pg),
                List.of(),
                List.of());
    }

    /// Disk 1 alone was looked at, and knew nothing of the move from disk 2 to disk 3. Disk 2 does
    /// not serve in what was made of that.
    @Test
    void
            what_was_made_without_looking_at_whom_it_trusts_counts_for_nothing_where_that_knows_better() {
        PgConfig left = pg(6, member(1, 1, MemberState.IN_SYNC), member(3, 1, MemberState.IN_SYNC));
        Remake.Result first = made(new Facts(1, threeDisks(7, both(3)), both(3)));
        assertThat(members(first).get(1)).isEqualTo(member(2, 1, MemberState.IN_SYNC));
        MapUpdate map = map(first);
        Facts one = new Facts(1, map, map.pgs().getFirst());
        one.startCount = 9;
        // Without it there is still nobody else to be trusted.
        assertThat(members(made(one)).get(1)).isEqualTo(member(2, 1, MemberState.IN_SYNC));
        Remake.Result again = made(one, new Facts(2, null, left), new Facts(3, null, left));
        assertThat(members(again)).isEqualTo(left.members());
        assertThat(map(again).pgs().getFirst().epoch()).isGreaterThan(map.pgs().getFirst().epoch());
        // It did not know better: then it may have served.
        Remake.Result served = made(one, new Facts(2, null, both(3)), new Facts(3, null));
        assertThat(members(served)).isEqualTo(members(first));
    }

    /// It may have been promoted since by what it had copied in this epoch.
    @Test
    void where_one_that_recovered_was_not_looked_at_nobody_is_trusted() {
        PgConfig recovers =
                pg(4, member(1, 1, MemberState.IN_SYNC), member(2, 1, MemberState.RECOVERING));
        Remake.Result made = made(new Facts(1, copy(7, recovers), recovers));
        assertThat(members(made)).allMatch(member -> member.state() == MemberState.STALE);
        Facts both = new Facts(2, copy(7, recovers));
        assertThat(members(made(new Facts(1, copy(7, recovers), recovers), both)))
                .isEqualTo(recovers.members());
    }

    @Test
    void a_damaged_disk_may_have_forgotten_what_it_did() {
        Facts damaged = new Facts(1, copy(7, both(3)), both(3));
        damaged.damaged = true;
        Remake.Result made = made(damaged, new Facts(2, copy(7, both(3)), both(3)));
        assertThat(members(made))
                .containsExactly(
                        member(1, 1, MemberState.IN_SYNC), member(2, 1, MemberState.STALE));
        assertThat(Objects.requireNonNull(made.findings()).remarks().getFirst())
                .contains("may have forgotten");
    }

    @Test
    void an_older_copy_of_a_folder_is_no_witness() {
        Facts older = new Facts(1, copy(7, both(3)), both(3));
        older.startCount = 1;
        Remake.Result made = made(older, new Facts(2, copy(7, both(3)), both(3)));
        assertThat(Objects.requireNonNull(made.findings()).examined()).containsExactly(2);
    }

    /// Disk 1 began a life that nobody but its folder knows, after one that may have cost it
    /// unsynced writes.
    @Test
    void a_disk_with_a_life_that_no_copy_knows_recovers_from_the_other_one() {
        Facts first = new Facts(1, copy(7, both(3)), both(3));
        first.bootId = 4;
        first.startCount = 5;
        Remake.Result made = made(first, new Facts(2, copy(7, both(3)), both(3)));
        assertThat(members(made))
                .containsExactly(
                        member(1, 4, MemberState.RECOVERING), member(2, 1, MemberState.IN_SYNC));
        assertThat(map(made).disks().getFirst().bootId()).isEqualTo(4);
        Facts second = new Facts(2, copy(7, both(3)), both(3));
        second.bootId = 3;
        second.startCount = 4;
        assertThat(members(made(first, second)))
                .containsExactly(
                        member(1, 4, MemberState.IN_SYNC), member(2, 3, MemberState.IN_SYNC));
    }

    @Test
    void a_volume_stays_with_whom_a_disk_has_seen_last() {
        MapUpdate copy = copy(7, both(3), volume(1, 4, new Attachment(1, 4, 0)));
        assertThat(volume(made(new Facts(1, copy), new Facts(2, copy)), 1).attachment())
                .isEqualTo(new Attachment(1, 4, 0));
        Facts newer = new Facts(1, copy).saw(1, 6, 0);
        assertThat(volume(made(newer, new Facts(2, copy)), 1).attachment()).isNull();
        newer.opened.add(new DiskFacts.Opened(1, 6, 8, 2 << 20, 1, Durability.FLUSH, "v1"));
        VolumeInfo told = volume(made(newer, new Facts(2, copy)), 1);
        assertThat(told.attachment()).isEqualTo(new Attachment(8, 6, 0));
        assertThat(told.sizeBytes()).isEqualTo(2 << 20);
        assertThat(told.cleanlyDetached()).isFalse();
    }

    @Test
    void a_volume_that_no_copy_knows_is_found_and_one_that_was_purged_is_not() {
        MapUpdate copy = copy(7, both(3), volume(1, 0, null), volume(3, 0, null));
        Facts disk = new Facts(1, copy).saw(2, 1, 0).saw(4, 2, 2).saw(3, Versions.TERM_MAX, 0);
        Remake.Result made = made(disk, new Facts(2, copy));
        assertThat(map(made).volumes()).extracting(VolumeInfo::volumeId).containsExactly(1L, 4L);
        assertThat(volume(made, 4).sizeBytes()).isEqualTo(3L * Sizes.CHUNK_BYTES);
        assertThat(volume(made, 4).name()).isEqualTo("recovered-4");
        assertThat(Objects.requireNonNull(made.findings()).found()).containsExactly(4L);
    }

    /// Disks drop what was purged, and nothing else that the new catalogue does not have.
    @Test
    void what_is_known_to_be_purged_is_told_and_no_more() {
        MapUpdate copy = copy(7, both(3), volume(2, 0, null), volume(4, 0, null));
        Facts disk = new Facts(1, copy).saw(6, 2, 0).saw(9, Versions.TERM_MAX, -1);
        Remake.Result made = made(disk, new Facts(2, copy));
        assertThat(purged(made)).containsExactly(1L, 3L, 9L);
        assertThat(map(made).volumes())
                .extracting(VolumeInfo::volumeId)
                .containsExactly(2L, 4L, 6L);
    }

    /// The group before had been made without disk 2.
    @Test
    void a_volume_that_the_last_recovery_missed_is_found_by_the_next_one() {
        long second = 1L << 32;
        MapUpdate copy =
                copy(second + 7, both(second + 3), volume(4, 0, null), volume(second + 3, 0, null));
        Facts disk = new Facts(2, copy).saw(3, 2, 0).saw(second + 2, 2, 0);
        Remake.Result made = made(new Facts(1, copy), disk);
        assertThat(Objects.requireNonNull(made.findings()).found()).containsExactly(3L);
        assertThat(purged(made)).containsExactly(second + 1, second + 2);
    }

    private static List<Long> purged(Remake.Result made) {
        return Objects.requireNonNull(made.image()).purged().stream()
                .map(GroupImage.Purged::volumeId)
                .toList();
    }

    @Test
    void what_was_mixed_up_is_refused() {
        MapUpdate copy = copy(7, both(3));
        Facts foreign = new Facts(1, copy);
        foreign.cluster = 6;
        assertThat(made(foreign).refusal()).contains("another cluster");
        assertThat(made(new Facts(1, copy), new Facts(1, copy)).refusal())
                .contains("one is a copy");
        assertThat(made(new Facts(1, null)).refusal()).contains("no copy");
    }

    @Test
    void a_gateway_that_has_lived_on_may_attach() {
        MapUpdate copy = copy(7, both(3), volume(1, 0, null));
        Group group =
                new Group(
                        Objects.requireNonNull(
                                made(new Facts(1, copy), new Facts(2, copy)).image()));
        Command attach = new Command.Attach(1, 1, Command.Attach.Mode.NORMAL);
        assertThat(reply(group, 77, attach)).isInstanceOf(Reply.Attached.class);
        assertThat(reply(group, 78, attach)).isInstanceOf(Reply.Refused.class);
        assertThat(reply(group, 78, new Command.RegisterGateway("g", "h", 3, 4, 2)))
                .isInstanceOf(Reply.Id.class);
    }

    private static Reply reply(Group group, long origin, Command command) {
        return group.apply(
                        List.of(new Submission(origin, 1 + group.revision(), command)),
                        comet.meta.Facts.NONE)
                .decisions()
                .getFirst()
                .reply();
    }

    /// A group lives, some disks write down some of it, all of it is lost: nobody is trusted who
    /// was not IN_SYNC in the last configuration that anybody acted upon.
    @Test
    void nobody_is_trusted_who_missed_something() {
        for (long seed = 1; seed <= 300; seed++) {
            Prng prng = new Prng(seed);
            MapUpdate firstCopy = copy(7, both(3));
            PgConfig now = both(3);
            PgConfig acted = now;
            Facts[] disks = {new Facts(1, firstCopy, now), new Facts(2, firstCopy, now)};
            for (int step = prng.nextInt(6); step > 0; step--) {
                MemberState[] states = {MemberState.IN_SYNC, MemberState.STALE};
                int behind = prng.nextInt(3);
                if (behind < 2) {
                    Member other = now.members().get(1 - behind);
                    if (other.state() != MemberState.IN_SYNC) {
                        continue;
                    }
                }
                now =
                        pg(
                                now.epoch() + 1,
                                member(1, 1, behind == 0 ? states[1] : states[0]),
                                member(2, 1, behind == 1 ? states[1] : states[0]));
                if (prng.chance(1, 2)) {
                    // Who acts in it has written it down, all that count.
                    acted = now;
                    for (int d = 0; d < 2; d++) {
                        if (now.members().get(d).state() == MemberState.IN_SYNC) {
                            disks[d].parts.clear();
                            disks[d].parts.add(now);
                        }
                    }
                } else {
                    now = acted;
                }
            }
            boolean[] seen = {prng.chance(3, 4), prng.chance(3, 4)};
            if (!seen[0] && !seen[1]) {
                continue;
            }
            Remake.Result made =
                    seen[0] && seen[1] ? made(disks) : made(seen[0] ? disks[0] : disks[1]);
            for (Member member : members(made)) {
                boolean trusted = member.state() == MemberState.IN_SYNC;
                boolean held =
                        Objects.requireNonNull(acted.member(member.diskId())).state()
                                == MemberState.IN_SYNC;
                boolean looked = seen[member.diskId() - 1];
                assertThat(!trusted || held || !looked).as("seed %s: %s", seed, acted).isTrue();
            }
        }
    }

    @Test
    void configurations_survive_their_page() {
        PgConfig moving =
                new PgConfig(
                        300,
                        Incarnation.first(3, 9),
                        List.of(member(1, 1L << 33, MemberState.RECOVERING)),
                        new PgConfig.Move(4, 1));
        List<PgConfig> pgs = List.of(both(3), moving);
        byte[] page = PgPage.encode(pgs);
        assertThat(PgPage.decode(page)).isEqualTo(pgs);
        for (int length = 0; length < page.length; length++) {
            assertThat(PgPage.decode(java.util.Arrays.copyOf(page, length))).isNull();
        }
    }
}
