/// A disk in memory for the store's tests: loses, tears and reorders what was not synced, rots and
/// fails on demand. Single-threaded, seeded, in virtual time.
@NullMarked
package comet.store.fake;

import org.jspecify.annotations.NullMarked;
