package store

import (
	"context"

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

// Begin notes that a stage of f is begun, when and how often: one write. What
// was found about malware before is kept with it. ErrGone if the file isn't being
// processed, or has got to another stage than f says.
func (s *Files) Begin(ctx context.Context, f file.File, stage file.Stage) (file.File, error) {
	set, condition := "SET sg = :stage, bg = :now, tr = :one", "st = :processing AND (attribute_not_exists(sg) OR sg IN (:stage, :before))"
	values := item{":stage": str(string(stage)), ":before": str(string(f.Stage)), ":one": num(1), ":now": num(s.Now().UnixMilli()), ":processing": str(string(file.Processing))}
	if f.Stage == stage {
		set = "SET bg = :now, tr = if_not_exists(tr, :none) + :one"
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
			TableName: &s.table, Key: blobKey(f.SHA256), UpdateExpression: aws.String("SET " + change + " ADD n :one REMOVE dy"),
			ConditionExpression:       aws.String(unmarked),
			ExpressionAttributeValues: item{":one": num(1), ":over": s.over(), ":epoch": num(s.Now().UnixMilli())},
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
		return unavailable("hold blob", file.ErrBurial)
	}
	return unavailable("hold blob", err)
}
