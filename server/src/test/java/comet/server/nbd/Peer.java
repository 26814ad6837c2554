package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;

/// A blocking client on a real socket.
class Peer implements AutoCloseable {
    final Socket socket;
    private final DataInputStream in;

    Peer(int port) throws IOException {
        this(new Socket(InetAddress.getLoopbackAddress(), port));
    }

    Peer(Socket socket) throws IOException {
        this.socket = socket;
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
    }

    /// Takes the greeting, and enters an export.
    Peer enter(String name) throws IOException {
        read(18);
        send(new Bytes().u32(3));
        return enterGreeted(name);
    }

    /// Enters one where the greeting was taken before.
    Peer enterGreeted(String name) throws IOException {
        send(new Bytes().option(8).go(7, name));
        read(20 + 20 + 12 + 20);
        return this;
    }

    void send(Bytes bytes) throws IOException {
        socket.getOutputStream().write(bytes.array());
    }

    byte[] read(int count) throws IOException {
        byte[] bytes = new byte[count];
        in.readFully(bytes);
        return bytes;
    }

    void expect(Bytes bytes) throws IOException {
        assertThat(new Bytes().raw(read(bytes.size())).toString()).isEqualTo(bytes.toString());
    }

    void flush(long cookie) throws IOException {
        send(new Bytes().request(0, 3, cookie, 0, 0));
        expect(new Bytes().simple(0, cookie));
    }

    void expectEnd() throws IOException {
        assertThat(in.read()).isEqualTo(-1);
    }

    /// Leaves with a reset instead of a farewell.
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
