package change

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"parley/scripts/deploy/section"
)

// Resource is one of a template, as it is written there.
type Resource struct {
	Type           string
	Condition      string
	DeletionPolicy string
	ReplacePolicy  string
	Properties     map[string]any
}

// lasting are the properties that a resource can't change without another taking
// its place, or (of a key) not at all.
var lasting = map[string][]string{
	"AWS::DynamoDB::Table":         {"TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification"},
	"AWS::DynamoDB::GlobalTable":   {"TableName", "KeySchema", "LocalSecondaryIndexes"},
	"AWS::Serverless::SimpleTable": {"TableName", "PrimaryKey"},
	"AWS::S3::Bucket":              {"BucketName", "BucketNamePrefix", "BucketNamespace"},
	"AWS::KMS::Key":                {"KeySpec", "KeyUsage", "Origin", "MultiRegion"},
	"AWS::KMS::ReplicaKey":         {"PrimaryKeyArn"},
	"AWS::SecretsManager::Secret":  {"Name"},
	"AWS::SQS::Queue":              {"QueueName", "FifoQueue"},
}

// Resources reads a template's resources, those that its loops make included.
// References in it are read as the names that they have, with their tags, so that
// !Ref A is not the same as 'A'. A loop over what only its parameters say is an
// error: nobody could say what it makes.
func Resources(template []byte) (map[string]Resource, error) {
	var doc struct {
		Resources section.Of[Resource] `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(template, &doc); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return doc.Resources, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *Resource) UnmarshalYAML(node *yaml.Node) error {
	r.Properties = map[string]any{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		value := node.Content[i+1]
		switch node.Content[i].Value {
		case "Type":
			r.Type = value.Value
		case "Condition":
			r.Condition = value.Value
		case "DeletionPolicy":
			r.DeletionPolicy = value.Value
		case "UpdateReplacePolicy":
			r.ReplacePolicy = value.Value
		case "Properties":
			r.Properties = properties(value, 0)
		}
	}
	return nil
}

const deepestNode = 100 // far beyond any template, and no alias of itself passes it

func properties(node *yaml.Node, depth int) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		out[node.Content[i].Value] = bare(node.Content[i+1], depth+1)
	}
	return out
}

// bare is a node without its style, comments and place.
func bare(node *yaml.Node, depth int) any {
	tag := ""
	if t := node.ShortTag(); len(t) > 1 && t[0] == '!' && t[1] != '!' {
		tag = t
	}
	switch {
	case depth > deepestNode:
		return "too deep"
	case node.Kind == yaml.AliasNode: // CloudFormation knows none
		return "*" + node.Value
	case node.Kind == yaml.MappingNode:
		return []any{tag, properties(node, depth)}
	case node.Kind == yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, n := range node.Content {
			list[i] = bare(n, depth+1)
		}
		return []any{tag, list}
	}
	return tag + node.Value
}

// Between says what becomes of a stack when one template takes the other's place,
// as far as templates tell: a value that comes from a parameter may change without
// its being seen here.
func Between(stack string, before, after map[string]Resource) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(before)) {
		old := before[id]
		now, stays := after[id]
		if !stays {
			changes = append(changes, Change{Stack: stack, Action: Remove, ID: id, Type: old.Type, Retained: old.DeletionPolicy == "Retain"})
			continue
		}
		if c, differs := between(old, now); differs {
			c.Stack, c.ID = stack, id
			changes = append(changes, c)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if _, was := before[id]; !was {
			changes = append(changes, Change{Stack: stack, Action: Add, ID: id, Type: after[id].Type})
		}
	}
	return changes
}

func between(old, now Resource) (Change, bool) {
	c := Change{Action: Modify, Type: now.Type, Replacement: Stays}
	if old.Type != now.Type {
		c.Replacement, c.Because = Replaced, []string{"Type"}
		if Holds(now.Type) == "" {
			c.Type = old.Type // it is the old one that goes
		}
	}
	names := slices.Sorted(maps.Keys(old.Properties))
	for name := range now.Properties {
		if _, both := old.Properties[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if reflect.DeepEqual(old.Properties[name], now.Properties[name]) {
			continue
		}
		c.Because = append(c.Because, name)
		if slices.Contains(lasting[now.Type], name) {
			c.Replacement = Replaced
		}
	}
	if old.Condition != now.Condition { // and may be false
		c.Because = append(c.Because, "Condition")
		if c.Replacement == Stays {
			c.Replacement = Perhaps
		}
	}
	if old.DeletionPolicy != now.DeletionPolicy {
		c.Because = append(c.Because, "DeletionPolicy")
	}
	if old.ReplacePolicy != now.ReplacePolicy {
		c.Because = append(c.Because, "UpdateReplacePolicy")
	}
	c.Retained = c.Replacement != Stays && old.ReplacePolicy == "Retain"
	return c, len(c.Because) > 0
}
