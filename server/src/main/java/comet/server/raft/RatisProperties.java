package comet.server.raft;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.grpc.server.GrpcServices;
import org.apache.ratis.rpc.SupportedRpcType;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerCallHandler;
import org.apache.ratis.thirdparty.io.grpc.ServerInterceptor;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/// How Ratis is set up, each value with its reason.
final class RatisProperties {
    /// How long a new member may be silent before its addition is given up.
    static final long STAGING_MS = 6000;

    private static final int BUFFER_BYTES = 2 << 20;

    private RatisProperties() {}

    static RaftProperties of(RaftSettings settings, Parameters parameters) {
        RaftProperties properties = new RaftProperties();
        RaftServerConfigKeys.setStorageDir(properties, List.of(settings.folder().toFile()));
        boolean solo = settings.solitary();
        if (solo) {
            RaftConfigKeys.Rpc.setType(properties, new SoloRpc());
        } else {
            network(settings, properties, parameters);
        }
        timeouts(properties, solo, settings.members().size() == 1 && settings.joins() == null);
        RaftServerConfigKeys.setStagingTimeout(properties, ms(STAGING_MS));
        log(settings, properties);
        // A follower that was stopped or swapped out for long must not close itself for that.
        RaftServerConfigKeys.setCloseThreshold(
                properties, TimeDuration.valueOf(3650, TimeUnit.DAYS));
        // Not linearizable unless told so. A lease would trust clocks.
        RaftServerConfigKeys.Read.setOption(
                properties, RaftServerConfigKeys.Read.Option.LINEARIZABLE);
        RaftServerConfigKeys.Read.setLeaderLeaseEnabled(properties, false);
        return properties;
    }

    /// Elections wait one to two seconds, more than a pause of a collector or a slow disk; a group
    /// of one has nobody to wait for, though it may have grown since its config was written.
    private static void timeouts(RaftProperties properties, boolean solo, boolean single) {
        RaftServerConfigKeys.Rpc.setTimeoutMin(properties, ms(solo ? 200 : 1000));
        RaftServerConfigKeys.Rpc.setTimeoutMax(properties, ms(solo ? 400 : 2000));
        RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(
                properties, ms(solo ? 5 : single ? 50 : 300));
        RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(
                properties, ms(solo ? 10 : single ? 100 : 900));
    }

    private static void log(RaftSettings settings, RaftProperties properties) {
        RaftServerConfigKeys.Snapshot.setAutoTriggerEnabled(properties, true);
        RaftServerConfigKeys.Snapshot.setAutoTriggerThreshold(properties, settings.snapshotEvery());
        RaftServerConfigKeys.Snapshot.setCreationGap(properties, 1);
        RaftServerConfigKeys.Snapshot.setTriggerWhenStopEnabled(properties, false);
        RaftServerConfigKeys.Snapshot.setRetentionFileNum(properties, 2);
        RaftServerConfigKeys.Log.setPurgeUptoSnapshotIndex(properties, true);
        RaftServerConfigKeys.Log.setPurgeGap(properties, 64);
        RaftServerConfigKeys.Log.setSegmentSizeMax(properties, SizeInBytes.valueOf(4 << 20));
        RaftServerConfigKeys.Log.setPreallocatedSize(properties, SizeInBytes.valueOf(1 << 20));
        RaftServerConfigKeys.Log.setSegmentCacheSizeMax(properties, SizeInBytes.valueOf(16 << 20));
        // An entry must fit both; a batch is bounded well below.
        RaftServerConfigKeys.Log.Appender.setBufferByteLimit(
                properties, SizeInBytes.valueOf(BUFFER_BYTES));
        RaftServerConfigKeys.Log.setWriteBufferSize(
                properties, SizeInBytes.valueOf(BUFFER_BYTES + 4096));
        // A member that comes back is noticed within a second (by default five), for as long as it
        // takes.
        RaftServerConfigKeys.Log.Appender.setRetryPolicy(properties, "10ms,10, 500ms,100000000");
        // The leader sends its snapshot file; the other mode only notifies the follower, and can
        // repeat itself for ever in 3.3.0 (RATIS-2487).
        RaftServerConfigKeys.Log.Appender.setInstallSnapshotEnabled(properties, true);
    }

    /// Few threads: this is a path of a few entries a second.
    private static void network(
            RaftSettings settings, RaftProperties properties, Parameters parameters) {
        RaftConfigKeys.Rpc.setType(properties, SupportedRpcType.GRPC);
        RaftSettings.Member member = settings.member();
        GrpcConfigKeys.Server.setHost(properties, member.host());
        GrpcConfigKeys.Server.setPort(properties, member.port());
        GrpcConfigKeys.Server.setBossGroupSize(properties, 1);
        GrpcConfigKeys.Server.setWorkerGroupSize(properties, 1);
        GrpcConfigKeys.Server.setStubPoolSize(properties, 1);
        GrpcConfigKeys.Server.setAsyncRequestThreadPoolSize(properties, 2);
        GrpcServices.Customizer customizer = (builder, _) -> builder.intercept(new MembersOnly());
        GrpcConfigKeys.Server.setServicesCustomizer(parameters, customizer);
    }

    private static TimeDuration ms(long ms) {
        return TimeDuration.valueOf(ms, TimeUnit.MILLISECONDS);
    }

    /// Ratis serves clients and administrators on the members' port, too. Nobody here uses that, so
    /// it is closed.
    private static final class MembersOnly implements ServerInterceptor {
        private static final String SERVICE = "ratis.grpc.RaftServerProtocolService";

        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            if (SERVICE.equals(call.getMethodDescriptor().getServiceName())) {
                return next.startCall(call, headers);
            }
            call.close(Status.PERMISSION_DENIED, new Metadata());
            return new ServerCall.Listener<>() {};
        }
    }
}
