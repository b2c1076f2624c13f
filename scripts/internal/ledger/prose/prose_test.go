package prose

import (
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// TestCompressesLikeEnglish holds the text to what books do: 8 KiB become 3.1 KB.
func TestCompressesLikeEnglish(t *testing.T) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	const texts = 40
	for seed := range uint64(texts) {
		text := English(8192, seed)
		if len(text) != 8192 || !utf8.ValidString(text) || text != English(8192, seed) || text == English(8192, seed+1) {
			t.Fatalf("seed %d: %d bytes", seed, len(text))
		}
		total += len(enc.EncodeAll([]byte(text), nil))
	}
	mean := total / texts
	t.Logf("8192 bytes become %d", mean)
	if mean < 3000 || mean > 3200 {
		t.Errorf("8192 bytes become %d in zstd; English becomes about 3100", mean)
	}
}
