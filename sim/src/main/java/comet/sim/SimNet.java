package comet.sim;

import comet.base.Prng;
import comet.port.Connection;
import comet.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// All connections between processes: ordered streams whose frames take time, that break with some
/// of what was under way lost, or stall for a while (a partition). Connections do not wait for each
/// other, so messages on different ones overtake each other.
final class SimNet {
    /// Sees, and may falsify, what goes over the links: for checkers and canaries.
    interface Tap {
        /// Before the frame is sealed.
        ///
        /// @return what is sent in its place, mostly the frame itself; null where nothing is. What
        ///   is not sent has been released
        @Nullable Frame onSend(SimLink.End from, Frame frame);

        /// Just before the receiver gets it.
        void onDeliver(SimLink.End to, Frame frame);
    }

    /// How long things take; seeded.
    static final class Delays {
        long frameNsMin = 15_000;
        long frameNsMax = 150_000;

        /// Chance in 1,000 of a frame that takes up to [#slowNsMax].
        int slowPerMille = 5;

        long slowNsMax = 5_000_000;
    }

    /// Two processes that do not reach each other, by their names.
    private record Cut(String one, String other, long untilNs) {
        boolean between(SimProcess a, SimProcess b) {
            return a.name().equals(one) && b.name().equals(other)
                    || a.name().equals(other) && b.name().equals(one);
        }
    }

    private record Listener(SimProcess process, Connection.Acceptor acceptor) {}

    private final Simulation simulation;
    private final Prng prng;
    private final TreeMap<String, Listener> listeners = new TreeMap<>();
    private final List<SimLink> links = new ArrayList<>();
    private final List<Cut> cuts = new ArrayList<>();
    private final List<Tap> taps = new ArrayList<>();
    final Delays delays = new Delays();

    SimNet(Simulation simulation) {
        this.simulation = simulation;
        prng = simulation.fork();
    }

    Simulation simulation() {
        return simulation;
    }

    Prng prng() {
        return prng;
    }

    void tap(Tap tap) {
        taps.add(tap);
    }

    @Nullable Frame sent(SimLink.End from, Frame frame) {
        Frame sent = frame;
        for (Tap tap : taps) {
            sent = sent == null ? null : tap.onSend(from, sent);
        }
        return sent;
    }

    void delivered(SimLink.End to, Frame frame) {
        for (Tap tap : taps) {
            tap.onDeliver(to, frame);
        }
    }

    void listen(SimProcess process, String address, Connection.Acceptor acceptor) {
        listeners.put(address, new Listener(process, acceptor));
    }

    Connection.Dialer dialer(SimProcess process) {
        return (addresses, done) -> dial(process, addresses, done);
    }

    private void dial(SimProcess caller, List<String> addresses, Connection.Dialed done) {
        for (String address : addresses) {
            Listener listener = listeners.get(address);
            if (listener != null && listener.process.alive() && !isCut(caller, listener.process)) {
                simulation.in(frameDelayNs(), () -> accept(caller, listener, address, done));
                return;
            }
        }
        long waitNs = prng.chance(1, 4) ? prng.nextLong(2_000_000_000L) : frameDelayNs();
        simulation.in(waitNs, caller.life(), () -> done.onFailed("nobody listens: " + addresses));
    }

    private void accept(
            SimProcess caller, Listener listener, String address, Connection.Dialed done) {
        if (!listener.process.alive() || !caller.alive()) {
            simulation.in(frameDelayNs(), caller.life(), () -> done.onFailed("refused"));
            return;
        }
        SimLink link = new SimLink(this, caller, listener.process, address);
        links.add(link);
        link.connectServer(listener.acceptor);
        simulation.in(frameDelayNs(), caller.life(), () -> link.connectClient(done));
    }

    long frameDelayNs() {
        if (prng.chance(delays.slowPerMille, 1000)) {
            return prng.nextLong(delays.slowNsMax);
        }
        return delays.frameNsMin + prng.nextLong(delays.frameNsMax - delays.frameNsMin);
    }

    /// Links that have not ended, in the order of their making.
    List<SimLink> openLinks() {
        links.removeIf(SimLink::ended);
        return new ArrayList<>(links);
    }

    /// The process has died: what it had sent arrives or not, then the others notice.
    ///
    /// @param silentNs how long the others notice nothing (a host without power sends no reset)
    void died(SimProcess process, long silentNs) {
        for (SimLink link : openLinks()) {
            if (link.has(process)) {
                link.breakNow(silentNs, "peer died");
            }
        }
    }

    /// Nothing passes between two processes for a while, and neither can call the other.
    void cut(String one, String other, long ns) {
        cuts.add(new Cut(one, other, simulation.nowNs() + ns));
        stall(one, other, ns);
    }

    /// Nothing passes to one of two processes; calls need both directions.
    void cutTo(String to, String from, long ns) {
        cuts.add(new Cut(to, from, simulation.nowNs() + ns));
        for (SimLink link : openLinks()) {
            if (link.between(to, from)) {
                link.stallTo(to, ns);
            }
        }
    }

    private boolean isCut(SimProcess a, SimProcess b) {
        cuts.removeIf(cut -> cut.untilNs <= simulation.nowNs());
        return cuts.stream().anyMatch(cut -> cut.between(a, b));
    }

    /// Nothing is stalled any more.
    void heal() {
        cuts.clear();
        openLinks().forEach(SimLink::heal);
    }

    /// Stalls all links between two processes (by name; null: any other) for a while.
    void stall(String one, @Nullable String other, long ns) {
        for (SimLink link : openLinks()) {
            if (link.between(one, other)) {
                link.stall(ns);
            }
        }
    }
}
