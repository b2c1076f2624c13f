// Package shelf keeps the segments of users' indexes: in S3, and what was read of them
// on this machine's disk for as long as there is room.
//
// A segment is named by its SHA-256 and lies in its owner's folder, so that nobody can
// ask for another's. Of a large one only the pieces come over that a query needs.
//
// Errors: a bucket that can't be reached is problem.Unavailable within a bounded time;
// a segment that is gone or isn't what was kept is search.ErrCorrupt.
package shelf

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"parley/shared/problem"
	"parley/shared/search"
	"parley/shared/segment"
)

// folder is where all segments lie.
const folder = "segments/"

// keyOf names a segment. Nothing but a valid name comes out of a manifest.
func keyOf(user, name string) string { return folderOf(user) + name }

// folderOf is the folder of all segments of a user.
func folderOf(user string) string { return folder + user + "/" }

// How long S3 may take.
const (
	fetching = 5 * time.Second // for a piece
	keeping  = time.Minute     // for a segment to be put
)

// Shelf is the bucket of all segments, with a folder on this machine's disk.
type Shelf struct {
	s3     *s3.Client
	bucket string
	dir    string
	cache  *cache
}

// New opens the bucket of that name. What was read of it is kept in the folder dir,
// which processes may share, up to about room bytes.
func New(client *s3.Client, bucket, dir string, room int64) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder for segments: %w", err)
	}
	s := &Shelf{s3: client, bucket: bucket, dir: dir}
	s.cache = newCache(s, room)
	return s, nil
}

// file makes a file for a segment. It has no name: so it goes with the process, however
// that ends, and no other one takes it for its own.
func (s *Shelf) file() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "segment-")
	if err == nil {
		err = os.Remove(f.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("file for a segment: %w", err)
	}
	return f, nil
}

// Open implements search.Segments.
func (s *Shelf) Open(ctx context.Context, user string, g search.Segment) (search.Index, func(), error) {
	c, err := s.cache.take(ctx, user, g)
	if err != nil {
		return nil, nil, err
	}
	return c.segment, func() { s.cache.leave(c) }, nil
}

// Drop forgets what is kept here of a segment that turned out to be corrupt, so that it
// is read anew.
func (s *Shelf) Drop(user, name string) { s.cache.drop(user, name) }

// Add implements search.Shelf: one PUT.
func (s *Shelf) Add(ctx context.Context, user string, docs []search.Document) (search.Segment, error) {
	return s.write(ctx, user, func(to io.Writer) (segment.Facts, error) { return segment.Build(ctx, to, docs) })
}

// Merge implements search.Shelf: each of the old ones is read once, as a whole, and one
// PUT.
func (s *Shelf) Merge(ctx context.Context, user string, old []search.Segment, gone func(search.Doc) bool) (*search.Segment, error) {
	var open []*segment.Segment
	for _, g := range old {
		f, err := s.whole(ctx, user, g)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		one, err := segment.Open(f, g.Bytes)
		if err != nil {
			return nil, err
		}
		open = append(open, one)
	}
	merged, err := s.write(ctx, user, func(to io.Writer) (segment.Facts, error) { return segment.Merge(ctx, to, open, gone) })
	if err != nil || merged.Docs == 0 {
		return nil, err
	}
	return &merged, nil
}

// write makes a segment on the disk and puts it into the bucket; none if it has no
// documents.
func (s *Shelf) write(ctx context.Context, user string, make func(io.Writer) (segment.Facts, error)) (search.Segment, error) {
	f, err := s.file()
	if err != nil {
		return search.Segment{}, err
	}
	defer f.Close()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, sum), 256<<10)
	facts, err := make(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil || facts.Docs == 0 {
		return search.Segment{}, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return search.Segment{}, fmt.Errorf("make segment: %w", err)
	}
	g := search.Segment{Name: hex.EncodeToString(sum.Sum(nil)), Bytes: size, Lists: facts.Lists, Docs: facts.Docs, Tokens: facts.Tokens, First: facts.First, Last: facts.Last}
	ctx, cancel := context.WithTimeout(ctx, keeping)
	defer cancel()
	_, err = s.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(keyOf(user, g.Name)), Body: f, ContentLength: &size})
	return g, away("put segment", err)
}

// whole brings a segment over into a file of its own, having checked that it is the
// one of that name.
func (s *Shelf) whole(ctx context.Context, user string, g search.Segment) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, keeping)
	defer cancel()
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(keyOf(user, g.Name))})
	if err != nil {
		return nil, away("get segment", err)
	}
	defer out.Body.Close()
	f, err := s.file()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(out.Body, g.Bytes+1))
	switch {
	case err != nil:
		err = away("get segment", err)
	case n != g.Bytes || hex.EncodeToString(sum.Sum(nil)) != g.Name:
		err = changed(g)
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

func changed(g search.Segment) error {
	return search.ErrCorrupt.Because(fmt.Errorf("segment %s isn't what was kept", g.Name))
}

// piece gets bytes of a segment from one place up to another. One GET.
func (s *Shelf) piece(ctx context.Context, user string, g search.Segment, from, to int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetching)
	defer cancel()
	out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(keyOf(user, g.Name)),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, to-1))})
	if err != nil {
		return nil, away("get piece of segment", err)
	}
	defer out.Body.Close()
	b := make([]byte, to-from)
	n, err := io.ReadFull(out.Body, b)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, changed(g)
	}
	return b[:n], away("get piece of segment", err)
}

// Sweep implements search.Shelf: one call for 1,000 segments, and one for each 1,000
// that go.
func (s *Shelf) Sweep(ctx context.Context, user string, keep, drop []string, before time.Time) error {
	return Remover{s.s3, s.bucket}.sweep(ctx, user, func(name string, o types.Object) bool {
		return slices.Contains(drop, name) || !slices.Contains(keep, name) && aws.ToTime(o.LastModified).Before(before)
	})
}

// away tells a segment that isn't there from storage that can't be reached.
func away(what string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", what, err)
	if e, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains([]string{"NoSuchKey", "NotFound", "InvalidRange"}, e.ErrorCode()) {
		return search.ErrCorrupt.Because(err)
	}
	return problem.New(problem.Unavailable, "index_unavailable", "The search index can't be reached at the moment; please try again soon.").
		After(5 * time.Second).Because(err)
}
