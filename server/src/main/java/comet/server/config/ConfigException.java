package comet.server.config;

import org.jspecify.annotations.Nullable;

/// A config that cannot be used: which file and line, which key, what is wanted.
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean usage;

    public ConfigException(String message) {
        this(message, null, false);
    }

    public ConfigException(String message, Throwable cause) {
        this(message, cause, false);
    }

    ConfigException(String message, @Nullable Throwable cause, boolean usage) {
        super(message, cause);
        this.usage = usage;
    }

    /// Whether the value came from the command line.
    public boolean usage() {
        return usage;
    }
}
