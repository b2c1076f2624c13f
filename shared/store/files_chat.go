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

// Detach takes all files out of a chat that has been deleted. Those that were in no
// other chat become tombstones instead and are returned, with f.Chat naming this
// one: they stay attached until Remove, so that a later call returns them again if
// this one's caller is cut off. When none is left the chat's count goes as well.
// A chat that isn't deleted is left alone.
//
// One consistent read of the chat, one query over the chat's attachments (about 100
// bytes each), for each file a consistent read and a transaction of 4 write units, 6
// if it stays.
func (s *Files) Detach(ctx context.Context, user, chatID string) (gone []file.File, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.chats, Key: chatKey(user, chatID), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item != nil {
		return nil, unavailable("look for the chat", err)
	}
	prefix := attachedPrefix(chatID)
	err = s.each(ctx, s.query(user, prefix), func(it item) error {
		f, last, err := s.detach(ctx, user, chatID, strings.TrimPrefix(text(it, sk), prefix), int64(number(it, nBytes)))
		if last {
			f.Chat = chatID
			gone = append(gone, f)
		}
		return err
	})
	if err != nil || len(gone) > 0 {
		return gone, err
	}
	_, err = s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: dialogueKey(user, chatID)})
	return nil, unavailable("forget the chat's files", err)
}

// detach takes a file out of a chat where it has that many bytes, or makes it a
// tombstone if that is the last one that it is attached to.
func (s *Files) detach(ctx context.Context, user, chatID, fileID string, bytes int64) (f file.File, last bool, err error) {
	for range turns {
		h, err := s.held(ctx, user, fileID)
		switch {
		case errors.Is(err, file.ErrNoFile):
			_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: attachedKey(user, chatID, fileID)})
			return file.File{}, false, unavailable("detach a file that is gone", err)
		case err != nil:
			return file.File{}, false, err
		case h.Status == file.Deleted:
			return h.File, true, nil
		}
		last = h.chats <= 1
		err = transact(ctx, s.db, s.detaching(h, chatID, bytes, last))
		if _, failed := refused(refusals(err), 0); failed {
			return file.File{}, false, nil // somebody else has done it
		}
		if refusals(err) != nil && !collided(err) {
			continue
		}
		if err == nil && last {
			h.Status = file.Deleted
		}
		return h.File, last && err == nil, unavailable("detach file", err)
	}
	return file.File{}, false, unavailable("detach file", errChanging)
}

// detaching is what detach does to a file that is attached: first to its place in
// the chat, last to its row.
func (s *Files) detaching(h held, chatID string, bytes int64, last bool) []types.TransactWriteItem {
	condition, values := s.unchanged(h)
	update := &types.Update{TableName: &s.table, Key: fileKey(h.User, h.ID), ConditionExpression: &condition, ExpressionAttributeValues: values}
	if last {
		update.UpdateExpression, values[":deleted"] = aws.String("SET st = :deleted, de = :now"), str(string(file.Deleted))
		values[":now"] = num(s.Now().UnixMilli())
		return []types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{TableName: &s.table, Key: attachedKey(h.User, chatID, h.ID),
			ConditionExpression: aws.String("attribute_exists(PK)")}}, {Update: update}}
	}
	update.UpdateExpression, values[":less"] = aws.String("ADD ac :less"), num(-1)
	return append(s.unattach(h.File, chatID, bytes), types.TransactWriteItem{Update: update})
}
