@NullMarked
package comet.io.file;

import org.jspecify.annotations.NullMarked;
