package reconcile

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// shards is how many parts everything is judged in.
const shards = 128

// spool keeps values on disk, in shards by a key.
type spool[T any] struct {
	files   [shards]*os.File
	writers [shards]*bufio.Writer
	encode  [shards]*gob.Encoder
}

func newSpool[T any](dir, name string) (*spool[T], error) {
	s := &spool[T]{}
	for i := range shards {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%03d", name, i)))
		if err != nil {
			s.close()
			return nil, fmt.Errorf("a file for what is read: %w", err)
		}
		s.files[i], s.writers[i] = f, bufio.NewWriter(f)
		s.encode[i] = gob.NewEncoder(s.writers[i])
	}
	return s, nil
}

func (s *spool[T]) close() {
	for _, f := range s.files {
		if f != nil {
			_ = f.Close() // its folder is removed
		}
	}
}

// add keeps v with all others of the same key.
func (s *spool[T]) add(key string, v T) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	if err := s.encode[h.Sum32()%shards].Encode(v); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	return nil
}

// each calls fn with what a shard has, in the order in which it came.
func (s *spool[T]) each(shard int, fn func(T)) error {
	if err := s.writers[shard].Flush(); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	if _, err := s.files[shard].Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read what was kept: %w", err)
	}
	for decode := gob.NewDecoder(bufio.NewReader(s.files[shard])); ; {
		var v T
		err := decode.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what was kept: %w", err)
		}
		fn(v)
	}
}
