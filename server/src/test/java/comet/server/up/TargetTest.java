package comet.server.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `comet cluster recover --to` may name.
class TargetTest {
    @TempDir Path folder;

    private Path process(String name, String kind) throws IOException {
        Path data = Files.createDirectories(folder.resolve(name));
        String identity = "{\"format\": 1, \"kind\": \"%s\", \"name\": \"%s\", \"starts\": 1}";
        Files.writeString(data.resolve("comet.json"), identity.formatted(kind, name));
        return data;
    }

    @Test
    void a_cluster_in_one_process_is_named_by_its_folder() throws IOException {
        Path data = process("data", "up");
        assertThat(Target.of(data).member()).isEqualTo(data.resolve("meta"));
        assertThat(Target.of(data).disks()).hasSize(2);
    }

    @Test
    void a_folder_with_configs_is_told_from_one_without_them() throws IOException {
        Path cluster = process("cluster", "nodes");
        for (String name : new String[] {"cluster/node-2", "cluster/node-1"}) {
            Files.writeString(process(name, "node").resolve("node.conf"), "meta.members = []");
        }
        Files.writeString(process("cluster/node-3", "node").resolve("node.conf"), "name = node-3");
        assertThatThrownBy(() -> Target.of(cluster))
                .hasMessageContaining("name the config of each member")
                .hasMessageEndingWith(
                        "--to %s/node-1/node.conf --to %s/node-2/node.conf"
                                .formatted(cluster, cluster));
        Path node = cluster.resolve("node-1");
        Files.createFile(node.resolve("disks.json"));
        assertThatThrownBy(() -> Target.of(node))
                .hasMessageEndingWith("--to " + node + "/node.conf");
        assertThatThrownBy(() -> Target.of(folder)).hasMessageEndingWith("in one process");
    }

    @Test
    void what_is_not_there_is_told_once() {
        assertThatThrownBy(() -> Target.of(folder.resolve("none")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("there is no " + folder.resolve("none") + ": --to wants");
    }
}
