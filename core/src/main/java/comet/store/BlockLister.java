package comet.store;

import comet.base.Sizes;
import comet.port.Errno;
import comet.wire.BlockState;

/// Tells what is known of all blocks of one generation of a chunk, at one moment.
final class BlockLister extends PageWait {
    private final DiskParts parts;
    private final Lookup lookup;
    private final long volumeId;
    private final int chunkIndex;
    private final int generation;
    private final ChunkStore.BlocksVisitor visitor;

    BlockLister(
            DiskParts parts,
            long volumeId,
            int chunkIndex,
            int generation,
            ChunkStore.BlocksVisitor visitor) {
        super(parts.pages);
        this.parts = parts;
        lookup = new Lookup(parts.pages);
        this.volumeId = volumeId;
        this.chunkIndex = chunkIndex;
        this.generation = generation;
        this.visitor = visitor;
    }

    void start() {
        if (parts.refusesReads()) {
            parts.loop.execute(() -> visitor.end(Errno.EIO));
            return;
        }
        parts.readBegan();
        parts.loop.execute(this::resolve);
    }

    private void resolve() {
        Header header = parts.headers.get(volumeId, chunkIndex);
        boolean exists = header != null && header.exists;
        if (header == null || !exists) {
            for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
                visitor.block(block, BlockState.ABSENT, 0, 0);
            }
            end(0);
            return;
        }
        int wanted = generation == 0 ? header.generation() : generation;
        while (!allThere(header, wanted)) {
            if (isWaiting()) {
                return;
            }
        }
        for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
            lookup.find(header, wanted, block);
            visitor.block(block, state(), lookup.version, lookup.crc);
        }
        releasePages();
        end(0);
    }

    private void end(int errno) {
        visitor.end(errno);
        parts.readEnded();
    }

    private boolean allThere(Header header, int wanted) {
        boolean complete = true;
        int block = 0;
        while (block < Sizes.CHUNK_BLOCKS) {
            if (lookup.find(header, wanted, block)) {
                block++;
            } else {
                want(header, lookup.missingGeneration, lookup.missingPage);
                complete = false;
                block = (block | IndexPage.BLOCKS - 1) + 1;
            }
        }
        return complete;
    }

    private int state() {
        boolean lost =
                lookup.state == BlockState.DATA
                        && lookup.source == null
                        && !parts.segments
                                .space()
                                .isThere(lookup.segment, lookup.offset >>> Sizes.BLOCK_SHIFT);
        return lost ? BlockState.LOST : lookup.state;
    }

    @Override
    void pagesLoaded(int errno) {
        if (errno != 0) {
            releasePages();
            parts.fail("read of the index", errno);
            end(errno);
        } else {
            resolve();
        }
    }
}
