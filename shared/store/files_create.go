package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/problem"
)

// Create writes an uploading file and takes the room for it out of its user's
// storage of limit bytes, in one transaction of 4 write units, with its chat of 10.
// Each part with a hash adds 32 bytes to the row. Where a limit refuses, uploads that
// have expired by f.CreatedAt are given up first, so that no schedule has to.
// ErrStorageFull, ErrTooMany, ErrDialogueFull, chat.ErrNoChat.
func (s *Files) Create(ctx context.Context, f file.File, limit int64) error {
	if f.Size > limit {
		return file.ErrStorageFull
	}
	row, err := newFile(f)
	if err != nil {
		return err
	}
	err = s.create(ctx, f, row, limit)
	if e := problem.From(err); e == nil || e.Kind != problem.Invalid && e.Kind != problem.Exhausted {
		return err
	}
	found, failed := s.expire(ctx, f.User, f.CreatedAt)
	if failed != nil {
		return failed
	}
	if !found {
		return err
	}
	return s.create(ctx, f, row, limit)
}

func (s *Files) create(ctx context.Context, f file.File, row item, limit int64) error {
	actions := []types.TransactWriteItem{
		{Put: &types.Put{TableName: &s.table, Item: row, ConditionExpression: aws.String("attribute_not_exists(PK)")}},
		{Update: s.take(f, limit)},
	}
	if f.Chat != "" {
		actions = append(actions, s.reserve(f)...)
	}
	err := transact(ctx, s.db, actions)
	reasons := refusals(err)
	if _, failed := refused(reasons, 2); failed {
		return chat.ErrNoChat
	}
	if old, failed := refused(reasons, 1); failed {
		if number(old, nOpen) >= file.MaxOpen {
			return file.ErrTooMany.After(time.Minute)
		}
		return file.ErrStorageFull
	}
	if _, failed := refused(reasons, 3); failed {
		return file.ErrDialogueFull
	}
	return unavailable("create file", err)
}

// take counts an upload in its user's totals, provided that it has room.
func (s *Files) take(f file.File, limit int64) *types.Update {
	return &types.Update{
		TableName: &s.table, Key: storageKey(f.User),
		UpdateExpression:    aws.String("ADD n :size, up :one, c :one"),
		ConditionExpression: aws.String("(attribute_not_exists(n) OR n <= :room) AND (attribute_not_exists(up) OR up < :most)"),
		ExpressionAttributeValues: item{
			":size": num(f.Size), ":one": num(1), ":room": num(limit - f.Size), ":most": num(file.MaxOpen)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// reserve attaches an upload to its chat: that the chat is there comes first, then
// that it has room.
func (s *Files) reserve(f file.File) []types.TransactWriteItem {
	return []types.TransactWriteItem{
		{ConditionCheck: &types.ConditionCheck{TableName: &s.chats, Key: chatKey(f.User, f.Chat), ConditionExpression: aws.String("attribute_exists(PK)")}},
		{Update: takeRoom(&s.table, f.User, f.Chat, f.Size)},
		{Put: &types.Put{TableName: &s.table, Item: place(f.User, f.Chat, f.ID, f.Size)}},
	}
}

// expire gives up a user's uploads that have expired, and reports whether there
// were any. One consistent read tells that there can't be; otherwise it is a query
// over all of the user's files, at most once until the next one expires, and for each
// that has a transaction of 4 write units (8 with a chat). What has been sent
// of them goes by the bucket's lifecycle, or when its arrival is noticed.
func (s *Files) expire(ctx context.Context, user string, now time.Time) (found bool, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: storageKey(user), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, unavailable("read storage", err)
	}
	if number(out.Item, nOpen) == 0 || now.UnixMilli() < int64(number(out.Item, nSwept)) {
		return false, nil
	}
	next := now.Add(file.UploadLife)
	in := s.query(user, filePrefix)
	in.FilterExpression = aws.String("st = :uploading")
	in.ExpressionAttributeValues[":uploading"] = str(string(file.Uploading))
	err = s.each(ctx, in, func(it item) error {
		h, err := readHeld(it)
		if err != nil {
			return err
		}
		if !expired(h.File, now) {
			if h.ExpiresAt.Before(next) {
				next = h.ExpiresAt
			}
			return nil
		}
		found = true
		return s.giveUp(ctx, user, h.ID, now)
	})
	if err != nil {
		return false, err
	}
	return found, s.swept(ctx, user, next)
}

func (s *Files) swept(ctx context.Context, user string, next time.Time) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: storageKey(user), UpdateExpression: aws.String("SET nx = :next"),
		ExpressionAttributeValues: item{":next": num(next.UnixMilli())},
	})
	return unavailable("note when uploads expire", err)
}

// giveUp removes an upload that has expired, with all that it counts for, in one
// transaction.
func (s *Files) giveUp(ctx context.Context, user, fileID string, now time.Time) error {
	err := s.settle(ctx, "give up upload", user, fileID, func(h held) ([]types.TransactWriteItem, error) {
		if !expired(h.File, now) {
			return nil, nil
		}
		condition, values := s.unchanged(h)
		actions := []types.TransactWriteItem{{Delete: &types.Delete{
			TableName: &s.table, Key: fileKey(user, fileID), ConditionExpression: &condition, ExpressionAttributeValues: values}}}
		actions = append(actions, s.giveBack(h)...)
		if h.chats > 0 {
			actions = append(actions, s.unattach(h.File, h.Chat, h.Size)...)
		}
		return actions, nil
	})
	if problem.From(err) != nil && problem.From(err).Kind == problem.NotFound {
		return nil // others were faster
	}
	return err
}
