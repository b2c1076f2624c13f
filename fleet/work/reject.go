package work

import (
	"errors"
	"time"

	"parley/shared/queue"
)

const (
	// laterRest is how long a prompt of a later release's form is hidden from
	// workers that can't read it.
	laterRest = 30 * time.Second
	// laterTries is how often it may be received, which is ten minutes: longer than a
	// deploy goes on and than any prompt's deadline. By then its reply reads as
	// failed, and nobody will come who could read it.
	laterTries = 20
)

// reject settles a message that can't be read. One of a later form is left for the
// workers of the release that sent it; what is no prompt at all is deleted. Either
// is logged when it comes for the first time, and a prompt that is given up once more.
func (w *Worker) reject(q Queue, d queue.Delivery) {
	later := errors.Is(d.Err, queue.ErrLater)
	if later && d.ReceiveCount < laterTries {
		w.counts.later.Add(1)
		if d.ReceiveCount <= 1 {
			w.Log.Warn("a prompt waits for a later release", "message", d.ID, "error", d.Err.Error())
		}
		w.show(q, laterRest, d.Receipt)
		return
	}
	w.counts.unreadable.Add(1)
	w.Log.Error("a message is no prompt that can be read; it is deleted", "message", d.ID, "bytes", len(d.Body), "later", later, "error", d.Err.Error())
	w.remover.remove(ended{queue: q, receipt: d.Receipt})
}
