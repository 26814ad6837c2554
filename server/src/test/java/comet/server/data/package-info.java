@NullMarked
package comet.server.data;

import org.jspecify.annotations.NullMarked;
