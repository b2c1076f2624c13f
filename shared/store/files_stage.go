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

// Arrived begins the processing of an uploading file with that version of its
// bytes: one write. A file that is past that comes back as it is. ErrNoFile if it is
// deleted or has no row.
func (s *Files) Arrived(ctx context.Context, user, fileID, version string) (file.File, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: fileKey(user, fileID), UpdateExpression: aws.String("SET st = :processing, ve = :version REMOVE ex"),
		ConditionExpression: aws.String("st = :uploading"),
		ExpressionAttributeValues: item{":version": str(version),
			":uploading": str(string(file.Uploading)), ":processing": str(string(file.Processing))},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	row, failed := conditionFailed(err)
	switch {
	case failed && (row == nil || text(row, fStatus) == string(file.Deleted)):
		return file.File{}, file.ErrNoFile
	case !failed && err != nil:
		return file.File{}, unavailable("begin processing", err)
	case !failed:
		row = out.Attributes
	}
	h, err := readHeld(row)
	return h.File, err
}

// Begin notes that a stage of f is begun, and how often it was: one write. What
// was found about malware before is kept with it. ErrGone if the file isn't being
// processed, or has got to another stage than f says.
func (s *Files) Begin(ctx context.Context, f file.File, stage file.Stage) (file.File, error) {
	set, condition := "SET sg = :stage, tr = :one", "st = :processing AND (attribute_not_exists(sg) OR sg IN (:stage, :before))"
	values := item{":stage": str(string(stage)), ":before": str(string(f.Stage)), ":one": num(1), ":processing": str(string(file.Processing))}
	if f.Stage == stage {
		set = "SET tr = if_not_exists(tr, :none) + :one"
		condition = "st = :processing AND sg = :stage"
		values[":none"] = num(0)
		delete(values, ":before")
	}
	if f.Malware != "" {
		set += ", ma = :malware"
		values[":malware"] = str(string(f.Malware))
	}
	out, err := s.stage(ctx, f, set, condition, values)
	if err != nil {
		return file.File{}, err
	}
	h, err := readHeld(out)
	return h.File, err
}

// Spare takes back the try that Begin has counted: one write. ErrGone as there.
func (s *Files) Spare(ctx context.Context, f file.File) error {
	_, err := s.stage(ctx, f, "ADD tr :less", "st = :processing AND sg = :stage AND tr > :none",
		item{":less": num(-1), ":none": num(0), ":stage": str(string(f.Stage)), ":processing": str(string(file.Processing))})
	return err
}

func (s *Files) stage(ctx context.Context, f file.File, update, condition string, values item) (item, error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: fileKey(f.User, f.ID), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeValues: values, ReturnValues: types.ReturnValueAllNew,
	})
	if _, failed := conditionFailed(err); failed {
		return nil, file.ErrGone
	}
	if err != nil {
		return nil, unavailable("note stage", err)
	}
	return out.Attributes, nil
}

// Hold counts a file that is processed at its blob, once however often it is
// called, and no longer as an open upload: one transaction of 6 write units. From
// then on nobody removes the bytes. Unavailable while somebody does; ErrGone.
func (s *Files) Hold(ctx context.Context, f file.File) error {
	err := transact(ctx, s.db, []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &s.table, Key: fileKey(f.User, f.ID), UpdateExpression: aws.String("SET bl = :yes, kp = :yes REMOVE op"),
			ConditionExpression:                 aws.String("st = :processing AND attribute_not_exists(bl) AND h = :sha"),
			ExpressionAttributeValues:           item{":yes": yes(), ":processing": str(string(file.Processing)), ":sha": str(f.SHA256)},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
		{Update: &types.Update{
			TableName: &s.table, Key: storageKey(f.User), UpdateExpression: aws.String("ADD up :less, c :one"),
			ExpressionAttributeValues: item{":less": num(-1), ":one": num(1)},
		}},
		{Update: &types.Update{
			TableName: &s.table, Key: blobKey(f.SHA256), UpdateExpression: aws.String("ADD n :one, c :one REMOVE dy"),
			ConditionExpression:       aws.String(unmarked),
			ExpressionAttributeValues: item{":one": num(1), ":over": s.over()},
		}},
	})
	reasons := refusals(err)
	if old, failed := refused(reasons, 0); failed {
		if flag(old, fStored) && text(old, fStatus) == string(file.Processing) {
			return nil
		}
		return file.ErrGone
	}
	if _, failed := refused(reasons, 2); failed {
		return unavailable("hold blob", errDying)
	}
	return unavailable("hold blob", err)
}

var errDying = errors.New("the blob is being removed")

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
		UpdateExpression:                    aws.String("SET st = :ready" + facts(f, values) + " REMOVE sg, tr"),
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
		TableName: &s.table, Key: fileKey(h.User, h.ID), UpdateExpression: aws.String(set + " REMOVE sg, tr, op"),
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
