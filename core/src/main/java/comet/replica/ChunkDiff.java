package comet.replica;

import comet.base.Crc;
import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;

/// A chunk as the source has it beside the chunk as it is here, and the blocks that differ.
final class ChunkDiff {
    final BlockTables theirs = new BlockTables();
    final BlockTables ours = new BlockTables();
    final BitSet differing = new BitSet(Sizes.CHUNK_BLOCKS);

    /// Told what a comparison finds beside the differences.
    interface Findings {
        /// Equal versions, other bytes.
        void conflict(int block);

        /// Lost there, whole here.
        void better(int block);
    }

    /// Which blocks are to be copied so that the chunk becomes equal.
    void compareAll(Findings findings) {
        differing.clear();
        for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
            boolean same = sameVersion(n);
            if (isConflict(n)) {
                findings.conflict(n);
                continue;
            }
            boolean theirsLost = same && theirs.states[n] == BlockState.LOST;
            if (theirsLost) {
                if (ours.states[n] == BlockState.DATA) {
                    findings.better(n);
                }
                // Ours is whole, or lost as well.
                continue;
            }
            if (!same || theirs.states[n] != ours.states[n]) {
                differing.set(n);
            }
        }
    }

    /// Which of the blocks that are bad here the source can give, or has lost as well.
    void compareBad(BitSet bad, Findings findings) {
        differing.clear();
        for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
            if (isConflict(n)) {
                findings.conflict(n);
                continue;
            }
            boolean theirsLost = sameVersion(n) && theirs.states[n] == BlockState.LOST;
            if (theirsLost && ours.states[n] == BlockState.DATA && !bad.get(n)) {
                findings.better(n);
            }
            boolean there = theirsLost || theirs.states[n] == BlockState.DATA;
            if (bad.get(n) && sameVersion(n) && there) {
                differing.set(n);
            }
        }
    }

    /// Which blocks have data there that is not here.
    void compareData() {
        differing.clear();
        for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
            if (!sameVersion(n) && theirs.states[n] == BlockState.DATA) {
                differing.set(n);
            }
        }
    }

    /// Whether the block needs space that it does not have here yet.
    private boolean grows(int n) {
        return theirs.states[n] == BlockState.DATA && ours.states[n] != BlockState.DATA;
    }

    /// How many of the next differing blocks from `from` on, `most` of them, need new space.
    int growing(int from, int most) {
        int count = 0;
        int n = differing.nextSetBit(from);
        for (int seen = 0; n >= 0 && seen < most; seen++) {
            count += grows(n) ? 1 : 0;
            n = differing.nextSetBit(n + 1);
        }
        return count;
    }

    /// Where there is no space for all that the source has beyond this replica, as much of it is
    /// copied as there is space for, with all that needs none or frees some: what is here is kept,
    /// and the next try begins there. So a disk that is nearly full comes in sync as soon as all of
    /// it fits, in whatever order.
    ///
    /// @param fits whether so many new blocks find room
    /// @return whether something was left out
    boolean fitGrowth(IntPredicate fits) {
        int all = growing(0, Sizes.CHUNK_BLOCKS);
        int most = all;
        while (most > 0 && !fits.test(most)) {
            most /= 2;
        }
        int left = most;
        for (int n = differing.nextSetBit(0); n >= 0; n = differing.nextSetBit(n + 1)) {
            if (grows(n) && --left < 0) {
                differing.clear(n);
            }
        }
        return most < all;
    }

    private boolean sameVersion(int n) {
        return theirs.versions[n] == ours.versions[n];
    }

    private boolean isConflict(int n) {
        boolean bothData = theirs.states[n] == BlockState.DATA && ours.states[n] == BlockState.DATA;
        return sameVersion(n) && bothData && theirs.crcs[n] != ours.crcs[n];
    }

    /// Runs of differing blocks with data (first block, number of blocks), put together so that
    /// each list of them has [Limits#PULL_READ_BLOCKS] blocks at most.
    List<List<int[]>> reads() {
        List<List<int[]>> all = new ArrayList<>();
        List<int[]> some = new ArrayList<>();
        int blocks = 0;
        int block = nextData(0);
        while (block >= 0) {
            int from = block;
            while (block < Sizes.CHUNK_BLOCKS
                    && isData(block)
                    && blocks + block - from < Limits.PULL_READ_BLOCKS) {
                block++;
            }
            some.add(new int[] {from, block - from});
            blocks += block - from;
            if (blocks == Limits.PULL_READ_BLOCKS) {
                all.add(some);
                some = new ArrayList<>();
                blocks = 0;
            }
            block = nextData(block);
        }
        if (!some.isEmpty()) {
            all.add(some);
        }
        return all;
    }

    private boolean isData(int block) {
        return differing.get(block) && theirs.states[block] == BlockState.DATA;
    }

    private int nextData(int from) {
        int block = differing.nextSetBit(from);
        while (block >= 0 && theirs.states[block] != BlockState.DATA) {
            block = differing.nextSetBit(block + 1);
        }
        return block;
    }

    static int blocks(List<int[]> reads) {
        int blocks = 0;
        for (int[] run : reads) {
            blocks += run[1];
        }
        return blocks;
    }

    static boolean valid(Frame reply, int[] run) {
        return ReadReply.valid(reply)
                && ReadReply.blockCount(reply) == run[1]
                && (reply.flags() & ReadRequest.VERSIONS) != 0;
    }

    /// Whether blocks that were read are in the versions that the source told, with the right
    /// bytes; or not readable there any more.
    ///
    /// @param ahead those that are not are left out of the differing ones
    boolean asTold(Frame reply, int[] run, Crc crcs, boolean ahead) {
        int at = 0;
        for (int n = 0; n < run[1]; n++) {
            int block = run[0] + n;
            int state = ReadReply.state(reply, n);
            boolean told = ReadReply.blockVersion(reply, n) == theirs.versions[block];
            if (state == BlockState.DATA) {
                if (at == ReadReply.dataBlocks(reply)) {
                    return false;
                }
                int offset = reply.dataOffset() + at++ * Sizes.BLOCK_BYTES;
                int crc = crcs.of(reply.data(), offset, Sizes.BLOCK_BYTES);
                told &= crc == theirs.crcs[block];
            } else {
                boolean gone = state == BlockState.CORRUPT || state == BlockState.LOST;
                told &= gone && !ahead;
            }
            if (!told && !ahead) {
                return false;
            }
            if (!told) {
                differing.clear(block);
            }
        }
        return true;
    }
}
