package comet.server.raft;

import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.Reply;
import comet.meta.Submission;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where this member leads: changes who belongs to the group, one change after the other, on a
/// thread of its own.
///
/// A change is refused as long as it would need a member that is not there: with one more member a
/// majority is larger, and with one less it may be out of reach. The new member does not count for
/// that, since it could stop in the middle. One member in place of another is one step of the log,
/// so that nothing rests on the new one before it has everything, nor on the old one ever.
///
/// Whoever asks may ask again, another leader too: what is done already is not done twice.
final class MemberChanges implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MemberChanges.class);
    private static final int MEMBERS_MAX = 5;

    /// A new leader has not heard of everybody yet.
    private static final long PATIENCE_MS = 2000;

    /// A log of a few MiB is sent in no time; it is the new member's disk that may be slow.
    private static final Duration CHANGE_MAX = Duration.ofSeconds(45);

    private static final long LOOK_MS = 200;

    /// More than the log itself waits.
    private static final long SILENT_MS = RatisProperties.STAGING_MS + 2000;

    private static final int CONNECT_MS_MAX = 2000;

    private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

    /// What it needs of the member. For any thread.
    interface Leader {
        boolean leads();

        /// Folders of members, as their processes say it; by name.
        Map<String, String> folders();

        CompletableFuture<Reply> submit(Submission submission);
    }

    /// @param add one or none; with `remove`, in its place
    /// @param remove name of one or none
    record Change(List<GroupMember> add, List<String> remove) {
        Change {
            if (add.size() > 1 || remove.size() > 1 || add.isEmpty() && remove.isEmpty()) {
                throw new IllegalArgumentException("one member is added, removed or replaced");
            }
            add = List.copyOf(add);
            remove = List.copyOf(remove);
        }

        @Nullable GroupMember added() {
            return add.isEmpty() ? null : add.getFirst();
        }

        @Nullable String removed() {
            return remove.isEmpty() ? null : remove.getFirst();
        }
    }

    /// Why a change is not made.
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;
        final String code;

        Refusal(String code, String message) {
            super(message);
            this.code = code;
        }
    }

    private final String self;
    private final MetadataLog log;
    private final Leader leader;
    private final long origin = new SecureRandom().nextLong() | 1;
    private long sequence;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("member-changes").factory());

    MemberChanges(String self, MetadataLog log, Leader leader) {
        this.self = self;
        this.log = log;
        this.leader = leader;
    }

    /// Ends with [Reply.Done] or [Reply.Refused], or with [NotLeaderException].
    CompletableFuture<Reply> change(Change change) {
        return onThread(() -> {
            try {
                return make(change);
            } catch (Refusal e) {
                long revision = log.localChangesAfter(Long.MAX_VALUE).revision();
                return new Reply.Refused(revision, e.code, String.valueOf(e.getMessage()));
            }
        });
    }

    /// Has the group agree on what an earlier leader did not get to say, or nobody has said yet.
    CompletableFuture<Boolean> tidy() {
        return onThread(() -> {
            try {
                agree("the leader changed meanwhile", List.of());
                return true;
            } catch (Refusal e) {
                LOG.debug("members not agreed on", e);
                return false;
            }
        });
    }

    /// Who belongs to the group now, with everything that was committed before the call.
    CompletableFuture<MetaMembers> list() {
        return log.changesAfter(Long.MAX_VALUE)
                .thenApply(_ -> {
                    Map<String, GroupMember> agreed = byName(log.agreedMembers());
                    List<MemberSeen> seen = new ArrayList<>();
                    for (MemberSeen one : log.membersSeen()) {
                        GroupMember known = agreed.get(one.member().name());
                        seen.add(known == null ? one : one.with(known.folder()));
                    }
                    return new MetaMembers(log.groupId(), self, seen, log.formerMembers());
                });
    }

    /// Who belongs to the group, with folders, as this member knows it.
    List<GroupMember> known() {
        Map<String, GroupMember> agreed = byName(log.agreedMembers());
        return log.members().stream()
                .map(one -> {
                    GroupMember known = agreed.get(one.name());
                    return known == null ? one : one.withFolder(known.folder());
                })
                .toList();
    }

    private interface Work<T> {
        T run() throws NotLeaderException, InterruptedException;
    }

    private <T> CompletableFuture<T> onThread(Work<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            thread.execute(() -> {
                try {
                    result.complete(work.run());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    result.completeExceptionally(new NotLeaderException("this member stops"));
                } catch (NotLeaderException | RuntimeException e) {
                    result.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(new NotLeaderException("this member stops"));
        }
        return result;
    }

    private Reply make(Change change) throws Refusal, NotLeaderException, InterruptedException {
        if (await(log.changesAfter(Long.MAX_VALUE)).cluster() == null
                && log.localChangesAfter(0).cluster() == null) {
            throw new Refusal("no-cluster", "there is no cluster yet: create one first");
        }
        agree("the leader changed meanwhile", List.of());
        String removed = change.removed();
        GroupMember added = change.added();
        check(change);
        String cause = cause(change);
        List<GroupMember> current = log.members();
        boolean adds = added != null && !has(current, added.name());
        if (added != null && adds && (removed == null || current.size() <= 2)) {
            // With so few there is no single step: the new one must be there first.
            checkAdd(current, added);
            step(current, with(current, added), cause, change.add());
            current = log.members();
            adds = false;
        }
        if (removed != null && has(current, removed)) {
            List<GroupMember> rest = without(current, removed);
            checkRemove(current, rest, removed);
            if (removed.equals(self)) {
                handOver(rest);
            }
            List<GroupMember> next = added != null && adds ? with(rest, added) : rest;
            step(current, next, cause, change.add());
        }
        return new Reply.Done(log.localChangesAfter(Long.MAX_VALUE).revision());
    }

    private void check(Change change) throws Refusal {
        List<GroupMember> current = log.members();
        GroupMember added = change.added();
        if (added != null) {
            GroupMember same = byName(current).get(added.name());
            if (same != null && !same.raft().equals(added.raft())) {
                throw new Refusal(
                        "member-exists",
                        "%s is a member already, at %s".formatted(same.name(), same.raft()));
            }
            if (log.formerMembers().contains(added.name())) {
                throw new Refusal(
                        "name-used",
                        "there was a member %s before, and a name is used once: give the new one another, in `meta.join` of its config"
                                .formatted(added.name()));
            }
            for (GroupMember other : current) {
                if (!other.name().equals(added.name()) && other.raft().equals(added.raft())) {
                    throw new Refusal(
                            "address-used",
                            "%s is at %s already".formatted(other.name(), other.raft()));
                }
            }
        }
        String removed = change.removed();
        if (removed != null && !has(current, removed) && !log.formerMembers().contains(removed)) {
            throw new Refusal(
                    "unknown-member",
                    "there is no member %s; see `comet cluster members`".formatted(removed));
        }
    }

    private void checkAdd(List<GroupMember> current, GroupMember added)
            throws Refusal, InterruptedException {
        if (current.size() >= MEMBERS_MAX) {
            throw new Refusal(
                    "too-many-members",
                    "the group has %d members, and more make it no safer: replace one"
                            .formatted(current.size()));
        }
        int needed = majority(current.size() + 1);
        // A group of one grows into two together, whatever stops meanwhile.
        if (current.size() > 1 && alive(current, needed).size() < needed) {
            throw new Refusal(
                    "member-dead",
                    "%s do not answer: with %s the group would need more members than are there; replace or remove one of those first"
                            .formatted(names(dead(current)), added.name()));
        }
    }

    private void checkRemove(List<GroupMember> current, List<GroupMember> rest, String removed)
            throws Refusal, InterruptedException {
        if (rest.isEmpty()) {
            throw new Refusal(
                    "last-member", "%s is the last member: add another first".formatted(removed));
        }
        int needed = majority(rest.size());
        boolean dead = alive(current, current.size()).stream().noneMatch(removed::equals);
        if (!dead && alive(rest, needed).size() < needed) {
            throw new Refusal(
                    "no-majority",
                    "without %s the group would stand still, since %s do not answer: bring them back, or replace them first"
                            .formatted(removed, names(dead(rest))));
        }
    }

    /// This member is the one to go: another leads, and is asked again.
    private void handOver(List<GroupMember> rest)
            throws Refusal, NotLeaderException, InterruptedException {
        List<String> alive = alive(rest, 1);
        List<MemberSeen> ready = new ArrayList<>(log.membersSeen());
        ready.removeIf(one -> !alive.contains(one.member().name()));
        ready.sort((a, b) -> Long.compare(b.index(), a.index()));
        for (MemberSeen one : ready) {
            try {
                log.handOver(one.member().name()).get(5, TimeUnit.SECONDS);
                LOG.info("metadata member hands over name={} to={}", self, one.member().name());
                throw new NotLeaderException("another member leads now");
            } catch (ExecutionException | TimeoutException e) {
                LOG.warn("metadata member not ready to lead name={}", one.member().name(), e);
                if (!leader.leads()) {
                    throw new NotLeaderException("another member leads now");
                }
            }
        }
        throw new Refusal(
                "no-other-leader", "no other member is ready to lead: try again in a moment");
    }

    private void step(
            List<GroupMember> current,
            List<GroupMember> next,
            String cause,
            List<GroupMember> added)
            throws Refusal, NotLeaderException, InterruptedException {
        for (GroupMember one : added) {
            // The log would try for seconds, and remember the address of that name for ever.
            if (!has(current, one.name()) && !reached(one.raft())) {
                throw silent(one);
            }
        }
        LOG.info("metadata members change from={} to={}", names(current), names(next));
        CompletableFuture<Void> changed = log.changeMembers(current, next);
        try {
            awaitUnlessSilent(changed, added);
        } catch (TimeoutException e) {
            throw new Refusal(
                    "change-unfinished",
                    "the change has begun, but too few members answer: it ends when a majority is back");
        } catch (ExecutionException e) {
            throw failed(e, added);
        }
        agree(cause, added);
    }

    /// The log gives up a new member that is silent only while nothing else is written. Where that
    /// never is, this member stops to lead, which ends the attempt.
    private void awaitUnlessSilent(CompletableFuture<Void> changed, List<GroupMember> added)
            throws Refusal, ExecutionException, TimeoutException, InterruptedException {
        long endNs = System.nanoTime() + CHANGE_MAX.toNanos();
        while (true) {
            try {
                changed.get(LOOK_MS, TimeUnit.MILLISECONDS);
                return;
            } catch (TimeoutException e) {
                for (GroupMember one : added) {
                    if (log.silentMs(one.name()) > SILENT_MS && !has(log.members(), one.name())) {
                        LOG.warn("metadata member not reached, steps down name={}", self);
                        log.stepDown();
                        throw silent(one);
                    }
                }
                if (System.nanoTime() > endNs) {
                    throw e;
                }
            }
        }
    }

    private static boolean reached(String address) {
        int colon = address.lastIndexOf(':');
        try (Socket socket = new Socket()) {
            int port = Integer.parseInt(address.substring(colon + 1));
            socket.connect(
                    new InetSocketAddress(address.substring(0, colon), port), CONNECT_MS_MAX);
            return true;
        } catch (IOException | IllegalArgumentException e) {
            LOG.debug("not reached address={}", address, e);
            return false;
        }
    }

    private static Refusal silent(GroupMember added) {
        return new Refusal(
                "member-silent",
                "the leader does not reach %s at %s, so nothing was changed: see that process's log, start it again, and try again"
                        .formatted(added.name(), added.raft()));
    }

    private static Refusal failed(ExecutionException failure, List<GroupMember> added)
            throws NotLeaderException {
        Throwable cause = failure.getCause();
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof NotLeaderException notLeader) {
            throw notLeader;
        }
        if (cause instanceof TimeoutException && !added.isEmpty()) {
            return silent(added.getFirst());
        }
        LOG.warn("metadata members not changed", cause);
        String why = cause instanceof IOException ? cause.getMessage() : String.valueOf(cause);
        return new Refusal("change-failed", "nothing was changed: " + why);
    }

    /// Has the group keep what the log says of its members.
    private void agree(String cause, List<GroupMember> added)
            throws Refusal, NotLeaderException, InterruptedException {
        List<GroupMember> agreed = log.agreedMembers();
        Map<String, String> folders = new TreeMap<>(leader.folders());
        added.forEach(member -> folders.put(member.name(), member.folder()));
        agreed.stream()
                .filter(member -> !member.folder().isEmpty())
                .forEach(member -> folders.put(member.name(), member.folder()));
        List<GroupMember> now =
                log.members().stream()
                        .map(one -> one.withFolder(folders.getOrDefault(one.name(), "")))
                        .toList();
        if (now.isEmpty() || now.equals(agreed)) {
            return;
        }
        Command command = new Command.SetMembers(now, cause);
        Reply reply = await(leader.submit(new Submission(origin, ++sequence, command)));
        if (reply instanceof Reply.Refused refused && !refused.code().equals("no-cluster")) {
            throw new Refusal(refused.code(), refused.message());
        }
    }

    private String cause(Change change) {
        String removed = change.removed();
        if (removed == null) {
            return "";
        }
        String dead = "";
        for (MemberSeen one : log.membersSeen()) {
            if (one.member().name().equals(removed) && !one.alive()) {
                dead = "had not answered for " + one.agoMs() / 1000 + " s";
            }
        }
        GroupMember added = change.added();
        if (added == null) {
            return dead.isEmpty() ? "" : "it " + dead;
        }
        return "%s in place of %s%s"
                .formatted(added.name(), removed, dead.isEmpty() ? "" : ", which " + dead);
    }

    // Who is there.

    /// Names of those that are there, once they are `wanted` many or nobody else is to be expected.
    private List<String> alive(List<GroupMember> members, int wanted) throws InterruptedException {
        long endNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
        while (true) {
            List<String> alive =
                    log.membersSeen().stream()
                            .filter(MemberSeen::alive)
                            .map(one -> one.member().name())
                            .filter(name -> has(members, name))
                            .toList();
            if (alive.size() >= wanted || System.nanoTime() > endNs) {
                return alive;
            }
            Thread.sleep(50);
        }
    }

    private List<GroupMember> dead(List<GroupMember> members) {
        List<String> alive =
                log.membersSeen().stream()
                        .filter(MemberSeen::alive)
                        .map(one -> one.member().name())
                        .toList();
        return members.stream().filter(member -> !alive.contains(member.name())).toList();
    }

    private static int majority(int members) {
        return members / 2 + 1;
    }

    private static boolean has(List<GroupMember> members, String name) {
        return members.stream().anyMatch(member -> member.name().equals(name));
    }

    private static List<GroupMember> with(List<GroupMember> members, GroupMember added) {
        List<GroupMember> all = new ArrayList<>(members);
        all.add(added);
        return all;
    }

    private static List<GroupMember> without(List<GroupMember> members, String removed) {
        return members.stream().filter(member -> !member.name().equals(removed)).toList();
    }

    private static Map<String, GroupMember> byName(List<GroupMember> members) {
        return members.stream().collect(Collectors.toMap(GroupMember::name, Function.identity()));
    }

    private static String names(List<GroupMember> members) {
        return members.stream().map(GroupMember::name).collect(Collectors.joining(", "));
    }

    private static <T> T await(CompletableFuture<T> asked)
            throws NotLeaderException, InterruptedException {
        try {
            return asked.get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new NotLeaderException("no majority answers");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof CompletionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            throw cause instanceof NotLeaderException notLeader
                    ? notLeader
                    : new NotLeaderException(String.valueOf(cause));
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
