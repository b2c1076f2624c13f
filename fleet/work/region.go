package work

import (
	"context"

	"parley/shared/chat"
)

// Region says whether this worker's region may work on what it has accepted: after it
// was away, others may have answered that, and their answers may not be here yet.
type Region interface {
	Wait(ctx context.Context) error
	State() error
}

// within lets nothing be written while the region may not. A claim fails then as by a
// table that is away; an answer that runs is as good as overtaken.
type within struct {
	Replies
	region Region
}

func (r within) Claim(ctx context.Context, p chat.Prompt) (chat.Message, error) {
	if err := r.region.State(); err != nil {
		return chat.Message{}, err
	}
	return r.Replies.Claim(ctx, p)
}

func (r within) HandBack(ctx context.Context, ref chat.Ref, attempt int) error {
	if r.region.State() != nil {
		return chat.ErrStale
	}
	return r.Replies.HandBack(ctx, ref, attempt)
}

func (r within) Commit(ctx context.Context, ref chat.Ref, attempt int, result chat.Result) error {
	if r.region.State() != nil {
		return chat.ErrStale
	}
	return r.Replies.Commit(ctx, ref, attempt, result)
}

func (r within) Drop(ctx context.Context, ref chat.Ref) error {
	if err := r.region.State(); err != nil {
		return err
	}
	return r.Replies.Drop(ctx, ref)
}

// ready waits until the engine is well and the region may work.
func (w *Worker) ready(ctx context.Context) error {
	if w.Region != nil {
		if err := w.Region.Wait(ctx); err != nil {
			return err
		}
	}
	return w.gate.wait(ctx)
}
