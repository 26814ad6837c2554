package comet.meta;

import comet.port.Events.Level;

/// Something that the group has decided, as people read it later: one for each change of a disk, a
/// node, a gateway, a volume or a setting, however many placement groups it touches.
///
/// @param number counts them; 1 and up
/// @param timeMs wall clock of the leader that took the command in; 0 where it is not known
/// @param code what happened, for programs: lower-case words joined by `-`
/// @param subject what it happened to: `disk 3 on node-2`
/// @param diskId with `volumeId` and `gatewayId` the same for programs; 0 where it is none
/// @param reporter who asked for it, or found it
/// @param cause why; empty where the code says it
/// @param consequence what follows from it; empty where nothing does
public record GroupEvent(
        long number,
        long timeMs,
        Level level,
        String code,
        String subject,
        int diskId,
        long volumeId,
        long gatewayId,
        String reporter,
        String cause,
        String consequence) {

    GroupEvent numbered(long newNumber) {
        return new GroupEvent(
                newNumber,
                timeMs,
                level,
                code,
                subject,
                diskId,
                volumeId,
                gatewayId,
                reporter,
                cause,
                consequence);
    }
}
