package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func sized(n int) content { return content{picture: strings.Repeat("x", n-128)} }

func TestTheCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache(10_000)
	loads := map[string]int{}
	get := func(key string, size int) {
		t.Helper()
		got, err := c.get(t.Context(), key, func(context.Context) (content, error) { loads[key]++; return sized(size), nil })
		if err != nil || got != sized(size) {
			t.Error(key, err)
		}
	}
	get("a", 4000)
	get("b", 4000)
	get("a", 4000)
	get("c", 4000) // pushes out b
	get("a", 4000)
	get("b", 4000)    // pushes out c
	get("huge", 6000) // is not kept
	get("huge", 6000)
	get("a", 4000)
	want := map[string]int{"a": 1, "b": 2, "c": 1, "huge": 2}
	if fmt.Sprint(loads) != fmt.Sprint(want) || c.used > c.room || c.used != 8000 || c.order.Len() != 2 {
		t.Errorf("loads %v, want %v; %d bytes of %d items", loads, want, c.used, c.order.Len())
	}
}

// What many want at once is got once, also when the first of them leaves.
func TestTheCacheLoadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, loads := newCache(1000), 0
		load := func(ctx context.Context) (content, error) {
			loads++
			time.Sleep(time.Second)
			return sized(200), ctx.Err()
		}
		first, leave := context.WithCancelCause(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := c.get(first, "a", load); !errors.Is(err, errStopped) {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wait.Go(func() {
				if got, err := c.get(t.Context(), "a", load); err != nil || got != sized(200) {
					t.Error(err)
				}
			})
		}
		leave(errStopped)
		wait.Wait()
		if loads != 1 {
			t.Errorf("loaded %d times", loads)
		}
	})
}

func TestTheCacheKeepsNoFailure(t *testing.T) {
	c := newCache(1000)
	for i, want := range []error{errAway, nil} {
		if _, err := c.get(t.Context(), "a", func(context.Context) (content, error) { return content{}, want }); !errors.Is(err, want) {
			t.Errorf("try %d: %v", i, err)
		}
	}
	if got, err := c.get(t.Context(), "a", func(context.Context) (content, error) { return sized(200), nil }); got != sized(200) || err != nil {
		t.Error("that there was nothing was kept")
	}
}
