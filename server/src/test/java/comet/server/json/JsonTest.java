package comet.server.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.base.Prng;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.meta.Facts;
import comet.meta.GroupImage;
import comet.meta.GroupRecord;
import comet.meta.Submission;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class JsonTest {
    private final Json json = new Json();
    private final Prng prng = new Prng(1);

    static Stream<Class<?>> records() {
        List<Class<?>> all = new ArrayList<>();
        all.addAll(Arrays.asList(Command.class.getPermittedSubclasses()));
        all.addAll(Arrays.asList(Reply.class.getPermittedSubclasses()));
        all.addAll(Arrays.asList(GroupRecord.class.getPermittedSubclasses()));
        all.addAll(List.of(MapUpdate.class, GroupImage.class, Facts.class, Submission.class));
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("records")
    void everything_comes_back_as_it_went(Class<?> type) throws Exception {
        for (int i = 0; i < 20; i++) {
            Object value = random(type);
            assertThat(json.read(json.bytes(value), type)).isEqualTo(value);
            for (Class<?> sealed : List.of(Command.class, Reply.class, GroupRecord.class)) {
                if (sealed.isAssignableFrom(type)) {
                    assertThat(json.read(json.bytes(value), sealed)).isEqualTo(value);
                }
            }
            Json.requireComplete(value);
        }
    }

    @Test
    void names_of_commands_and_replies_are_the_format() {
        TreeSet<String> names = new TreeSet<>();
        for (Class<?> type : Command.class.getPermittedSubclasses()) {
            names.add(type.getSimpleName());
        }
        for (Class<?> type : Reply.class.getPermittedSubclasses()) {
            names.add(type.getSimpleName());
        }
        assertThat(names)
                .contains("CreateVolume", "RegisterDisk", "InSync", "Attach", "Attached", "Id")
                .hasSize(
                        Command.class.getPermittedSubclasses().length
                                + Reply.class.getPermittedSubclasses().length);
        Command command = new Command.PurgeVolume(7);
        assertThat(json.text(command)).contains("\"type\":\"PurgeVolume\"", "\"volumeId\":7");
    }

    @Test
    void unknown_fields_are_ignored_and_missing_numbers_are_zero() throws Exception {
        assertThat(read("{\"type\":\"PurgeVolume\",\"volumeId\":7,\"colour\":\"red\"}"))
                .isEqualTo(new Command.PurgeVolume(7));
        assertThat(read("{\"type\":\"PurgeVolume\"}")).isEqualTo(new Command.PurgeVolume(0));
    }

    @Test
    void a_map_from_before_there_were_scrubs_is_read() throws Exception {
        String old =
                "{\"after\":0,\"revision\":3,\"cluster\":null,\"nodes\":[],\"disks\":[],\"gateways\":[],"
                        + "\"pgs\":[],\"volumes\":[],\"purgedVolumes\":[]}";
        MapUpdate update = json.read(old.getBytes(StandardCharsets.UTF_8), MapUpdate.class);
        assertThat(update.scrubOrders()).isEmpty();
        assertThat(update.scrubReports()).isEmpty();
    }

    /// As written before there were moves, maintenance and idle disks.
    @Test
    void what_was_written_before_there_were_moves_is_read() throws Exception {
        String pg = "{\"pg\":1,\"epoch\":2,\"members\":[]}";
        assertThat(json.read(pg.getBytes(StandardCharsets.UTF_8), PgConfig.class))
                .isEqualTo(new PgConfig(1, 2, List.of()));
        String node =
                "{\"nodeId\":1,\"name\":\"n\",\"domain\":\"d\",\"hostId\":\"h\",\"addresses\":[]}";
        assertThat(json.read(node.getBytes(StandardCharsets.UTF_8), NodeInfo.class))
                .isEqualTo(new NodeInfo(1, "n", "d", "h", List.of()));
        assertThat(
                        read(
                                "{\"type\":\"AddDisk\",\"nodeId\":1,\"uuidHigh\":2,\"uuidLow\":3,"
                                        + "\"domain\":\"d\",\"weight\":4}"))
                .isEqualTo(new Command.AddDisk(1, 2, 3, "d", 4, false));
    }

    @Test
    void what_is_malformed_is_said_so() {
        for (String bad :
                List.of(
                        "",
                        "null",
                        "{",
                        "[]",
                        "7",
                        "{}",
                        "{\"type\":\"Shutdown\"}",
                        "{\"type\":\"java.lang.Object\"}",
                        "{\"type\":\"PurgeVolume\",\"volumeId\":\"x\"}",
                        "{\"type\":\"PurgeVolume\",\"volumeId\":99999999999999999999}",
                        "{\"type\":\"InSync\",\"diskId\":1}",
                        "{\"type\":\"InSync\",\"diskId\":1,\"pgs\":[null]}",
                        "{\"type\":\"Attach\",\"mode\":\"MAYBE\"}",
                        "{\"type\":\"PurgeVolume\",\"volumeId\":7} {}",
                        "[".repeat(10_000))) {
            assertThatThrownBy(() -> read(bad)).as(bad).isInstanceOf(Json.MalformedException.class);
        }
    }

    @Test
    void a_missing_name_is_found_before_anybody_decides_on_it() throws Exception {
        Command command = read("{\"type\":\"RenameVolume\",\"volumeId\":7}");
        assertThatThrownBy(() -> Json.requireComplete(command))
                .isInstanceOf(Json.MalformedException.class)
                .hasMessageContaining("name");
        assertThatThrownBy(() -> Json.requireComplete(new Submission(1, 1, command)))
                .isInstanceOf(Json.MalformedException.class);
    }

    private Command read(String text) throws Json.MalformedException {
        return json.read(text.getBytes(StandardCharsets.UTF_8), Command.class);
    }

    private Object random(Type type) throws ReflectiveOperationException {
        if (type instanceof ParameterizedType list) {
            List<Object> elements = new ArrayList<>();
            for (int i = prng.nextInt(4); i > 0; i--) {
                elements.add(random(list.getActualTypeArguments()[0]));
            }
            return elements;
        }
        Class<?> cls = (Class<?>) type;
        if (cls == int.class || cls == Integer.class) {
            return prng.nextInt(1 << 20);
        } else if (cls == long.class || cls == Long.class) {
            return cls == long.class && prng.chance(1, 3) ? prng.nextLong() : prng.nextLong(1000);
        } else if (cls == boolean.class) {
            return prng.chance(1, 2);
        } else if (cls == String.class) {
            return "ä\"\\\n" + prng.nextInt(100);
        } else if (cls.isEnum()) {
            return cls.getEnumConstants()[prng.nextInt(cls.getEnumConstants().length)];
        } else if (cls.isSealed()) {
            Class<?>[] permitted = cls.getPermittedSubclasses();
            return random(permitted[prng.nextInt(permitted.length)]);
        }
        RecordComponent[] components = cls.getRecordComponents();
        Class<?>[] types = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
            boolean epoch = components[i].getName().equals("epoch");
            values[i] = epoch ? prng.nextLong(99) : random(components[i].getGenericType());
        }
        return cls.getDeclaredConstructor(types).newInstance(values);
    }
}
