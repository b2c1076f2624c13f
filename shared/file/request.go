package file

import (
	"fmt"
	"strings"

	"parley/shared/id"
	"parley/shared/problem"
)

// Request asks for room for a file: the body of a new upload.
type Request struct {
	Name        string   `json:"name"`         // as its sender has it; it is cleaned
	Size        int64    `json:"size"`         // bytes
	ContentType string   `json:"content_type"` // what its sender takes it for
	SHA256      string   `json:"sha256"`       // of the whole, in lower-case hex
	Parts       []string `json:"parts_sha256"` // of each part, or none
	Chat        string   `json:"chat_id"`      // whose room it takes from the start, or empty
}

// errMediaType refuses what is no content type. Any that is one is taken: what the
// file really is, its content tells later, and until then it is only kept.
var errMediaType = problem.New(problem.Unsupported, "unsupported_media_type",
	"The content type of the file must be a type and a subtype, as in image/png.")

// check names everything that is wrong with r. Where nothing else is, a file too
// large is ErrTooLarge and a content type that is none errMediaType.
func (r Request) check() error {
	var c problem.Check
	c.That(strings.TrimSpace(r.Name) != "", "name", "bad_name", "A file has a name.")
	c.That(r.Size >= 1, "size", "bad_size", "A file has 1 byte at least.")
	c.That(r.ContentType != "", "content_type", "bad_content_type", "A file has a content type; application/octet-stream, if none is known.")
	c.That(validSum(r.SHA256), "sha256", "bad_checksum", wantSum)
	c.That(r.Chat == "" || id.Valid(r.Chat), "chat_id", "bad_chat_id", "This is no chat's id.")
	if len(r.Parts) > 0 && r.Size >= 1 && r.Size <= MaxSize {
		r.checkParts(&c)
	}
	if err := c.Err(); err != nil {
		return err
	}
	if r.Size > MaxSize {
		return ErrTooLarge
	}
	if _, ok := mediaType(r.ContentType); !ok {
		return errMediaType
	}
	return nil
}

func (r Request) checkParts(c *problem.Check) {
	n := PartCount(r.Size)
	c.That(len(r.Parts) == n, "parts_sha256", "bad_part_count",
		fmt.Sprintf("A file of this size has %d parts of %d bytes, the last one excepted.", n, PartSize))
	if len(r.Parts) != n {
		return
	}
	for i, sum := range r.Parts {
		c.That(validSum(sum), fmt.Sprintf("parts_sha256[%d]", i), "bad_checksum", wantSum)
	}
	c.That(n > 1 || r.Parts[0] == r.SHA256 || !validSum(r.Parts[0]), "parts_sha256[0]", "bad_checksum",
		"The only part is the whole file and has the same SHA-256.")
}

const wantSum = "A SHA-256 is written as 64 digits of lower-case hex."

func validSum(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
