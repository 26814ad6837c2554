package comet.server.nbd;

import comet.port.Events;
import io.netty.channel.Channel;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The server's side of TLS: certificate, key, and the authority that clients' certificates must
/// come from. For any thread; files that were replaced are read again, for connections that come
/// later.
public final class NbdTls {
    /// Whether a client of a listener has to encrypt.
    public enum Mode {
        /// STARTTLS is not known.
        OFF,
        /// Both are served.
        OPTIONAL,
        /// Nothing is said in the clear.
        REQUIRED
    }

    private static final Logger LOG = LoggerFactory.getLogger(NbdTls.class);

    /// Its clients may need that long for their side of the handshake, and to take the last bytes.
    private static final long HANDSHAKE_MS = 20_000;

    private static final String STRANGER =
            "the client's certificate is not of the authority in tls-client-ca";
    static final String LEFT =
            "the client left during the handshake; it may not trust the server's certificate";
    private static final String ALERT = "Received fatal alert: ";

    /// Files are looked at every minute, an end that is near is told every day.
    private static final long CHECK_TICKS = 60;

    private static final long REMIND_TICKS = 24 * 3600;
    private static final Duration REMIND = Duration.ofDays(14);

    static {
        // A client could have keys made again and again. The JDK reads it once.
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    }

    private final Path certificateFile;
    private final Path keyFile;
    private final @Nullable Path clientCaFile;

    /// Keys are computed beside the loop, which would wait a millisecond for each.
    private final Executor executor = work -> Thread.ofVirtual().name("nbd-tls").start(work);

    private final AtomicBoolean checking = new AtomicBoolean();
    private long ticks;
    private volatile String complained = "";
    private volatile Loaded loaded;

    private record Loaded(SslContext context, List<FileTime> times, Instant expires) {}

    /// @param clientCaFile clients must have a certificate of it; null: any client may connect
    /// @throws IOException with words for people
    public NbdTls(Path certificateFile, Path keyFile, @Nullable Path clientCaFile)
            throws IOException {
        this.certificateFile = certificateFile;
        this.keyFile = keyFile;
        this.clientCaFile = clientCaFile;
        loaded = load();
    }

    SslHandler handler(Channel channel) {
        SslHandler handler = loaded.context().newHandler(channel.alloc(), executor);
        // Each buffer is a record of its own, or several: nothing is copied together once more.
        handler.setWrapDataSize(0);
        handler.setHandshakeTimeoutMillis(HANDSHAKE_MS);
        handler.setCloseNotifyFlushTimeoutMillis(HANDSHAKE_MS);
        return handler;
    }

    /// Every second or so: looks, beside the caller, whether the files were replaced, and whether
    /// the certificate ends.
    void tick(Events events) {
        long tick = ticks++;
        if (tick % CHECK_TICKS == 0 && checking.compareAndSet(false, true)) {
            executor.execute(() -> {
                try {
                    boolean replaced = reload(events);
                    if (replaced || tick % REMIND_TICKS == 0) {
                        remind(events);
                    }
                } catch (RuntimeException e) {
                    LOG.error("event=nbd-certificate-not-checked", e);
                } finally {
                    checking.set(false);
                }
            });
        }
    }

    private boolean reload(Events events) {
        try {
            if (times().equals(loaded.times())) {
                return false;
            }
            loaded = load();
            complained = "";
            events.event(Events.Level.INFO, "nbd-certificate-replaced", "file=" + certificateFile);
            return true;
        } catch (IOException | RuntimeException e) {
            // Said once: what was loaded before goes on. Whatever is in those files, and wherever
            // a library trips over it, the next ones are looked at again.
            String why = e instanceof IOException ? String.valueOf(e.getMessage()) : e.toString();
            if (!why.equals(complained)) {
                complained = why;
                events.event(
                        Events.Level.ERROR,
                        "nbd-certificate-not-replaced",
                        "why=\"" + Nbd.printable(why) + '"');
            }
            return false;
        }
    }

    private void remind(Events events) {
        Duration left = Duration.between(Instant.now(), loaded.expires());
        if (left.compareTo(REMIND) < 0) {
            events.event(
                    left.isNegative() ? Events.Level.ERROR : Events.Level.WARN,
                    left.isNegative() ? "nbd-certificate-expired" : "nbd-certificate-expires",
                    "file=%s on=%s".formatted(certificateFile, loaded.expires()));
        }
    }

