package comet.server.json;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.meta.GroupRecord;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.NamedType;

/// Records as JSON. A value of a sealed interface carries its record's simple name as `type`.
/// Fields that a reader does not know are ignored, and missing ones are zero or null, so that
/// fields can be added.
public final class Json {
    private static final int NESTING_MAX = 32;

    private final JsonMapper mapper;

    /// Adds `type` to the values of a sealed interface.
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    private interface Typed {}

    /// A document that does not say what it should.
    public static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        public MalformedException(String message) {
            super(message);
        }

        public MalformedException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /// @param sealed further sealed interfaces, beside those of the metadata group
    public Json(Class<?>... sealed) {
        JsonFactory factory =
                JsonFactory.builder()
                        .streamReadConstraints(
                                StreamReadConstraints.builder()
                                        .maxNestingDepth(NESTING_MAX)
                                        .build())
                        .build();
        JsonMapper.Builder builder =
                JsonMapper.builder(factory)
                        .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                        .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);
        register(builder, Command.class);
        register(builder, Reply.class);
        register(builder, GroupRecord.class);
        for (Class<?> one : sealed) {
            register(builder, one);
        }
        mapper = builder.build();
    }

    private static void register(JsonMapper.Builder builder, Class<?> sealed) {
        builder.addMixIn(sealed, Typed.class);
        for (Class<?> permitted : sealed.getPermittedSubclasses()) {
            builder.registerSubtypes(new NamedType(permitted, permitted.getSimpleName()));
        }
    }

    public byte[] bytes(Object value) {
        return mapper.writeValueAsBytes(value);
    }

    public String text(Object value) {
        return mapper.writeValueAsString(value);
    }

    /// Reads one document, nothing behind it.
    ///
    /// @throws MalformedException where it is none of that type, or misses something
    public <T> T read(byte[] bytes, Class<T> type) throws MalformedException {
        T value;
        try {
            value = mapper.readValue(bytes, type);
        } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
            throw new MalformedException("not a document of type " + type.getSimpleName(), e);
        }
        if (value == null) {
            throw new MalformedException("an empty document");
        }
        return value;
    }

    /// Checks that nothing in a record, or in the records and lists inside it, is null. For what
    /// comes from others and has no field that may be.
    public static void requireComplete(Object value) throws MalformedException {
        if (value instanceof Record record) {
            for (RecordComponent component : record.getClass().getRecordComponents()) {
                Object part;
                try {
                    part = component.getAccessor().invoke(record);
                } catch (IllegalAccessException | InvocationTargetException e) {
                    throw new MalformedException("unreadable " + component.getName(), e);
                }
                if (part == null) {
                    throw new MalformedException(
                            record.getClass().getSimpleName() + " without " + component.getName());
                }
                requireComplete(part);
            }
        } else if (value instanceof Collection<?> collection) {
            for (Object element : collection) {
                requireComplete(element);
            }
        }
    }
}
