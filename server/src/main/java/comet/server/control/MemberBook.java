package comet.server.control;

import comet.io.file.SmallFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where the members of the metadata group are reached: what the config says, and what the group
/// has told last, in a file of the process's folder. So a process finds the group after all members
/// that its config names were replaced, also when it was restarted. For any thread.
public final class MemberBook {
    private static final Logger LOG = LoggerFactory.getLogger(MemberBook.class);
    private static final String FILE = "metadata-members";

    private final List<List<String>> configured;
    private final @Nullable Path file;
    private volatile List<List<String>> told;

    private MemberBook(List<String> configured, @Nullable Path file, List<String> told) {
        this.configured = lists(configured);
        this.file = file;
        this.told = lists(told);
    }

    /// @param configured `control` addresses as the config names them
    /// @param folder of the process
    public static MemberBook in(Path folder, List<String> configured) {
        Path file = folder.resolve(FILE);
        List<String> told = List.of();
        try {
            if (Files.exists(file)) {
                told = Files.readAllLines(file, StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            LOG.warn("cannot read file={}", file, e);
        }
        return new MemberBook(configured, file, told);
    }

    /// One that forgets with the process.
    static MemberBook of(List<List<String>> configured) {
        return new MemberBook(configured.stream().map(List::getFirst).toList(), null, List.of());
    }

    private static List<List<String>> lists(List<String> addresses) {
        List<List<String>> lists = new ArrayList<>();
        for (String address : addresses) {
            if (!address.isBlank()) {
                lists.add(List.of(address.strip()));
            }
        }
        return List.copyOf(lists);
    }

    /// Empty where the group has told nothing yet.
    List<List<String>> told() {
        return told;
    }

    List<List<String>> configured() {
        return configured;
    }

    /// The newest that is known, each member by its address.
    public List<String> addresses() {
        List<List<String>> newest = told.isEmpty() ? configured : told;
        return newest.stream().map(List::getFirst).toList();
    }

    /// The group has told who belongs to it. Writes a file where that is new.
    synchronized void learn(List<List<String>> members) {
        if (members.isEmpty() || members.equals(told)) {
            return;
        }
        told = List.copyOf(members);
        if (file != null) {
            String text = String.join("\n", addresses()) + "\n";
            try {
                SmallFile.replace(file, text.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                LOG.warn("cannot write file={}", file, e);
            }
        }
        LOG.info("metadata members known addresses={}", addresses());
    }
}
