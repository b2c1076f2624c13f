package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Need is a right that a call needs.
type Need struct {
	// App is who called: an application's id out of the user agent, which is a
	// function's name or one of the fleet's programs. A URL that somebody signed
	// for others to use has Signed instead.
	App    string `json:"app,omitempty"`
	Signed bool   `json:"signed,omitempty"`

	Action string `json:"action"` // as policies have it: dynamodb:GetItem
	// Resource is the name that the call gave: of a table or queue, a key's id, a
	// sender's address, a secret's; of an object bucket/key, the key as a shape.
	Resource string `json:"resource"`
	// Context are the values of condition keys, as shapes.
	Context map[string][]string `json:"context,omitempty"`
}

// text is the same for equal needs.
func (n Need) text() string {
	for _, values := range n.Context {
		slices.Sort(values)
	}
	b, _ := json.Marshal(n) // texts in maps can be encoded
	return string(b)
}

// hidden stands for what isn't kept of a value.
const hidden = "…"

var (
	bareKey   = regexp.MustCompile(`^[A-Z]{1,4}$`)
	fleetRow  = regexp.MustCompile(`^F#[a-z]{1,12}$`)
	plainName = regexp.MustCompile(`^[a-z][a-z.-]{0,15}$`)
)

// rowShape is what is kept of a row's first key: the kind of its owner. The fleet's
// own rows (F#) are named by words, and nobody's.
func rowShape(key string) string {
	if fleetRow.MatchString(key) || bareKey.MatchString(key) {
		return key
	}
	if kind, _, cut := strings.Cut(key, "#"); cut && bareKey.MatchString(kind) {
		return kind + "#" + hidden
	}
	return hidden
}

// pathShape is what is kept of an object's key, or of the beginning of one: the
// folders and names that are words, and how deep it is.
func pathShape(key string) string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		if part != "" && !plainName.MatchString(part) {
			parts[i] = hidden
		}
	}
	return strings.Join(parts, "/")
}
