package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/extract/child"
	"parley/shared/file"
	"parley/shared/passage"
)

// unknown is the type of bytes that nothing is known of.
const unknown = "application/octet-stream"

// result makes of a child's end what the caller wants to know. The child may be
// anything by now, since it has read the file: nothing that it says is taken unseen.
func (e end) result() Result {
	said, answer, err := decode(e.output)
	res := Result{ContentType: said.ContentType, Kind: file.Other, Cause: e.words, Cost: e.cost}
	res.Unlocked = strings.Contains(e.words, child.NotLocked)
	if res.ContentType == "" {
		res.ContentType = unknown
	}
	switch {
	case e.exit == 0 && err == nil && !e.overrun && !e.late:
		return e.fill(res, answer)
	case e.late || e.spent:
		res.Note = remark(child.TimedOut)
	case e.tooMuch():
		res.Note = remark(child.TooComplex)
	default:
		res.Note = remark(child.Unreadable)
	}
	if err != nil && res.Cause == "" {
		res.Cause = err.Error()
	}
	return res
}

// fill adds a child's whole answer to res.
func (e end) fill(res Result, a child.Answer) Result {
	res.Kind, res.Pages, res.Lines, res.Width, res.Height = a.Kind, a.Pages, a.Lines, a.Width, a.Height
	res.Thumbnail, res.Picture, res.PictureType = a.Thumbnail, a.Picture, a.PictureType
	res.Note = remark(a.Note)
	if len(a.Passages) > 0 {
		res.Document = &passage.Document{Version: passage.Version, Pages: a.Pages, Truncated: a.Note == child.Truncated, Passages: a.Passages}
		for _, p := range a.Passages {
			res.Document.Characters += utf8.RuneCountInString(p.Text)
		}
	}
	return res
}

// decode reads what a child wrote: the type of the file as soon as it knew it, then
// what it read. The first is returned even if the second is missing.
func decode(output []byte) (child.Type, child.Answer, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(output))
	var said child.Type
	if err := json.UnmarshalDecode(d, &said, json.RejectUnknownMembers(true)); err != nil {
		return child.Type{}, child.Answer{}, fmt.Errorf("decode the type: %w", err)
	}
	if !mediaType.MatchString(said.ContentType) {
		return child.Type{}, child.Answer{}, fmt.Errorf("a type of %d bytes", len(said.ContentType))
	}
	var a child.Answer
	if err := json.UnmarshalDecode(d, &a, json.RejectUnknownMembers(true)); err != nil {
		return said, child.Answer{}, fmt.Errorf("decode the answer: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return said, child.Answer{}, errors.New("more than one answer")
	}
	if err := check(a); err != nil {
		return said, child.Answer{}, err
	}
	return said, a, nil
}

// mediaType is what a content type may look like; it goes into headers.
var mediaType = regexp.MustCompile(`^[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,99}$`)

// maxSide bounds an image's width and height, in pixels.
const maxSide = 1 << 20

// check says why an answer can't be one of an honest child.
func check(a child.Answer) error {
	switch {
	case !slices.Contains([]file.Kind{file.Image, file.Text, file.Other}, a.Kind):
		return errors.New("no such kind")
	case a.Note != "" && remark(a.Note) == nil:
		return errors.New("no such note")
	case a.Pages < 0 || a.Lines < 0 || a.Width < 0 || a.Height < 0 || a.Width > maxSide || a.Height > maxSide:
		return errors.New("a number out of range")
	case a.PictureType != "" && !mediaType.MatchString(a.PictureType):
		return errors.New("a bad type of picture")
	case (a.Kind == file.Image) != (len(a.Picture) > 0), (a.Kind == file.Text) != (len(a.Passages) > 0):
		return errors.New("a kind without its content")
	}
	return checkPassages(a)
}

func checkPassages(a child.Answer) error {
	size := 0
	for _, p := range a.Passages {
		if p.Line < 1 || p.Page < 0 || p.Page > a.Pages || p.Text == "" {
			return errors.New("a passage out of place")
		}
		size += len(p.Text)
	}
	if size > passage.MaxText || len(a.Passages) > passage.MaxPassages {
		return errors.New("too much text")
	}
	return nil
}
