package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/sweep"
)

// Purge removes for good what is left of a deleted chat, or, with no chat,
// everything of a user in this table and its bucket. It may be repeated and goes
// on from where an earlier call was cut off. A chat that isn't deleted is left alone.
func (c *Chats) Purge(ctx context.Context, user, chatID string) error {
	prefix, objects := "", keptBodies+user+"/"
	if chatID != "" {
		if _, err := c.Chat(ctx, user, chatID); !errors.Is(err, chat.ErrNoChat) {
			return err
		}
		prefix, objects = messagePrefix(chatID), objects+chatID+"/"
	}
	if err := c.purgeObjects(ctx, objects, c.copied); err != nil {
		return err
	}
	if chatID == "" {
		if err := c.purgeObjects(ctx, passingBodies+user+"/", false); err != nil {
			return err
		}
	}
	return c.purgeRows(ctx, user, prefix)
}

func (c *Chats) purgeRows(ctx context.Context, user, prefix string) error {
	in := &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": str(owner(user))}, ProjectionExpression: aws.String("PK, SK"),
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("PK = :p AND begins_with(SK, :s)")
		in.ExpressionAttributeValues[":s"] = str(prefix)
	}
	for pages := dynamodb.NewQueryPaginator(c.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("query rows to purge", err)
		}
		if err := deleteRows(ctx, c.db, c.table, page.Items); err != nil {
			return err
		}
	}
	return nil
}

// write carries out a batch of writes, again where DynamoDB took only some.
func write(ctx context.Context, db *dynamodb.Client, left map[string][]types.WriteRequest) error {
	for pause := 20 * time.Millisecond; len(left) > 0; pause *= 2 {
		out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
		if err != nil {
			return unavailable("delete rows", err)
		}
		if left = out.UnprocessedItems; len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil
}

// purgeObjects removes all versions of bodies; those that are copied keep a mark.
func (c *Chats) purgeObjects(ctx context.Context, prefix string, copied bool) error {
	return unavailable("delete bodies", sweep.Versions(ctx, c.s3, c.bucket, prefix, copied))
}

// Stuck returns a user's replies that are queued or running although their ids
// are older than that: for operators, who may queue them again.
func (c *Chats) Stuck(ctx context.Context, user string, older time.Time) ([]chat.Prompt, error) {
	var stuck []chat.Prompt
	var question row
	note := func(m chat.Message) {
		if !m.Status.Ended() && m.CreatedAt.Before(older) {
			stuck = append(stuck, chat.Prompt{Version: chat.PromptVersion, User: user, Chat: m.Chat, Question: m.Parent,
				Reply: m.ID, Model: m.Model, Hour: m.Hour, Deadline: m.Deadline})
		}
	}
	flush := func(next string) {
		if question.ID != "" && chat.ReplyOf(question.ID) != next {
			note(chat.Pending(question.Message))
		}
		question = row{}
	}
	err := c.each(ctx, user, "M#", func(it item) error {
		r, err := readRow(it)
		if err != nil {
			return err
		}
		flush(r.ID)
		if r.Role == chat.User {
			question = r
		} else {
			note(r.Message)
		}
		return nil
	})
	flush("")
	return stuck, err
}

// Owners calls fn with every user who has rows in the table, each once and in an order
// that stays the same, or with those behind the user after: a scan, for operators.
func (c *Chats) Owners(ctx context.Context, after string, fn func(user string) error) error {
	in := &dynamodb.ScanInput{TableName: &c.table, ProjectionExpression: aws.String("PK")}
	if after != "" {
		in.ExclusiveStartKey = key(owner(after), "~") // behind all rows of that user
	}
	last := ""
	for pages := dynamodb.NewScanPaginator(c.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("scan owners", err)
		}
		for _, it := range page.Items {
			p := text(it, pk)
			if p == last || !strings.HasPrefix(p, owner("")) {
				continue
			}
			last = p
			if err := fn(p[len(owner("")):]); err != nil {
				return err
			}
		}
	}
	return nil
}
