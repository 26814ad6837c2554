package comet.server.config;

import java.util.List;

/// The reference of all keys, docs/config.md, made from the code that reads them.
final class Reference {
    private Reference() {}

    static String markdown() {
        StringBuilder text = new StringBuilder();
        text.append(
                """
                # Config

                Made from the code (`comet.server.config.Keys`); a test compares the two.

                Config files are in HOCON: `key = value` lines, dots or braces for sections, `#` for comments,
                `include` and `${…}` as usual. An unknown key or a value of the wrong type is refused, with file,
                line and what is wanted. On the command line `--set KEY=VALUE` overrides a file's value. Sizes are
                binary (`64M`, `1G`); paths are relative to the file's folder.

                Nothing listens beyond loopback unless the config says `insecure = true`, since connections are neither
                encrypted nor authenticated; but for NBD, where `nbd.tls = required` and `nbd.tls-client-ca` do both.
                """);
        section(text, "`comet up`", "Flags do; `--config FILE` is possible.", Keys.UP);
        section(text, "Storage node", "`comet node --config FILE`", Keys.NODE);
        section(text, "Gateway", "`comet gateway --config FILE`", Keys.GATEWAY);
        section(
                text,
                "Member of the metadata group alone",
                "`comet meta --config FILE`",
                Keys.META_ALONE);
        return text.toString();
    }

    private static void section(StringBuilder text, String title, String how, List<Key> keys) {
        text.append("\n## ").append(title).append('\n').append(how).append("\n\n");
        text.append("| key | wants | default | meaning |\n|---|---|---|---|\n");
        for (Key key : keys) {
            row(text, "", key);
            for (Key field : key.fields()) {
                row(text, key.path() + "[].", field);
            }
        }
    }

    private static void row(StringBuilder text, String prefix, Key key) {
        String standard = key.standard();
        String shown;
        if (standard == null) {
            shown = "required";
        } else {
            shown = standard.isEmpty() ? "" : "`" + standard + "`";
        }
        text.append("| `")
                .append(prefix)
                .append(key.path())
                .append("` | ")
                .append(key.type().words)
                .append(" | ")
                .append(shown)
                .append(" | ")
                .append(key.sentence())
                .append(" |\n");
    }
}
