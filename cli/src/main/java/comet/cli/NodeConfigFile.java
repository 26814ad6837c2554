package comet.cli;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Collectors;

/// The config file of a node that is to join.
final class NodeConfigFile {
    private NodeConfigFile() {}

    static Path write(
            String name,
            String domain,
            Path folder,
            List<Path> disks,
            String listen,
            boolean insecure,
            List<String> group) {
        Path file = folder.toAbsolutePath().normalize().resolve("node.conf");
        String disksText =
                disks.stream()
                        .map(disk -> disk.toAbsolutePath().normalize().toString())
                        .map(disk -> "  { path = " + quote(disk) + " }\n")
                        .collect(Collectors.joining());
        String groupText =
                group.stream().map(NodeConfigFile::quote).collect(Collectors.joining(", "));
        String text =
                """
                # Config of a storage node; every key is described in docs/config.md.
                name = %s
                domain = %s
                data = "."
                listen = %s
                %sdisks = [
                %s]
                group = [%s]
                """
                        .formatted(
                                quote(name),
                                quote(domain),
                                quote(listen),
                                insecure ? "insecure = true\n" : "",
                                disksText,
                                groupText);
        try {
            Files.createDirectories(folder);
            Files.writeString(file, text, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            throw new IllegalStateException(
                    file + " exists already: it belongs to another node, or to this one", e);
        } catch (IOException e) {
            throw new IllegalStateException("cannot write " + file + ": " + e.getMessage(), e);
        }
        return file;
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
