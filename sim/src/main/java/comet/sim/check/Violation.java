package comet.sim.check;

/// A guarantee that did not hold.
///
/// @param guarantee its name in the list of guarantees: `G1`
/// @param what what happened, for people
public record Violation(String guarantee, String what) {
    @Override
    public String toString() {
        return guarantee + ": " + what;
    }
}
