/// The admin API: what the CLI, a browser or a program asks of a running cluster, and the metrics.
/// Control path: requests run on threads of their own and reach the loops of the data path only
/// through [comet.server.admin.GroupAccess] and the parts of the process.
@NullMarked
package comet.server.admin;

import org.jspecify.annotations.NullMarked;
