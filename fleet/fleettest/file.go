//go:build service

package fleettest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/passage"
	"parley/shared/problem"
)

// Shelf has the contents of files in memory, by SHA-256.
type Shelf struct {
	mu     sync.Mutex
	bodies map[string][]byte
	reads  int
	down   bool
}

func (s *Shelf) get(sha string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	switch body, ok := s.bodies[sha]; {
	case s.down:
		return nil, problem.New(problem.Unavailable, "storage_unavailable", "The shelf is away.")
	case !ok:
		return nil, file.ErrNoFile
	default:
		return body, nil
	}
}

// Text returns an encoded text.
func (s *Shelf) Text(_ context.Context, sha, _ string) ([]byte, error) { return s.get(sha) }

// Picture returns a picture, which is said to be a JPEG.
func (s *Shelf) Picture(_ context.Context, sha string) ([]byte, string, error) {
	body, err := s.get(sha)
	return body, "image/jpeg", err
}

// Fail makes every read fail from now on, or no more.
func (s *Shelf) Fail(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Reads returns how often something was asked for.
func (s *Shelf) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// Document adds a file of the user that has a text, and returns its id.
func (s *Stack) Document(user, name string, pages ...passage.Page) string {
	s.T.Helper()
	count := 0
	for _, p := range pages {
		count = max(count, p.Number)
	}
	d := passage.Of(count, pages)
	body, err := passage.Encode(d)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.ready(file.File{User: user, Name: name, ContentType: "application/pdf", Kind: file.Text, Pages: count, Characters: d.Characters}, body)
}

// Image adds one of the user.
func (s *Stack) Image(user, name string, picture []byte) string {
	s.T.Helper()
	return s.ready(file.File{User: user, Name: name, ContentType: "image/png", Kind: file.Image}, picture)
}

// ready takes a file through its stages.
func (s *Stack) ready(f file.File, content []byte) string {
	s.T.Helper()
	now := time.Now().UTC()
	sum := sha256.Sum256(append([]byte(f.Name), content...))
	f.ID, f.SHA256, f.Size, f.Status = id.New(now), hex.EncodeToString(sum[:]), int64(len(content)), file.Uploading
	f.CreatedAt, f.ExpiresAt = now, now.Add(time.Hour)
	ctx, made := s.T.Context(), f
	err := s.Files.Create(ctx, f, 1<<40)
	if err == nil {
		f, err = s.Files.Arrived(ctx, f.User, f.ID, "1")
	}
	if err == nil {
		f, err = s.Files.Begin(ctx, f, file.Store)
	}
	if err == nil {
		err = s.Files.Hold(ctx, f)
	}
	if err == nil {
		f, err = s.Files.Begin(ctx, f, file.Read)
	}
	if err == nil {
		f.ContentType, f.Kind, f.Pages, f.Characters = made.ContentType, made.Kind, made.Pages, made.Characters
		err = s.Files.Ready(ctx, f)
	}
	if err != nil {
		s.T.Fatal(err)
	}
	s.Shelf.mu.Lock()
	defer s.Shelf.mu.Unlock()
	s.Shelf.bodies[f.SHA256] = content
	return f.ID
}
