package chat

import (
	"context"
	"errors"
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Sending is one send on its way: a question with everything that was decided
// for it. It is the same each time that its Idempotency-Key is tried again.
type Sending struct {
	User     string
	Chat     string
	NewChat  bool
	Title    string // of a new chat
	Question Message
	Reply    string
	Files    []string          // of the question, as its sender names them
	Attach   []file.Attachment // those of them that the chat doesn't have yet
	Sees     bool              // the model looks at images
	Existing bool              // the question is there already: only another reply is asked for
	Key      string            // Idempotency-Key, or empty
	Body     string            // digest of what the key stands for
	Limit    int               // messages that the user may send in the question's hour
	Replaces string            // running reply that was found to have ended
	Passing  bool              // it isn't kept: see Ref.Passing
	Shed     bool              // nothing new is accepted: only a key that is known counts
	Again    bool              // its key was tried before; others in the chat may be newer, and it is not undone
	Region   string            // of one that is known: whose queue has its prompt; empty where there is one
	At       time.Time
}

// prompt is what the queue gets for s.
func (s Sending) prompt(p quota.Plan) Prompt {
	return Prompt{Version: PromptVersion, User: s.User, Chat: s.Chat, Question: s.Question.ID, Reply: s.Reply,
		Plan: p, Model: s.Question.Model, Hour: s.Question.Hour, Deadline: s.Question.Deadline}
}

// Receipt is what the user gets for an accepted question.
type Receipt struct {
	Chat, Question, Reply string
	Replayed              bool // the key was known: this is the answer of the first time
	Used                  int  // messages in this hour, this one included; -1 if unknown
	Queue                 Outlook
}

// Refusal is why the store did not accept a sending. At most one field is set.
type Refusal struct {
	Known   *Sending // the key stands for this sending already
	Undone  bool     // the key stands for it no more: its first try took everything back
	NoChat  bool
	Running string // the chat's hint: that reply may still run
	Ahead   string // the chat's newest reply, which does not sort before this one
	Blocked bool   // the account is disabled
	Full    bool   // the hour's limit is reached
	Shed    bool   // it is new, and nothing new is accepted
	Moved   bool   // its files aren't what they were when they were read
	Crowded bool   // its files don't fit in the chat
}

// Sends is the storage that sending needs.
type Sends interface {
	// Accept writes guard, quota, the chat's hint and what it is to Attach in one
	// transaction. A refusal writes nothing; a sending that is Shed is always refused.
	Accept(ctx context.Context, s Sending) (Refusal, error)
	// Ask writes the question, which stands for its queued reply, or for an Existing
	// question the queued reply itself. To repeat it is harmless. It returns how many
	// messages the hour has counted, -1 if that can't be read.
	Ask(ctx context.Context, s Sending) (used int, err error)
	// Hold makes the chat's hint point at s again, unless another reply runs there,
	// and notes with the key that s was tried again, so that its first try doesn't
	// undo it any more.
	Hold(ctx context.Context, s Sending) (Refusal, error)
	// Undo takes everything of a sending back that the queue did not get, what it was
	// to Attach included; ErrStale if a worker has claimed the reply, so that the
	// queue did get it. It fails and changes nothing if the key was tried again since.
	Undo(ctx context.Context, s Sending) error
	// Message reads one message, ErrNoMessage if there is none.
	Message(ctx context.Context, ref Ref) (Message, error)
}

// Queue takes prompts for the fleet.
type Queue interface {
	Send(ctx context.Context, p Prompt) error
}

// Regions says what another region has accepted and may still be at.
type Regions interface {
	// Lost reports whether that region is away, so that what it has accepted is
	// anybody's. It is not for this region and for no region.
	Lost(ctx context.Context, region string) (bool, error)
}

// Sender is the use case behind "send a message".
type Sender struct {
	Store     Sends
	Files     Files // nil: there are none
	Queue     Queue
	Models    model.Table
	Lookout   Lookout                      // nil: nothing is foretold, and nothing refused for it
	Regions   Regions                      // nil: there is one
	Region    string                       // this one, where there are several
	Deadlines map[quota.Plan]time.Duration // how long a prompt may wait for its start
	Now       func() time.Time
	NewID     id.Source
}

// functionLife is longer than any function may run: what an accepted sending has
// not written by then, its function died over.
const functionLife = time.Minute

// Errors of sending.
var (
	errKeyReused = &problem.Error{Kind: problem.Invalid, Code: "idempotency_key_reused",
		Message: "This Idempotency-Key was used for another request.",
		Fields:  []problem.Field{{Field: "Idempotency-Key", Code: "idempotency_key_reused", Detail: "Use a new key for a new request."}}}
	errLimit    = problem.New(problem.Exhausted, "rate_limited", "You have sent all the messages that your plan has for this hour.")
	errDisabled = problem.New(problem.Forbidden, "account_disabled", "This account is disabled.")
	errUndone   = problem.New(problem.Unavailable, "unavailable", "The service is busy; please try again in a moment.").After(time.Second)
)

// IsLimit reports whether err says that the user's messages of this hour are used up.
func IsLimit(err error) bool { return errors.Is(err, errLimit) }

// Send accepts a question: it is stored and queued when Send returns.
//
// Each step may be the last one that a dying function takes. The transaction
// fixes the ids under the key, so that a retry finds them and goes on with the
// same ids; writing the question twice or queueing the prompt twice changes
// nothing, because a reply is claimed once.
func (s *Sender) Send(ctx context.Context, user string, plan quota.Plan, l quota.Limits, q Question) (Receipt, error) {
	if err := q.Validate(l, s.Models); err != nil {
		return Receipt{}, err
	}
	m, err := s.Models.Find(q.Model, plan)
	if err != nil {
		return Receipt{}, err
	}
	parts := append([]string{"send", q.Chat, q.Parent, q.Text, q.Model}, q.Attachments...)
	sending := s.begin(user, plan, l, q.Key, digest(parts...))
	sending.Files, sending.Sees = q.Attachments, m.Vision
	sending.Chat, sending.NewChat = q.Chat, q.Chat == ""
	if sending.NewChat {
		sending.Chat, sending.Title = s.NewID(sending.At), title(q.Text)
	}
	sending.Question.Text, sending.Question.Model, sending.Question.Chat = q.Text, q.Model, sending.Chat
	if q.Parent != "" {
		if err := s.checkParent(ctx, user, q); err != nil {
			return Receipt{}, err
		}
		sending.Question.Parent = q.Parent
	}
	return s.deliver(ctx, plan, sending)
}

// Regenerate asks for one more reply to a question that was asked before.
func (s *Sender) Regenerate(ctx context.Context, user string, plan quota.Plan, l quota.Limits, chat, message, key string) (Receipt, error) {
	if !validKey(key) {
		return Receipt{}, Question{Key: key, Text: "-"}.Validate(l, s.Models)
	}
	m, err := s.Store.Message(ctx, Ref{User: user, Chat: chat, Message: message})
	if err == nil && m.Role == Assistant {
		m, err = s.Store.Message(ctx, Ref{User: user, Chat: chat, Message: m.Parent})
	}
	if err != nil {
		return Receipt{}, err
	}
	sending := s.begin(user, plan, l, key, digest("regenerate", chat, message))
	sending.Chat, sending.Existing = chat, true
	if err := s.remodel(&m, plan); err != nil {
		return Receipt{}, err
	}
	m.Deadline, m.Hour = sending.Question.Deadline, sending.Question.Hour
	sending.Question = m
	return s.deliver(ctx, plan, sending)
}

// remodel leaves the choice to the fleet if the model of a question is gone since,
// or not the user's any more.
func (s *Sender) remodel(m *Message, plan quota.Plan) error {
	chosen, err := s.Models.Find(m.Model, plan)
	if err != nil {
		m.Model = ""
		chosen, err = s.Models.Find("", plan)
	}
	if err == nil && !chosen.Vision {
		err = blind(m.Attachments)
	}
	return err
}

func (s *Sender) begin(user string, plan quota.Plan, l quota.Limits, key, body string) Sending {
	now := s.Now().UTC()
	return Sending{User: user, Key: key, Body: body, Limit: l.MessagesPerHour, At: now,
		Question: Message{Role: User, Status: Done,
			Deadline: now.Add(s.Deadlines[plan]).Truncate(time.Millisecond), Hour: quota.Hour(now)}}
}

func (s *Sender) checkParent(ctx context.Context, user string, q Question) error {
	if q.Parent == q.Chat {
		return nil // the chat is the root of its tree
	}
	m, err := s.Store.Message(ctx, Ref{User: user, Chat: q.Chat, Message: q.Parent})
	if err != nil {
		return err
	}
	var c problem.Check
	c.That(m.Role == Assistant, "parent_id", "bad_parent", "A question can only follow a reply.")
	return c.Err()
}

// name gives a sending its ids, which sort by that time.
func (s *Sender) name(sending *Sending, at time.Time) {
	fresh := s.NewID(at)
	if sending.Existing {
		sending.Reply = fresh
		return
	}
	sending.Question.ID, sending.Reply = fresh, ReplyOf(fresh)
	if sending.Passing {
		sending.Chat, sending.Question.Chat = fresh, fresh
	}
	sending.Question.CreatedAt = at
}

// deliver takes a sending through all its steps. While the queue is overloaded only
// what was accepted before gets through.
func (s *Sender) deliver(ctx context.Context, plan quota.Plan, sending Sending) (Receipt, error) {
	overload := s.overload(plan)
	if overload != nil && sending.Key == "" {
		return Receipt{}, overload
	}
	sending.Shed = overload != nil
	receipt, err := s.accept(ctx, plan, sending)
	if errors.Is(err, errOverloaded) {
		return Receipt{}, overload
	}
	if err == nil {
		receipt.Queue = s.outlook(ctx, plan)
	}
	return receipt, err
}

func (s *Sender) accept(ctx context.Context, plan quota.Plan, sending Sending) (Receipt, error) {
	refusal, err := s.insist(ctx, &sending)
	switch {
	case err != nil:
		return Receipt{}, err
	case refusal.Known != nil:
		return s.resume(ctx, plan, sending, *refusal.Known)
	case refusal != Refusal{}:
		return Receipt{}, s.explain(refusal)
	}
	return s.hand(ctx, plan, sending)
}

// maxAccept is how often a sending is offered to the store, each time with what
// stood in its way cleared.
const maxAccept = 4

// insist names a sending, finds out what its files are, and offers it to the store
// until that takes it or nothing can be done about its refusal.
func (s *Sender) insist(ctx context.Context, sending *Sending) (Refusal, error) {
	s.name(sending, sending.At)
	if err := s.attach(ctx, sending); err != nil {
		return s.recall(ctx, *sending, err)
	}
	for try := 1; ; try++ {
		refusal, err := s.Store.Accept(ctx, *sending)
		if err != nil || try == maxAccept {
			return refusal, err
		}
		switch {
		case refusal.Running != "":
			err = s.checkEnded(ctx, *sending, refusal.Running)
			sending.Replaces = refusal.Running
		case refusal.Ahead != "": // this clock is behind the one that named the chat's last reply
			s.name(sending, id.Time(refusal.Ahead).Add(time.Millisecond))
		case refusal.Moved:
			err = s.attach(ctx, sending)
		default:
			return refusal, nil
		}
		if err != nil {
			return Refusal{}, err
		}
	}
}

// hand writes the question and gives its prompt to the queue.
func (s *Sender) hand(ctx context.Context, plan quota.Plan, sending Sending) (Receipt, error) {
	receipt := Receipt{Chat: sending.Chat, Question: sending.Question.ID, Reply: sending.Reply}
	used, err := s.Store.Ask(ctx, sending)
	if err != nil {
		return Receipt{}, errors.Join(err, s.undo(ctx, sending))
	}
	receipt.Used = used
	queue, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	if err := s.Queue.Send(queue, sending.prompt(plan)); err != nil {
		// A call whose answers were lost may have got through; a worker knows.
		if undone := s.undo(ctx, sending); sending.Again || !errors.Is(undone, ErrStale) {
			return Receipt{}, errors.Join(err, undone)
		}
	}
	return receipt, nil
}

// Within a function's ten seconds a queue that doesn't answer must leave time to
// take back what it did not get.
const (
	queueTime = 4 * time.Second
	undoTime  = 2 * time.Second
)

// undo takes a failed first try back, also when the caller's time is up. A retry
// undoes nothing: other tries may have got through, and the next goes on from here.
func (s *Sender) undo(ctx context.Context, sending Sending) error {
	if sending.Again {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	return s.Store.Undo(ctx, sending)
}

func (s *Sender) explain(r Refusal) error {
	switch {
	case r.Undone:
		return errUndone
	case r.Shed:
		return errOverloaded
	case r.NoChat:
		return ErrNoChat
	case r.Blocked:
		return errDisabled
	case r.Full:
		return errLimit.After(quota.Reset(s.Now()))
	case r.Crowded:
		return errDialogueFull()
	case r.Moved:
		return errUndone
	}
	return ErrBusy
}
