//go:build service

package ledger_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"parley/shared/chat"
	"parley/shared/quota"
)

// past turns what was written just now into what would have been written earlier:
// the times in ids, deadlines, quota windows and life spans. So the function under
// test sees an old table by its real clock. Ids that are kept are those that the
// client knows and repeats.
type past struct {
	by   time.Duration // whole hours or less than one; windows move by whole hours
	keep map[string]bool
}

var ulids = regexp.MustCompile(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)

// text moves all ids in s.
func (p past) text(s string) string {
	return ulids.ReplaceAllStringFunc(s, func(old string) string {
		if p.keep[old] {
			return old
		}
		u := ulid.MustParseStrict(old)
		if err := u.SetTime(u.Time() - uint64(p.by.Milliseconds())); err != nil {
			return old
		}
		return u.String()
	})
}

func (p past) hour(h string) string {
	at, err := time.Parse("2006010215", h)
	if err != nil {
		return h
	}
	return quota.Hour(at.Add(-p.by.Truncate(time.Hour)))
}

func (p past) number(n string, unit time.Duration) string {
	v, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return n
	}
	return strconv.FormatInt(v-int64(p.by/unit), 10)
}

// row moves a row.
func (p past) row(it item) item {
	moved := item{}
	for name, value := range it {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			s := p.text(v.Value)
			if name == "h" {
				s = p.hour(s)
			} else if hour, ok := strings.CutPrefix(s, "Q#"); ok {
				s = "Q#" + p.hour(hour)
			}
			value = &types.AttributeValueMemberS{Value: s}
		case *types.AttributeValueMemberN:
			switch name {
			case "ttl":
				value = &types.AttributeValueMemberN{Value: p.number(v.Value, time.Second)}
			case "dl":
				value = &types.AttributeValueMemberN{Value: p.number(v.Value, time.Millisecond)}
			}
		}
		moved[name] = value
	}
	return moved
}

// prompt moves a prompt that still waits in its queue.
func (p past) prompt(q chat.Prompt) chat.Prompt {
	q.Chat, q.Question, q.Reply = p.text(q.Chat), p.text(q.Question), p.text(q.Reply)
	q.Hour, q.Deadline = p.hour(q.Hour), q.Deadline.Add(-p.by)
	return q
}

// age moves everything that a user has.
func (d *desk) age(t *testing.T, user string, p past) {
	t.Helper()
	p.keep[user] = true
	for _, table := range []string{d.ChatsTable, d.FilesTable} {
		for _, old := range d.rows(t, table, user) {
			row := p.row(old)
			key := item{"PK": old["PK"], "SK": old["SK"]}
			if _, err := d.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: row}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
