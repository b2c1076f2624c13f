package chat

import (
	"context"
	"errors"
	"time"

	"parley/shared/id"
	"parley/shared/quota"
)

// resume answers a key that is known. If its first try got through, that is all;
// otherwise it goes on from where that one died.
func (s *Sender) resume(ctx context.Context, plan quota.Plan, again, first Sending) (Receipt, error) {
	if first.Body != again.Body {
		return Receipt{}, errKeyReused
	}
	receipt := Receipt{Chat: first.Chat, Question: first.Question.ID, Reply: first.Reply, Replayed: true}
	reply, err := s.Store.Message(ctx, Ref{User: first.User, Chat: first.Chat, Message: first.Reply})
	missing := errors.Is(err, ErrNoMessage)
	if err != nil && !missing {
		return Receipt{}, err
	}
	reply = reply.AsOf(again.At)
	take, err := s.takes(ctx, first.Region, reply)
	switch {
	case err != nil:
		return Receipt{}, err
	case missing && !take && again.At.Sub(id.Time(first.Question.ID)) <= functionLife:
		return Receipt{}, errUndone // it may be on its way here
	case !missing && !take:
		return receipt, nil
	}
	again.Chat, again.NewChat, again.Reply, again.Again, again.Shed = first.Chat, first.NewChat, first.Reply, true, false
	again.Question.ID, again.Question.Chat = first.Question.ID, first.Chat
	again.Question.CreatedAt, again.Question.Hour = id.Time(first.Question.ID), first.Question.Hour
	if err := s.hold(ctx, again); err != nil {
		return Receipt{}, err
	}
	if err := s.recollect(ctx, &again); err != nil {
		return Receipt{}, err
	}
	done, err := s.hand(ctx, plan, again)
	receipt.Used = done.Used
	return receipt, err
}

// takes reports whether a retry in this region goes on with a sending of owner's that
// has come as far as reply, the zero Message for no farther than its key. What another
// region has accepted, or runs, is left to it as long as it is there: both would answer.
func (s *Sender) takes(ctx context.Context, owner string, reply Message) (bool, error) {
	if reply.Region != "" {
		owner = reply.Region
	}
	elsewhere := s.Regions != nil && owner != "" && owner != s.Region
	if elsewhere && (!reply.Status.Ended() || reply.Lapsed) {
		return s.Regions.Lost(ctx, owner)
	}
	return reply.Status == "" || reply.Status == Queued || reply.Lapsed, nil
}

// hold takes the chat for a sending whose first try may have lost it.
func (s *Sender) hold(ctx context.Context, sending Sending) error {
	refusal, err := s.Store.Hold(ctx, sending)
	if err == nil && refusal.Running != "" {
		if err = s.checkEnded(ctx, sending, refusal.Running); err == nil {
			sending.Replaces = refusal.Running
			refusal, err = s.Store.Hold(ctx, sending)
		}
	}
	if err != nil || refusal == (Refusal{}) {
		return err
	}
	return s.explain(refusal)
}

// checkEnded asks the truth about a reply that a chat's hint names: nil if the
// reply has ended, or never came to be because its function died.
func (s *Sender) checkEnded(ctx context.Context, sending Sending, reply string) error {
	m, err := s.Store.Message(ctx, Ref{User: sending.User, Chat: sending.Chat, Message: reply})
	switch {
	case errors.Is(err, ErrNoMessage):
		if sending.At.Sub(id.Time(reply)) > functionLife {
			return nil
		}
		return ErrBusy.After(time.Second)
	case err != nil:
		return err
	case m.AsOf(sending.At).Status.Ended():
		return nil
	case m.Status == Running && s.Regions != nil:
		lost, err := s.Regions.Lost(ctx, m.Region)
		if err != nil || lost {
			return err // nobody is at it; its region ends it when it comes back
		}
	}
	return ErrBusy
}
