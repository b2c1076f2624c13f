package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/file"
)

// Blob returns the count of some bytes as it stands: one consistent read. Where
// there is no row it is zero but for its SHA.
func (s *Files) Blob(ctx context.Context, sha string) (Blob, error) {
	it, err := s.get(ctx, blobKey(sha))
	if err != nil || it == nil {
		return Blob{SHA: sha}, err
	}
	r, err := readAny(it)
	if err != nil {
		return Blob{}, err
	}
	return *r.Blob, nil
}

// Counted returns a file in any state with what it counts for: one consistent read.
// ErrNoFile if it has no row.
func (s *Files) Counted(ctx context.Context, user, fileID string) (Counted, error) {
	h, err := s.held(ctx, user, fileID)
	return h.whole(), err
}

// User is Scan over the rows of one user: a consistent query for 1 MB of them. The
// Totals come last.
func (s *Files) User(ctx context.Context, user string, fn func(Row) error) error {
	in := &dynamodb.QueryInput{TableName: &s.table, KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": str(owner(user))}}
	return s.each(ctx, in, func(it item) error {
		r, err := readAny(it)
		if err == nil && r != (Row{}) {
			err = fn(r)
		}
		return err
	})
}

// SetChats repairs to how many chats a file is attached: one write. ErrChanged.
func (s *Files) SetChats(ctx context.Context, was Counted, chats int) error {
	condition, values := s.unchanged(held{File: was.File, counted: was.Bytes, open: was.Open, stored: was.Counted, chats: was.Chats})
	values[":places"] = num(chats)
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: fileKey(was.User, was.ID), UpdateExpression: aws.String("SET ac = :places"),
		ConditionExpression: &condition, ExpressionAttributeValues: values})
	if _, failed := conditionFailed(err); failed {
		return ErrChanged
	}
	return unavailable("repair a file's chats", err)
}

// Unplace takes a file that isn't there any more out of a chat: one transaction of
// 4 write units. ErrChanged.
func (s *Files) Unplace(ctx context.Context, was Attached) error {
	err := transact(ctx, s.db, s.unattach(file.File{ID: was.File, User: was.User}, was.Chat, was.Bytes))
	if refusals(err) != nil && !collided(err) {
		return ErrChanged
	}
	return unavailable("repair a chat's attachments", err)
}
