package usage

import (
	"context"
	"errors"
	"time"

	"parley/shared/chat"
)

// Replies ends replies and says how they stand.
type Replies interface {
	Fail(ctx context.Context, p chat.Prompt, f chat.Failure) error
	Ended(ctx context.Context, ref chat.Ref) (chat.Message, error)
}

// Writer keeps files.
type Writer interface {
	Put(ctx context.Context, name string, file []byte) error
}

// GiveUp is the use case behind prompts that their queue has given up: it ends the
// reply, if nobody has, and writes down what it has used.
type GiveUp struct {
	Replies Replies
	Files   Writer
	Now     func() time.Time
}

// Do gives one prompt up. To repeat it is harmless.
func (g *GiveUp) Do(ctx context.Context, p chat.Prompt) error {
	if err := g.Replies.Fail(ctx, p, chat.Undeliverable); err != nil && !errors.Is(err, chat.ErrStale) {
		return err
	}
	m, err := g.Replies.Ended(ctx, p.Ref())
	if errors.Is(err, chat.ErrNoMessage) {
		return nil // taken back or deleted: nobody pays for it
	}
	if err != nil {
		return err
	}
	now := g.Now()
	file, err := Encode([]Record{Find(p, m, now)})
	if err != nil {
		return err
	}
	return g.Files.Put(ctx, Key(now, "given-up-"+p.Reply, 0), file)
}
