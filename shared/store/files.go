package store

import (
	"context"
	"errors"
	"slices"
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

// Some returns those of up to 100 files that are there, in the order of their ids:
// one eventually consistent call, half a read unit for each.
func (s *Files) Some(ctx context.Context, user string, ids []string) ([]file.File, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	keys := make([]item, len(ids))
	for i, fileID := range ids {
		keys[i] = fileKey(user, fileID)
	}
	rows, err := batch(ctx, s.db, s.table, keys, false)
	if err != nil {
		return nil, err
	}
	var found []file.File
	for _, it := range rows {
		h, err := readHeld(it)
		if err != nil {
			return nil, err
		}
		if h.Status != file.Deleted {
			found = append(found, h.File)
		}
	}
	slices.SortFunc(found, func(a, b file.File) int { return compareIDs(a.ID, b.ID) })
	return found, nil
}

func compareIDs(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// List returns up to limit of a user's files that come after that id (empty: all),
// newest first, and the id to go on after, empty at the end. Deleted files and
// uploads that have expired are left out. Eventually consistent queries over rows of
// about 300 bytes, mostly one.
func (s *Files) List(ctx context.Context, user string, limit int, after string) ([]file.File, string, error) {
	in := s.query(user, filePrefix)
	in.ScanIndexForward, in.Limit = aws.Bool(false), aws.Int32(int32(limit)+1)
	if after != "" {
		in.ExclusiveStartKey = fileKey(user, after)
	}
	now, found := s.Now(), []file.File{}
	for pages := dynamodb.NewQueryPaginator(s.db, in); pages.HasMorePages() && len(found) <= limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", unavailable("list files", err)
		}
		for _, it := range page.Items {
			h, err := readHeld(it)
			if err != nil {
				return nil, "", err
			}
			if h.Status != file.Deleted && !expired(h.File, now) {
				found = append(found, h.File)
			}
		}
	}
	if len(found) <= limit {
		return found, "", nil
	}
	return found[:limit], found[limit-1].ID, nil
}

func expired(f file.File, now time.Time) bool {
	return f.Status == file.Uploading && f.ExpiresAt.Before(now)
}

func (s *Files) query(user, prefix string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str(prefix)},
	}
}

// Each calls fn with every file of a user, deleted ones and expired uploads
// included: one consistent query for 1 MB of rows.
func (s *Files) Each(ctx context.Context, user string, fn func(file.File) error) error {
	return s.each(ctx, s.query(user, filePrefix), func(it item) error {
		h, err := readHeld(it)
		if err != nil {
			return err
		}
		return fn(h.File)
	})
}

// each calls fn for the rows of a query, consistently.
func (s *Files) each(ctx context.Context, in *dynamodb.QueryInput, fn func(item) error) error {
	in.ConsistentRead = aws.Bool(true)
	for pages := dynamodb.NewQueryPaginator(s.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("query files", err)
		}
		for _, it := range page.Items {
			if err := fn(it); err != nil {
				return err
			}
		}
	}
	return nil
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
