package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Versions;
import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Who may attach, and which life of a gateway.
class AttachRulesTest extends GroupRig {
    private long v;
    private long g;

    @BeforeEach
    void aVolumeAndALivingGateway() {
        twoDisks();
        v = volume("v");
        g = id(gateway("g", "h"));
        aliveGateways.add(g);
    }

    @Test
    void attaching_takes_a_new_term_each_time() {
        refused("unknown-volume", new Command.Attach(9, g, Mode.NORMAL));
        refused("unknown-gateway", new Command.Attach(v, 9, Mode.NORMAL));
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(1);
        assertThat(info(v).cleanlyDetached()).isTrue();
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(2);
        assertThat(info(v).cleanlyDetached()).isFalse();
        refused("attached", new Command.DeleteVolume(v, 5));
        refused("not-attached", new Command.Detach(v, g, 1, true));
        done(new Command.Detach(v, g, 2, true));
        done(new Command.Detach(v, g, 2, true));
        assertThat(info(v).attachment()).isNull();
        assertThat(info(v).cleanlyDetached()).isTrue();
        Submission attach = new Submission(7, 99, new Command.Attach(v, g, Mode.NORMAL));
        Reply first = submit(attach);
        assertThat(submit(attach)).isEqualTo(first);
        assertThat(info(v).lastTerm()).isEqualTo(3);
    }

    @Test
    void refusals_name_the_gateway() {
        long other = id(gateway("other", "h"));
        aliveGateways.add(other);
        term(new Command.Attach(v, g, Mode.NORMAL));
        for (Command command :
                new Command[] {
                    new Command.Attach(v, other, Mode.NORMAL),
                    new Command.DeleteVolume(v, 5),
                    new Command.Migrate(v, g),
                    new Command.Detach(v, g, 9, true)
                }) {
            assertThat(((Reply.Refused) submit(command)).message()).contains("to gateway g");
        }
    }

    @Test
    void a_name_belongs_to_one_living_gateway() {
        Command other = new Command.RegisterGateway("g", "h", 5, 5, 1);
        assertThat(code(8, other)).isEqualTo("gateway-lives");
        leaderIsNew = true;
        aliveGateways.clear();
        assertThat(code(8, other)).isEqualTo("wait-for-gateway");
        leaderIsNew = false;
        assertThat(submit(by(8, other))).isEqualTo(new Reply.Id(group.revision(), g));
        aliveGateways.add(g);
        refused("gateway-lives", gateway("g", "h"));
        assertThat(code(8, other)).as("a repeat").isEmpty();
    }

    @Test
    void only_the_newest_life_of_a_gateway_attaches() {
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(1);
        // It restarts, and counts so as alive; what the dead life asked for comes late.
        Command again = new Command.RegisterGateway("g", "h", 1, 'g', 2);
        assertThat(code(8, again)).isEmpty();
        refused("older-life", gateway("g", "h"));
        refused("older-life", new Command.Attach(v, g, Mode.NORMAL));
        refused("older-life", new Command.Attach(v, g, Mode.TAKEOVER));
        Group restored = new Group(group.image());
        assertThat(restored.image()).isEqualTo(group.image());
        Command attach = new Command.Attach(v, g, Mode.NORMAL);
        assertThat(submit(by(8, attach))).isEqualTo(new Reply.Attached(group.revision(), 2));
        assertThat(code(9, attach)).isEqualTo("older-life");
        // The dead life's word about its own term changes nothing; the operator's about this does.
        refused("not-attached", new Command.Detach(v, g, 1, true));
        done(new Command.AnswerYield(v, g, 1, true));
        assertThat(info(v).attachment()).isEqualTo(new VolumeInfo.Attachment(g, 2, 0));
        done(new Command.Detach(v, g, 2, false));
        assertThat(info(v).attachment()).isNull();
    }

    @Test
    void a_volume_held_by_a_living_gateway_is_refused_and_its_holder_asked() {
        long h = id(gateway("h", "h"));
        term(new Command.Attach(v, g, Mode.NORMAL));
        refused("attached-elsewhere", new Command.Attach(v, h, Mode.NORMAL));
        assertThat(question).isEqualTo(new Decision.YieldQuestion(v, g, 1));
        done(new Command.AnswerYield(v, g, 1, false));
        done(new Command.AnswerYield(v, g, 2, true));
        done(new Command.AnswerYield(v, h, 1, true));
        refused("attached-elsewhere", new Command.Attach(v, h, Mode.NORMAL));
        done(new Command.AnswerYield(v, g, 1, true));
        assertThat(term(new Command.Attach(v, h, Mode.NORMAL))).isEqualTo(2);
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(3);
        assertThat(question).isNull();
        leaderIsNew = true;
        aliveGateways.clear();
        refused("attached-elsewhere", new Command.Attach(v, h, Mode.NORMAL));
        assertThat(term(new Command.Attach(v, h, Mode.TAKEOVER))).isEqualTo(4);
        assertThat(info(v).cleanlyDetached()).isFalse();
    }

    @Test
    void migration_lets_the_target_and_nobody_else_take_over() {
        long h = id(gateway("h", "h"));
        long i = id(gateway("i", "h"));
        refused("not-attached", new Command.Migrate(v, h));
        term(new Command.Attach(v, g, Mode.NORMAL));
        refused("unknown-gateway", new Command.Migrate(v, 44));
        refused("already-there", new Command.Migrate(v, g));
        done(new Command.Migrate(v, h));
        refused("attached-elsewhere", new Command.Attach(v, i, Mode.NORMAL));
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(2);
        done(new Command.Migrate(v, 0));
        refused("attached-elsewhere", new Command.Attach(v, h, Mode.NORMAL));
        done(new Command.Migrate(v, h));
        refused("attached-elsewhere", new Command.Attach(v, h, Mode.IF_FREE));
        assertThat(question).as("a read asks nobody to yield").isNull();
        assertThat(term(new Command.Attach(v, h, Mode.NORMAL))).isEqualTo(3);
        assertThat(info(v).attachment()).isEqualTo(new VolumeInfo.Attachment(h, 3, 0));
        assertThat(term(new Command.Attach(v, i, Mode.IF_FREE))).as("h is dead").isEqualTo(4);
    }

    @Test
    void the_last_term_is_the_replicas_own() {
        VolumeInfo fresh = info(v);
        group.replay(
                new GroupRecord.VolumeSet(
                        new VolumeInfo(
                                v,
                                fresh.name(),
                                fresh.sizeBytes(),
                                fresh.durability(),
                                1,
                                Versions.TERM_MAX - 2,
                                null,
                                true,
                                5,
                                0)));
        assertThat(term(new Command.Attach(v, g, Mode.NORMAL))).isEqualTo(Versions.TERM_MAX - 1);
        refused("terms-exhausted", new Command.Attach(v, g, Mode.NORMAL));
    }
}
