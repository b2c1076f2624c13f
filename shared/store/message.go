package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
)

// Attributes of a message's row. Their names are short because every byte of a
// row is paid for with each read.
const (
	aVersion  = "v"  // 1
	aRole     = "r"  // "u" or "a"
	aParent   = "p"  // only where it isn't the message before
	aStatus   = "st" // of a reply; absent on a question
	aAttempt  = "at"
	aBack     = "hb" // attempts that were handed back
	aBody     = "z"  // the text in Brotli
	aSpilled  = "o"  // the body is in S3
	aSize     = "n"  // bytes of the text
	aAsked    = "q"  // of a question that is a completion: the request in Brotli
	aAskedOut = "qo" // the same is in S3
	aCalls    = "tc" // of a reply: calls of tools, JSON in Brotli
	aSent     = "ft" // of a reply: ids of the files of its thread, one after the other
	aFiles    = "fi" // of a question: its files as a message shows them
	aModel    = "m"
	aDeadline = "dl" // ms
	aHour     = "h"
	aFinish   = "fr"
	aPrompt   = "up" // usage
	aOutput   = "uc"
	aCached   = "uk"
	aError    = "ec"
	aDetail   = "ed"
	aRegion   = "rg" // whose worker claimed the reply, where there are several
	aRating   = "fb"
	aComment  = "fc"
	aTTL      = "ttl" // seconds; DynamoDB removes the row some time later
)

const rowVersion = 1

// row is a message as read, its body perhaps still packed or in S3.
type row struct {
	chat.Message
	body     []byte
	spilled  bool
	size     int
	calls    []byte
	asked    []byte
	askedOut bool
}

// readRow decodes a message's row.
func readRow(it item) (row, error) {
	if v := number(it, aVersion); v > rowVersion {
		return row{}, fmt.Errorf("row %s has version %d; this release reads up to %d", text(it, sk), v, rowVersion)
	}
	name := text(it, sk)
	if len(name) != len(messagePrefix(""))+52 {
		return row{}, fmt.Errorf("row %q is no message", name)
	}
	m := chat.Message{
		Chat: name[2:28], ID: name[29:], Parent: text(it, aParent), Role: chat.User, Status: chat.Done,
		Model: text(it, aModel), Finish: text(it, aFinish), Attempt: number(it, aAttempt), HandedBack: number(it, aBack), Hour: text(it, aHour),
		Region: text(it, aRegion), Deadline: millis(it, aDeadline),
	}
	m.CreatedAt, m.Attachments = id.Time(m.ID), filesOf(it)
	if text(it, aRole) == "a" {
		m.Role, m.Status = chat.Assistant, chat.Status(text(it, aStatus))
	}
	if _, ok := it[aPrompt]; ok {
		m.Usage = &chat.Usage{PromptTokens: number(it, aPrompt), CompletionTokens: number(it, aOutput), CachedTokens: number(it, aCached)}
	}
	if code := text(it, aError); code != "" {
		m.Failure = &chat.Failure{Code: code, Detail: text(it, aDetail)}
	}
	if rating := text(it, aRating); rating != "" {
		m.Feedback = &chat.Feedback{Rating: rating, Comment: text(it, aComment)}
	}
	for one := range slices.Chunk([]byte(text(it, aSent)), 26) {
		m.Sent = append(m.Sent, string(one))
	}
	_, spilled := it[aSpilled]
	return row{Message: m, body: bytesOf(it, aBody), spilled: spilled, size: number(it, aSize),
		calls: bytesOf(it, aCalls), asked: bytesOf(it, aAsked), askedOut: flag(it, aAskedOut)}, nil
}

func readRows(items []item) ([]row, error) {
	rows := make([]row, len(items))
	for i, it := range items {
		r, err := readRow(it)
		if err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

// texts unpacks the bodies of rows, fetching those in S3 side by side.
func (c *Chats) texts(ctx context.Context, user string, rows []row) ([]chat.Message, error) {
	messages := make([]chat.Message, len(rows))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, r := range rows {
		messages[i] = r.Message
		if len(r.calls) > 0 {
			if err := unpackCalls(r.calls, &messages[i]); err != nil {
				return nil, err
			}
		}
		if !r.spilled && len(r.body) == 0 {
			continue
		}
		g.Go(func() (err error) {
			ref := chat.Ref{User: user, Chat: r.Chat, Message: r.ID}
			messages[i].Text, err = c.text(ctx, r.body, r.spilled, bodyKey(ref))
			return err
		})
	}
	return messages, g.Wait()
}

// text unpacks a body, which may be in S3.
func (c *Chats) text(ctx context.Context, body []byte, spilled bool, key string) (_ string, err error) {
	if spilled {
		if body, err = c.fetch(ctx, key); err != nil {
			return "", err
		}
	}
	return unpack(body)
}

// setBody adds a text to the attributes of a row; one that the row can't take
// goes to S3 first.
func (c *Chats) setBody(ctx context.Context, ref chat.Ref, content string, e effort, it item) error {
	if content == "" {
		return nil
	}
	if len(content) > maxBody {
		return problem.New(problem.TooLarge, "body_too_large", "The text is too long to be kept.")
	}
	body, err := pack(content, e)
	if err != nil {
		return err
	}
	it[aSize] = num(len(content))
	if len(body) <= maxRowBody {
		it[aBody] = bin(body)
		return nil
	}
	it[aSpilled] = yes()
	return c.spill(ctx, bodyKey(ref), body)
}

func text(it item, name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func number(it item, name string) int {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.Atoi(v.Value) // what isn't a whole number counts as none
		return n
	}
	return 0
}

func bytesOf(it item, name string) []byte {
	if v, ok := it[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

// millis reads a time; the zero one where there is none.
func millis(it item, name string) time.Time {
	if ms := number(it, name); ms > 0 {
		return time.UnixMilli(int64(ms)).UTC()
	}
	return time.Time{}
}

func flag(it item, name string) bool {
	v, ok := it[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}
