package prose

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// TestCompressesLikeEnglish holds the text to what 8 KiB of English do: 3.1 KB in
// zstd and, because Brotli knows English words beforehand, 14 to 18 % less in that.
func TestCompressesLikeEnglish(t *testing.T) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	total, brotlis := 0, 0
	const texts = 40
	for seed := range uint64(texts) {
		text := English(8192, seed)
		if len(text) != 8192 || !utf8.ValidString(text) || text != English(8192, seed) || text == English(8192, seed+1) {
			t.Fatalf("seed %d: %d bytes", seed, len(text))
		}
		total += len(enc.EncodeAll([]byte(text), nil))
		brotlis += brotliSize(t, text)
	}
	mean := total / texts
	t.Logf("8192 bytes become %d", mean)
	if less := 100 - 100*brotlis/total; less < 14 || less > 18 {
		t.Errorf("Brotli takes %d %% less than zstd", less)
	}
	if mean < 3000 || mean > 3200 {
		t.Errorf("8192 bytes become %d in zstd; English becomes about 3100", mean)
	}
}

func brotliSize(t *testing.T, text string) int {
	t.Helper()
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
