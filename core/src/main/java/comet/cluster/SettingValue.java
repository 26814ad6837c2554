package comet.cluster;

/// A setting of the cluster that has another value than its default, as the map carries it; or one
/// that is to be changed.
///
/// @param key as in [ClusterSetting#key]
/// @param value as people write it, `70%`; empty in a change: back to the default
public record SettingValue(String key, String value) {}
