package comet.store;

import comet.base.Crc;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A JSON object of strings, whole numbers and booleans, without nesting: the form of the small
/// files in a disk's folder, which people read and which must not need a library here.
final class FlatJson {
    private final String text;
    private int at;

    private FlatJson(String text) {
        this.text = text;
    }

    /// The members by name: [String], [Long] or [Boolean]; null where the text is no such object.
    static @Nullable Map<String, Object> parse(String text) {
        try {
            return new FlatJson(text).object();
        } catch (IllegalStateException | NumberFormatException _) {
            return null;
        }
    }

    private static final String CRC = ",\n  \"crc\": \"";
    private static final String END = "\"\n}\n";

    /// The bytes of a small file: one member a line, then the CRC-32C of all before it.
    static byte[] seal(Map<String, Object> members) {
        String text = write(members);
        String body = text.substring(0, text.length() - END.length() + 1);
        return (body + CRC + crc(body) + END).getBytes(StandardCharsets.UTF_8);
    }

    /// Whether a small file is as it was written.
    static boolean intact(byte[] content) {
        String text = new String(content, StandardCharsets.UTF_8);
        int at = text.lastIndexOf(CRC);
        return at >= 0 && text.substring(at).equals(CRC + crc(text.substring(0, at)) + END);
    }

    private static String crc(String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String digits = Integer.toHexString(new Crc().of(bytes, 0, bytes.length));
        return "0".repeat(8 - digits.length()) + digits;
    }

    /// One member a line, in the map's order.
    static String write(Map<String, Object> members) {
        StringBuilder out = new StringBuilder("{");
        String separator = "\n";
        for (Map.Entry<String, Object> member : members.entrySet()) {
            out.append(separator).append("  \"").append(member.getKey()).append("\": ");
            if (member.getValue() instanceof String value) {
                out.append('"').append(value).append('"');
            } else {
                out.append(member.getValue());
            }
            separator = ",\n";
        }
        return out.append("\n}\n").toString();
    }

    private Map<String, Object> object() {
        Map<String, Object> members = new TreeMap<>();
        expect('{');
        if (!peek('}')) {
            do {
                String name = string();
                expect(':');
                if (members.put(name, value()) != null) {
                    throw new IllegalStateException("twice");
                }
            } while (accept(','));
        }
        expect('}');
        blanks();
        if (at != text.length()) {
            throw new IllegalStateException("more");
        }
        return members;
    }

    private Object value() {
        if (peek('"')) {
            return string();
        }
        int from = at;
        while (at < text.length() && ",} \t\r\n".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String word = text.substring(from, at);
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            default -> Long.parseLong(word);
        };
    }

    /// No escapes: what is written here is hexadecimal numbers and plain words.
    private String string() {
        expect('"');
        int end = text.indexOf('"', at);
        if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
            throw new IllegalStateException("string");
        }
        String found = text.substring(at, end);
        at = end + 1;
        return found;
    }

    private void expect(char c) {
        if (!accept(c)) {
            throw new IllegalStateException("expected " + c);
        }
    }

    private boolean accept(char c) {
        if (peek(c)) {
            at++;
            return true;
        }
        return false;
    }

    private boolean peek(char c) {
        blanks();
        return at < text.length() && text.charAt(at) == c;
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }
}
