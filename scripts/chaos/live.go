package main

import "sync"

// live knows which answers are being read in the middle: their reader has some of
// the text and not the end.
type live struct {
	mu      sync.Mutex
	reading map[string]map[*viewer]int // by prompt; the relay of each viewer
}

func newLive() *live { return &live{reading: map[string]map[*viewer]int{}} }

func (l *live) enter(name string, v *viewer, relay int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reading[name] == nil {
		l.reading[name] = map[*viewer]int{}
	}
	l.reading[name][v] = relay
}

func (l *live) leave(name string, v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.reading[name], v)
	if len(l.reading[name]) == 0 {
		delete(l.reading, name)
	}
}

// among counts those of the names that are being read.
func (l *live) among(names []string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, name := range names {
		if len(l.reading[name]) > 0 {
			n++
		}
	}
	return n
}

// at counts the answers that are being read at a relay.
func (l *live) at(relay int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, viewers := range l.reading {
		for _, at := range viewers {
			if at == relay {
				n++
				break
			}
		}
	}
	return n
}

// all counts the answers that are being read.
func (l *live) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.reading)
}
