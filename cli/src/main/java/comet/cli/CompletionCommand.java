package comet.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// A script for the shell, made from the commands themselves.
@Command(
        name = "completion",
        description = {
            "Print a script that completes commands and options in a shell.",
            "For this shell alone: source <(comet completion bash)"
        })
final class CompletionCommand implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec spec;

    @Parameters(paramLabel = "bash|zsh", description = "The shell.")
    private Shell shell = Shell.bash;

    /// By the names that people type.
    enum Shell {
        bash,
        zsh
    }

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        String script = AutoComplete.bash("comet", spec.root().commandLine());
        // The script is bash's; zsh runs it with its own completion started first.
        String start = shell == Shell.zsh ? "autoload -Uz compinit && compinit -u\n" : "";
        System.out.print(start + script);
        return 0;
    }
}
