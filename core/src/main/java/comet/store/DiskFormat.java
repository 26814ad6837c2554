package comet.store;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes a disk out of an empty folder. The file that makes it a disk is written last, so a folder
/// left behind by a crash is none.
final class DiskFormat {
    private DiskFormat() {}

    /// What a folder may contain and still counts as empty: what a file system and the shell around
    /// this core put there.
    private static final List<String> IGNORED = List.of("lost+found", "lock", "index", "segments");

    static void format(
            Media media,
            DiskIdentity identity,
            StoreConfig config,
            BufPool pool,
            Disk.Formatted done) {
        for (String name : media.list("")) {
            if (!IGNORED.contains(name)) {
                done.formatted("the folder is not empty: it contains " + name);
                return;
            }
        }
        List<String> segments = media.list("segments");
        if (!segments.isEmpty()) {
            done.formatted("the folder is not empty: it contains segments/" + segments.getFirst());
            return;
        }
        media.create(
                DiskOpen.JOURNAL,
                config.journalBytes(),
                Media.Access.DIRECT,
                (file, errno) -> {
                    if (file == null) {
                        done.formatted(
                                "cannot make the journal of "
                                        + config.journalBytes()
                                        + " bytes: errno "
                                        + errno);
                    } else {
                        writeRingPage(media, identity, file, pool, done);
                    }
                });
    }

    private static void writeRingPage(
            Media media, DiskIdentity identity, MediaFile file, BufPool pool, Disk.Formatted done) {
        Buf page = pool.take(JournalBatch.RING_PAGE_BYTES);
        JournalBatch.encodeRingPage(page, identity, file.sizeBytes(), new Crc());
        file.writeAndSync(
                0,
                page,
                0,
                JournalBatch.RING_PAGE_BYTES,
                (token, result) -> {
                    page.release();
                    file.close();
                    done.formatted(
                            result < 0
                                    ? "cannot write the journal: errno " + -result
                                    : writeSmallFiles(media, identity));
                },
                0);
    }

    private static @Nullable String writeSmallFiles(Media media, DiskIdentity identity) {
        try {
            media.writeSmall(StartRecord.FILE, new StartRecord(0, 0, true, false).encode());
            media.writeSmall(DiskIdentity.FILE, identity.encode());
            return null;
        } catch (Media.MediaException e) {
            return e.getMessage();
        }
    }
}
