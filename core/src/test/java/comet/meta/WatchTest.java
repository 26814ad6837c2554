package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskLife;
import comet.cluster.Reply;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Whom the leader proposes to go on without, and why.
class WatchTest extends GroupRig {
    private static final long MS = 1_000_000L;
    private static final DiskLife ONE = new DiskLife(1, 1);
    private static final DiskLife TWO = new DiskLife(2, 1);
    private static final String SLOW = Command.Unreachable.SLOW;

    private final Heartbeats heartbeats = new Heartbeats(Heartbeats.TIMEOUT_NS);
    private final Reports reports = new Reports();
    private final Watch watch = new Watch(heartbeats, reports);
    private long nowNs = 1_000_000_000L;

    /// Disks that report, and gateways.
    private final List<DiskLife> beating = new ArrayList<>(List.of(ONE, TWO));

    private final List<Long> gateways = new ArrayList<>(List.of(5L, 6L, 7L));

    private void start() {
        twoDisks();
        heartbeats.lead(nowNs);
        pass(4000);
    }

    /// Time passes, with its heartbeats and looks.
    private List<Command.Unreachable> pass(long ms) {
        List<Command.Unreachable> last = List.of();
        for (long end = nowNs + ms * MS; nowNs < end; nowNs += 250 * MS) {
            for (DiskLife life : beating) {
                heartbeats.diskBeat(life.diskId(), life.bootId(), nowNs);
            }
            gateways.forEach(gateway -> heartbeats.gatewayBeat(gateway, nowNs));
            last = watch.look(map, nowNs);
        }
        return last;
    }

    /// What is proposed, but for the placement groups that it names.
    private static List<Command.Unreachable> plain(List<Command.Unreachable> commands) {
        return commands.stream()
                .map(c -> because(new DiskLife(c.diskId(), c.bootId()), c.why()))
                .toList();
    }

    private static Command.Unreachable because(DiskLife life, String why) {
        return new Command.Unreachable(life.diskId(), life.bootId(), why);
    }

    private void attachVolume() {
        long volume = volume("v");
        long gateway = id(gateway("g", "h"));
        term(new Command.Attach(volume, gateway, Mode.NORMAL));
    }

    private void say(long gateway, DiskLife life) {
        reports.said(gateway, life, nowNs);
    }

    /// The leader has called the disk.
    private void probe(boolean answers) {
        for (DiskLife life : reports.toProbe(nowNs)) {
            reports.probed(life, answers, nowNs);
        }
    }

    @Test
    void those_who_are_silent_for_the_timeout_and_can_be_missed() {
        start();
        assertThat(pass(1000)).isEmpty();
        beating.remove(TWO);
        assertThat(pass(2900)).isEmpty();
        assertThat(plain(pass(500))).containsExactly(because(TWO, Command.Unreachable.SILENT));
        heartbeats.lead(nowNs);
        assertThat(pass(2900)).as("a new leader waits").isEmpty();
        assertThat(pass(500)).hasSize(1);
        beating.remove(ONE);
        assertThat(pass(4000)).as("nobody is left").isEmpty();
        beating.add(ONE);
        assertThat(pass(500)).hasSize(1);
        done(because(TWO, Command.Unreachable.SILENT));
        assertThat(pass(500)).as("done already").isEmpty();
    }

    @Test
    void those_who_say_goodbye_at_once_but_only_where_somebody_would_wait_for_them() {
        start();
        beating.remove(TWO);
        heartbeats.goodbye(TWO, nowNs);
        assertThat(pass(5000)).as("a cluster at rest keeps its copies").isEmpty();
        attachVolume();
        assertThat(pass(250)).as("whose gateway is gone").isEmpty();
        gateways.add(map.gateways().iterator().next().gatewayId());
        assertThat(plain(pass(250))).containsExactly(because(TWO, Command.Unreachable.GONE));
        beating.add(TWO);
        assertThat(pass(500)).as("it is back").isEmpty();
        heartbeats.goodbye(new DiskLife(2, 0), nowNs);
        assertThat(pass(250)).as("word of an earlier life").isEmpty();
    }

    @Test
    void those_who_answer_neither_a_gateway_nor_the_leader() {
        start();
        say(5, TWO);
        assertThat(pass(250)).as("the leader looks for itself").isEmpty();
        probe(false);
        assertThat(plain(pass(250))).containsExactly(because(TWO, Command.Unreachable.REPORTED));
        pass(2500);
        assertThat(pass(250)).as("it is said no longer").isEmpty();
    }

    /// Whoever of them is left behind would wait for the other, which may have lost something.
    @Test
    void of_those_who_died_together_none_is_left_behind_for_another() {
        start();
        beating.clear();
        for (int i = 0; i < 20; i++) {
            nowNs += 250 * MS;
            if (i >= 4) {
                // Its calls have been in vain for a second.
                say(5, ONE);
                say(5, TWO);
                probe(false);
            }
            gateways.forEach(gateway -> heartbeats.gatewayBeat(gateway, nowNs));
            assertThat(watch.look(map, nowNs)).isEmpty();
        }
    }

