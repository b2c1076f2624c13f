package store

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/file"
)

// Attributes of each file in a question's row.
const (
	fiID   = "i"
	fiName = "n"
	fiType = "t"
	fiSize = "s"
	fiKind = "k"
)

// WithFiles returns c with the table of files, which only those need who send
// files in messages.
func (c *Chats) WithFiles(table string) *Chats {
	with := *c
	with.files = table
	return &with
}

// Offered reads the files of s and whether its chat has them: one call, for each
// file one read unit, and one more unless the chat is new.
func (c *Chats) Offered(ctx context.Context, s chat.Sending) ([]chat.Offered, error) {
	var keys []item
	for _, f := range s.Files {
		keys = append(keys, fileKey(s.User, f))
		if !s.NewChat {
			keys = append(keys, attachedKey(s.User, s.Chat, f))
		}
	}
	rows, err := batch(ctx, c.db, c.files, keys, true)
	if err != nil {
		return nil, err
	}
	attached := map[string]bool{}
	var offered []chat.Offered
	for _, it := range rows {
		name, isFile := strings.CutPrefix(text(it, sk), filePrefix)
		if !isFile {
			attached[strings.TrimPrefix(text(it, sk), attachedPrefix(s.Chat))] = true
			continue
		}
		f, err := readFile(s.User, name, it)
		if err != nil {
			return nil, err
		}
		offered = append(offered, chat.Offered{File: f})
	}
	for i := range offered {
		offered[i].Attached = attached[offered[i].ID]
	}
	return offered, nil
}

// attach gives a chat the files that s brings: for each of them 4 write units, and
// 2 for the room that they take.
func (c *Chats) attach(s chat.Sending) []types.TransactWriteItem {
	if len(s.Attach) == 0 {
		return nil
	}
	var actions []types.TransactWriteItem
	for _, f := range s.Attach {
		actions = append(actions,
			types.TransactWriteItem{Put: &types.Put{TableName: &c.files, Item: place(s.User, s.Chat, f.ID, f.Size), ConditionExpression: aws.String("attribute_not_exists(PK)")}},
			types.TransactWriteItem{Update: &types.Update{
				TableName: &c.files, Key: fileKey(s.User, f.ID), UpdateExpression: aws.String("ADD ac :one"),
				ConditionExpression: aws.String("st = :ready"), ExpressionAttributeValues: item{":one": num(1), ":ready": str(string(file.Ready))},
			}})
	}
	return append(actions, types.TransactWriteItem{Update: takeRoom(&c.files, s.User, s.Chat, total(s.Attach))})
}

// place is the row of a file that is attached to a chat, where it takes size bytes.
func place(user, chatID, fileID string, size int64) item {
	row := attachedKey(user, chatID, fileID)
	row[aVersion], row[nBytes] = num(rowVersion), num(size)
	return row
}

// takeRoom counts size bytes of files in a chat, provided that it has room for them.
func takeRoom(table *string, user, chatID string, size int64) *types.Update {
	return &types.Update{
		TableName: table, Key: dialogueKey(user, chatID), UpdateExpression: aws.String("ADD n :size"),
		ConditionExpression:       aws.String("attribute_not_exists(n) OR n <= :room"),
		ExpressionAttributeValues: item{":size": num(size), ":room": num(file.MaxDialogue - size)},
	}
}

func total(files []file.Attachment) (bytes int64) {
	for _, f := range files {
		bytes += f.Size
	}
	return bytes
}

// refusedFiles says which of the actions of attach was refused.
func refusedFiles(reasons []types.CancellationReason) chat.Refusal {
	for i := range reasons {
		if _, failed := refused(reasons, i); failed {
			last := i == len(reasons)-1 // the room, which files that are there already don't need
			return chat.Refusal{Moved: !last, Crowded: last}
		}
	}
	return chat.Refusal{}
}

// detach takes back what attach did. A new chat goes with all that it has.
func (c *Chats) detach(s chat.Sending) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, f := range s.Attach {
		actions = append(actions,
			types.TransactWriteItem{Delete: &types.Delete{TableName: &c.files, Key: attachedKey(s.User, s.Chat, f.ID),
				ConditionExpression: aws.String("attribute_exists(PK)")}},
			types.TransactWriteItem{Update: &types.Update{TableName: &c.files, Key: fileKey(s.User, f.ID), UpdateExpression: aws.String("ADD ac :minus"),
				ConditionExpression: aws.String("attribute_exists(PK)"), ExpressionAttributeValues: item{":minus": num(-1)}}})
	}
	switch {
	case s.NewChat && len(s.Files) > 0:
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &c.files, Key: dialogueKey(s.User, s.Chat)}})
	case len(s.Attach) > 0:
		actions = append(actions, types.TransactWriteItem{Update: &types.Update{TableName: &c.files, Key: dialogueKey(s.User, s.Chat),
			UpdateExpression: aws.String("ADD n :minus"), ExpressionAttributeValues: item{":minus": num(-total(s.Attach))}}})
	}
	return actions
}

// remaining returns the files for which both actions of detach were not refused.
func remaining(files []file.Attachment, reasons []types.CancellationReason) []file.Attachment {
	var left []file.Attachment
	for i, f := range files {
		_, unattached := refused(reasons, 2*i)
		_, missing := refused(reasons, 2*i+1)
		if !unattached && !missing {
			left = append(left, f)
		}
	}
	return left
}

// setFiles adds the files of a question to the attributes of its row.
func setFiles(files []file.Attachment, it item) {
	if len(files) == 0 {
		return
	}
	var list []types.AttributeValue
	for _, f := range files {
		list = append(list, &types.AttributeValueMemberM{Value: item{
			fiID: str(f.ID), fiName: str(f.Name), fiType: str(f.ContentType), fiSize: num(f.Size), fiKind: str(string(f.Kind))}})
	}
	it[aFiles] = &types.AttributeValueMemberL{Value: list}
}

// filesOf reads what setFiles wrote.
func filesOf(it item) (files []file.Attachment) {
	list, _ := it[aFiles].(*types.AttributeValueMemberL)
	if list == nil {
		return nil
	}
	for _, v := range list.Value {
		if m, ok := v.(*types.AttributeValueMemberM); ok {
			files = append(files, file.Attachment{ID: text(m.Value, fiID), Name: text(m.Value, fiName),
				ContentType: text(m.Value, fiType), Size: int64(number(m.Value, fiSize)), Kind: file.Kind(text(m.Value, fiKind))})
		}
	}
	return files
}
