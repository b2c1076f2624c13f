package main

import (
	"context"
	"fmt"
	"strconv"

	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/search"
)

// indexView is what of a user's history is indexed.
type indexView struct {
	Upto     string `json:"upto,omitempty"` // id of the newest message that may be in a segment
	Segments int    `json:"segments"`
	Bytes    int64  `json:"bytes"`
	Docs     int    `json:"documents"`
	Building bool   `json:"building"`        // by more than one run
	Fault    string `json:"fault,omitempty"` // why it can't be read
}

// indexed tells what is indexed of a user. An index that can't be read is no error
// here: it is what somebody looks for.
func (d *desk) indexed(ctx context.Context, user string) (indexView, error) {
	body, _, err := d.chats.Indexed(ctx, user)
	if err != nil || body == nil {
		return indexView{}, err
	}
	m, err := search.DecodeManifest(body)
	if err != nil {
		return indexView{Fault: err.Error()}, nil
	}
	v := indexView{Upto: m.Upto, Segments: len(m.Segments), Building: m.Build != nil}
	for _, s := range m.Segments {
		v.Bytes += s.Bytes
		v.Docs += s.Docs
	}
	return v, nil
}

// rows are those that user show has of it.
func (v indexView) rows() [][]string {
	if v.Fault != "" {
		return [][]string{{"indexed", "can't be read: " + v.Fault}}
	}
	what := map[bool]string{true: ", building"}[v.Building]
	return [][]string{
		{"indexed up to", stamp(id.Time(v.Upto)) + what},
		{"segments", fmt.Sprintf("%d, %d bytes", v.Segments, v.Bytes)},
		{"documents in them", strconv.Itoa(v.Docs)},
	}
}

// index queues the indexing of a user's history. One that is queued twice does no
// harm: only what is published counts.
func index(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	what := "index the history"
	if d.anew {
		what += " anew"
	}
	act := d.act(ctx, u.ID, what)
	if err := d.indexes.Index(ctx, queue.IndexJob{User: u.ID, Anew: d.anew}); err != nil {
		return err
	}
	if err := d.accounts.Note(ctx, act, u.ID, what); err != nil {
		return fmt.Errorf("the indexing of %s is queued, but not written down: %w", u.ID, err)
	}
	return d.done(change{u.ID, what}, "The history of %s is to be indexed%s; user show tells how far it is.", u.ID, map[bool]string{true: " anew"}[d.anew])
}
