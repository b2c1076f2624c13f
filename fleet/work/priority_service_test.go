//go:build service

package work_test

import (
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// An engine that takes priorities hears that premium goes before free; one that
// would refuse them hears of none.
func TestPrioritiesAreSentWhereTheyAreTaken(t *testing.T) {
	for _, takes := range []bool{true, false} {
		e, s := enginetest.New(t), fleettest.New(t)
		p := s.Parts(e.URL)
		p.Priorities = takes
		s.Work(p)
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			user := id.New(time.Now())
			r, err := s.Sender.Send(t.Context(), user, plan, quota.Of(plan, quota.Limits{}), chat.Question{Text: string(plan)})
			if err != nil {
				t.Fatal(err)
			}
			ref := chat.Ref{User: user, Chat: r.Chat, Message: r.Reply}
			until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
		}
		got := e.Requests()
		if want := map[bool]int{true: 1}[takes]; got[0].Priority != want || got[1].Priority != 0 {
			t.Errorf("taken %v: free has %d, premium %d", takes, got[0].Priority, got[1].Priority)
		}
	}
}
