//go:build service

package work_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/passage"
)

// handbook has far more text than the model's context takes; what it says nobody can
// know who hasn't read it.
func handbook() (pages []passage.Page) {
	topics := []string{"gardens", "lighting", "insurance", "bicycles", "meals", "visitors", "parking", "heating", "cleaning", "mail", "music", "pets"}
	for i, topic := range topics {
		var b strings.Builder
		for k := range 12 {
			fmt.Fprintf(&b, "Section %d.%d of the handbook tells members how %s are looked after in this house. ", i+1, k+1, topic)
		}
		pages = append(pages, passage.Page{Number: i + 1, Text: b.String()})
	}
	pages[6].Text += "\n\nThe code of the garage door is 7391. It changes every spring."
	pages[2].Text += "\n\nThe yearly fee of the house is 640 marks, to be paid in May."
	return pages
}

// A fact that stands only in one of a document's passages comes back in the answer of
// a real model, in the turn that brings the document and in a later one.
func TestARealModelAnswersFromADocument(t *testing.T) {
	s := fleettest.New(t)
	p := s.Parts(fleettest.Engine(t))
	p.Slots, p.Context, p.MaxTokens = 2, 1024, 60
	p.System = "You are a helpful AI assistant named Parley."
	s.Work(p)
	doc := s.Document(s.User, "handbook.pdf", handbook()...)
	first := s.Send(chat.Question{Text: "What is the code of the garage door?", Attachments: []string{doc}})
	for _, c := range []struct {
		ref  func() chat.Ref
		fact string
	}{
		{func() chat.Ref { return first }, "7391"},
		{func() chat.Ref { return s.Ask(first.Chat, "And how high is the yearly fee of the house?") }, "640"},
	} {
		ref := c.ref()
		fleettest.Await(t, time.Minute, "the reply ends", func() bool {
			m, err := s.Chats.Message(t.Context(), ref)
			return err == nil && m.Status.Ended()
		})
		m := row(t, s, ref)
		t.Logf("%d tokens: %s", m.Usage.PromptTokens, m.Text)
		if m.Status != chat.Done || !strings.Contains(m.Text, c.fact) {
			t.Errorf("%s: %q doesn't have %s", m.Status, m.Text, c.fact)
		}
	}
}
