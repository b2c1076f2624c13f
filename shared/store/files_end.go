package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/file"
)

// Ready ends the processing of f with what was found out about it: two writes. The
// first makes it the user's file of these bytes. ErrGone.
func (s *Files) Ready(ctx context.Context, f file.File) error {
	same := sameKey(f.User, f.SHA256)
	same[aVersion], same[sameFile] = num(rowVersion), str(f.ID)
	if _, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: same}); err != nil {
		return unavailable("note the file's bytes", err)
	}
	values := item{":ready": str(string(file.Ready)), ":processing": str(string(file.Processing))}
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: fileKey(f.User, f.ID),
		UpdateExpression:                    aws.String("SET st = :ready" + facts(f, values) + " REMOVE sg, bg, tr"),
		ConditionExpression:                 aws.String("st = :processing AND attribute_exists(bl)"),
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, failed := conditionFailed(err)
	switch {
	case failed && text(old, fStatus) == string(file.Ready):
		return nil
	case failed:
		return errors.Join(file.ErrGone, s.forgetSame(ctx, f))
	}
	return unavailable("end processing", err)
}

// forgetSame makes f no longer the user's file of its bytes, if it is: one write.
func (s *Files) forgetSame(ctx context.Context, f file.File) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: sameKey(f.User, f.SHA256), ConditionExpression: aws.String(sameFile + " = :id"),
		ExpressionAttributeValues: item{":id": str(f.ID)},
	})
	if _, failed := conditionFailed(err); failed {
		return nil
	}
	return unavailable("forget the file's bytes", err)
}

// Reject ends the processing of f for that reason. It keeps its row, and its place
// in the chat that its upload named, but takes no room there or in its user's
// storage: one consistent read and one transaction of 4 write units (8 with a chat).
// A blob that it counts at stays until it is deleted. ErrGone.
func (s *Files) Reject(ctx context.Context, f file.File, why file.Remark) error {
	err := s.settle(ctx, "reject file", f.User, f.ID, func(h held) ([]types.TransactWriteItem, error) {
		switch h.Status {
		case file.Rejected:
			return nil, nil
		case file.Processing:
			return s.rejection(h, f.Malware, why), nil
		}
		return nil, file.ErrGone
	})
	if errors.Is(err, file.ErrNoFile) {
		return file.ErrGone
	}
	return err
}

func (s *Files) rejection(h held, malware file.Verdict, why file.Remark) []types.TransactWriteItem {
	condition, values := s.unchanged(h)
	values[":rejected"], values[":none"] = str(string(file.Rejected)), num(0)
	values[":code"], values[":detail"] = str(why.Code), str(why.Detail)
	set := "SET st = :rejected, cn = :none, rc = :code, rd = :detail"
	if malware != "" {
		set += ", ma = :malware"
		values[":malware"] = str(string(malware))
	}
	actions := []types.TransactWriteItem{{Update: &types.Update{
		TableName: &s.table, Key: fileKey(h.User, h.ID), UpdateExpression: aws.String(set + " REMOVE sg, bg, tr, op"),
		ConditionExpression: &condition, ExpressionAttributeValues: values}}}
	actions = append(actions, s.uncount(h)...)
	if h.chats > 0 {
		actions = append(actions, s.vacate(h)...)
	}
	return actions
}

// vacate gives the room of an upload in its chat back; it stays attached.
func (s *Files) vacate(h held) []types.TransactWriteItem {
	return []types.TransactWriteItem{
		{Update: &types.Update{TableName: &s.table, Key: attachedKey(h.User, h.Chat, h.ID), UpdateExpression: aws.String("SET n = :none"),
			ConditionExpression: aws.String("n = :size"), ExpressionAttributeValues: item{":none": num(0), ":size": num(h.Size)}}},
		{Update: &types.Update{TableName: &s.table, Key: dialogueKey(h.User, h.Chat), UpdateExpression: aws.String("ADD n :less"),
			ConditionExpression: aws.String("attribute_exists(PK)"), ExpressionAttributeValues: item{":less": num(-h.Size)}}},
	}
}

// unchanged is the condition that a file's row still says what h does of its state
// and of what it counts for.
func (s *Files) unchanged(h held) (string, item) {
	condition := "st = :is AND cn = :counted AND " + presence(fOpen, h.open) + " AND " + presence(fStored, h.stored)
	values := item{":is": str(string(h.Status)), ":counted": num(h.counted), ":chats": num(h.chats)}
	if h.chats == 0 {
		return condition + " AND (attribute_not_exists(ac) OR ac = :chats)", values
	}
	return condition + " AND ac = :chats", values
}

func presence(name string, is bool) string {
	if is {
		return fmt.Sprintf("attribute_exists(%s)", name)
	}
	return fmt.Sprintf("attribute_not_exists(%s)", name)
}

// uncount takes a file out of its user's totals.
func (s *Files) uncount(h held) []types.TransactWriteItem {
	open := 0
	if h.open {
		open = 1
	}
	if h.counted == 0 && open == 0 {
		return nil
	}
	return []types.TransactWriteItem{{Update: &types.Update{
		TableName: &s.table, Key: storageKey(h.User), UpdateExpression: aws.String("ADD n :bytes, up :open, c :one"),
		ExpressionAttributeValues: item{":bytes": num(-h.counted), ":open": num(-open), ":one": num(1)},
	}}}
}
