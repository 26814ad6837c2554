package comet.base;

/// Keeps a stream of things within a rate, with an allowance for bursts. Instead of tokens it keeps
/// the time up to which what was taken is paid for: something may be taken whenever that has been
/// reached, and then counts whole, so a thing larger than the allowance passes, too, and makes
/// those behind it wait. Whoever comes late to take loses nothing as long as he comes within the
/// allowance.
///
/// Times are those of one monotonic clock, in ns.
public final class TokenBucket {
    private static final long SECOND_NS = 1_000_000_000L;

    /// Beyond it a price does not fit into a long.
    private static final long TAKEN_MAX = Long.MAX_VALUE / SECOND_NS;

    private long perSecond;
    private long burstNs;
    private long paidUntilNs = Long.MIN_VALUE / 2;

    /// Another rate from now on. What was taken beyond the old one is owed at the new one, but
    /// never for longer than before.
    ///
    /// @param perSecond things a second; 0: as many as wanted
    /// @param burstNs how long things that were not taken stay to be had
    public void set(long perSecond, long burstNs, long nowNs) {
        Check.that(perSecond >= 0 && burstNs >= 0, "rate", perSecond, burstNs);
        long owedNs = paidUntilNs - nowNs;
        if (perSecond == 0) {
            paidUntilNs = Long.MIN_VALUE / 2;
        } else if (owedNs > 0 && perSecond > this.perSecond) {
            paidUntilNs = nowNs + (long) (owedNs * ((double) this.perSecond / perSecond));
        }
        this.perSecond = perSecond;
        this.burstNs = burstNs;
    }

    public boolean unlimited() {
        return perSecond == 0;
    }

    /// How long until something may be taken; 0: now.
    public long waitNs(long nowNs) {
        return perSecond == 0 ? 0 : Math.max(0, paidUntilNs - nowNs);
    }

    /// Takes so many, whether or not it is time.
    public void take(long count, long nowNs) {
        if (perSecond == 0 || count == 0) {
            return;
        }
        long priceNs = Math.ceilDiv(Math.min(count, TAKEN_MAX) * SECOND_NS, perSecond);
        paidUntilNs = Math.max(paidUntilNs, nowNs - burstNs) + priceNs;
    }
}
