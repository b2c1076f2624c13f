package account

import (
	"context"
	"net/netip"
	"time"

	"parley/shared/problem"
)

// ErrTooMany answers who tries too often; it says when to come back.
var ErrTooMany = problem.New(problem.Exhausted, "rate_limited", "Too many attempts; please wait a little.")

// Limit is how often something may be tried in a Window: Free times at once, after
// which each further try has to wait twice as long as the one before, up to Max.
// Windows begin at multiples of their length.
type Limit struct {
	Free   int
	Window time.Duration
	Max    time.Duration
}

const firstWait = time.Second

// PerHour is a limit of so many free tries an hour, with waits of a quarter of an
// hour at most.
func PerHour(free int) Limit { return Limit{Free: free, Window: time.Hour, Max: 15 * time.Minute} }

// Wait returns how long the bucket stays shut after the nth try of a window.
func (l Limit) Wait(n int) time.Duration {
	if n <= l.Free {
		return 0
	}
	return min(firstWait<<min(n-l.Free-1, 30), l.Max)
}

// Bucket is a limit on one thing: an address, an account, a pair of both. Its
// store hides the name.
type Bucket struct {
	Name  string
	Limit Limit
}

// Throttle counts tries.
type Throttle interface {
	// Take counts a try in every bucket, or in none and says how long to wait for
	// the one that is shut. Of parallel tries beyond the free ones only one passes.
	Take(ctx context.Context, now time.Time, buckets ...Bucket) (wait time.Duration, err error)
	// GiveBack uncounts a try, taken at that time, that turned out to be right.
	GiveBack(ctx context.Context, at time.Time, buckets ...Bucket) error
}

func take(ctx context.Context, t Throttle, now time.Time, buckets ...Bucket) error {
	wait, err := t.Take(ctx, now, buckets...)
	if err == nil && wait > 0 {
		return ErrTooMany.After(wait)
	}
	return err
}

// place is the network that an address stands for: itself, or the /64 of an
// IPv6 address, which is what one household gets.
func place(viewer string) string {
	ip, err := netip.ParseAddr(viewer)
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}
