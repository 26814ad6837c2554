package comet.server.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.util.logging.LogManager;
import org.slf4j.LoggerFactory;

/// How the process logs: one line per event on standard error, in [LogLine]'s form. Found by
/// logback as a service; in code, because reading a file of XML would cost a tenth of a start.
public final class LogSetup extends ContextAwareBase implements Configurator {
    /// Names of what others log; ours stand at INFO, theirs at WARN.
    private static final String OURS = "comet";

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        LogLine line = new LogLine();
        line.setContext(context);
        line.start();
        LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
        encoder.setContext(context);
        encoder.setLayout(line);
        encoder.start();
        LimitedConsole stderr = new LimitedConsole();
        stderr.setContext(context);
        stderr.setTarget("System.err");
        stderr.setEncoder(encoder);
        stderr.start();
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(stderr);
        context.getLogger(OURS).setLevel(Level.INFO);
        // Javalin greets and warns about an unknown version of itself; Jetty names each start. The
        // Raft library reports every lost connection to a member that is down with a stack trace.
        context.getLogger("io.javalin").setLevel(Level.ERROR);
        context.getLogger("org.eclipse.jetty").setLevel(Level.ERROR);
        context.getLogger("org.apache.ratis").setLevel(Level.ERROR);
        // Libraries that speak to the JDK's own logging repeat themselves there.
        LogManager.getLogManager().reset();
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /// Everything with stack traces, for finding a fault.
    public static void debug() {
        LogLine.debug = true;
        ((Logger) LoggerFactory.getLogger(OURS)).setLevel(Level.DEBUG);
        ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.INFO);
        ((Logger) LoggerFactory.getLogger("org.apache.ratis")).setLevel(Level.WARN);
    }
}
