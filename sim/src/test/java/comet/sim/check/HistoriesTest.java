package comet.sim.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Good and bad histories for the checkers that read them.
class HistoriesTest {
    private final History history = new History("v");
    private long moment;
    private long id;

    private Op ask(Op.Kind kind, int life) {
        int cells = kind == Op.Kind.FLUSH ? 0 : 1;
        Op op = new Op(++id, kind, 0, cells, ++moment, life, false);
        history.add(op);
        return op;
    }

    private Op end(Op op) {
        op.outcome = Op.Outcome.OK;
        op.returned = ++moment;
        op.term = op.life;
        return op;
    }

    private Op write() {
        return end(ask(Op.Kind.WRITE, 1));
    }

    private void flush() {
        end(ask(Op.Kind.FLUSH, 1));
    }

    private void read(long value) {
        read(value, 1);
    }

    private void read(long value, int life) {
        answer(ask(Op.Kind.READ, life), value);
    }

    private void answer(Op read, long value) {
        read.values = new long[] {value};
        end(read);
    }

    private Op lost(Op op) {
        op.outcome = Op.Outcome.UNKNOWN;
        op.term = op.life;
        return op;
    }

    private void blackout() {
        history.blackout(++moment);
    }

    private @Nullable String g1() {
        Violation found = new G1Linearizable(history).check();
        return found == null ? null : found.guarantee();
    }

    private void good() {
        assertThat(new G1Linearizable(history).check()).isNull();
        assertThat(new G4Flush(history).check()).isNull();
        assertThat(new G5NoSilentLoss(history).check()).isNull();
        assertThat(new G8Integrity(history).check()).isNull();
    }

    @Test
    void what_was_written_is_read() {
        read(0);
        Op a = write();
        read(a.id);
        Op b = write();
        read(b.id);
        good();
    }

    @Test
    void an_old_value_after_a_completed_write_is_found() {
        Op a = write();
        write();
        read(a.id);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void concurrent_writes_may_end_either_way_but_only_one_way() {
        Op a = ask(Op.Kind.WRITE, 1);
        Op b = ask(Op.Kind.WRITE, 1);
        end(a);
        end(b);
        read(a.id);
        good();
        read(b.id);
        assertThat(g1()).isEqualTo("G1");
    }

    /// In a time that one has: 2^40 orders are too many to look at.
    @Test
    void a_cell_that_dozens_write_at_once_is_left_undecided() {
        List<Op> writes = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            writes.add(ask(Op.Kind.WRITE, 1));
        }
        writes.forEach(this::end);
        G1Linearizable checker = new G1Linearizable(history);
        assertThat(checker.check()).isNull();
        assertThat(checker.undecided()).isEqualTo(1);
    }

    @Test
    void a_read_that_overlaps_a_write_may_see_both_but_never_back() {
        Op a = write();
        Op b = ask(Op.Kind.WRITE, 1);
        read(a.id);
        read(b.id);
        read(b.id);
        good();
        read(a.id);
        end(b);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_read_between_two_open_writes_needs_both_orders() {
        Op a = ask(Op.Kind.WRITE, 1);
        Op b = ask(Op.Kind.WRITE, 1);
        Op r = ask(Op.Kind.READ, 1);
        end(b);
        answer(r, a.id);
        end(a);
        read(b.id);
        good();
    }

    @Test
    void a_write_of_a_dead_gateway_may_be_there_or_not_but_stays_so() {
        Op a = write();
        Op b = lost(ask(Op.Kind.WRITE, 1));
        read(a.id, 2);
        good();
        read(b.id, 2);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_write_of_a_dead_gateway_may_be_met_late() {
        write();
        Op b = lost(ask(Op.Kind.WRITE, 1));
        Op elsewhere = new Op(++id, Op.Kind.READ, 1, 1, ++moment, 2, false);
        history.add(elsewhere);
        answer(elsewhere, 0);
        read(b.id, 2);
        good();
    }

    @Test
    void a_write_of_a_dead_gateway_that_was_seen_does_not_go_again() {
        Op a = write();
        Op b = lost(ask(Op.Kind.WRITE, 1));
        read(b.id, 2);
        good();
        read(a.id, 2);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_refused_write_must_not_appear() {
        Op a = ask(Op.Kind.WRITE, 1);
        a.outcome = Op.Outcome.NOT_DONE;
        a.returned = ++moment;
        read(a.id);
        Violation found = new G8Integrity(history).check();
        assertThat(found).isNotNull();
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void garbage_is_found() {
        write();
        read(Op.GARBAGE);
        Violation found = new G8Integrity(history).check();
        assertThat(found).isNotNull();
    }

    @Test
    void what_was_not_flushed_may_go_with_the_power_of_everything() {
        Op a = write();
        flush();
        Op b = write();
        blackout();
        read(a.id, 2);
        good();
        read(b.id, 2);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void what_was_flushed_stays() {
        Op a = write();
        write();
        flush();
        blackout();
        read(a.id, 2);
        assertThat(new G4Flush(history).check()).isNotNull();
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_flush_does_not_bring_back_what_an_earlier_loss_took() {
        Op a = write();
        flush();
        write();
        blackout();
        flush();
        blackout();
        read(a.id, 2);
        good();
    }

    @Test
    void a_flush_covers_only_what_had_ended_before() {
        Op a = write();
        flush();
        Op open = ask(Op.Kind.WRITE, 1);
        Op flush = ask(Op.Kind.FLUSH, 1);
        end(open);
        end(flush);
        blackout();
        read(a.id, 2);
        good();
    }

    @Test
    void what_a_loss_left_stays_over_the_next_loss_once_it_was_read() {
        Op a = write();
        flush();
        Op b = write();
        blackout();
        read(b.id, 2);
        blackout();
        read(b.id, 3);
        good();
        blackout();
        read(a.id, 4);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_completed_write_survives_the_power_of_all_nodes() {
        Op a = write();
        write();
        history.nodeBlackout(++moment);
        read(a.id);
        assertThat(new G5NoSilentLoss(history).check()).isNotNull();
    }

    @Test
    void a_completed_write_may_be_overwritten_after_the_power_of_all_nodes() {
        write();
        history.nodeBlackout(++moment);
        Op b = write();
        read(b.id);
        good();
    }

    @Test
    void zeros_are_a_value_like_any_other() {
        Op a = write();
        end(ask(Op.Kind.ZERO, 1));
        read(0);
        good();
        read(a.id);
        assertThat(g1()).isEqualTo("G1");
    }

    @Test
    void a_weak_read_promises_nothing_about_age() {
        Op a = write();
        write();
        Op r = ask(Op.Kind.READ, 2);
        r.strong = false;
        answer(r, a.id);
        good();
    }
}
