package comet.sim;

import comet.base.Prng;
import comet.port.Errno;
import comet.port.IoDone;
import comet.port.Media;
import comet.sim.Simulation.Life;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// One disk's folder: it outlives processes. What a process wrote is in the page cache and survives
/// its death; what was synced survives the loss of power; of the rest each sector is lost or kept
/// when power goes.
final class SimMedia {
    /// What the disk does wrong, and how long it takes; changed by the faults of a run.
    static final class Behaviour {
        static final long SYNC_NS_MAX = 3_000_000;

        long readNsMax = 150_000;
        long writeNsMax = 200_000;
        long syncNsMin = 50_000;
        long syncNsMax = SYNC_NS_MAX;
        long capacityBytes = 1L << 34;

        /// A disk of a canary: says that it has synced, and has not.
        boolean liesAboutSync;

        /// The same for segments alone.
        boolean liesAboutData;

        /// No operation ends before that.
        long hangsUntilNs;

        boolean failReads;
        boolean failWrites;
        boolean failSyncs;

        boolean fails() {
            return failReads || failWrites || failSyncs;
        }
    }

    private final Simulation simulation;
    private final String name;
    private final Prng prng;
    private final TreeMap<String, SimFile> files = new TreeMap<>();
    private final TreeMap<String, byte[]> smallFiles = new TreeMap<>();
    final Behaviour behaviour = new Behaviour();
    private long waitingSinceNs = -1;

    SimMedia(Simulation simulation, String name) {
        this.simulation = simulation;
        this.name = name;
        prng = simulation.fork();
    }

    Simulation simulation() {
        return simulation;
    }

    Prng prng() {
        return prng;
    }

    /// How long an operation takes that would take `ns` if nothing hung.
    long takes(long ns) {
        long now = simulation.nowNs();
        if (now + ns >= behaviour.hangsUntilNs) {
            return ns;
        }
        if (waitingSinceNs < 0) {
            waitingSinceNs = now;
        }
        return behaviour.hangsUntilNs - now + ns;
    }

    /// See [Media#waitingNs].
    long waitingNs() {
        if (simulation.nowNs() >= behaviour.hangsUntilNs) {
            waitingSinceNs = -1;
        }
        return waitingSinceNs < 0 ? 0 : simulation.nowNs() - waitingSinceNs;
    }

    /// The folder as one life of a process sees it.
    Media mount(SimProcess process) {
        return new Mount(process.life());
    }

    /// The process was killed: operations under way happen or not.
    void killed() {
        files.values().forEach(SimFile::killed);
    }

    /// Power is gone: what was not synced is lost, kept or torn, sector by sector.
    void powerLost() {
        files.values().forEach(SimFile::powerLost);
    }

    /// An empty folder.
    void wipe() {
        files.clear();
        smallFiles.clear();
    }

    List<SimFile> filesIn(String folder) {
        List<SimFile> found = new ArrayList<>();
        files.forEach((file, content) -> {
            if (file.startsWith(folder + "/")) {
                found.add(content);
            }
        });
        return found;
    }

    private long allocatedBytes() {
        long bytes = 0;
        for (SimFile file : files.values()) {
            bytes += file.sizeBytes();
        }
        return bytes;
    }

    private final class Mount implements Media {
        private final Life life;

        Mount(Life life) {
            this.life = life;
        }

        @Override
        public void open(String file, Access access, Opened done) {
            later(() -> {
                SimFile found = files.get(file);
                if (found == null) {
                    done.opened(null, Errno.ENOENT);
                } else {
                    done.opened(found.open(life, access == Access.DIRECT), 0);
                }
            });
        }

        @Override
        public void create(String file, long bytes, Access access, Opened done) {
            // Made at some moment between call and answer, whether the process lives or not.
            boolean early = prng.chance(1, 2);
            int error = early ? make(file, bytes) : 0;
            later(() -> {
                int errno = early ? error : make(file, bytes);
                if (errno != 0) {
                    done.opened(null, errno);
                    return;
                }
                SimFile made = Objects.requireNonNull(files.get(file));
                done.opened(made.open(life, access == Access.DIRECT), 0);
            });
        }

        private int make(String file, long bytes) {
            if (files.containsKey(file)) {
                return Errno.EINVAL;
            }
            if (allocatedBytes() + bytes > behaviour.capacityBytes) {
                return Errno.ENOSPC;
            }
            files.put(file, new SimFile(SimMedia.this, file, bytes));
            return 0;
        }

        @Override
        public void delete(String file, IoDone done, long token) {
            later(() -> {
                files.remove(file);
                done.done(token, 0);
            });
        }

        private void later(Runnable work) {
            simulation.in(takes(50_000 + prng.nextLong(500_000)), life, work);
        }

        @Override
        public List<String> list(String folder) {
            List<String> names = new ArrayList<>();
            String prefix = folder.isEmpty() ? "" : folder + "/";
            for (String file : files.keySet()) {
                addIn(prefix, file, names);
            }
            for (String file : smallFiles.keySet()) {
                addIn(prefix, file, names);
            }
            names.sort(null);
            return names;
        }

        private void addIn(String prefix, String file, List<String> names) {
            if (file.startsWith(prefix) && file.indexOf('/', prefix.length()) < 0) {
                names.add(file.substring(prefix.length()));
            }
        }

        @Override
        public byte @Nullable [] readSmall(String file) {
            byte[] content = smallFiles.get(file);
            return content == null ? null : content.clone();
        }

        @Override
        public void writeSmall(String file, byte[] content) {
            smallFiles.put(file, content.clone());
        }

        @Override
        public long freeBytes() {
            return Math.max(0, behaviour.capacityBytes - allocatedBytes());
        }
    }
}
