package comet.server.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import comet.server.config.Key.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A config in HOCON whose keys and types have been checked against a list of [Key]s; a value that
/// is asked for is there and well formed. Complaints name file and line.
final class ConfigFile {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");

    private static final String COMMAND_LINE = "command line";

    private final Config config;
    private final Path folder;
    private final Map<String, Key> keys = new TreeMap<>();

    private ConfigFile(Config config, Path folder, List<Key> keys) {
        this.config = config;
        this.folder = folder;
        keys.forEach(key -> this.keys.put(key.path(), key));
    }

    /// @param overrides `key=value`, as given on the command line
    static ConfigFile read(Path file, List<Key> keys, List<String> overrides) {
        if (!Files.isRegularFile(file)) {
            throw new ConfigException("there is no config file " + file);
        }
        Config parsed;
        try {
            parsed =
                    ConfigFactory.parseFile(
                            file.toFile(),
                            ConfigParseOptions.defaults()
                                    .setAllowMissing(false)
                                    .setSyntax(ConfigSyntax.CONF));
            parsed = overridden(parsed, overrides).resolve();
        } catch (com.typesafe.config.ConfigException e) {
            throw new ConfigException(String.valueOf(e.getMessage()), e);
        }
        Path folder = file.toAbsolutePath().normalize().getParent();
        return checked(parsed, folder == null ? Path.of("/") : folder, keys);
    }

    /// A config of flags alone, relative to the current folder.
    static ConfigFile of(List<Key> keys, List<String> overrides) {
        Config config = overridden(ConfigFactory.empty(), overrides);
        return checked(config, Path.of("").toAbsolutePath(), keys);
    }

    private static Config overridden(Config config, List<String> overrides) {
        Config result = config;
        for (String override : overrides) {
            int equals = override.indexOf('=');
            if (equals < 1) {
                throw new ConfigException("`%s` is not KEY=VALUE".formatted(override), null, true);
            }
            String key = override.substring(0, equals).strip();
            String value = override.substring(equals + 1).strip();
            boolean structured = value.startsWith("[") || value.startsWith("{");
            String text = key + " = " + (structured ? value : ConfigUtil.quoteString(value)) + "\n";
            try {
                result =
                        ConfigFactory.parseString(
                                        text,
                                        ConfigParseOptions.defaults()
                                                .setOriginDescription(COMMAND_LINE))
                                .withFallback(result);
            } catch (com.typesafe.config.ConfigException e) {
                throw new ConfigException("`%s`: %s".formatted(override, e.getMessage()), e, true);
            }
        }
        return result;
    }

    private static ConfigFile checked(Config config, Path folder, List<Key> keys) {
        ConfigFile file = new ConfigFile(config, folder, keys);
        file.checkUnknown("", config.root());
        file.keys.values().forEach(file::check);
        return file;
    }

    private void checkUnknown(String prefix, ConfigObject object) {
        for (Map.Entry<String, ConfigValue> entry : object.entrySet()) {
            String path = prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey();
            Key key = keys.get(path);
            if (key != null) {
                continue;
            }
            boolean section = keys.keySet().stream().anyMatch(k -> k.startsWith(path + "."));
            if (section && entry.getValue() instanceof ConfigObject inner) {
                checkUnknown(path, inner);
            } else if (section) {
                throw complaint(entry.getValue(), path, "wants an object { … }");
            } else {
                throw complaint(
                        entry.getValue(),
                        path,
                        "is no key here; the nearest one is `%s`".formatted(nearest(path)));
            }
        }
    }

    private String nearest(String path) {
        return Nearest.of(path, keys.keySet());
    }

    private void check(Key key) {
        if (!config.hasPath(key.path())) {
            if (key.standard() == null) {
                throw new ConfigException(
                        "%s: the key `%s` is missing: %s"
                                .formatted(place(config.root()), key.path(), key.sentence()));
            }
            return;
        }
        ConfigValue value = config.getValue(key.path());
        try {
            parse(key, value);
        } catch (ConfigException e) {
            throw e;
        } catch (com.typesafe.config.ConfigException | IllegalArgumentException e) {
            throw wanted(key, value, e);
        }
    }

    private void parse(Key key, ConfigValue value) {
        String path = key.path();
        switch (key.type()) {
            case TEXT, PATH -> plain(value);
            case NAME -> {
                if (!NAME.matcher(plain(value)).matches()) {
                    throw new IllegalArgumentException("name");
                }
            }
            case ADDRESS -> HostPort.parse(plain(value));
            case SIZE -> size(plain(value));
            case DURATION -> {
                if (config.getDuration(path).isNegative()) {
                    throw new IllegalArgumentException("negative");
                }
            }
            case INTEGER -> Integer.parseInt(plain(value));
            case BOOLEAN -> config.getBoolean(path);
            case TEXTS -> config.getStringList(path);
            case ADDRESSES -> config.getStringList(path).forEach(HostPort::parse);
            case OBJECTS -> {
                if (!(value instanceof ConfigList list)) {
                    throw new IllegalArgumentException("no list");
                }
                for (ConfigValue element : list) {
                    if (!(element instanceof ConfigObject object)) {
                        throw new IllegalArgumentException("no object");
                    }
                    checked(object.toConfig(), folder, key.fields());
                }
            }
        }
    }

