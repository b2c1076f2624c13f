package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/problem"
)

// settled is a world whose file is ready, and arrives once more.
func settled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, fox)
	if err := w.do(); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWhatWasMadeOfAReadyFileIsMadeAgain(t *testing.T) {
	for _, lost := range []string{"/text/plain", "/pictures"} {
		w := settled(t)
		before := *w.rows[key]
		delete(w.kept, w.sum+lost)
		w.fail = func(_ int, name string, _ bool) error {
			if name == "OpenBlob" {
				return problem.New(problem.Unavailable, "away", "…")
			}
			return nil
		}
		if err := w.do(); !problem.Retryable(err) || w.kept[w.sum+lost] != nil {
			t.Errorf("%s: while storage is away: %v", lost, err)
		}
		w.fail = nil
		if err := w.do(); err != nil {
			t.Errorf("%s: %v", lost, err)
		}
		w.wantReady()
		if diff := cmp.Diff(before, *w.rows[key]); diff != "" {
			t.Errorf("%s: the row has changed: %s", lost, diff)
		}
	}
}

func TestWhatIsThereIsNotMadeAgain(t *testing.T) {
	w := settled(t)
	w.fail = func(_ int, name string, _ bool) error {
		if name == "OpenBlob" || name == "Read" {
			t.Errorf("%s is called", name)
		}
		return nil
	}
	if err := w.do(); err != nil {
		t.Error(err)
	}
	w.wantReady()
}

// Nothing is made of bytes that aren't what they were, nor kept of what isn't read as
// the row says it was; to try that again would be in vain.
func TestWhatIsReadInAnotherWayIsNotKept(t *testing.T) {
	for name, change := range map[string]func(*world){
		"damaged":    func(w *world) { w.kept[w.sum] = []byte("damage") },
		"read else":  func(w *world) { w.found = Reading{ContentType: "text/plain", Kind: file.Other, Note: &unreadable} },
		"no bytes":   func(w *world) { w.kept[w.sum] = nil },
		"more bytes": func(w *world) { w.kept[w.sum] = append(fox[:len(fox):len(fox)], '!') },
	} {
		w := settled(t)
		delete(w.kept, w.sum+"/text/plain")
		change(w)
		if err := w.do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text := w.kept[w.sum+"/text/plain"]; text != nil || w.rows[key].Status != file.Ready {
			t.Errorf("%s: kept %q, the file is %s", name, text, w.rows[key].Status)
		}
	}
}

// A file is found under the type that its row says, whatever a later release calls it.
func TestATextIsKeptWhereItIsLookedFor(t *testing.T) {
	w := settled(t)
	delete(w.kept, w.sum+"/text/plain")
	w.found.ContentType = "text/markdown"
	if err := w.do(); err != nil {
		t.Error(err)
	}
	w.wantReady()
}
