package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/fleet/frame"
	"parley/scripts/chaos/check"
	"parley/shared/chat"
)

// event is one server-sent event.
type event struct {
	id, name string
	data     struct {
		Status chat.Status `json:"status"`
		Reset  bool        `json:"reset"`
		Text   string      `json:"text"`
		Usage  *chat.Usage `json:"usage"`
		Code   string      `json:"code"`
	}
}

// take does with an event what a client does, and checks that its id is where the
// client then stands.
func (v *viewer) take(ctx context.Context, e event) {
	switch e.name {
	case "status":
		if e.data.Reset {
			v.seen.Text = ""
			v.seen.Resets++
		}
	case "delta":
		v.seen.Text += e.data.Text
		v.deltas++
		v.live.enter(v.reply.Name(), v, v.relay%relays)
		if v.first && v.reply.Cancel > 0 && v.deltas == v.reply.Cancel {
			v.stop.Go(func() { v.cancel(ctx) })
		}
	case "done", "error":
		v.seen.Ends++
		v.seen.Status, v.seen.Failure, v.seen.Usage = e.data.Status, e.data.Code, e.data.Usage
		if e.name == "error" {
			v.seen.Status = chat.Failed
		}
		v.live.leave(v.reply.Name(), v)
	}
	v.after = e.id
	p, err := frame.ParsePosition(e.id)
	if err != nil || p.Offset != len(v.seen.Text) || !p.Within(v.seen.Text) {
		v.wrong("event %s has id %s, the client has %d bytes", e.name, e.id, len(v.seen.Text))
	}
}

// cancel asks to stop the reply until it has ended, and notes what it was told and
// how long the engine went on.
func (v *viewer) cancel(ctx context.Context) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer end()
	asks := viewer{run: v.run, reply: v.reply, relay: v.relay}
	v.mu.Lock()
	v.reply.Asked = true
	v.mu.Unlock()
	asked := time.Now()
	for {
		if row, ok := asks.stopped(ctx); ok {
			v.mu.Lock()
			v.reply.Stop = &row
			v.mu.Unlock()
			v.calls.stopped(v.reply.Name(), asked)
			return
		}
		asks.relay++
		if sleep(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
}

// stopped asks once.
func (v *viewer) stopped(ctx context.Context) (check.Row, bool) {
	resp, err := v.ask(ctx, http.MethodPost, "cancel")
	if err != nil {
		return check.Row{}, false
	}
	defer resp.Body.Close()
	var m chat.Message
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		return check.Row{}, false
	}
	return rowOf(m), m.Status.Ended()
}
