package comet.meta;

import static org.assertj.core.api.Assertions.assertThat;

import comet.cluster.Command;
import comet.cluster.GroupMember;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemberRulesTest extends GroupRig {
    private static GroupMember member(String name) {
        return new GroupMember(name, name + ":7492", name + ":7491", "folder of " + name);
    }

    private static Command set(String cause, String... names) {
        return new Command.SetMembers(
                List.of(names).stream().map(MemberRulesTest::member).toList(), cause);
    }

    private List<String> told() {
        return group.eventsAfter(0).stream()
                .filter(event -> event.code().startsWith("member-"))
                .map(event -> event.code() + " " + event.subject() + ": " + event.cause())
                .toList();
    }

    @Test
    void who_belongs_to_the_group_is_told_and_names_are_kept_for_ever() {
        twoDisks();
        long revision = group.revision();
        done(set("", "m1", "m2", "m3"));
        assertThat(told()).as("nobody had said it before").isEmpty();
        done(set("n1 in place of m2", "m1", "m3", "n1"));
        assertThat(told())
                .containsExactly(
                        "member-added metadata member n1: n1 in place of m2",
                        "member-removed metadata member m2: n1 in place of m2");
        done(set("", "m1", "n1"));
        assertThat(group.members()).containsExactly(member("m1"), member("n1"));
        assertThat(group.formerMembers()).containsExactly("m2", "m3");
        assertThat(group.revision()).as("no part of the map").isEqualTo(revision);
        Group restored = new Group(group.image());
        assertThat(restored.members()).isEqualTo(group.members());
        assertThat(restored.formerMembers()).isEqualTo(group.formerMembers());
        refused("no-members", new Command.SetMembers(List.of(), ""));
    }

    @Test
    void a_folder_that_becomes_known_is_no_news() {
        twoDisks();
        done(new Command.SetMembers(List.of(member("m1").withFolder(""), member("m2")), ""));
        done(set("", "m1", "m2"));
        assertThat(group.members()).containsExactly(member("m1"), member("m2"));
        assertThat(group.formerMembers()).isEmpty();
        assertThat(told()).isEmpty();
    }
}
