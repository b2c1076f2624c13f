package store

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/file"
	"parley/shared/id"
)

// Attributes of a file's row. What it counts for elsewhere stands in it, so that
// each count is taken back exactly as it was raised.
const (
	fStatus     = "st"
	fName       = "n"
	fSize       = "s" // bytes
	fType       = "t"
	fKind       = "k"
	fSHA        = "h"
	fStage      = "sg"
	fTries      = "tr"
	fBegun      = "bg" // ms, of its stage
	fReason     = "rc"
	fReasonText = "rd"
	fNote       = "nc"
	fNoteText   = "nd"
	fMalware    = "ma"
	fPages      = "pg"
	fWidth      = "wi"
	fHeight     = "he"
	fCharacters = "ch"
	fChat       = "ct" // that its upload named
	fUpload     = "mu"
	fParts      = "pa" // SHA-256 of each part, 32 bytes one after another
	fVersion    = "ve"
	fExpires    = "ex" // ms
	fCounted    = "cn" // bytes that it counts for in its user's total
	fOpen       = "op" // present while it counts as an open upload
	fStored     = "bl" // present while it counts at its blob
	fKept       = "kp" // present once it has been counted there
	fChats      = "ac" // chats that it is attached to
	fDeleted    = "de" // ms
)

// held is a file with what it counts for.
type held struct {
	file.File
	counted int64
	open    bool
	stored  bool
	chats   int
	deleted time.Time
}

// readFile decodes a file's row.
func readFile(user, fileID string, it item) (file.File, error) {
	if v := number(it, aVersion); v > rowVersion {
		return file.File{}, fmt.Errorf("file %s has version %d; this release reads up to %d", fileID, v, rowVersion)
	}
	f := file.File{
		ID: fileID, User: user, Name: text(it, fName), Size: int64(number(it, fSize)), ContentType: text(it, fType),
		SHA256: text(it, fSHA), Status: file.Status(text(it, fStatus)), Stage: file.Stage(text(it, fStage)),
		Reason: remark(it, fReason, fReasonText), Note: remark(it, fNote, fNoteText),
		Malware: file.Verdict(text(it, fMalware)), Kind: file.Kind(text(it, fKind)), Pages: number(it, fPages),
		Width: number(it, fWidth), Height: number(it, fHeight), Characters: number(it, fCharacters),
		CreatedAt: id.Time(fileID), Chat: text(it, fChat), Upload: text(it, fUpload), Version: text(it, fVersion),
		Stored: flag(it, fKept), Tries: number(it, fTries), ExpiresAt: millis(it, fExpires), Begun: millis(it, fBegun),
	}
	for sum := range slices.Chunk(bytesOf(it, fParts), sumBytes) {
		f.Parts = append(f.Parts, hex.EncodeToString(sum))
	}
	return f, nil
}

const sumBytes = 32 // of a SHA-256

// readHeld decodes a file's row with its keys.
func readHeld(it item) (held, error) {
	p, s := text(it, pk), text(it, sk)
	if len(p) <= len(owner("")) || len(s) <= len(filePrefix) {
		return held{}, fmt.Errorf("row %q %q is no file", p, s)
	}
	f, err := readFile(p[len(owner("")):], s[len(filePrefix):], it)
	return held{File: f, counted: int64(number(it, fCounted)), open: flag(it, fOpen), stored: flag(it, fStored), chats: number(it, fChats),
		deleted: time.UnixMilli(int64(number(it, fDeleted)))}, err
}

func remark(it item, code, detail string) *file.Remark {
	if text(it, code) == "" {
		return nil
	}
	return &file.Remark{Code: text(it, code), Detail: text(it, detail)}
}

// newFile is the row of a file whose upload begins.
func newFile(f file.File) (item, error) {
	it := fileKey(f.User, f.ID)
	it[aVersion], it[fStatus], it[fOpen] = num(rowVersion), str(string(file.Uploading)), yes()
	it[fName], it[fType], it[fSHA] = str(f.Name), str(f.ContentType), str(f.SHA256)
	it[fSize], it[fCounted], it[fExpires] = num(f.Size), num(f.Size), num(f.ExpiresAt.UnixMilli())
	if f.Upload != "" {
		it[fUpload] = str(f.Upload)
	}
	if f.Chat != "" {
		it[fChat], it[fChats] = str(f.Chat), num(1)
	}
	var sums []byte
	for _, part := range f.Parts {
		sum, err := hex.DecodeString(part)
		if err != nil || len(sum) != sumBytes {
			return nil, fmt.Errorf("part of file %s with hash %.80q", f.ID, part)
		}
		sums = append(sums, sum...)
	}
	if sums != nil {
		it[fParts] = bin(sums)
	}
	return it, nil
}

// facts is the update that gives a file what was found out about it.
func facts(f file.File, values item) (set string) {
	add := func(name string, present bool, v types.AttributeValue) {
		if present {
			set += ", " + name + " = :" + name
			values[":"+name] = v
		}
	}
	add(fType, true, str(f.ContentType))
	add(fKind, f.Kind != "", str(string(f.Kind)))
	add(fMalware, f.Malware != "", str(string(f.Malware)))
	for name, n := range map[string]int{fPages: f.Pages, fWidth: f.Width, fHeight: f.Height, fCharacters: f.Characters} {
		add(name, n > 0, num(n))
	}
	if f.Note != nil {
		add(fNote, true, str(f.Note.Code))
		add(fNoteText, true, str(f.Note.Detail))
	}
	return set
}

// rests returns until when the row of a file stays that was deleted after Hold and
// before Ready; zero for all others.
func (h held) rests() (until time.Time) {
	if h.Status == file.Deleted && h.Stage != "" && h.Stored {
		until = h.deleted.Add(file.Settle)
	}
	return until
}

// whole returns a file with what it counts for.
func (h held) whole() Counted {
	return Counted{File: h.File, Bytes: h.counted, Open: h.open, Counted: h.stored, Chats: h.chats, Rests: h.rests()}
}
