package comet.server.control;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The members that a client tries, one after the other: the one in this process first, then those
/// that the group has told, and only when nobody leads among them what the config says beside.
/// Owner thread: the client's loop.
final class Targets {
    /// Fruitless rounds through the members that the group has told before the others are tried.
    private static final int ROUNDS = 2;

    /// A member: in this process, or behind addresses.
    record Target(@Nullable ControlService local, List<String> addresses) {}

    private final @Nullable Target local;
    private final List<List<String>> configured;
    private List<Target> known = new ArrayList<>();
    private List<Target> others = new ArrayList<>();
    private int next;
    private int round;

    /// @param told by the group, in an earlier life of this process perhaps; empty where nothing is
    ///   known
    Targets(
            @Nullable ControlService service,
            List<List<String>> told,
            List<List<String>> configured) {
        local =
                service == null
                        ? null
                        : new Target(service, service.member().settings().member().control());
        this.configured = configured;
        set(told.isEmpty() ? configured : told);
    }

    private void set(List<List<String>> members) {
        known = new ArrayList<>();
        others = new ArrayList<>();
        if (local != null) {
            known.add(local);
        }
        members.forEach(addresses -> addUnknown(known, addresses));
        configured.forEach(addresses -> addUnknown(others, addresses));
    }

    private void addUnknown(List<Target> to, List<String> addresses) {
        if (find(addresses) == null) {
            to.add(new Target(null, List.copyOf(addresses)));
        }
    }

    private @Nullable Target find(List<String> addresses) {
        for (Target target : all()) {
            if (target.addresses.equals(addresses)) {
                return target;
            }
        }
        return null;
    }

    private List<Target> all() {
        List<Target> all = new ArrayList<>(known);
        all.addAll(others);
        return all;
    }

    boolean isEmpty() {
        return all().isEmpty();
    }

    Target next() {
        return all().get(next);
    }

    /// The group has told who belongs to it.
    void learn(List<List<String>> members, Target current) {
        set(members);
        next = Math.max(0, all().indexOf(current));
        round = 0;
    }

    /// The current one leads.
    void leads() {
        round = 0;
    }

    /// Goes on to whom the last one has named as the leader, or else to the one behind it.
    ///
    /// @param leader empty where it has named nobody
    /// @return whether that is another one, which was named
    boolean moveOn(List<String> leader) {
        int before = next;
        if (!leader.isEmpty()) {
            addUnknown(known, leader);
            for (int i = 0; i < all().size(); i++) {
                if (all().get(i).addresses.equals(leader)) {
                    next = i;
                    return i != before;
                }
            }
        }
        next++;
        if (next >= all().size()) {
            next = 0;
            round = 0;
        } else if (next == known.size() && ++round < ROUNDS) {
            next = 0;
        }
        return false;
    }
}
