package comet.io.file;

import comet.io.file.FileMedia.Way;
import comet.io.loop.Transport;
import java.util.Arrays;
import java.util.stream.Stream;

/// The ways in which a loop gets its files done.
enum Setting {
    /// The ring that the loop's sockets complete on.
    RING_OF_SOCKETS(Transport.IO_URING, Way.IO_URING),
    /// A ring beside the sockets' epoll.
    RING_BESIDE(Transport.EPOLL, Way.IO_URING),
    THREADS(Transport.EPOLL, Way.THREADS),
    /// What is left where the kernel offers nothing.
    THREADS_NIO(Transport.NIO, Way.AUTO);

    final Transport transport;
    final Way files;

    Setting(Transport transport, Way files) {
        this.transport = transport;
        this.files = files;
    }

    /// Those that this machine has.
    static Stream<Setting> available() {
        return Arrays.stream(values())
                .filter(setting -> setting.transport.isAvailable())
                .filter(setting ->
                        setting.files != Way.IO_URING || Transport.IO_URING.isAvailable());
    }

    FileMedia.Options options() {
        return new FileMedia.Options(null, files, true);
    }
}
