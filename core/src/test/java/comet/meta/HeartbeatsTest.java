package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.Reply;
import org.junit.jupiter.api.Test;

class HeartbeatsTest {
    private final Heartbeats beats = new Heartbeats(3000);

    @Test
    void a_new_leader_declares_nobody_dead_before_a_full_timeout() {
        beats.lead(10_000);
        assertThat(beats.at(12_999).gateway(1)).isEqualTo(Liveness.State.UNKNOWN);
        assertThat(beats.at(12_999).disk(1, 1)).isEqualTo(Liveness.State.UNKNOWN);
        assertThat(beats.at(13_000).gateway(1)).isEqualTo(Liveness.State.DEAD);
        beats.gatewayBeat(1, 13_000);
        beats.diskBeat(1, 4, 13_000);
        assertThat(beats.at(16_000).gateway(1)).isEqualTo(Liveness.State.ALIVE);
        assertThat(beats.at(16_000).disk(1, 4)).isEqualTo(Liveness.State.ALIVE);
        assertThat(beats.at(16_000).disk(1, 3)).isEqualTo(Liveness.State.DEAD);
        assertThat(beats.at(16_000).disk(1, 5)).isEqualTo(Liveness.State.UNKNOWN);
        assertThat(beats.at(16_001).gateway(1)).isEqualTo(Liveness.State.DEAD);
        assertThat(beats.at(16_001).disk(1, 4)).isEqualTo(Liveness.State.DEAD);
        beats.lead(20_000);
        assertThat(beats.at(20_000).gateway(1)).isEqualTo(Liveness.State.UNKNOWN);
    }

    @Test
    void a_leader_that_stood_still_begins_to_count_anew() {
        Heartbeats second = new Heartbeats(Heartbeats.TIMEOUT_NS);
        long now = 1;
        second.lead(now);
        second.diskBeat(1, 4, now);
        for (int look = 0; look < 13; look++) {
            now += Watch.INTERVAL_NS;
            second.look(now);
        }
        assertThat(second.look(now).disk(1, 4)).isEqualTo(Liveness.State.DEAD);
        now += Heartbeats.TIMEOUT_NS;
        assertThat(second.look(now).disk(1, 4)).isEqualTo(Liveness.State.UNKNOWN);
        assertThat(second.at(now + Heartbeats.TIMEOUT_NS).disk(1, 4))
                .isEqualTo(Liveness.State.DEAD);
    }

    @Test
    void a_disk_that_asks_to_come_back_lives() {
        beats.lead(0);
        beats.answered(new Command.Recovering(1, 4), new Reply.Refused(1, "older-life", ""), 5000);
        assertThat(beats.at(5000).disk(1, 4)).isEqualTo(Liveness.State.DEAD);
        beats.answered(new Command.Recovering(1, 4), new Reply.Done(1), 5000);
        assertThat(beats.at(5000).disk(1, 4)).isEqualTo(Liveness.State.ALIVE);
    }

    @Test
    void a_gateway_that_was_registered_lives() {
        beats.lead(0);
        Command start = new Command.RegisterGateway("g", "h", 1, 1, 1);
        beats.answered(start, new Reply.Refused(1, "gateway-lives", ""), 5000);
        assertThat(beats.at(5000).gateway(1)).isEqualTo(Liveness.State.DEAD);
        beats.answered(start, new Reply.Id(1, 1), 5000);
        assertThat(beats.at(5000).gateway(1)).isEqualTo(Liveness.State.ALIVE);
    }

    @Test
    void a_disk_that_asks_to_start_again_has_ended_its_earlier_lives() {
        beats.lead(0);
        Command start = new Command.RegisterDisk(1, 0, 0, 7, 5, false, false);
        beats.answered(start, new Reply.Refused(1, "older-copy", ""), 1);
        assertThat(beats.at(1).disk(1, 5)).isEqualTo(Liveness.State.UNKNOWN);
        beats.answered(start, new Reply.Refused(1, "wait-for-peer", ""), 1);
        assertThat(beats.at(1).disk(1, 5)).isEqualTo(Liveness.State.DEAD);
        beats.answered(start, new Reply.DiskStarted(1, 7), 2);
        assertThat(beats.at(2).disk(1, 7)).isEqualTo(Liveness.State.ALIVE);
        beats.diskBeat(1, 5, 3);
        assertThat(beats.at(3).disk(1, 7)).isEqualTo(Liveness.State.ALIVE);
        assertThat(beats.disksSeen(3)).containsExactly(new Heartbeats.Seen(1, 7, 1, true));
    }
}
