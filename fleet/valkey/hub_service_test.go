//go:build service

package valkey_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/fleet/fleettest"
	"parley/fleet/valkey"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T) (*fleettest.Valkey, *redis.Client, *valkey.Hub) {
	t.Helper()
	server := fleettest.StartValkey(t)
	client := valkey.Open(valkey.Settings{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	return server, client, valkey.NewHub(t.Context(), client, quiet)
}

// gap waits for the news that something may have been missed.
func gap(t *testing.T, s *valkey.Sub) {
	t.Helper()
	select {
	case <-s.Gap:
	case <-time.After(10 * time.Second):
		t.Fatal("no word from the hub")
	}
}

// Whatever is published after the first Gap arrives, or a Gap comes after it, for
// the first listener of a channel and for those that join and leave beside it.
func TestNothingIsMissedAfterTheFirstGap(t *testing.T) {
	_, client, hub := open(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			channel := "c" + strconv.Itoa(i%5)
			for range 20 {
				s := hub.Subscribe(channel)
				gap(t, s)
				want := fmt.Sprint(i, " ", rand.Int64())
				if err := client.Publish(t.Context(), channel, want).Err(); err != nil {
					t.Error(err)
				}
				hear(t, s, want)
				s.Close()
			}
		})
	}
	all.Wait()
}

// hear waits for a message that was published, or for the news that it may have
// been missed.
func hear(t *testing.T, s *valkey.Sub, want string) {
	limit := time.After(10 * time.Second)
	for {
		select {
		case m := <-s.Messages:
			if m == want {
				return
			}
		case <-s.Gap:
			return
		case <-limit:
			t.Errorf("%q didn't arrive", want)
			return
		}
	}
}

// A server that is killed and comes back empty is told again of all that is
// listened to, and whoever listens learns that something may be missing.
func TestServerComesBackEmpty(t *testing.T) {
	server, client, hub := open(t)
	const channels = 3000
	subs := make([]*valkey.Sub, channels)
	for i := range subs {
		subs[i] = hub.Subscribe("c" + strconv.Itoa(i))
	}
	for _, s := range subs {
		gap(t, s)
	}
	server.Kill()
	late := hub.Subscribe("late")
	subs[0].Close()
	server.Start()
	gap(t, late)
	for i, s := range subs[1:] {
		gap(t, s)
		if err := client.Publish(t.Context(), "c"+strconv.Itoa(i+1), "again").Err(); err != nil {
			t.Fatal(err)
		}
		hear(t, s, "again")
	}
	fleettest.Await(t, 5*time.Second, "the channel that was left isn't listened to", func() bool {
		n, err := client.PubSubNumSub(t.Context(), "c0").Result()
		return err == nil && n["c0"] == 0
	})
}

// Ten thousand channels cost one connection and few commands.
func TestManyChannelsInFewCommands(t *testing.T) {
	_, client, hub := open(t)
	var subs []*valkey.Sub
	for i := range 10_000 {
		subs = append(subs, hub.Subscribe("c"+strconv.Itoa(i)))
	}
	for _, s := range subs {
		gap(t, s)
	}
	for _, s := range subs {
		s.Close()
	}
	fleettest.Await(t, 10*time.Second, "all channels are left", func() bool {
		all, err := client.PubSubChannels(t.Context(), "c*").Result()
		return err == nil && len(all) == 0
	})
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"subscribe", "unsubscribe"} {
		_, after, found := strings.Cut(info, "cmdstat_"+command+":calls=")
		number, _, _ := strings.Cut(after, ",")
		if n, err := strconv.Atoi(number); !found || err != nil || n > 2000 {
			t.Errorf("%s was called %q times for 10,000 channels", command, number)
		}
	}
}
