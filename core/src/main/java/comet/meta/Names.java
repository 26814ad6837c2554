package comet.meta;

import org.jspecify.annotations.Nullable;

/// Names of volumes, nodes, gateways and domains: `[A-Za-z0-9._-]`, 1 to 128 characters.
public final class Names {
    private Names() {}

    /// What is wrong with a name, for people, or null where nothing is.
    ///
    /// @param what the name's kind: `volume name`
    public static @Nullable String fault(String what, String name) {
        if (name.isEmpty()) {
            return "a " + what + " must not be empty";
        }
        if (name.length() > Limits.NAME_CHARACTERS_MAX) {
            return "a "
                    + what
                    + " has at most "
                    + Limits.NAME_CHARACTERS_MAX
                    + " characters; this one has "
                    + name.length();
        }
        for (int i = 0; i < name.length(); i++) {
            if (!allowed(name.charAt(i))) {
                return "a " + what + " may hold only A-Z, a-z, 0-9, '.', '_' and '-': " + name;
            }
        }
        return null;
    }

    private static boolean allowed(char c) {
        return c >= 'A' && c <= 'Z'
                || c >= 'a' && c <= 'z'
                || c >= '0' && c <= '9'
                || c == '.'
                || c == '_'
                || c == '-';
    }
}
