package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// model is what a bucket has of one.
type model struct {
	files map[string]string
	gets  atomic.Int64
	fails atomic.Int64 // of the next gets so many break off after a byte
}

func (m *model) list() string {
	var b strings.Builder
	for name, text := range m.files {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256([]byte(text)), name)
	}
	return b.String()
}

func (m *model) get(_ context.Context, list, name string) (io.ReadCloser, error) {
	m.gets.Add(1)
	text, ok := m.files[name]
	if name == sums {
		text, ok = list, true
	}
	if !ok {
		return nil, errors.New("no such key")
	}
	if m.fails.Add(-1) >= 0 {
		return io.NopCloser(io.MultiReader(strings.NewReader(text[:1]), broken{})), nil
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func open(t *testing.T, m *model) (c cache, name string) {
	t.Helper()
	list := m.list()
	return cache{dir: t.TempDir(), log: slog.New(slog.DiscardHandler), pause: time.Microsecond,
		get: func(ctx context.Context, name string) (io.ReadCloser, error) { return m.get(ctx, list, name) },
	}, fmt.Sprintf("%x", sha256.Sum256([]byte(list)))
}

func check(t *testing.T, c cache, name string, m *model) {
	t.Helper()
	for file, want := range m.files {
		if got, err := os.ReadFile(filepath.Join(c.dir, name, file)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}

func TestAModelIsBroughtOnceByHoweverMany(t *testing.T) {
	m := &model{files: map[string]string{"config.json": "{}", "model-1.safetensors": strings.Repeat("w", 3<<20), "lora/law/adapter.bin": "a"}}
	m.fails.Store(3)
	c, name := open(t, m)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := c.bring(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	check(t, c, name, m)
	if n := m.gets.Load(); n != 4+3 { // list and files, and what broke off
		t.Errorf("%d gets", n)
	}
}

// One that dies in between leaves what it has, and the next one goes on from there.
func TestAnotherGoesOn(t *testing.T) {
	m := &model{files: map[string]string{"a": "first", "b": "second"}}
	c, name := open(t, m)
	whole := c.get
	c.get = func(ctx context.Context, name string) (io.ReadCloser, error) {
		if name == "b" {
			return nil, errors.New("S3 is away")
		}
		return whole(ctx, name)
	}
	if err := c.bring(t.Context(), name); err == nil || !strings.Contains(err.Error(), "b: S3 is away") {
		t.Fatalf("without a file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, name)); err == nil {
		t.Fatal("a model is there that isn't whole")
	}
	c.get = whole
	before := m.gets.Load()
	if err := c.bring(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	check(t, c, name, m)
	if n := m.gets.Load() - before; n > 3 {
		t.Errorf("%d gets", n)
	}
}

func TestWhatHasAnotherSumIsNotKept(t *testing.T) {
	m := &model{files: map[string]string{"a": "first"}}
	c, name := open(t, m)
	m.files["a"] = "forged"
	if err := c.bring(t.Context(), name); err == nil || !strings.Contains(err.Error(), "its sum is") {
		t.Errorf("a forged file: %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(c.dir, name+"*", "a")); len(found) > 0 {
		t.Errorf("it was kept: %v", found)
	}
	other := fmt.Sprintf("%x", sha256.Sum256([]byte("another list")))
	if err := c.bring(t.Context(), other); err == nil || !strings.Contains(err.Error(), "list has the sum") {
		t.Errorf("a forged list: %v", err)
	}
	for _, name := range []string{"", "../x", strings.ToUpper(name), name[:62]} {
		if err := c.bring(t.Context(), name); err == nil {
			t.Errorf("a model called %q", name)
		}
	}
}

func TestListsThatAreRefused(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for _, good := range []string{sum + "  a\n", sum + " *a/b.bin\n", sum + "  ./a"} {
		if files, err := parse([]byte(good)); err != nil || len(files) != 1 {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "\n", "a  b\n", sum + "\n", sum + "  \n", sum + " a\n", sum + "  /etc/passwd\n", sum + "  ../a\n", sum + "  a/../../b\n", sum + "  .\n",
		sum + "  a\n" + sum + "  ./a\n", sum + "  " + sums + "\n", sum[2:] + "  a\n", sum + `  a\b`} {
		if files, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, files)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(strings.Repeat("0a", 32) + "  model.safetensors\n" + strings.Repeat("0b", 32) + " *lora/a/x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := parse(text)
		if err != nil {
			return
		}
		for _, file := range files {
			if !filepath.IsLocal(file.name) || filepath.Clean(file.name) != file.name {
				t.Errorf("%q leads out of the folder", file.name)
			}
		}
	})
}
