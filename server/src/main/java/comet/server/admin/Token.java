package comet.server.admin;

import comet.io.file.SmallFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/// The secret that a request over TCP carries. Made once, kept in a file that only its owner reads.
final class Token {
    private final byte[] expected;

    private Token(String token) {
        expected = ("Bearer " + token).getBytes(StandardCharsets.UTF_8);
    }

    static Token in(Path file) throws IOException {
        if (!Files.exists(file)) {
            byte[] secret = new byte[32];
            new SecureRandom().nextBytes(secret);
            String line = HexFormat.of().formatHex(secret) + "\n";
            SmallFile.replace(
                    file,
                    line.getBytes(StandardCharsets.UTF_8),
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
        }
        String token = Files.readString(file).strip();
        if (token.length() < 16) {
            throw new IOException(file + " holds no token: delete it, and a new one is made");
        }
        return new Token(token);
    }

    /// Compared in constant time.
    boolean grants(@Nullable String authorization) {
        return authorization != null
                && MessageDigest.isEqual(expected, authorization.getBytes(StandardCharsets.UTF_8));
    }
}
