package store

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/file"
)

// Delete makes a file a tombstone: it is gone for every reader, and what it counts
// for is left to Release and Remove. One write; it may be repeated. ErrNoFile if
// there is no row.
func (s *Files) Delete(ctx context.Context, user, fileID string) (file.File, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: fileKey(user, fileID), UpdateExpression: aws.String("SET st = :deleted, de = if_not_exists(de, :now)"),
		ConditionExpression:       aws.String("attribute_exists(PK)"),
		ExpressionAttributeValues: item{":deleted": str(string(file.Deleted)), ":now": num(s.Now().UnixMilli())},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if _, failed := conditionFailed(err); failed {
		return file.File{}, file.ErrNoFile
	}
	if err != nil {
		return file.File{}, unavailable("delete file", err)
	}
	h, err := readHeld(out.Attributes)
	return h.File, err
}

// Release takes a deleted file out of its user's totals and its blob's count, once
// however often it is called: one consistent read and one transaction of 6 write
// units, 4 if its bytes were never stored. A file that isn't deleted is left alone.
// ErrNoFile if it has no row.
func (s *Files) Release(ctx context.Context, f file.File) error {
	return s.settle(ctx, "release file", f.User, f.ID, func(h held) ([]types.TransactWriteItem, error) {
		if h.Status != file.Deleted || h.counted == 0 && !h.open && !h.stored {
			return nil, nil
		}
		condition, values := s.unchanged(h)
		values[":none"] = num(0)
		actions := []types.TransactWriteItem{{Update: &types.Update{
			TableName: &s.table, Key: fileKey(h.User, h.ID), UpdateExpression: aws.String("SET cn = :none REMOVE op, bl"),
			ConditionExpression: &condition, ExpressionAttributeValues: values}}}
		return append(actions, s.giveBack(h)...), nil
	})
}

// giveBack takes a file out of its user's totals and its blob's count.
func (s *Files) giveBack(h held) []types.TransactWriteItem {
	actions := s.uncount(h)
	if h.stored {
		actions = append(actions, types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: blobKey(h.SHA256), UpdateExpression: aws.String("ADD n :less, c :one"),
			ConditionExpression: aws.String("n > :none"), ExpressionAttributeValues: item{":less": num(-1), ":one": num(1), ":none": num(0)},
		}})
	}
	return actions
}

// Remove removes what a deleted file has in this table, its own row last: Release,
// then for each chat that it is attached to a transaction of 6 write units, then two
// writes. Which chats those are takes a query over all of the user's attachments
// (about 100 bytes each) unless f.Chat names the only one. A file that isn't deleted
// is left alone; it is no error if there is no row. Unavailable for file.Settle if it
// was deleted after Hold and before Ready: until then all but its row is removed.
func (s *Files) Remove(ctx context.Context, f file.File) error {
	err := s.Release(ctx, f)
	var h held
	if err == nil {
		h, err = s.held(ctx, f.User, f.ID)
	}
	if err == nil && h.Status == file.Deleted {
		err = errors.Join(s.leave(ctx, h, f.Chat), s.forgetSame(ctx, h.File))
	}
	if err != nil {
		return unlessGone(err)
	}
	if s.Now().Before(h.rests()) {
		return unavailable("remove file", file.ErrUnsettled)
	}
	_, err = s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: fileKey(f.User, f.ID), ConditionExpression: aws.String("st = :deleted"),
		ExpressionAttributeValues: item{":deleted": str(string(file.Deleted))},
	})
	if _, failed := conditionFailed(err); failed {
		return nil
	}
	return unavailable("remove file", err)
}

func unlessGone(err error) error {
	if errors.Is(err, file.ErrNoFile) {
		return nil
	}
	return err
}

// leave takes a deleted file out of all chats; likely may name the only one.
func (s *Files) leave(ctx context.Context, h held, likely string) error {
	if h.chats == 0 {
		return nil
	}
	if likely != "" && h.chats == 1 {
		was, err := s.leaveChat(ctx, h.File, likely)
		if was || err != nil {
			return err
		}
	}
	return s.each(ctx, s.query(h.User, attachments), func(it item) error {
		chatID, fileID, _ := strings.Cut(text(it, sk)[len(attachments):], "#")
		if fileID != h.ID {
			return nil
		}
		_, err := s.leaveChat(ctx, h.File, chatID)
		return err
	})
}

// leaveChat takes a file out of one chat, whatever its state, and reports whether it
// was there.
func (s *Files) leaveChat(ctx context.Context, f file.File, chatID string) (was bool, err error) {
	err = s.settle(ctx, "detach file", f.User, f.ID, func(h held) ([]types.TransactWriteItem, error) {
		row, err := s.get(ctx, attachedKey(f.User, chatID, f.ID))
		if err != nil || row == nil {
			return nil, err
		}
		was = true
		return append(s.unattach(f, chatID, int64(number(row, nBytes))), types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: fileKey(f.User, f.ID), UpdateExpression: aws.String("ADD ac :less"),
			ConditionExpression: aws.String("ac > :none"), ExpressionAttributeValues: item{":less": num(-1), ":none": num(0)}}}), nil
	})
	return was, err
}

// unattach takes a file of that many bytes out of a chat.
func (s *Files) unattach(f file.File, chatID string, bytes int64) []types.TransactWriteItem {
	return []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: &s.table, Key: attachedKey(f.User, chatID, f.ID),
			ConditionExpression: aws.String("n = :bytes"), ExpressionAttributeValues: item{":bytes": num(bytes)}}},
		{Update: &types.Update{TableName: &s.table, Key: dialogueKey(f.User, chatID), UpdateExpression: aws.String("ADD n :less"),
			ConditionExpression: aws.String("attribute_exists(PK)"), ExpressionAttributeValues: item{":less": num(-bytes)}}},
	}
}

func (s *Files) get(ctx context.Context, k item) (item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, unavailable("get row", err)
	}
	return out.Item, nil
}
