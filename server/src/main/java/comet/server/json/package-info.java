/// JSON documents of what the cores agree on. The cores know nothing of it.
@NullMarked
package comet.server.json;

import org.jspecify.annotations.NullMarked;
