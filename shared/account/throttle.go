package account

import (
	"context"
	"net/netip"
	"time"

	"parley/shared/problem"
)

// ErrTooMany answers who tries too often; it says when to come back.
var ErrTooMany = problem.New(problem.Exhausted, "rate_limited", "Too many attempts; please wait a little.")

// Limit is how often something may be tried: Free times at once, after which each
// further try has to wait twice as long as the one before, up to Max. One try is
// forgotten every Leak.
type Limit struct {
	Free int
	Leak time.Duration
	Max  time.Duration
}

const firstWait = time.Second

// Tries is what is known of one bucket.
type Tries struct {
	Level float64   // tries that are not forgotten, as of At
	At    time.Time // of the last try
	Open  time.Time // no further try before
}

// Next returns what is known after a try at now, or how long to wait for it.
func (l Limit) Next(t Tries, now time.Time) (Tries, time.Duration) {
	if wait := t.Open.Sub(now); wait > 0 {
		return t, wait
	}
	forgotten := now.Sub(t.At).Seconds() / l.Leak.Seconds()
	t.Level = max(t.Level-max(forgotten, 0), 0) + 1
	t.At, t.Open = now, now
	if over := int(t.Level) - l.Free; over >= 0 {
		t.Open = now.Add(min(firstWait<<min(over, 30), l.Max))
	}
	return t, 0
}

// Expires returns when a bucket is as good as empty.
func (l Limit) Expires(t Tries) time.Time {
	end := t.At.Add(time.Duration(t.Level * float64(l.Leak)))
	if t.Open.After(end) {
		end = t.Open
	}
	return end.Add(time.Minute)
}

// Bucket is a limit on one thing: an address, an account, a pair of both. Its
// store hides the name.
type Bucket struct {
	Name  string
	Limit Limit
}

// Throttle counts tries.
type Throttle interface {
	// Take counts a try in every bucket at once, or counts nothing and says how
	// long to wait for the one that is full.
	Take(ctx context.Context, now time.Time, buckets ...Bucket) (wait time.Duration, err error)
	// GiveBack uncounts a try that turned out to be right.
	GiveBack(ctx context.Context, buckets ...Bucket) error
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