    private static String plain(ConfigValue value) {
        ConfigValueType type = value.valueType();
        if (type == ConfigValueType.STRING
                || type == ConfigValueType.NUMBER
                || type == ConfigValueType.BOOLEAN) {
            return String.valueOf(value.unwrapped());
        }
        throw new IllegalArgumentException("neither text nor number");
    }

    private ConfigException wanted(Key key, ConfigValue value, RuntimeException cause) {
        if (key.type() == Kind.OBJECTS) {
            return complaint(value, key.path(), "wants " + key.type().words, cause);
        }
        String text = value.render(ConfigRenderOptions.concise());
        return complaint(
                value, key.path(), "wants %s, not %s".formatted(key.type().words, text), cause);
    }

    private static ConfigException complaint(ConfigValue value, String path, String what) {
        return complaint(value, path, what, null);
    }

    private static ConfigException complaint(
            ConfigValue value, String path, String what, @Nullable Throwable cause) {
        return new ConfigException(
                "%s: `%s` %s".formatted(place(value), path, what), cause, isOfCommandLine(value));
    }

    private static boolean isOfCommandLine(ConfigValue value) {
        return value.origin().description().startsWith(COMMAND_LINE);
    }

    private static String place(ConfigValue value) {
        ConfigOrigin origin = value.origin();
        if (isOfCommandLine(value)) {
            return COMMAND_LINE;
        }
        String name = origin.filename() == null ? origin.description() : origin.filename();
        return origin.lineNumber() > 0 && origin.filename() != null
                ? name + ":" + origin.lineNumber()
                : name;
    }

    /// A complaint about the value of `path` that only the reader of the config can make.
    ConfigException refuse(String path, String what) {
        ConfigValue value = config.hasPath(path) ? config.getValue(path) : config.root();
        return complaint(value, path, what);
    }

    private Key key(String path) {
        Key key = keys.get(path);
        if (key == null) {
            throw new IllegalStateException("not declared: " + path);
        }
        return key;
    }

    /// Whether files of this kind may have the key.
    boolean knows(String path) {
        return keys.containsKey(path);
    }

    boolean has(String path) {
        key(path);
        return config.hasPath(path);
    }

    String text(String path) {
        String standard = key(path).standard();
        return config.hasPath(path) || standard == null ? config.getString(path) : standard;
    }

    @Nullable String textOrNull(String path) {
        String text = text(path);
        return text.isEmpty() ? null : text;
    }

    boolean flag(String path) {
        return config.hasPath(path) ? config.getBoolean(path) : Boolean.parseBoolean(text(path));
    }

    int integer(String path, int min, int max) {
        int value = Integer.parseInt(text(path));
        if (value < min || value > max) {
            throw refuse(path, "must lie between %d and %d".formatted(min, max));
        }
        return value;
    }

    long bytes(String path, long min, long max) {
        long value = size(text(path));
        if (value < min || value > max) {
            throw refuse(path, "must lie between %s and %s".formatted(words(min), words(max)));
        }
        return value;
    }

    Duration duration(String path) {
        if (config.hasPath(path)) {
            return config.getDuration(path);
        }
        return ConfigFactory.parseMap(Map.of("d", text(path))).getDuration("d");
    }

    HostPort address(String path) {
        return HostPort.parse(text(path));
    }

    @Nullable HostPort addressOrNull(String path) {
        String text = text(path);
        return text.isEmpty() ? null : HostPort.parse(text);
    }

    List<HostPort> addresses(String path) {
        return texts(path).stream().map(HostPort::parse).toList();
    }

    List<String> texts(String path) {
        key(path);
        return config.hasPath(path) ? config.getStringList(path) : List.of();
    }

    Path path(String path) {
        return folder.resolve(text(path)).normalize();
    }

    @Nullable Path pathOrNull(String path) {
        String text = text(path);
        return text.isEmpty() ? null : folder.resolve(text).normalize();
    }

    List<ConfigFile> objects(String path) {
        List<ConfigFile> result = new ArrayList<>();
        if (config.hasPath(path)) {
            for (ConfigValue element : config.getList(path)) {
                result.add(
                        new ConfigFile(
                                ((ConfigObject) element).toConfig(), folder, key(path).fields()));
            }
        }
        return result;
    }

    /// Bytes of `10G` and the like; binary units.
    ///
    /// @throws IllegalArgumentException where the text is no size
    static long size(String text) {
        String t = text.strip().toUpperCase(java.util.Locale.ROOT);
        if (t.endsWith("IB")) {
            t = t.substring(0, t.length() - 2);
        }
        int shift = 0;
        int unit = t.isEmpty() ? -1 : "KMGT".indexOf(t.charAt(t.length() - 1));
        if (unit >= 0) {
            shift = 10 * (unit + 1);
            t = t.substring(0, t.length() - 1);
        }
        long number = Long.parseLong(t.strip());
        if (number < 0 || number > Long.MAX_VALUE >> shift) {
            throw new IllegalArgumentException("out of range: " + text);
        }
        return number << shift;
    }

    /// A size in the largest unit that fits.
    static String words(long bytes) {
        String units = "KMGT";
        for (int i = units.length() - 1; i >= 0; i--) {
            int shift = 10 * (i + 1);
            if (bytes >> shift > 0 && bytes % (1L << shift) == 0) {
                return (bytes >> shift) + units.substring(i, i + 1);
            }
        }
        return Long.toString(bytes);
    }
}
