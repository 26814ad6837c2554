package comet.cluster;

/// A gateway as the map has it.
///
/// @param gatewayId kept over restarts in the gateway's folder
public record GatewayInfo(long gatewayId, String name, String hostId) {}