    private List<FileTime> times() throws IOException {
        List<FileTime> times = new ArrayList<>();
        for (Path file : files()) {
            times.add(Files.getLastModifiedTime(file));
        }
        return times;
    }

    private List<Path> files() {
        Path ca = clientCaFile;
        return ca == null
                ? List.of(certificateFile, keyFile)
                : List.of(certificateFile, keyFile, ca);
    }

    private Loaded load() throws IOException {
        for (Path file : files()) {
            if (!Files.isReadable(file)) {
                throw new IOException("TLS: cannot read " + file);
            }
        }
        List<FileTime> times = times();
        X509Certificate[] chain = certificates(certificateFile);
        PrivateKey key = key(chain[0]);
        if (!PrivateKeys.belongs(key, chain[0].getPublicKey())) {
            throw new IOException(
                    "TLS: certificate %s and key %s do not belong together"
                            .formatted(certificateFile, keyFile));
        }
        try {
            SslContextBuilder builder =
                    SslContextBuilder.forServer(key, chain)
                            .sslProvider(SslProvider.JDK)
                            .protocols("TLSv1.3", "TLSv1.2");
            if (clientCaFile != null) {
                builder.trustManager(certificates(clientCaFile)).clientAuth(ClientAuth.REQUIRE);
            }
            return new Loaded(builder.build(), times, chain[0].getNotAfter().toInstant());
        } catch (IOException | IllegalArgumentException e) {
            throw new IOException(
                    "TLS: certificate %s and key %s cannot be used: %s"
                            .formatted(certificateFile, keyFile, words(e)),
                    e);
        }
    }

    private static X509Certificate[] certificates(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            X509Certificate[] chain =
                    CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                            .map(X509Certificate.class::cast)
                            .toArray(X509Certificate[]::new);
            if (chain.length == 0) {
                throw new CertificateException("there is none");
            }
            return chain;
        } catch (CertificateException e) {
            throw new IOException("TLS: no certificate in %s: %s".formatted(file, words(e)), e);
        }
    }

    private PrivateKey key(X509Certificate certificate) throws IOException {
        try {
            return PrivateKeys.read(
                    Files.readString(keyFile), certificate.getPublicKey().getAlgorithm());
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException("TLS: no private key in %s: %s".formatted(keyFile, words(e)), e);
        }
    }

    private static String words(Exception e) {
        Throwable cause = e.getCause();
        return String.valueOf((cause == null ? e : cause).getMessage());
    }

    /// Who is there, and how it is encrypted; for the log.
    static String words(SSLSession session) {
        String client;
        try {
            client = session.getPeerPrincipal().getName();
        } catch (SSLPeerUnverifiedException e) {
            client = "";
        }
        return "%s %s client='%s'"
                .formatted(session.getProtocol(), session.getCipherSuite(), client);
    }

    /// Why a handshake failed, in words for who reads the log.
    static String why(Throwable failure) {
        Throwable last = failure;
        String words = null;
        for (Throwable at = failure; at != null; at = at.getCause()) {
            last = at;
            String more =
                    switch (at) {
                        case CertificateExpiredException _ ->
                                "the client's certificate has expired (" + at.getMessage() + ")";
                        case CertificateNotYetValidException _ ->
                                "the client's certificate is not valid yet ("
                                        + at.getMessage()
                                        + ")";
                        case CertPathBuilderException _ -> STRANGER;
                        case CertPathValidatorException _ -> STRANGER;
                        case ClosedChannelException _ -> LEFT;
                        case NotSslRecordException _ -> "the client does not speak TLS";
                        default -> null;
                    };
            words = more == null ? words : more;
        }
        if (words != null) {
            return words;
        }
        String message = String.valueOf(last.getMessage());
        int alert = message.indexOf(ALERT);
        if (alert >= 0) {
            return "the client refuses the server: " + message.substring(alert + ALERT.length());
        }
        return message.contains("Empty client certificate chain")
                ? "the client shows no certificate"
                : message;
    }
}
