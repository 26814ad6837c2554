package comet.replica;

import static comet.replica.ApplyRules.Outcome.APPLY;
import static comet.replica.ApplyRules.Outcome.FENCED;
import static comet.replica.ApplyRules.Outcome.FETCH_MAP;
import static comet.replica.ApplyRules.Outcome.NOTE;
import static comet.replica.ApplyRules.Outcome.NOT_A_REPLICA;
import static comet.replica.ApplyRules.Outcome.OLD_EPOCH;
import static comet.replica.ApplyRules.Outcome.RAISE_FENCE;
import static comet.replica.ApplyRules.Outcome.REPEAT;
import static comet.replica.ApplyRules.Outcome.WRONG_VERSION;
import static comet.replica.ApplyRules.Role.IN_SYNC;
import static comet.replica.ApplyRules.Role.NONE;
import static comet.replica.ApplyRules.Role.RECOVERING;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The rules as tables.
class ApplyRulesTest {
    static Object[][] gates() {
        return new Object[][] {
            // term, fence, epoch, known, role, outcome
            {5, 5, 3, 3, IN_SYNC, APPLY},
            {5, 5, 3, 3, RECOVERING, APPLY},
            {0, 5, 3, 3, IN_SYNC, APPLY},
            {4, 5, 3, 3, IN_SYNC, FENCED},
            {4, 5, 2, 3, NONE, FENCED},
            {5, 5, 2, 3, IN_SYNC, OLD_EPOCH},
            {5, 5, 2, 3, NONE, OLD_EPOCH},
            {0, 5, 2, 3, IN_SYNC, OLD_EPOCH},
            {5, 5, 4, 3, IN_SYNC, FETCH_MAP},
            {6, 5, 4, 3, IN_SYNC, FETCH_MAP},
            {0, 0, 1, 0, NONE, FETCH_MAP},
            {5, 5, 3, 3, NONE, NOT_A_REPLICA},
            {0, 5, 3, 3, NONE, NOT_A_REPLICA},
            {6, 5, 3, 3, NONE, NOT_A_REPLICA},
            {6, 5, 3, 3, IN_SYNC, RAISE_FENCE},
            {1, 0, 3, 3, RECOVERING, RAISE_FENCE},
        };
    }

    @ParameterizedTest
    @MethodSource
    void gates(int term, int fence, int epoch, int known, Role role, Outcome outcome) {
        assertThat(ApplyRules.gate(term, fence, epoch, known, role)).isEqualTo(outcome);
    }

    private static long v(long term, long count) {
        return Versions.of(term, count);
    }

    static Arguments[] writes() {
        return new Arguments[] {
            // previous, version, here, at an IN_SYNC replica, at a RECOVERING one
            Arguments.of(0L, v(1, 1), 0L, APPLY, APPLY),
            Arguments.of(v(1, 1), v(1, 2), v(1, 1), APPLY, APPLY),
            Arguments.of(v(1, 9), v(2, 1), v(1, 9), APPLY, APPLY),
            Arguments.of(v(1, 1), v(1, 2), v(1, 2), REPEAT, REPEAT),
            Arguments.of(v(1, 1), v(1, 2), v(1, 7), REPEAT, REPEAT),
            Arguments.of(v(1, 9), v(2, 1), v(2, 1), REPEAT, REPEAT),
            Arguments.of(v(1, 9), v(2, 1), v(2, 4), REPEAT, REPEAT),
            Arguments.of(v(1, 2), v(1, 3), v(1, 1), WRONG_VERSION, NOTE),
            Arguments.of(v(1, 2), v(1, 3), 0L, WRONG_VERSION, NOTE),
            Arguments.of(0L, v(1, 1), v(2, 1), WRONG_VERSION, NOTE),
            Arguments.of(v(1, 8), v(1, 9), v(2, 1), WRONG_VERSION, NOTE),
            Arguments.of(v(1, 8), v(2, 1), v(1, 9), WRONG_VERSION, NOTE),
            Arguments.of(v(1, 1), v(1, 2), ChunkPull.HALF_COPIED, WRONG_VERSION, NOTE),
            Arguments.of(0L, v(1, 1), ChunkPull.HALF_COPIED, WRONG_VERSION, NOTE),
        };
    }

    @ParameterizedTest
    @MethodSource
    void writes(long previous, long version, long here, Outcome inSync, Outcome recovering) {
        assertThat(ApplyRules.write(IN_SYNC, previous, version, here)).isEqualTo(inSync);
        assertThat(ApplyRules.write(RECOVERING, previous, version, here)).isEqualTo(recovering);
    }
}
