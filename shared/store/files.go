package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/file"
)

// Files is the table of files, and of who refers to which bytes.
type Files struct {
	Now func() time.Time // the clock

	db    *dynamodb.Client
	table string
	chats string // table of chats
}

// NewFiles opens the table of files; chatsTable is where a file's chat is looked
// for. Processes that name no chats may pass none.
func NewFiles(db *dynamodb.Client, filesTable, chatsTable string) *Files {
	return &Files{Now: time.Now, db: db, table: filesTable, chats: chatsTable}
}

// File returns a file that isn't deleted: one consistent read. ErrNoFile.
func (s *Files) File(ctx context.Context, user, fileID string) (file.File, error) {
	h, err := s.held(ctx, user, fileID)
	if err == nil && h.Status == file.Deleted {
		err = file.ErrNoFile
	}
	if err != nil {
		return file.File{}, err
	}
	return h.File, nil
}

// Tomb returns a file even if it is deleted: one consistent read. ErrNoFile if it
// has no row.
func (s *Files) Tomb(ctx context.Context, user, fileID string) (file.File, error) {
	h, err := s.held(ctx, user, fileID)
	return h.File, err
}

func (s *Files) held(ctx context.Context, user, fileID string) (held, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: fileKey(user, fileID), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return held{}, unavailable("get file", err)
	}
	if out.Item == nil {
		return held{}, file.ErrNoFile
	}
	return readHeld(out.Item)
}

// Own returns the user's ready file of these bytes: two consistent reads, one if
// there never was any. ErrNoFile.
func (s *Files) Own(ctx context.Context, user, sha string) (file.File, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: sameKey(user, sha), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return file.File{}, unavailable("look for the same file", err)
	}
	if out.Item == nil {
		return file.File{}, file.ErrNoFile
	}
	f, err := s.File(ctx, user, text(out.Item, sameFile))
	if err == nil && (f.Status != file.Ready || f.SHA256 != sha) {
		err = file.ErrNoFile
	}
	if err != nil {
		return file.File{}, err
	}
	return f, nil
}

const sameFile = "i" // of the row that finds a file by its bytes

// Used returns how many bytes a user's files take, those under way included: half
// a read unit, and perhaps a moment old.
func (s *Files) Used(ctx context.Context, user string) (int64, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: storageKey(user)})
	if err != nil {
		return 0, unavailable("read storage", err)
	}
	return int64(number(out.Item, nBytes)), nil
}

// Attributes of rows that count.
const (
	nBytes   = "n"  // of a user's files, or of those attached to a chat; how often a blob is referred to
	nOpen    = "up" // a user's open uploads
	nChanges = "c"  // how often the count has changed
	nDying   = "dy" // of a blob: ms since when it is being removed
	nSwept   = "nx" // of a user: ms before which no upload expires
)

// turns is how often a transaction is made anew because what it builds upon has
// changed; among writers of one row one gets through each time.
const turns = 12

var errChanging = errors.New("its rows keep changing")

// settle reads a file, carries out the transaction that plan makes of it, and
// starts over where the file has changed in between. No actions: nothing to do.
func (s *Files) settle(ctx context.Context, what, user, fileID string, plan func(held) ([]types.TransactWriteItem, error)) error {
	for range turns {
		h, err := s.held(ctx, user, fileID)
		if err != nil {
			return err
		}
		actions, err := plan(h)
		if err != nil || len(actions) == 0 {
			return err
		}
		if err = transact(ctx, s.db, actions); refusals(err) == nil || collided(err) {
			return unavailable(what, err)
		}
	}
	return unavailable(what, errChanging)
}
