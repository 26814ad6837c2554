package comet.index;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Index.Change;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The bytes on disk, as they stand in the description of the formats.
class IndexFormatTest {
    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static String hex(IndexRig rig, String file, long at, int length) {
        return HexFormat.of().formatHex(rig.media.peek(file, at, length));
    }

    @Test
    void golden_bytes_of_a_leaf_and_its_values() {
        IndexRig rig = new IndexRig(1).open();
        rig.commit(
                List.of(
                        new Change(text("Hb"), text("two")),
                        new Change(text("Ha"), IndexRig.filled(130, 7)),
                        new Change(text("P"), IndexRig.filled(5000, 9))));
        // The value's pages come first: its two pages, then the leaf.
        assertThat(rig.media.peek("index/000001", 0, 4096)).containsOnly(9);
        assertThat(hex(rig, "index/000001", 4096 + 900, 8)).isEqualTo("0909090900000000");
        String leaf = hex(rig, "index/000001", 8192, 8 + 2 + 2 + 2);
        assertThat(leaf).isEqualTo("00000300ac000000" + "0002" + "4861" + "8201");
        String rest = hex(rig, "index/000001", 8192 + 14 + 130, 7 + 2 + 1 + 2 + 16 + 4);
        assertThat(rest)
                .isEqualTo(
                        "0101"
                                + "62"
                                + "03"
                                + "74776f"
                                + "0001"
                                + "50"
                                + "8827"
                                + "00000000"
                                + crc(rig, 0)
                                + "01000000"
                                + crc(rig, 1)
                                + "00000000");
    }

    private static String crc(IndexRig rig, int page) {
        byte[] bytes = rig.media.peek("index/000001", page * 4096L, 4096);
        int crc = new comet.base.Crc().of(bytes, 0, 4096);
        return HexFormat.of().toHexDigits(Integer.reverseBytes(crc));
    }

    /// A second file was made ahead of need.
    @Test
    void golden_bytes_of_the_root() {
        IndexRig rig = new IndexRig(1).open();
        rig.commit(List.of(new Change(text("A"), text("x"))));
        for (int copy = 0; copy < 8; copy++) {
            byte[] root = rig.media.peek(RootSlot.FILE, 4096 + copy * 512L, 512);
            Arrays.fill(root, 12, 16, (byte) 0);
            String found = HexFormat.of().formatHex(root, 0, 48);
            assertThat(found)
                    .isEqualTo(
                            "434f4d4554494458"
                                    + "01000000"
                                    + "00000000"
                                    + "0100000000000000"
                                    + "40000000"
                                    + "02000000"
                                    + "00000000"
                                    + crc(rig, 0)
                                    + "01000000"
                                    + "00000000");
        }
    }
}
