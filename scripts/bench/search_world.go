package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/scripts/internal/corpus"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/segment"
	"parley/shared/shelf"
)

// indexed is how much text is said from one indexing to the next, in bytes.
const indexed = 700 << 10

// world is a user whose history is indexed as it grows.
type world struct {
	user     string
	bucket   string // folder of the segments, as they lie in S3
	manifest []byte
	times    int
	now      time.Time

	said  []corpus.Chat // what isn't indexed yet
	chats []chat.Chat   // all

	messages, text int           // in the segments
	building       time.Duration // processor time
	merging        time.Duration
	merged         int64 // bytes of segments that were merged
	peak           memory
}

func newWorld(dir string) (*world, error) {
	user := id.Floor(time.UnixMilli(1))
	w := &world{user: user, bucket: filepath.Join(dir, "segments", user)}
	return w, os.MkdirAll(w.bucket, 0o700)
}

// say adds a chat, and has the history indexed if it's time.
func (w *world) say(ctx context.Context, c corpus.Chat) error {
	last := c.Messages[len(c.Messages)-1].ID
	w.said = append(w.said, c)
	w.chats = append(w.chats, chat.Chat{ID: c.ID, Title: c.Title, Last: last})
	w.now = id.Time(last).Add(time.Hour)
	size := 0
	for _, c := range w.said {
		for _, m := range c.Messages {
			size += len(m.Text)
		}
	}
	if size < indexed {
		return nil
	}
	return w.index(ctx, size)
}

// index runs the indexer, as index-history does.
func (w *world) index(ctx context.Context, size int) error {
	x := &search.Indexer{Ledger: w, Shelf: w, Now: func() time.Time { return w.now }}
	if _, err := x.Run(ctx, search.Job{User: w.user}); err != nil {
		return err
	}
	w.text += size
	for _, c := range w.said {
		w.messages += len(c.Messages)
	}
	w.said = nil
	return nil
}

// segments are those that the history is indexed in.
func (w *world) segments() ([]search.Segment, error) {
	m, err := search.DecodeManifest(w.manifest)
	return m.Segments, err
}

// Indexed implements search.Ledger.
func (w *world) Indexed(context.Context, string) ([]byte, int, error) {
	return w.manifest, w.times, nil
}

// SetIndexed implements search.Ledger.
func (w *world) SetIndexed(_ context.Context, _ string, manifest []byte, _ int) (bool, error) {
	w.manifest = manifest
	w.times++
	return true, nil
}

// Active implements search.Ledger.
func (w *world) Active(_ context.Context, _, since string) ([]chat.Chat, error) {
	if since == "" {
		return w.chats, nil
	}
	return w.chats[len(w.chats)-len(w.said):], nil
}

// Between implements search.Ledger.
func (w *world) Between(_ context.Context, _, id, _, _ string, each func([]chat.Message) error) error {
	for _, c := range w.said {
		if c.ID == id {
			return each(c.Messages)
		}
	}
	return nil
}

// Message implements search.Ledger: nothing is running.
func (w *world) Message(context.Context, chat.Ref) (chat.Message, error) {
	return chat.Message{}, chat.ErrNoMessage
}

// Add implements search.Shelf.
func (w *world) Add(ctx context.Context, _ string, docs []search.Document) (g search.Segment, err error) {
	w.building += w.peak.processor(func() {
		g, err = w.write(func(to io.Writer) (segment.Facts, error) { return segment.Build(ctx, to, docs) })
	})
	return g, err
}

// Merge implements search.Shelf.
func (w *world) Merge(ctx context.Context, _ string, old []search.Segment, gone func(search.Doc) bool) (*search.Segment, error) {
	var open []*segment.Segment
	for _, g := range old {
		f, err := os.Open(filepath.Join(w.bucket, g.Name))
		if err != nil {
			return nil, err
		}
		defer func() { f.Close(); os.Remove(f.Name()) }()
		one, err := segment.Open(f, g.Bytes)
		if err != nil {
			return nil, err
		}
		open = append(open, one)
		w.merged += g.Bytes
	}
	var g search.Segment
	var err error
	w.merging += w.peak.processor(func() {
		g, err = w.write(func(to io.Writer) (segment.Facts, error) { return segment.Merge(ctx, to, open, gone) })
	})
	return &g, err
}

// Sweep implements search.Shelf.
func (w *world) Sweep(context.Context, string, []string, []string, time.Time) error { return nil }

// write makes a file, as package shelf does.
func (w *world) write(make func(io.Writer) (segment.Facts, error)) (g search.Segment, err error) {
	f, err := os.CreateTemp(w.bucket, "new-")
	if err != nil {
		return g, err
	}
	defer f.Close()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(f, sum), 256<<10)
	facts, err := make(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return g, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return g, err
	}
	g = search.Segment{Name: hex.EncodeToString(sum.Sum(nil)), Bytes: size, Lists: facts.Lists, Docs: facts.Docs, Tokens: facts.Tokens, First: facts.First, Last: facts.Last}
	return g, os.Rename(f.Name(), filepath.Join(w.bucket, g.Name))
}

// firstByte is how long the storage takes before it answers, about as S3 does.
const firstByte = 20 * time.Millisecond

// storage serves a folder as S3 does, and counts what it is asked for.
type storage struct {
	*httptest.Server
	calls, bytes atomic.Int64

	mu   sync.Mutex
	row  int // calls that followed one another so far
	most int
}

func newStorage(dir string) *storage {
	s := &storage{}
	files := http.FileServer(http.Dir(dir))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		row := s.row + 1
		s.most = max(s.most, row)
		s.mu.Unlock()
		s.calls.Add(1)
		time.Sleep(firstByte)
		files.ServeHTTP(counting{w, &s.bytes}, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.row = max(s.row, row)
	}))
	return s
}

// reset begins to count anew.
func (s *storage) reset() {
	s.calls.Store(0)
	s.bytes.Store(0)
	s.row, s.most = 0, 0
}

type counting struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

// Write implements io.Writer.
func (c counting) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// shelf is a function's that has nothing on its disk.
func (s *storage) shelf(dir string) (*shelf.Shelf, error) {
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return shelf.New(client, "bucket", dir, 1<<40)
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprint("getrusage: ", err)) // it can't fail for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory is the most that this process has had from the system while something ran.
type memory struct{ most uint64 }

// processor runs f and returns the processor time that it took.
func (m *memory) processor(f func()) time.Duration {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			m.most = max(m.most, held())
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	began := processorTime()
	f()
	took := processorTime() - began
	close(stop)
	<-stopped
	return took
}

// held is what Go's runtime has from the system at the moment.
func held() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
