package segment

import (
	"encoding/binary"
	"errors"

	"github.com/oklog/ulid/v2"

	"parley/shared/search"
)

// How a document's message is written.
const (
	spelt = iota // 16 bytes
	next         // the id directly after that of the document before: a reply
	same         // that of the document before
)

// encodeDocs packs a part's documents: their chats once each, then for every document
// which one of these, its kind, and its message.
func encodeDocs(docs []search.Doc) []byte {
	chats := map[string]int{}
	var names, rest []byte
	before := ulid.ULID{}
	for _, d := range docs {
		at, known := chats[d.Chat]
		if !known {
			at = len(chats)
			chats[d.Chat] = at
			name := ulid.MustParse(d.Chat)
			names = append(names, name[:]...)
		}
		message := ulid.MustParse(d.Message)
		how := spelt
		switch message {
		case before:
			how = same
		case following(before):
			how = next
		}
		rest = binary.AppendUvarint(rest, uint64(at)<<4|uint64(d.Kind)<<2|uint64(how))
		if how == spelt {
			rest = append(rest, message[:]...)
		}
		before = message
	}
	return append(append(binary.AppendUvarint(nil, uint64(len(chats))), names...), rest...)
}

var errDocs = errors.New("the names of documents are cut off or impossible")

// packedDoc is a document as it is packed.
type packedDoc struct {
	chat, message ulid.ULID
	kind          search.Kind
}

func (d packedDoc) doc() search.Doc {
	return search.Doc{Chat: d.chat.String(), Message: d.message.String(), Kind: d.kind}
}

// decodeDocs calls each for the documents that encodeDocs has packed.
func decodeDocs(b []byte, each func(packedDoc)) error {
	n, err := take(&b)
	if err != nil || n > perPart || int(n)*16 > len(b) {
		return errDocs
	}
	chats, b := b[:n*16], b[n*16:]
	before := ulid.ULID{}
	for count := 0; len(b) > 0; count++ {
		v, err := take(&b)
		if err != nil || v>>4 >= n || count == perPart {
			return errDocs
		}
		switch v & 3 {
		case spelt:
			if len(b) < 16 {
				return errDocs
			}
			before, b = ulid.ULID(b[:16]), b[16:]
		case next:
			before = following(before)
		case same:
		default:
			return errDocs
		}
		each(packedDoc{ulid.ULID(chats[v>>4*16:][:16]), before, search.Kind(v >> 2 & 3)})
	}
	return nil
}

// following returns the id directly after another, as package id has it.
func following(u ulid.ULID) ulid.ULID {
	for i := len(u) - 1; i >= 6; i-- {
		if u[i]++; u[i] != 0 {
			break
		}
	}
	return u
}
