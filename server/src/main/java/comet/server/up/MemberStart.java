package comet.server.up;

import comet.cluster.GroupMember;
import comet.port.Events.Level;
import comet.server.config.GroupConfig;
import comet.server.control.BlockingMeta;
import comet.server.control.ControlClient;
import comet.server.control.MemberCall;
import comet.server.raft.MemberFolder;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import comet.server.raft.RaftSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;

/// Before a member of the metadata group starts in an empty folder: finds out what it may be there.
/// One that joins learns which group that is. One whose name has a folder already is refused: it
/// has lost its log, and what it once voted for or acknowledged.
final class MemberStart {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(3);

    private final ProcessCore process;
    private final GroupConfig config;
    private final Path folder;

    private MemberStart(ProcessCore process, GroupConfig config, Path folder) {
        this.process = process;
        this.config = config;
        this.folder = folder;
    }

    /// @param folder of the member's log
    static RaftSettings settings(ProcessCore process, GroupConfig config, Path folder) {
        MemberStart start = new MemberStart(process, config, folder);
        if (config.joins()) {
            return start.joining();
        }
        if (MemberFolder.isNew(folder)) {
            start.checkUnknown();
        }
        List<RaftSettings.Member> members =
                config.members().stream().map(MemberStart::member).toList();
        return new RaftSettings(config.self().name(), members, folder, RaftSettings.SNAPSHOT_EVERY);
    }

    private static RaftSettings.Member member(GroupConfig.Member member) {
        return new RaftSettings.Member(
                member.name(),
                member.raft().host(),
                member.raft().port(),
                List.of(member.control().toString()));
    }

    private RaftSettings joining() {
        UUID group;
        if (MemberFolder.isNew(folder)) {
            MetaMembers members = askGroup();
            List<String> present =
                    members.members().stream().map(one -> one.member().name()).toList();
            if (present.contains(name()) || members.former().contains(name())) {
                throw lost();
            }
            group = UUID.fromString(members.groupId());
        } else {
            try {
                group = MemberFolder.groupId(folder);
            } catch (IOException e) {
                throw new StartException(String.valueOf(e.getMessage()), e);
            }
        }
        return RaftSettings.joining(member(config.self()), folder, group);
    }

    private String name() {
        return config.self().name();
    }

    private StartException lost() {
        return new StartException(
                "the folder %s is empty, but the metadata group had a member %s in another: its log is lost, so it cannot go on. Take a new one in: in the config `meta.join` with another name, then `comet cluster replace-member %s NEW=HOST:PORT`"
                        .formatted(folder, name(), name()));
    }

    /// What the group's leader says; waits for one.
    private MetaMembers askGroup() {
        ControlClient client = process.connect(process.loop);
        BlockingMeta meta = new BlockingMeta(client, process.loop::submit);
        try {
            for (boolean said = false; ; said = true) {
                try {
                    return meta.members(ANSWER_MAX);
                } catch (TimeoutException e) {
                    if (!said) {
                        process.events.event(
                                Level.WARN,
                                "group-awaited",
                                "group=" + process.groupAddresses() + " why=\"to join it\"");
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        } finally {
            ProcessCore.disconnect(process.loop, client);
        }
    }

    /// Asks all others that can be reached whether they know this member's folder.
    private void checkUnknown() {
        List<String> others = new ArrayList<>(process.groupAddresses());
        config.members().forEach(member -> others.add(member.control().toString()));
        String own = config.self().control().toString();
        try (MemberCall call = new MemberCall(process.loop, process::dialer)) {
            List<CompletableFuture<MetaStatus>> asked =
                    others.stream()
                            .distinct()
                            .filter(address -> !address.equals(own))
                            .map(call::status)
                            .toList();
            for (CompletableFuture<MetaStatus> one : asked) {
                if (knowsUs(one)) {
                    throw lost();
                }
            }
        }
    }

    private boolean knowsUs(CompletableFuture<MetaStatus> asked) {
        try {
            MetaStatus status = asked.join();
            for (GroupMember member : status.group()) {
                if (member.name().equals(name()) && !member.folder().isEmpty()) {
                    return true;
                }
            }
            return status.former().contains(name());
        } catch (CompletionException e) {
            // Not there: perhaps it is about to start for the first time, too.
            return false;
        }
    }
}
