package comet.io.file;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.Prng;
import comet.io.loop.Ring;
import comet.port.Errno;
import comet.port.Media.Access;
import comet.port.Media.MediaException;
import comet.port.MediaFile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Random operations, many at once, against a model in memory; under a kernel that interrupts,
/// shortens and fails.
@ParameterizedClass
@MethodSource("comet.io.file.Setting#available")
class FileFuzzTest extends MediaRig {
    private static final int OPERATIONS = 10_000;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 512;
    private static final int BLOCKS_MAX = 32;

    /// More than a ring takes at a time.
    private static final int DEPTH_MAX = 600;

    private final Faults faults = new Faults(7);

    FileFuzzTest(Setting setting) {
        super(setting);
    }

    @BeforeEach
    void open() throws MediaException {
        pool = new FilePool("test-file", 4, faults::posix);
        Ring real =
                setting.files == FileMedia.Way.IO_URING ? test.loop.call(test.loop::ring) : null;
        Ring ring = real == null ? null : faults.ring(test.loop, real);
        media = FileMedia.open(folder, setting.options(), test.loop, pool, ring);
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void everything_is_done_whole_however_the_kernel_cuts_it(Access access) {
        faults.set(20, false);
        new Run(access, false).go();
    }

    @ParameterizedTest
    @EnumSource(Access.class)
    void what_fails_says_so_and_the_rest_is_right(Access access) {
        faults.set(10, true);
        new Run(access, true).go();
    }

    private final class Run {
        private final Prng random = new Prng(setting.ordinal() + 1);
        private final Access access;
        private final boolean failures;

        /// What each block holds: the number of the write, or -1 where a write has failed.
        private final long[] content = new long[BLOCKS];

        /// Operations under way on each block: readers, or -1 for a writer.
        private final int[] held = new int[BLOCKS];

        private final List<String> wrong = new ArrayList<>();
        private @Nullable MediaFile file;
        private int begun;
        private int ended;
        private int underWay;

        /// What the next operation waits for: the end of one under way.
        private boolean blocked;

        Run(Access access, boolean failures) {
            this.access = access;
            this.failures = failures;
        }

        void go() {
            file = create("f", (long) BLOCKS * BLOCK, access);
            long outBefore = test.loop.call(() -> test.loop.bufs().bytesOut());
            test.on(this::fill);
            test.until("all have ended", 60, () -> ended == OPERATIONS || !wrong.isEmpty());
            assertThat(wrong).isEmpty();
            assertThat(ended).isEqualTo(OPERATIONS);
            test.on(() -> {
                requireNonNull(file).close();
                assertThat(underWay).isZero();
                assertThat(test.loop.bufs().bytesOut()).isEqualTo(outBefore);
                Ring ring = test.loop.ring();
                if (ring != null) {
                    assertThat(ring.underWay()).isZero();
                }
            });
        }

        private void fill() {
            blocked = false;
            int target = 1 + random.nextInt(DEPTH_MAX);
            while (!blocked && underWay < target && begun < OPERATIONS) {
                begin();
            }
        }

        private void begin() {
            int kind = random.nextInt(100);
            MediaFile to = requireNonNull(file);
            if (kind == 0) {
                begun++;
                underWay++;
                to.sync((_, result) -> ended(0, 0, false, result, 0), 0);
                return;
            }
            int count = 1 + random.nextInt(kind < 90 ? 4 : BLOCKS_MAX);
            int first = random.nextInt(BLOCKS - count);
            boolean write = kind % 2 == 0;
            if (!take(first, count, write)) {
                blocked = underWay > 0;
                return;
            }
            begun++;
            underWay++;
            int lead = BLOCK * random.nextInt(2);
            Buf buf = test.loop.bufs().take(lead + count * BLOCK);
            if (!write) {
                to.read(
                        (long) first * BLOCK,
                        buf,
                        lead,
                        count * BLOCK,
                        (_, result) -> {
                            check(first, count, buf, lead, result);
                            buf.release();
                            ended(first, count, false, result, count * BLOCK);
                        },
                        begun);
                return;
            }
            long number = begun;
            for (int i = 0; i < count * BLOCK; i += 8) {
                buf.bytes().putLong(lead + i, word(number, first + i / BLOCK, i % BLOCK));
            }
            comet.port.IoDone done =
                    (token, result) -> {
                        buf.release();
                        for (int i = first; i < first + count; i++) {
                            content[i] = result < 0 ? -1 : token;
                        }
                        ended(first, count, true, result, count * BLOCK);
                    };
            if (kind == 2) {
                to.writeAndSync((long) first * BLOCK, buf, lead, count * BLOCK, done, number);
            } else {
                to.write((long) first * BLOCK, buf, lead, count * BLOCK, done, number);
            }
        }

        private boolean take(int first, int count, boolean write) {
            for (int i = first; i < first + count; i++) {
                if (held[i] < 0 || (write && held[i] > 0)) {
                    return false;
                }
            }
            for (int i = first; i < first + count; i++) {
                held[i] = write ? -1 : held[i] + 1;
            }
            return true;
        }

        private void ended(int first, int count, boolean write, int result, int wanted) {
            for (int i = first; i < first + count; i++) {
                held[i] = write ? 0 : held[i] - 1;
            }
            if (result != wanted && !(failures && result == -Errno.EIO)) {
                wrong.add("answered " + result + " instead of " + wanted);
            }
            underWay--;
            ended++;
            fill();
        }

        private void check(int first, int count, Buf buf, int lead, int result) {
            for (int i = 0; result > 0 && i < count * BLOCK; i += 8) {
                int block = first + i / BLOCK;
                long number = content[block];
                long wanted = number == 0 ? 0 : word(number, block, i % BLOCK);
                if (number >= 0 && buf.bytes().getLong(lead + i) != wanted) {
                    wrong.add("block " + block + " at " + i % BLOCK + " of write " + number);
                    return;
                }
            }
        }

        private long word(long number, int block, int at) {
            return Prng.mix(number << 32 | (long) block << 12 | at);
        }
    }
}
