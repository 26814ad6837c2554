package comet.store;

import comet.base.Prng;
import comet.wire.BlockState;
import comet.wire.WriteRequest;

/// Random changes for a [StoreRig]: few chunks, so that much is overwritten.
final class RandomChanges {
    private RandomChanges() {}

    static void one(StoreRig rig, Prng prng) {
        long volume = 1 + prng.nextInt(2);
        int chunk = prng.nextInt(4);
        int first = prng.chance(1, 2) ? prng.nextInt(8) : prng.nextInt(1000);
        int count = 1 + prng.nextInt(prng.chance(1, 4) ? 16 : 3);
        rig.awaitRoom(count * 4096L);
        if (rig.loop.isDead()) {
            return;
        }
        switch (prng.nextInt(20)) {
            case 0 -> rig.write(volume, chunk, WriteRequest.OP_ZERO, first, count);
            case 1 -> rig.write(volume, chunk, WriteRequest.OP_TRIM, first, count);
            case 2 -> rig.write(volume, chunk, WriteRequest.OP_TRIM, 0, 1024);
            case 3 -> rig.drop(volume, chunk);
            case 4 -> rig.setVersion(volume, chunk, 1 + prng.nextInt(1000));
            case 5 -> rig.fence(volume, prng.nextInt(100));
            case 6 -> rig.note("n" + prng.nextInt(2), new byte[prng.nextInt(50_000)]);
            case 7, 8 -> rig.copy(volume, chunk, 1, first, BlockState.DATA, prng.nextInt(50));
            case 9 ->
                    rig.copy(
                            volume,
                            chunk,
                            1,
                            first,
                            prng.chance(1, 2) ? BlockState.LOST : BlockState.ABSENT,
                            prng.nextInt(50));
            case 10 -> rig.sync();
            case 11 -> rig.loop.runFor(prng.nextLong(3_000_000));
            case 12 -> rig.disk().startCheckpoint();
            default -> rig.write(volume, chunk, WriteRequest.OP_DATA, first, count);
        }
    }
}
