package comet.server.up;

import comet.cli.FromDisksOption;
import comet.cli.RecoverOptions;
import comet.cluster.DiskFacts;
import comet.cluster.MapUpdate;
import comet.io.file.FolderLock;
import comet.io.file.SmallFile;
import comet.io.loop.EventLoop;
import comet.meta.GroupImage;
import comet.meta.Remake;
import comet.port.Events;
import comet.port.Media.MediaException;
import comet.replica.DiskLook;
import comet.server.config.HostPort;
import comet.server.config.IoConfig;
import comet.server.config.NodeConfig.DiskConfig;
import comet.server.data.DataException;
import comet.server.data.NodeDisk;
import comet.server.raft.FirstState;
import comet.server.raft.MetadataFile;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// What is done about a metadata group while none runs: `comet cluster recover`, and `comet cluster
/// export-metadata --from-disks`. They open the disks' folders themselves, under their locks.
@Command(
        name = "cluster",
        subcommands = {RecoverCommands.Recover.class, RecoverCommands.Export.class})
final class RecoverCommands {
    /// Looks at disks.
    abstract static class Looking implements Callable<Integer> {
        @Mixin FromDisksOption disks = new FromDisksOption();

        abstract void run() throws IOException;

        @Override
        public Integer call() {
            try {
                run();
                return 0;
            } catch (IOException e) {
                throw new StartException(what(e), e);
            }
        }

        private static String what(IOException e) {
            String words = DataFolder.words(e);
            String file = e instanceof FileSystemException failed ? failed.getFile() : null;
            return file == null || words.contains(file) ? words : file + ": " + words;
        }

        static List<DiskFacts> look(List<DiskConfig> disks) {
            List<DiskFacts> all = new ArrayList<>();
            if (disks.isEmpty()) {
                return all;
            }
            EventLoop loop = EventLoop.start("look", IoConfig.auto().sockets(), EventLoop.HALT);
            Events events =
                    (level, code, details) -> {
                        if (level == Events.Level.ERROR) {
                            System.err.println("comet: " + code + " " + details);
                        }
                    };
            try {
                for (DiskConfig disk : disks) {
                    String where = disk.path().toString();
                    all.add(
                            NodeDisk.look(
                                    loop,
                                    disk.path(),
                                    disk.journal(),
                                    events,
                                    opened -> DiskLook.of(opened, where)));
                    System.out.println(line(all.getLast()));
                }
                return all;
            } catch (DataException e) {
                throw new StartException(String.valueOf(e.getMessage()), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StartException("interrupted", e);
            } finally {
                loop.close();
            }
        }

        List<DiskConfig> named() {
            List<DiskConfig> all = new ArrayList<>();
            for (String disk : disks.folders) {
                int at = disk.indexOf('=');
                Path folder = Path.of(at < 0 ? disk : disk.substring(0, at)).toAbsolutePath();
                Path journal = at < 0 ? null : Path.of(disk.substring(at + 1)).toAbsolutePath();
                all.add(new DiskConfig(folder.normalize(), journal, 0, null));
            }
            return all;
        }

        private static String line(DiskFacts disk) {
            MapUpdate copy = disk.copy();
            return "looked at    disk %d in %s: %s, %d placement groups of its own, stopped %s"
                    .formatted(
                            disk.diskId(),
                            disk.where(),
                            copy == null
                                    ? "no copy of the map"
                                    : "copy of revision " + copy.revision(),
                            disk.parts().size(),
                            disk.damaged()
                                    ? "with damage"
                                    : disk.clean() ? "cleanly" : "uncleanly");
        }
    }

    @Command(
            name = "export-metadata",
            description = "Writes what disks know of map and catalogue into a file.")
    static final class Export extends Looking {
        @Parameters(paramLabel = "FILE", description = "A file that does not exist yet.")
        Path file = Path.of("");

