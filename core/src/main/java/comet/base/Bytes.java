package comet.base;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Numbers in byte arrays: little-endian in rows, records and pages, big-endian (`key…`) in index
/// keys, which compare as unsigned bytes.
public final class Bytes {
    private Bytes() {}

    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle KEY_INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle KEY_LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    public static int getByte(byte[] bytes, int at) {
        return bytes[at] & 0xFF;
    }

    public static int getShort(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at) & 0xFFFF;
    }

    public static int getInt(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    public static long getLong(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    public static void putByte(byte[] bytes, int at, int value) {
        bytes[at] = (byte) value;
    }

    public static void putShort(byte[] bytes, int at, int value) {
        SHORT.set(bytes, at, (short) value);
    }

    public static void putInt(byte[] bytes, int at, int value) {
        INT.set(bytes, at, value);
    }

    public static void putLong(byte[] bytes, int at, long value) {
        LONG.set(bytes, at, value);
    }

    public static int keyInt(byte[] bytes, int at) {
        return (int) KEY_INT.get(bytes, at);
    }

    public static long keyLong(byte[] bytes, int at) {
        return (long) KEY_LONG.get(bytes, at);
    }

    public static void putKeyInt(byte[] bytes, int at, int value) {
        KEY_INT.set(bytes, at, value);
    }

    public static void putKeyLong(byte[] bytes, int at, long value) {
        KEY_LONG.set(bytes, at, value);
    }
}
