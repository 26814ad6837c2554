package comet.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/// Run once after a build with the JVM recording what it loads, so that later starts of the command
/// line find it ready.
final class Train {
    private Train() {}

    public static void main(String[] args) {
        PrintStream out = System.out;
        PrintStream nowhere =
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        System.setOut(nowhere);
        System.setErr(nowhere);
        Main.run("volume", "list", "--admin", "/nonexistent/admin.sock");
        Main.run("volume", "create", "a", "--size", "1G", "--admin", "127.0.0.1:1");
        Main.run("volume", "--help");
        AdminCommand.printJson(
                AdminClient.JSON.readTree("{\"volumes\":[{\"name\":\"a\",\"n\":1}]}"));
        new Table("A", "B").row("a", 1).print(nowhere);
        System.setOut(out);
    }
}
