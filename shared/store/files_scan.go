package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/file"
	"parley/shared/problem"
)

// Row is a row of the files table as a check of the whole needs it. One field is
// set.
type Row struct {
	File     *Counted
	Blob     *Blob
	Totals   *Totals
	Attached *Attached
	Dialogue *Dialogue
}

// Counted is a file in any state, deleted ones and expired uploads included, with
// what it counts for.
type Counted struct {
	file.File
	Bytes   int64 // in its user's total
	Open    bool  // it is one of its user's open uploads
	Counted bool  // it is one of its blob's references
	Chats   int   // that it is attached to
	// Rests is until when the row of a file stays that was deleted while it was
	// processed; zero for all others.
	Rests time.Time
}

// Blob is the count of some bytes.
type Blob struct {
	SHA     string
	Refs    int       // files that count on them
	Changes int       // grows whenever the row changes
	Dying   time.Time // when somebody began to remove them; zero: nobody has
}

// Totals is what a user's files count for. None of it is in use any more where
// there is no row.
type Totals struct {
	User    string
	Bytes   int64
	Open    int // uploads
	Changes int // how often the row has changed
}

// Attached is a file's place in a chat.
type Attached struct {
	User, Chat, File string
	Bytes            int64 // that it takes there; none if it was rejected
}

// Dialogue is what the files of a chat count for.
type Dialogue struct {
	User, Chat string
	Bytes      int64
}

// ErrChanged refuses a repair: the row has changed since it was read.
var ErrChanged = problem.New(problem.Conflict, "row_changed", "This has changed since it was looked at.")

// Scan calls fn with every row, in any order, as each stood at some time during the
// scan: for operators. It reads the whole table, consistently.
//
// What counts and what is counted change while a scan goes on. So a difference is
// real only if the count comes from an earlier scan than that which has summed up
// the files, and the repair is told the count of the earlier one: it is refused if
// the row has changed since.
func (s *Files) Scan(ctx context.Context, fn func(Row) error) error {
	in := &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: aws.Bool(true)}
	for pages := dynamodb.NewScanPaginator(s.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("scan files", err)
		}
		for _, it := range page.Items {
			r, err := readAny(it)
			if err == nil && r != (Row{}) {
				err = fn(r)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readAny tells rows apart by their keys; what only finds others comes out empty.
func readAny(it item) (Row, error) {
	p, s := text(it, pk), text(it, sk)
	if sha, ok := strings.CutPrefix(p, blobPrefix); ok {
		return Row{Blob: &Blob{SHA: sha, Refs: number(it, nBytes), Changes: number(it, nChanges), Dying: millis(it, nDying)}}, nil
	}
	user, bytes := strings.TrimPrefix(p, owner("")), int64(number(it, nBytes))
	switch {
	case strings.HasPrefix(s, filePrefix):
		h, err := readHeld(it)
		c := h.whole()
		return Row{File: &c}, err
	case s == storageSK:
		return Row{Totals: &Totals{User: user, Bytes: bytes, Open: number(it, nOpen), Changes: number(it, nChanges)}}, nil
	case strings.HasPrefix(s, attachments):
		chatID, fileID, _ := strings.Cut(s[len(attachments):], "#")
		return Row{Attached: &Attached{User: user, Chat: chatID, File: fileID, Bytes: bytes}}, nil
	case strings.HasPrefix(s, dialoguePrefix):
		return Row{Dialogue: &Dialogue{User: user, Chat: s[len(dialoguePrefix):], Bytes: bytes}}, nil
	}
	return Row{}, nil
}

// SetRefs repairs the count of some bytes: one write. With a zero Blob but for its
// SHA, there was no row. ErrChanged.
func (s *Files) SetRefs(ctx context.Context, was Blob, refs int) error {
	return s.repair(ctx, blobKey(was.SHA), "SET n = :is, "+change, was.Changes, item{":is": num(refs), ":epoch": num(s.Now().UnixMilli())})
}

// SetTotals repairs what a user's files count for: one write. With zero Totals but
// for the user, there was no row. ErrChanged.
func (s *Files) SetTotals(ctx context.Context, was Totals, bytes int64, open int) error {
	return s.repair(ctx, storageKey(was.User), "SET n = :is, up = :open ADD c :one", was.Changes, item{":is": num(bytes), ":open": num(open)})
}

func (s *Files) repair(ctx context.Context, k item, update string, changes int, values item) error {
	condition := "attribute_not_exists(c)"
	if changes > 0 {
		condition, values[":changes"] = "c = :changes", num(changes)
	}
	values[":one"] = num(1)
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.table, Key: k, UpdateExpression: &update,
		ConditionExpression: &condition, ExpressionAttributeValues: values})
	if _, failed := conditionFailed(err); failed {
		return ErrChanged
	}
	return unavailable("repair a count", err)
}

// SetDialogue repairs what the files of a chat count for: one write. ErrChanged.
func (s *Files) SetDialogue(ctx context.Context, was Dialogue, bytes int64) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: dialogueKey(was.User, was.Chat), UpdateExpression: aws.String("SET n = :is"),
		ConditionExpression: aws.String("n = :was"), ExpressionAttributeValues: item{":is": num(bytes), ":was": num(was.Bytes)},
	})
	if _, failed := conditionFailed(err); failed {
		return ErrChanged
	}
	return unavailable("repair a chat's files", err)
}
