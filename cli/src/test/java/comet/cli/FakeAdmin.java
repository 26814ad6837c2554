package comet.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// An admin API that says what a test wants, and the command line that is run against it.
final class FakeAdmin implements AutoCloseable {
    private final HttpServer server;
    private final Path data;
    private final Map<String, ArrayDeque<Said>> answers = new ConcurrentHashMap<>();
    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());

    private record Said(int status, String json, long delayMs) {}

    /// What a run of the command line has come to.
    record Outcome(int status, String out, String err) {}

    FakeAdmin(Path data) throws IOException {
        this.data = data;
        Files.writeString(data.resolve("admin.token"), "secret");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    /// The next answer to `METHOD /path`; the last one is given again and again.
    FakeAdmin says(String request, String json) {
        return says(request, 200, json, 0);
    }

    FakeAdmin says(String request, int status, String json, long delayMs) {
        answers.computeIfAbsent(request, _ -> new ArrayDeque<>())
                .add(new Said(status, json, delayMs));
        return this;
    }

    /// What was asked for so far: `METHOD /path BODY`.
    List<String> asked() {
        return List.copyOf(asked);
    }

    Outcome run(String... args) {
        List<String> all = new ArrayList<>(Arrays.asList(args));
        all.add("--admin=127.0.0.1:" + server.getAddress().getPort());
        all.add("--data=" + data);
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ByteArrayOutputStream failed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(failed, true, StandardCharsets.UTF_8));
        try {
            int status = Main.run(all.toArray(String[]::new));
            return new Outcome(
                    status,
                    said.toString(StandardCharsets.UTF_8),
                    failed.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        asked.add(request + (body.isEmpty() ? "" : " " + body));
        Said said = next(request);
        try {
            Thread.sleep(said.delayMs);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        byte[] bytes = said.json.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(said.status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private Said next(String request) {
        @Nullable ArrayDeque<Said> queue = answers.get(request);
        if (queue == null) {
            return new Said(
                    404, "{\"code\": \"not-found\", \"message\": \"no " + request + "\"}", 0);
        }
        return queue.size() > 1 ? queue.removeFirst() : queue.getFirst();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