    /// As above, where only one of them was reported yet.
    @Test
    void nobody_is_left_behind_for_one_who_was_not_heard_of_for_a_second() {
        start();
        beating.clear();
        nowNs += 1000 * MS;
        say(5, TWO);
        probe(false);
        assertThat(watch.look(map, nowNs)).isEmpty();
        heartbeats.diskBeat(1, 1, nowNs);
        assertThat(plain(watch.look(map, nowNs)))
                .containsExactly(because(TWO, Command.Unreachable.REPORTED));
    }

    @Test
    void a_gateway_that_is_cut_off_is_told_so_and_not_believed() {
        start();
        for (int i = 0; i < 20; i++) {
            say(5, ONE);
            say(5, TWO);
            probe(true);
            assertThat(pass(250)).isEmpty();
        }
        assertThat(reports.verdict(TWO, gateways, nowNs)).isEqualTo(Reports.Verdict.REACHED);
        // Two of three say so: whatever the leader sees, the disk is of no use to most.
        say(6, TWO);
        assertThat(plain(pass(250))).containsExactly(because(TWO, Command.Unreachable.REPORTED));
        gateways.add(8L);
        assertThat(pass(250)).as("half of them").isEmpty();
    }

    @Test
    void the_only_gateway_is_not_most_of_them() {
        start();
        gateways.removeAll(List.of(6L, 7L));
        pass(4000);
        say(5, TWO);
        probe(true);
        assertThat(pass(250)).isEmpty();
    }

    @Test
    void those_who_were_not_heard_of_yet_have_the_time_that_silence_has() {
        start();
        beating.remove(TWO);
        heartbeats.lead(nowNs);
        for (int i = 0; i < 11; i++) {
            say(5, TWO);
            probe(false);
            assertThat(pass(250)).isEmpty();
        }
    }

    /// Else whoever waits would wait for it again.
    @Test
    void who_is_left_behind_may_not_come_back_before_it_can_be_reached() {
        start();
        Command.Recovering back = new Command.Recovering(2, 1);
        assertThat(watch.objection(back, nowNs)).isNull();
        say(5, TWO);
        assertThat(watch.objection(back, nowNs)).isNull();
        probe(false);
        assertThat(watch.objection(back, nowNs)).contains("gateways do not reach");
        Command.RegisterDisk register = register(2, 2, 1, true, false);
        watch.answered(register, new Reply.DiskStarted(1, 1), nowNs);
        assertThat(watch.objection(back, nowNs)).as("it has started anew").isNull();
        heartbeats.goodbye(TWO, nowNs);
        assertThat(watch.objection(back, nowNs)).contains("serves no longer");
        heartbeats.diskBeat(2, 1, nowNs);
        assertThat(watch.objection(back, nowNs)).isNull();
    }

    @Test
    void a_probe_is_sent_once_and_again_after_a_while() {
        start();
        say(5, TWO);
        assertThat(reports.toProbe(nowNs)).containsExactly(TWO);
        assertThat(reports.toProbe(nowNs + 1000 * MS)).as("under way").isEmpty();
        reports.probed(TWO, true, nowNs);
        assertThat(reports.toProbe(nowNs + 400 * MS)).isEmpty();
        assertThat(reports.toProbe(nowNs + 500 * MS)).containsExactly(TWO);
        // Word of another life: what was found of the first one says nothing.
        say(5, new DiskLife(2, 9));
        reports.probed(TWO, false, nowNs);
        assertThat(reports.verdict(new DiskLife(2, 9), gateways, nowNs))
                .isEqualTo(Reports.Verdict.OPEN);
        say(5, TWO);
        assertThat(reports.toProbe(nowNs)).containsExactly(new DiskLife(2, 9));
    }

    private List<Command.Unreachable> passSlow(long ms, DiskLife life, long... saying) {
        List<Command.Unreachable> last = List.of();
        for (int i = 0; i < ms / 500; i++) {
            for (long gateway : saying) {
                assertThat(watch.report(gateway, List.of(), List.of(life), nowNs)).isEmpty();
            }
            last = pass(500);
        }
        return last;
    }