        @Override
        void run() throws IOException {
            if (Files.exists(file)) {
                throw new StartException(file + " exists already: name another one");
            }
            new MetadataFile(System.currentTimeMillis(), null, look(named())).write(file);
            System.out.println("wrote        " + file);
        }
    }

    @Command(
            name = "recover",
            description = "Makes a new metadata group where the old one is lost with all members.")
    static final class Recover extends Looking {
        @Mixin RecoverOptions options = new RecoverOptions();

        @Override
        void run() throws IOException {
            List<Target> targets = options.to.stream().map(Target::of).toList();
            List<FolderLock> locks = new ArrayList<>();
            try {
                for (Target target : targets) {
                    SmallFile.makeFolder(target.data());
                    locks.add(FolderLock.take(target.data()));
                    check(target);
                }
                recover(targets);
            } catch (MediaException e) {
                throw new StartException(String.valueOf(e.getMessage()), e);
            } finally {
                locks.forEach(FolderLock::close);
            }
        }

        private void check(Target target) {
            if (FirstState.isUsed(target.member())) {
                throw new StartException(
                        target.member()
                                + " holds a member already: where its group lives, start it; where"
                                + " it is lost, move that folder away first");
            }
            HostPort living = target.listening();
            if (living != null && !options.force) {
                throw new StartException(
                        "somebody listens at "
                                + living
                                + ", where a member of the group does: two groups must never run"
                                + " for one cluster. Stop it, or use --force");
            }
        }

        private void recover(List<Target> targets) throws IOException {
            Path writeState = options.writeState;
            if (writeState != null && Files.exists(writeState)) {
                throw new StartException(
                        writeState + " exists already: of an earlier recovery? Name another one");
            }
            Path state = options.state;
            StartState start = state == null ? null : StartState.read(state);
            if (start == null) {
                Remake.Result made = remake(targets);
                GroupImage image = made.image();
                Remake.Findings findings = made.findings();
                if (image == null || findings == null) {
                    throw new StartException("nothing can be recovered: " + made.refusal());
                }
                RecoverText.print(findings, image);
                if (!findings.unexamined().isEmpty()
                        && !(options.incomplete && options.acceptDataLoss)) {
                    throw new StartException(
                            "nothing was done, since disks were not looked at: name them too, or"
                                    + " bring what `comet cluster export-metadata --from-disks`"
                                    + " writes where they are. Where they are gone for good:"
                                    + " --incomplete --accept-data-loss; what only they know is"
                                    + " lost then, even if they come back");
                }
                start = new StartState(UUID.randomUUID().toString(), image);
            }
            if (options.dryRun) {
                System.out.println("dry run      nothing was written");
                return;
            }
            if (writeState != null) {
                start.write(writeState);
                System.out.println(
                        "wrote        " + writeState + ", for --state on the other hosts");
            }
            for (Target target : targets) {
                FirstState.write(target.member(), UUID.fromString(start.groupId()), start.image());
                System.out.println("wrote        " + target.member());
            }
            System.out.println(
                    "next         start all members and all nodes; then `comet cluster health`");
        }

        private Remake.Result remake(List<Target> targets) throws IOException {
            List<DiskConfig> folders = named();
            if (disks.folders.isEmpty()) {
                targets.forEach(target -> folders.addAll(target.disks()));
            }
            List<DiskFacts> facts = new ArrayList<>(look(folders));
            List<MapUpdate> copies = new ArrayList<>();
            for (Path file : options.files) {
                MetadataFile export = MetadataFile.read(file);
                facts.addAll(export.disks());
                MapUpdate copy = export.copy();
                if (copy != null) {
                    copies.add(copy);
                }
                System.out.println(
                        "read         "
                                + file
                                + " of "
                                + java.time.Instant.ofEpochMilli(export.madeAtMs())
                                + ": "
                                + (copy == null
                                        ? export.disks().size() + " disks"
                                        : "copy of revision " + copy.revision()));
            }
            return Remake.of(facts, copies, System.currentTimeMillis());
        }
    }
}
