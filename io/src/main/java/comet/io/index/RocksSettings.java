package comet.io.index;

import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.Env;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileManager;

/// How RocksDB is set up: bounded memory and little work in the background, since it shares its
/// processors with the data path.
final class RocksSettings implements AutoCloseable {
    private final LRUCache cache;
    private final BloomFilter filter = new BloomFilter(10, false);
    private final Options options;

    /// With it RocksDB goes on by itself after the file system was full.
    private final SstFileManager files;

    RocksSettings(IndexMemory memory) throws RocksDBException {
        files = new SstFileManager(Env.getDefault());
        cache = new LRUCache(memory.blockCacheBytes(), 2);
        BlockBasedTableConfig table =
                new BlockBasedTableConfig()
                        .setBlockCache(cache)
                        .setBlockSize(16 << 10)
                        .setFilterPolicy(filter)
                        .setCacheIndexAndFilterBlocks(true)
                        .setPinL0FilterAndIndexBlocksInCache(true)
                        .setFormatVersion(5);
        options =
                new Options()
                        .setCreateIfMissing(true)
                        .setTableFormatConfig(table)
                        .setSstFileManager(files)
                        .setWriteBufferSize(memory.memtableBytes())
                        .setMaxWriteBufferNumber(2)
                        .setCompressionType(CompressionType.LZ4_COMPRESSION)
                        .setMaxBackgroundJobs(2)
                        .setMaxOpenFiles(512)
                        .setParanoidChecks(true)
                        .setBytesPerSync(1 << 20)
                        .setStatsDumpPeriodSec(0)
                        .setStatsPersistPeriodSec(0)
                        .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                        .setKeepLogFileNum(2)
                        .setMaxManifestFileSize(16 << 20);
    }

    Options options() {
        return options;
    }

    @Override
    public void close() {
        options.close();
        files.close();
        filter.close();
        cache.close();
    }
}
