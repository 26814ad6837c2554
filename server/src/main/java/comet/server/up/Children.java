package comet.server.up;

import comet.server.up.NodesLayout.Child;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The processes that `comet up --nodes` has started. One that ends stays down: whoever killed it
/// wants to see what happens then, and starts it again by the command that was printed.
final class Children {
    private static final String CONFIG = "--config=";
    private static final Logger LOG = LoggerFactory.getLogger(Children.class);

    /// How long a process may take to drain before it is killed.
    private static final Duration STOP_MAX = Duration.ofSeconds(70);

    private static final int TAIL_LINES = 5;

    private final List<Running> running = new ArrayList<>();
    private final List<Process> everStarted = new CopyOnWriteArrayList<>();
    private boolean stopping;

    private record Running(Child child, Process process) {}

    /// The launcher that started this process starts the others.
    static String launcher() {
        String launcher = System.getProperty("comet.launcher");
        if (launcher == null) {
            throw new StartException("the processes are started by the launcher ./comet: use that");
        }
        return launcher;
    }

    static String command(Child child) {
        return String.join(" ", words(child));
    }

    private static List<String> words(Child child) {
        List<String> words = new ArrayList<>();
        words.addAll(List.of(launcher(), child.role(), "--config", child.config().toString()));
        for (String override : child.overrides()) {
            words.add("--set");
            words.add(override);
        }
        return words;
    }

    synchronized void start(Child child) {
        if (stopping) {
            throw new StartException(child.name() + " is not started: all are being stopped");
        }
        List<String> command = new ArrayList<>();
        if (new File("/usr/bin/setsid").canExecute()) {
            // Ctrl-C in the terminal reaches this process alone, which then stops the others in
            // their order.
            command.add("/usr/bin/setsid");
        }
        command.addAll(words(child));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("COMET_NO_BUILD", "1");
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log(child).toFile()));
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            running.add(new Running(child, process));
            everStarted.add(process);
            process.onExit().thenAccept(ended -> ended(child, ended));
            LOG.info("event=started process={} pid={}", child.name(), process.pid());
        } catch (IOException e) {
            throw new StartException(
                    "cannot start %s: %s".formatted(child.name(), e.getMessage()), e);
        }
    }

    static Path log(Child child) {
        return child.folder().resolve(child.name() + ".log");
    }

    private synchronized void ended(Child child, Process process) {
        if (!stopping) {
            LOG.warn(
                    "event=ended process={} status={} start-again=\"{}\"",
                    child.name(),
                    process.exitValue(),
                    command(child));
        }
    }

    /// Complains about a process that has already ended, unless all are being stopped.
    synchronized void check() {
        if (stopping) {
            return;
        }
        for (Running one : running) {
            if (!one.process.isAlive()) {
                throw new StartException(
                        "%s has ended with status %d; the end of %s:%n%s"
                                .formatted(
                                        one.child.name(),
                                        one.process.exitValue(),
                                        log(one.child),
                                        tail(log(one.child))));
            }
        }
    }

    private static String tail(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join(
                    System.lineSeparator(),
                    lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
        } catch (IOException e) {
            return "(unreadable: " + e.getMessage() + ")";
        }
    }

    /// Stops all: the gateway first, so that it finds the nodes when it flushes.
    void stop() {
        List<Running> all;
        synchronized (this) {
            stopping = true;
            all = new ArrayList<>(running);
        }
        Collections.reverse(all);
        List<Running> nodes = new ArrayList<>();
        for (Running one : all) {
            if (one.child.role().equals("gateway")) {
                end(List.of(one));
            } else {
                nodes.add(one);
            }
        }
        end(nodes);
    }

    /// Ends all at once. Not synchronized: whoever stops them may be waiting for one.
    void kill() {
        everStarted.forEach(Process::destroyForcibly);
    }

    private static void end(List<Running> some) {
        List<ProcessHandle> handles = some.stream().map(Children::handle).toList();
        handles.forEach(ProcessHandle::destroy);
        long deadline = System.nanoTime() + STOP_MAX.toNanos();
        for (int i = 0; i < some.size(); i++) {
            try {
                handles.get(i)
                        .onExit()
                        .get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException | ExecutionException e) {
                LOG.warn("event=killed process={} why=\"did not stop\"", some.get(i).child.name());
                handles.get(i).destroyForcibly();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /// Whether a process has that config, which its command line may name from where it stood.
    static boolean isStartedWith(long pid, Path config) throws IOException {
        Path process = Path.of("/proc/" + pid);
        Path stands = Files.readSymbolicLink(process.resolve("cwd"));
        // Not info().commandLine(), which ends in the middle of a long one.
        for (String word : Files.readString(process.resolve("cmdline")).split("\0", -1)) {
            String path = word.startsWith(CONFIG) ? word.substring(CONFIG.length()) : word;
            if (!path.isEmpty() && stands.resolve(path).normalize().equals(config.normalize())) {
                return true;
            }
        }
        return false;
    }

    /// The process as it was started here, or the one that somebody started in its place since.
    private static ProcessHandle handle(Running one) {
        ProcessHandle ours = one.process.toHandle();
        if (ours.isAlive()) {
            return ours;
        }
        String name = one.child.name();
        Path file = one.child.folder().resolveSibling("run").resolve(name + ".pid");
        try {
            ProcessHandle other =
                    ProcessHandle.of(Long.parseLong(Files.readString(file).strip())).orElse(ours);
            if (isStartedWith(other.pid(), one.child.config())) {
                LOG.info(
                        "event=stopping process={} pid={} why=\"started again since\"",
                        name,
                        other.pid());
                return other;
            }
        } catch (IOException | NumberFormatException e) {
            LOG.debug("event=no-pid process={}", name, e);
        }
        return ours;
    }
}
