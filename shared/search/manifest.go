package search

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/id"
	"parley/shared/problem"
)

// FormatVersion is the version of manifests that this release writes, and of the
// segments that they name. Of what is older, segments are built anew.
const FormatVersion = 2

// Bounds of a manifest.
const (
	maxManifest = 64 << 10 // bytes
	maxSegments = 300
)

// Manifest says what of a user's history is indexed, and where. It is published as a
// whole, so that readers see segments and watermark together.
type Manifest struct {
	Version  int       `json:"v"`
	Upto     string    `json:"upto,omitempty"` // watermark: messages with ids up to there are in segments
	Segments []Segment `json:"segments,omitempty"`
	// Retired are segments that the ones above have replaced; whoever has read an
	// earlier manifest may still want them.
	Retired []Retired `json:"retired,omitempty"`
	Build   *Build    `json:"build,omitempty"` // that takes more than one run

	Times int `json:"-"` // how often it was replaced
}

// Segment is an immutable index of a part of a user's messages.
type Segment struct {
	Name   string `json:"name"`   // SHA-256 of its bytes, lower-case hex
	Bytes  int64  `json:"bytes"`  // its size
	Lists  int64  `json:"lists"`  // so many of these, the first ones, are read only in pieces
	Docs   int    `json:"docs"`   // documents in it
	Tokens int    `json:"tokens"` // words of these
	First  string `json:"first"`  // least and greatest id of their messages
	Last   string `json:"last"`
}

// Retired is a segment that is to be removed.
type Retired struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"` // when it was replaced
}

// Build is an indexing that goes on in the next run. Its segments count once it has
// come to its end.
type Build struct {
	Since    string    `json:"since,omitempty"` // id after which messages are taken in
	Upto     string    `json:"upto"`            // and up to which
	Chat     string    `json:"chat"`            // id of the last chat that is through
	Segments []Segment `json:"segments,omitempty"`
	Anew     bool      `json:"anew,omitempty"` // it replaces all segments
}

// Errors of what is kept of an index.
var (
	// ErrLater is a manifest of a later release.
	ErrLater = problem.New(problem.Unavailable, "later_index", "The index has the form of a later release.")
	// ErrCorrupt is an index, or a part of one, that can't be read.
	ErrCorrupt = problem.New(problem.Unavailable, "index_corrupt", "A part of the index can't be read.")
	// ErrOvertaken tells who publishes that somebody else has.
	ErrOvertaken = problem.New(problem.Unavailable, "index_overtaken", "The index was changed by somebody else.")
)

// Encode returns a manifest as it is kept.
func (m Manifest) Encode() ([]byte, error) {
	m.Version = FormatVersion
	out, err := json.Marshal(m)
	if err == nil {
		_, err = DecodeManifest(out)
	}
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return out, nil
}

// manifestOf reads a user's manifest. Of one that is corrupt at least Times is right.
func manifestOf(ctx context.Context, a Archive, user string) (Manifest, error) {
	body, times, err := a.Indexed(ctx, user)
	if err != nil || body == nil {
		return Manifest{Times: times}, err
	}
	m, err := DecodeManifest(body)
	m.Times = times
	return m, err
}

// DecodeManifest reads what Encode wrote. ErrCorrupt, ErrLater. The names in it are
// such that nothing but a segment's key can be made of them.
func DecodeManifest(in []byte) (Manifest, error) {
	var m Manifest
	if len(in) > maxManifest {
		return Manifest{}, ErrCorrupt.Because(fmt.Errorf("manifest has %d bytes", len(in)))
	}
	var any struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(in, &any); err == nil && any.Version > FormatVersion {
		return Manifest{}, ErrLater.Because(fmt.Errorf("manifest of version %d", any.Version))
	}
	err := json.Unmarshal(in, &m, json.RejectUnknownMembers(true))
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return Manifest{}, ErrCorrupt.Because(fmt.Errorf("manifest: %w", err))
	}
	return m, nil
}

func (m Manifest) check() error {
	segments := m.Segments
	if m.Build != nil {
		segments = slices.Concat(segments, m.Build.Segments)
		if !id.Valid(m.Build.Upto) || !validOrNone(m.Build.Since) || !validOrNone(m.Build.Chat) {
			return errors.New("impossible build")
		}
	}
	if len(segments)+len(m.Retired) > maxSegments {
		return errors.New("too many segments")
	}
	for _, s := range segments {
		if !validName(s.Name) || s.Bytes <= 0 || s.Lists < 0 || s.Lists > s.Bytes || s.Docs <= 0 || s.Tokens < 0 || !id.Valid(s.First) || !id.Valid(s.Last) || s.First > s.Last {
			return fmt.Errorf("impossible segment %+v", s)
		}
	}
	for _, r := range m.Retired {
		if !validName(r.Name) {
			return fmt.Errorf("impossible segment %q", r.Name)
		}
	}
	if m.Version < 1 || !validOrNone(m.Upto) {
		return errors.New("impossible version or watermark")
	}
	return nil
}

func validOrNone(s string) bool { return s == "" || id.Valid(s) }

// validName reports whether s is a SHA-256 in lower-case hex.
func validName(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == hex.EncodeToString(b)
}

// Tiers of segments: those of about the same size are merged when there are as many
// as that, so that each message is merged a few times in all and a user's segments
// stay few.
const (
	fanOut     = 4
	firstTier  = 512 << 10 // bytes of the largest segment of the lowest tier
	mostMerged = 96 << 20  // bytes of segments that are merged; input and output have to fit on the function's disk
)

// tier is which one a segment belongs to.
func (s Segment) tier() int {
	tier := 0
	for size := int64(firstTier); s.Bytes > size; size *= fanOut {
		tier++
	}
	return tier
}

// due returns segments that are to be merged next, nil if none are.
func (m Manifest) due() []Segment {
	tiers := map[int][]Segment{}
	for _, s := range m.Segments {
		tiers[s.tier()] = append(tiers[s.tier()], s)
	}
	for tier := range 32 {
		list := tiers[tier]
		if len(list) < fanOut {
			continue
		}
		slices.SortFunc(list, func(a, b Segment) int { return int(a.Bytes - b.Bytes) })
		var size int64
		for i, s := range list {
			if size += s.Bytes; size > mostMerged {
				list = list[:i]
				break
			}
		}
		if len(list) > 1 {
			return list
		}
	}
	return nil
}

// replace returns m with one segment in the place of others; nil: with none.
func (m Manifest) replace(old []Segment, by *Segment, now time.Time) Manifest {
	m.Segments = slices.DeleteFunc(slices.Clone(m.Segments), func(s Segment) bool {
		return slices.ContainsFunc(old, func(o Segment) bool { return o.Name == s.Name })
	})
	if by != nil {
		m.Segments = append(m.Segments, *by)
	}
	return m.retire(old, now)
}

// retire returns m with segments that are to be removed.
func (m Manifest) retire(old []Segment, now time.Time) Manifest {
	m.Retired = slices.Clone(m.Retired)
	for _, s := range old {
		if !slices.ContainsFunc(m.Segments, func(kept Segment) bool { return kept.Name == s.Name }) {
			m.Retired = append(m.Retired, Retired{s.Name, now.UTC()})
		}
	}
	return m
}
