package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
	"parley/shared/chat"
)

// viewer is one client that reads one reply. When a relay goes away it turns to the
// other one.
type viewer struct {
	*run
	reply  *check.Reply
	reader plan.Reader
	first  bool // the one who cancels, if somebody does
	relay  int
	seen   check.Seen
	after  string // id of the last event
	deltas int
	stop   sync.WaitGroup // the cancel under way
}

// silence is how long a stream may bring nothing: comments come every 15 s.
const silence = 40 * time.Second

// see reads to the end.
func (v *viewer) see(ctx context.Context) check.Seen {
	v.seen.Wait = v.reader.Wait
	read := v.stream
	if v.reader.Wait {
		read = v.wait
	}
	for v.seen.Ends == 0 && len(v.seen.Wrong) == 0 {
		if err := read(ctx); err != nil || v.seen.Ends == 0 {
			v.seen.Drops++
			v.relay++
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			break
		}
	}
	v.live.leave(v.reply.Name(), v)
	v.stop.Wait()
	v.resets.Add(int64(v.seen.Resets))
	return v.seen
}

func (v *viewer) wrong(format string, args ...any) {
	v.seen.Wrong = append(v.seen.Wrong, fmt.Sprintf(format, args...))
}

// ask sends a request to the relay of the moment. An answer that is no 200 is an
// error; one that no relay may give is noted.
func (v *viewer) ask(ctx context.Context, method, what string) (*http.Response, error) {
	token, err := v.place.token(ctx, v.reply.Ref.User, v.reply.Plan)
	if err != nil {
		return nil, err
	}
	path := "/v1/chats/" + v.reply.Ref.Chat + "/messages/" + v.reply.Ref.Message + "/" + what
	req, err := http.NewRequestWithContext(ctx, method, v.fleet.url(portRelay+v.relay%relays)+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if v.after != "" {
		req.Header.Set("Last-Event-ID", v.after)
	}
	resp, err := streams.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			v.wrong("%s %s after %q: status %d", method, what, v.after, resp.StatusCode)
		}
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp, nil
}

// streams has a connection for each request, as 500 users have.
var streams = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// stream reads one connection's events.
func (v *viewer) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := v.ask(ctx, http.MethodGet, "stream")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer v.live.leave(v.reply.Name(), v)
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	e, n := event{}, 0
	for lines.Scan() {
		watch.Reset(silence)
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				v.wrong("event %s: %v", e.name, err)
				return err
			}
			v.take(ctx, e)
			if n++; v.reader.Drops > 0 && n == v.reader.Drops && v.seen.Ends == 0 {
				return nil // the connection is lost
			}
			e = event{}
		}
	}
	return lines.Err()
}

// wait asks for the reply once, held back until it has ended.
func (v *viewer) wait(ctx context.Context) error {
	resp, err := v.ask(ctx, http.MethodGet, "wait?seconds=20")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var m chat.Message
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		return err
	}
	if m.Status.Ended() {
		row := rowOf(m)
		v.seen.Ends, v.seen.Text, v.seen.Status, v.seen.Failure, v.seen.Usage = 1, row.Text, row.Status, row.Failure, m.Usage
	}
	return nil
}