    private void becomeInSync(int diskId) {
        List<PgEpoch> pgs = new ArrayList<>();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            pgs.add(new PgEpoch(pg, map.pg(pg).epoch()));
        }
        done(new Command.InSync(diskId, pgs));
    }

    /// Gateways that hold a volume each.
    private long[] holders(int count) {
        gateways.clear();
        long[] ids = new long[count];
        for (int i = 0; i < count; i++) {
            long volume = volume("v" + i);
            ids[i] = id(gateway("g" + i, "h" + i));
            term(new Command.Attach(volume, ids[i], Mode.NORMAL));
            gateways.add(ids[i]);
        }
        return ids;
    }

    @Test
    void those_who_are_slow_where_the_gateway_that_uses_them_says_so() {
        start();
        gateways.add(9L); // Idle: it cannot know.
        long[] holder = holders(1);
        assertThat(passSlow(500, TWO, 9)).as("holds no volume").isEmpty();
        assertThat(plain(passSlow(500, TWO, holder))).containsExactly(because(TWO, SLOW));
        done(because(TWO, SLOW));
        assertThat(passSlow(500, TWO, holder)).as("done already").isEmpty();
        watch.answered(register(2, 2, 1, true, false), new Reply.DiskStarted(1, 1), nowNs);
        assertThat(passSlow(500, ONE, holder)).as("the last copy").isEmpty();
    }

    @Test
    void one_gateway_is_not_believed_where_several_hold_volumes() {
        start();
        long[] four = holders(4);
        assertThat(passSlow(500, TWO, four[0])).isEmpty();
        assertThat(passSlow(500, TWO, four[0], four[1])).hasSize(1);
    }

    @Test
    void a_new_leader_does_not_believe_the_first_who_comes() {
        start();
        long[] four = holders(4);
        heartbeats.lead(nowNs);
        watch.clear();
        gateways.clear();
        gateways.add(four[0]);
        assertThat(passSlow(2500, TWO, four[0])).isEmpty();
        for (long gateway : four) {
            gateways.add(gateway);
        }
        assertThat(passSlow(3000, TWO, four[0])).isEmpty();
    }

    /// A copy that lives is given up only where another was heard of a moment ago.
    @Test
    void who_is_slow_is_not_left_behind_for_one_that_has_fallen_silent() {
        start();
        long[] holder = holders(1);
        pass(500);
        beating.remove(ONE);
        pass(1000);
        assertThat(passSlow(500, TWO, holder)).isEmpty();
        beating.add(ONE);
        List<Command.Unreachable> found = passSlow(500, TWO, holder);
        assertThat(found).hasSize(1);
        assertThat(found.getFirst().pgs()).as("each of them named").hasSize(PGS);
    }

    @Test
    void what_is_slow_comes_back_later_or_started_anew() {
        start();
        long[] holder = holders(1);
        passSlow(500, TWO, holder);
        done(because(TWO, SLOW));
        Command.Recovering back = new Command.Recovering(2, 1);
        assertThat(watch.objection(back, nowNs)).contains("far slower");
        pass(600_000 - 1000);
        assertThat(watch.objection(back, nowNs)).contains("far slower");
        pass(1000);
        assertThat(watch.objection(back, nowNs)).isNull();
        done(back);
        assertThat(passSlow(500, TWO, holder)).as("it has been slow before").hasSize(1);
        becomeInSync(2);
        assertThat(passSlow(500, TWO, holder)).hasSize(1);
        done(because(TWO, SLOW));
        watch.answered(register(2, 2, 1, true, false), new Reply.DiskStarted(1, 1), nowNs);
        assertThat(watch.objection(back, nowNs)).isNull();
    }

    @Test
    void one_node_at_a_time_is_left_behind_for_being_slow() {
        start();
        long[] holder = holders(1);
        passSlow(500, TWO, holder);
        done(because(TWO, SLOW));
        done(new Command.Recovering(2, 1));
        becomeInSync(2);
        pass(3000); // What was said of it is over.
        assertThat(passSlow(500, ONE, holder)).as("two is held to be slow still").isEmpty();
        pass(600_000);
        assertThat(plain(passSlow(500, ONE, holder))).containsExactly(because(ONE, SLOW));
    }

    @Test
    void a_disk_that_answers_calls_and_serves_nobody_is_no_fault_of_the_gateway() {
        start();
        say(5, TWO);
        probe(true);
        assertThat(watch.report(5, List.of(TWO), List.of(), nowNs)).containsExactly(TWO);
        heartbeats.goodbye(TWO, nowNs);
        assertThat(watch.report(5, List.of(TWO), List.of(), nowNs)).isEmpty();
    }

    @Test
    void who_recovers_or_is_recovered_from_is_slow_by_that() {
        start();
        long[] holder = holders(1);
        done(because(TWO, Command.Unreachable.SILENT));
        done(new Command.Recovering(2, 1));
        assertThat(passSlow(500, TWO, holder)).isEmpty();
        assertThat(passSlow(500, ONE, holder)).isEmpty();
        becomeInSync(2);
        assertThat(passSlow(500, TWO, holder)).hasSize(1);
    }

    @Test
    void each_time_it_rests_for_longer() {
        start();
        long[] holder = holders(1);
        Command.Recovering back = new Command.Recovering(2, 1);
        for (long minutes : new long[] {10, 20, 40}) {
            assertThat(passSlow(500, TWO, holder)).hasSize(1);
            done(because(TWO, SLOW));
            pass(minutes * 60_000 - 2000);
            assertThat(watch.objection(back, nowNs)).isNotNull();
            pass(2000);
            assertThat(watch.objection(back, nowNs)).isNull();
            done(back);
            becomeInSync(2);
        }
    }
}
