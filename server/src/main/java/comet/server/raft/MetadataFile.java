package comet.server.raft;

import comet.base.Crc;
import comet.cluster.DiskFacts;
import comet.cluster.MapUpdate;
import comet.io.file.SmallFile;
import comet.server.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Map and catalogue as a file that people can read and a metadata group can be made from. The
/// first line is `comet metadata export 1 crc32c XXXXXXXX`, with the checksum of all that follows;
/// then comes JSON.
///
/// @param madeAtMs wall clock, for people
/// @param copy of a living group, as an update from revision 0; null where the file tells of disks
///   only
/// @param disks that were looked at
public record MetadataFile(long madeAtMs, @Nullable MapUpdate copy, List<DiskFacts> disks) {
    private static final String HEAD = "comet metadata export 1 crc32c ";

    public MetadataFile {
        disks = List.copyOf(disks);
    }

    public byte[] encode() {
        byte[] body = new Json().bytes(this);
        String head = HEAD + checksum(body, 0) + "\n";
        byte[] line = head.getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[line.length + body.length];
        System.arraycopy(line, 0, all, 0, line.length);
        System.arraycopy(body, 0, all, line.length, body.length);
        return all;
    }

    private static String checksum(byte[] bytes, int from) {
        return String.format(Locale.ROOT, "%08x", new Crc().of(bytes, from, bytes.length - from));
    }

    public static MetadataFile read(Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        int bodyAt = HEAD.length() + 9;
        boolean ours =
                all.length > bodyAt
                        && new String(all, 0, HEAD.length(), StandardCharsets.US_ASCII)
                                .equals(HEAD);
        if (!ours) {
            throw new IOException(file + " is no export of metadata");
        }
        String said = new String(all, HEAD.length(), 8, StandardCharsets.US_ASCII);
        if (!said.equals(checksum(all, bodyAt))) {
            throw new IOException(file + " is damaged: its checksum does not fit");
        }
        byte[] body = java.util.Arrays.copyOfRange(all, bodyAt, all.length);
        try {
            return new Json().read(body, MetadataFile.class);
        } catch (Json.MalformedException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// Durable on return.
    public void write(Path file) throws IOException {
        SmallFile.replace(file.toAbsolutePath(), encode());
    }
}
