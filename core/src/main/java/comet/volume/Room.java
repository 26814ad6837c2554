package comet.volume;

import comet.base.Sizes;
import comet.port.Loop;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// The bounds of memory that the volumes of one gateway share: data of requests under way, and data
/// kept until it is durable everywhere. Where there is no room volumes wait, and take turns of one
/// request each, so that one that always has more to do starves nobody.
final class Room {
    private final GatewayConfig config;
    private final Loop loop;
    private final Runnable flushAll;
    private final ArrayDeque<Account> waiting = new ArrayDeque<>();
    private long inFlightBytes;
    private long unsyncedBytes;

    /// Whose turn it is to have a request admitted, and whether it did.
    private @Nullable Account turn;

    private boolean turnTaken;
    private boolean givingTurns;

    /// @param flushAll has every volume flush in the background: what is kept is too much
    Room(GatewayConfig config, Loop loop, Runnable flushAll) {
        this.config = config;
        this.loop = loop;
        this.flushAll = flushAll;
    }

    /// @param pump has the volume go on with the requests that it could not have admitted
    Account account(Runnable pump) {
        return new Account(pump);
    }

    long inFlightBytes() {
        return inFlightBytes;
    }

    long unsyncedBytes() {
        return unsyncedBytes;
    }

    /// Gives those who wait turns of one request each, until none of them uses it.
    private void made() {
        if (givingTurns) {
            return;
        }
        givingTurns = true;
        int inVain = 0;
        while (inVain < waiting.size()) {
            Account account = waiting.removeFirst();
            account.waits = false;
            turn = account;
            turnTaken = false;
            account.pump.run();
            turn = null;
            if (account.waits && !turnTaken && account.lacksBytes) {
                // It would wait for ever if those who need less went on past it.
                waiting.remove(account);
                waiting.addFirst(account);
                break;
            }
            inVain = turnTaken ? 0 : account.waits ? inVain + 1 : inVain;
        }
        givingTurns = false;
    }

    private long bytes(Request request) {
        return switch (request.kind) {
            case READ, WRITE -> request.length;
            case ZERO, TRIM ->
                    (request.flags & BlockDevice.NO_HOLE) != 0
                            ? Math.min(request.length, config.volumeInFlightBytesMax())
                            : Sizes.BLOCK_BYTES;
            case FLUSH, STATUS -> 0;
        };
    }

    /// What one volume uses of it.
    final class Account {
        private final Runnable pump;
        private long inFlightBytes;
        private long unsyncedBytes;
        private boolean waits;

        /// It waits for what is under way to end, not for what is kept to become durable.
        private boolean lacksBytes;

        private Account(Runnable pump) {
            this.pump = pump;
        }

        long inFlightBytes() {
            return inFlightBytes;
        }

        long unsyncedBytes() {
            return unsyncedBytes;
        }

        /// Counts a request in, or has the volume wait: for its own requests, which end by
        /// themselves, or for its turn.
        boolean admit(Request request) {
            long bytes = bytes(request);
            if (inFlightBytes > 0 && inFlightBytes + bytes > config.volumeInFlightBytesMax()) {
                return false;
            }
            boolean free = isRoomFor(request, bytes);
            boolean othersFirst = bytes > 0 && !waiting.isEmpty() && turn != this;
            if (!free || othersFirst) {
                await(free);
                return false;
            }
            if (turn == this) {
                turn = null;
                turnTaken = true;
            }
            Room.this.inFlightBytes += bytes;
            inFlightBytes += bytes;
            request.admittedBytes = bytes;
            return true;
        }

        private boolean isRoomFor(Request request, long bytes) {
            long all = Room.this.inFlightBytes;
            boolean free = all == 0 || all + bytes <= config.inFlightBytesMax();
            lacksBytes = !free;
            if (request.kind.changes() && bytes > 0) {
                free &= Room.this.unsyncedBytes < config.unsyncedBytesMax();
                free &= unsyncedBytes <= config.unsyncedBytesMax() / 2;
            }
            return free;
        }

        private void await(boolean free) {
            if (!waits) {
                waits = true;
                waiting.addLast(this);
            }
            if (free && Room.this.inFlightBytes == 0) {
                // Nothing under way will end and give turns.
                loop.execute(Room.this::made);
            }
            if (isHigh()) {
                flushAll.run();
            }
        }

        /// An admitted request has ended.
        void release(long admittedBytes) {
            inFlightBytes -= admittedBytes;
            Room.this.inFlightBytes -= admittedBytes;
            made();
        }

        /// Data is kept until it is durable everywhere.
        void keep(long bytes) {
            unsyncedBytes += bytes;
            Room.this.unsyncedBytes += bytes;
        }

        void letGo(long bytes) {
            unsyncedBytes -= bytes;
            Room.this.unsyncedBytes -= bytes;
            made();
        }

        /// Whether so much is kept that the volume should flush.
        boolean isHigh() {
            return Room.this.unsyncedBytes > config.unsyncedBytesMax() / 2
                    || unsyncedBytes > config.unsyncedBytesMax() / 4;
        }
    }
}
