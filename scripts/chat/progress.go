package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"parley/scripts/internal/client"
)

// meter shows how far an upload is, on one line that it draws again and again.
// Only somebody at a terminal sees it.
type meter struct {
	console *console
	name    string
	now     func() time.Time

	mu    sync.Mutex
	drawn time.Time
	last  client.Progress
	trail []mark // of the last few seconds, the oldest first
}

// mark is how far it was at a time.
type mark struct {
	at   time.Time
	done int64
}

const (
	redraw   = 100 * time.Millisecond
	recent   = 5 * time.Second // what the rate is taken from
	barWidth = 12
)

// show is told of every step.
func (m *meter) show(p client.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	fresh := p.Step != m.last.Step || p.Stage != m.last.Stage
	if p.Step != m.last.Step {
		m.trail = nil
	}
	m.last = p
	m.note(now, p.Done)
	if fresh || now.Sub(m.drawn) >= redraw || p.Done == p.Total {
		m.drawn = now
		m.console.hint("\r\x1b[K%s", cut(m.line(now), m.console.width()-1))
	}
}

// note keeps a mark every so often, and one that is older than recent.
func (m *meter) note(now time.Time, done int64) {
	if n := len(m.trail); n > 0 && now.Sub(m.trail[n-1].at) < redraw {
		return
	}
	m.trail = append(m.trail, mark{now, done})
	for len(m.trail) > 2 && now.Sub(m.trail[1].at) > recent {
		m.trail = m.trail[1:]
	}
}

// line is what stands there.
func (m *meter) line(now time.Time) string {
	p := m.last
	if p.Step == client.Processing {
		return fmt.Sprintf("%s  %s …", m.name, stageWord(p.Stage))
	}
	part := 1.0
	if p.Total > 0 {
		part = float64(p.Done) / float64(p.Total)
	}
	full := int(part * barWidth)
	return fmt.Sprintf("%s  %-7s [%s%s] %3.0f %%  %s of %s%s", m.name, p.Step,
		strings.Repeat("#", full), strings.Repeat("-", barWidth-full), 100*part, size(p.Done), size(p.Total), m.speed(now))
}

// speed is the rate of the last few seconds and the time that the rest takes at
// it; empty while nobody knows.
func (m *meter) speed(now time.Time) string {
	first, left := m.trail[0], m.last.Total-m.last.Done
	took := now.Sub(first.at).Seconds()
	moved := m.last.Done - first.done
	if took < redraw.Seconds() || moved <= 0 {
		return ""
	}
	rate := float64(moved) / took
	if left == 0 {
		return fmt.Sprintf("  %s/s", size(int64(rate)))
	}
	eta := time.Duration(float64(left) / rate * float64(time.Second))
	return fmt.Sprintf("  %s/s  %s left", size(int64(rate)), max(eta.Round(time.Second), time.Second))
}

// cut keeps the first runes of a line, so that it stays one line.
func cut(line string, most int) string {
	runes := []rune(line)
	return string(runes[:min(max(most, 0), len(runes))])
}

// end takes the line away.
func (m *meter) end() { m.console.hint("\r\x1b[K") }

// size spells a number of bytes as the limits of files do, where 1 MB is 2 to the
// power of 20.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<10:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	case n < 1<<20:
		return fmt.Sprintf("%.0f KB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}
