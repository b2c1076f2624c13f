package enginetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// State is how a request stands.
type State string

// The states of a request.
const (
	Began    State = ""
	Finished State = "finished" // to its end
	Aborted  State = "aborted"  // its client went away
	Broken   State = "broken"   // by a fault that was ordered
	Refused  State = "refused"  // with another status than 200
)

// Entry is what the log says of one request for an answer. Of one that is still
// written, or whose engine was killed, there is only its beginning.
type Entry struct {
	ID       int       `json:"id"` // from 1, in the order of their coming
	Question string    `json:"question"`
	Session  string    `json:"session,omitempty"`
	Key      string    `json:"key,omitempty"` // bearer token: who asked
	Prefix   int       `json:"prefix"`        // bytes of the answer that it went on from
	Strange  bool      `json:"strange,omitempty"`
	Prompt   int       `json:"prompt"`
	Cached   int       `json:"cached"`
	Sent     int       `json:"sent"` // tokens
	Finish   string    `json:"finish,omitempty"`
	State    State     `json:"state,omitempty"`
	BeganAt  time.Time `json:"began"`
	EndedAt  time.Time `json:"ended,omitzero"`
}

// journal keeps entries. Its engine's mutex guards it.
type journal struct {
	entries []Entry
	out     io.Writer
}

// note writes an entry, first when its request comes, again when that has ended.
func (e *Engine) note(entry *Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &e.log
	if entry.ID == 0 {
		entry.ID, entry.BeganAt = len(l.entries)+1, time.Now()
		l.entries = append(l.entries, *entry)
	} else {
		entry.EndedAt = time.Now()
		l.entries[entry.ID-1] = *entry
	}
	if l.out != nil {
		_ = json.NewEncoder(l.out).Encode(entry) // a log that can't be written is found to be short
	}
}

// Log writes every entry to w, too: a line of JSON when a request comes and
// another when it has ended. Call it before the first request.
func (e *Engine) Log(w io.Writer) { e.Change(func(e *Engine) { e.log.out = w }) }

// Entries returns the log.
func (e *Engine) Entries() []Entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Entry{}, e.log.entries...)
}

// showLog serves the log as a JSON array, with ?after=ID only what came later.
func (e *Engine) showLog(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.FormValue("after"))
	if r.FormValue("after") != "" && err != nil || after < 0 {
		http.Error(w, "after is no number", http.StatusBadRequest)
		return
	}
	list := e.Entries()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list[min(after, len(list)):]) // the client may have gone
}
