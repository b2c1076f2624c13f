package store

import (
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

func TestBodiesComeBackAsTheyWere(t *testing.T) {
	for _, content := range []string{"x", "héllo 👋🏽 नमस्ते", strings.Repeat("the quick brown fox ", 400), strings.Repeat("длинный текст ", 200_000)} {
		for _, e := range []effort{quick, tight} {
			body, err := pack(content, e)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := unpack(body); err != nil || got != content {
				t.Errorf("%d bytes at effort %d came back as %d, %v", len(content), e, len(got), err)
			}
		}
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	var b strings.Builder
	w := brotli.NewWriter(&b)
	for range maxBody/4096 + 1 {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack([]byte(b.String())); err == nil {
		t.Errorf("%d bytes became more than %d", b.Len(), maxBody)
	}
}

func FuzzUnpack(f *testing.F) {
	body, err := pack("hello, hello", tight)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0x1b, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		if text, err := unpack(body); err == nil && len(text) > maxBody {
			t.Error("bound passed")
		}
	})
}
