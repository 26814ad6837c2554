package comet.server.raft;

import comet.io.file.SmallFile;
import comet.meta.GroupImage;
import comet.server.json.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/// A snapshot of the agreed state: the line `comet metadata 1`, then a [GroupImage] as JSON,
/// deflated (zlib). Written aside, synced and renamed.
final class SnapshotFile {
    private static final byte[] HEADER = "comet metadata 1\n".getBytes(StandardCharsets.US_ASCII);

    private SnapshotFile() {}

    static void write(Path file, GroupImage image, Json json) throws IOException {
        SmallFile.replace(
                file,
                out -> {
                    out.write(HEADER);
                    DeflaterOutputStream deflater = new DeflaterOutputStream(out);
                    deflater.write(json.bytes(image));
                    deflater.finish();
                });
    }

    static GroupImage read(Path file, Json json) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        if (bytes.length < HEADER.length
                || !Arrays.equals(bytes, 0, HEADER.length, HEADER, 0, HEADER.length)) {
            throw new IOException(file + " is no metadata snapshot of this format");
        }
        ByteArrayInputStream in =
                new ByteArrayInputStream(bytes, HEADER.length, bytes.length - HEADER.length);
        try (InflaterInputStream inflater = new InflaterInputStream(in)) {
            return json.read(inflater.readAllBytes(), GroupImage.class);
        } catch (Json.MalformedException e) {
            throw new IOException(file + " is damaged", e);
        }
    }
}
