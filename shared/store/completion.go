package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"parley/shared/chat"
)

// maxRowAsked is how many packed bytes of a completion its question's row takes. A
// write unit for each KB is dearer than S3's two calls from some 9 KB on; up to
// here their time counts more.
const maxRowAsked = 32 << 10

// passLife is how long an exchange that isn't kept stays at least: as long as its
// client could ask about it, and an operator look into it.
const passLife = 24 * time.Hour

func passed(at time.Time) types.AttributeValue { return num(at.Add(passLife).Unix()) }

// admit counts an exchange that isn't kept.
func (c *Chats) admit(ctx context.Context, s chat.Sending) (chat.Refusal, error) {
	u := c.count(s)
	_, err := c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
	})
	if old, failed := conditionFailed(err); failed {
		return overdrawn(old), nil
	}
	return chat.Refusal{}, unavailable("accept completion", err)
}

// overdrawn says why a quota window took no message.
func overdrawn(window item) chat.Refusal {
	return chat.Refusal{Blocked: flag(window, "blocked"), Full: !flag(window, "blocked")}
}

// expiring is the part of an update that lets the reply's row go if it isn't kept.
func expiring(ref chat.Ref, values item, names map[string]string) string {
	if !ref.Passing() {
		return ""
	}
	values[":ttl"], names["#ttl"] = passed(time.Now()), aTTL
	return ", #ttl = if_not_exists(#ttl, :ttl)"
}

// setAsked adds a completion to the attributes of its question's row.
func (c *Chats) setAsked(ctx context.Context, ref chat.Ref, asked *chat.Completion, it item) error {
	if asked == nil {
		return nil
	}
	text, err := asked.Encode()
	if err != nil {
		return fmt.Errorf("encode completion: %w", err)
	}
	packed, err := pack(text, quick)
	if err != nil {
		return err
	}
	if len(packed) <= maxRowAsked {
		it[aAsked] = bin(packed)
		return nil
	}
	it[aAskedOut] = yes()
	return c.spill(ctx, askedKey(ref), packed)
}

// asked returns the completion that a question is, nil if it is none.
func (c *Chats) asked(ctx context.Context, ref chat.Ref, r row) (*chat.Completion, error) {
	if len(r.asked) == 0 && !r.askedOut {
		return nil, nil
	}
	text, err := c.text(ctx, r.asked, r.askedOut, askedKey(ref))
	if err != nil {
		return nil, err
	}
	asked, err := chat.DecodeCompletion(text)
	if err != nil {
		return nil, fmt.Errorf("decode completion %s: %w", ref.Message, err)
	}
	return asked, nil
}

// setCalls adds calls of tools to the attributes of a reply's row.
func setCalls(calls []chat.Call, it item) error {
	if len(calls) == 0 {
		return nil
	}
	text, err := json.Marshal(calls)
	if err != nil {
		return fmt.Errorf("encode calls: %w", err)
	}
	packed, err := pack(string(text), tight)
	if err == nil {
		it[aCalls] = bin(packed)
	}
	return err
}

func unpackCalls(packed []byte, m *chat.Message) error {
	text, err := unpack(packed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), &m.Calls); err != nil {
		return fmt.Errorf("decode calls of %s: %w", m.ID, err)
	}
	return nil
}
