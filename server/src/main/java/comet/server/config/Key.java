package comet.server.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One key of a config file.
///
/// @param path dotted: `admin.socket`
/// @param standard the default as one would write it; null where the key must be there, "" where it
///   may be absent
/// @param sentence what it means, for the reference and for messages
/// @param fields the keys of each element, for [Kind#OBJECTS]
record Key(String path, Kind type, @Nullable String standard, String sentence, List<Key> fields) {
    Key(String path, Kind type, @Nullable String standard, String sentence) {
        this(path, type, standard, sentence, List.of());
    }

    /// What a value must be, with the words that a message uses for it.
    enum Kind {
        TEXT("text"),
        NAME("a name of A-Z, a-z, 0-9, `.`, `_` and `-`, 1 to 128 characters"),
        PATH("a path (relative to the folder of this file)"),
        ADDRESS("an address HOST:PORT"),
        SIZE("a size such as 512M or 1G (binary units)"),
        DURATION("a duration such as 500ms, 30s or 24h"),
        INTEGER("a whole number"),
        BOOLEAN("true or false"),
        TEXTS("a list of texts"),
        ADDRESSES("a list of addresses HOST:PORT"),
        OBJECTS("a list of objects");

        final String words;

        Kind(String words) {
            this.words = words;
        }
    }
}
