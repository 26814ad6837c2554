package comet.cli;

import java.nio.file.Path;

/// How a person starts Comet here, for messages that name a command to type.
public final class Launcher {
    private Launcher() {}

    /// `./comet` in the checkout's own folder, else its whole path.
    public static String word() {
        String launcher = System.getProperty("comet.launcher");
        if (launcher == null) {
            return "comet";
        }
        Path here = Path.of("").toAbsolutePath();
        return here.equals(Path.of(launcher).getParent()) ? "./comet" : launcher;
    }
}
