package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Statement is one of a policy's.
type Statement struct {
	Sid        string
	Actions    []string
	Resources  []string
	Conditions []Condition
}

// Condition is one comparison of a statement.
type Condition struct {
	Operator string // StringLike, ForAllValues:StringEquals, ...
	Key      string
	Values   []string
}

// document reads a policy.
func (r *Role) document(v any) error {
	policy, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is no policy", v)
	}
	list, ok := policy["Statement"].([]any)
	if !ok {
		return fmt.Errorf("a policy without statements")
	}
	for _, item := range list {
		s, err := statement(item)
		if err != nil {
			return err
		}
		r.Statements = append(r.Statements, s)
	}
	return nil
}

func statement(v any) (s Statement, err error) {
	said, ok := v.(map[string]any)
	if !ok {
		return s, fmt.Errorf("%v is no statement", v)
	}
	for name, value := range said {
		switch name {
		case "Sid":
			s.Sid = fmt.Sprint(value)
		case "Effect":
			if value != "Allow" {
				return s, fmt.Errorf("the effect %v isn't understood", value)
			}
		case "Action":
			s.Actions = texts(value)
		case "Resource":
			s.Resources = distinct(texts(value)) // what is in two regions is in one here
		case "Condition":
			if s.Conditions, err = conditions(value); err != nil {
				return s, err
			}
		default:
			return s, fmt.Errorf("%s of a statement isn't understood", name)
		}
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return s, fmt.Errorf("statement %s has no action or no resource", s.Sid)
	}
	return s, nil
}

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

func conditions(v any) ([]Condition, error) {
	operators, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is no condition", v)
	}
	var all []Condition
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		keys, ok := operators[operator].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%v is no condition", v)
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, Condition{operator, key, texts(keys[key])})
		}
	}
	return all, nil
}

// Right is an action on a resource, as a statement grants it.
type Right struct{ Sid, Action, Resource string }

// rights are a statement's, one by one.
func (s Statement) rights() []Right {
	var all []Right
	for _, a := range s.Actions {
		for _, r := range s.Resources {
			all = append(all, Right{s.Sid, a, r})
		}
	}
	return all
}

// allows reports whether a statement would let a call through that does an action
// on a resource, and by which of its rights.
func (s Statement) allows(action, resource string, context map[string][]string) []Right {
	for _, c := range s.Conditions {
		if !c.holds(context[c.Key]) {
			return nil
		}
	}
	var by []Right
	for _, right := range s.rights() {
		if like(strings.ToLower(right.Action), strings.ToLower(action)) && like(right.Resource, resource) {
			by = append(by, right)
		}
	}
	return by
}

// holds compares what a call has of a key with what the condition wants. A call that
// has nothing of the key passes an operator for all values, and one that says
// IfExists, and no other.
func (c Condition) holds(have []string) bool {
	if len(have) == 0 {
		return c.forAll() || strings.HasSuffix(c.Operator, "IfExists")
	}
	if len(have) > 1 && !c.forAll() {
		return false
	}
	return !slices.ContainsFunc(have, func(v string) bool { return len(c.matching(v)) == 0 })
}

func (c Condition) forAll() bool { return strings.HasPrefix(c.Operator, "ForAllValues:") }

// matching are the condition's values that one of a call's matches.
func (c Condition) matching(have string) []string {
	operator := strings.TrimSuffix(strings.TrimPrefix(c.Operator, "ForAllValues:"), "IfExists")
	var all []string
	for _, want := range c.Values {
		if want == have || operator == "StringLike" && like(want, have) {
			all = append(all, want)
		}
	}
	return all
}

// known reports whether the operator is one that holds judges rightly.
func (c Condition) known() bool {
	switch strings.TrimSuffix(strings.TrimPrefix(c.Operator, "ForAllValues:"), "IfExists") {
	case "StringEquals", "StringLike":
		return true
	}
	return false
}

// like compares a text with a pattern of * and ?, as IAM does.
func like(pattern, text string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			for i := range len(text) + 1 {
				if like(pattern, text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
		default:
			if text == "" || text[0] != pattern[0] {
				return false
			}
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

// tooWide says why a right's resource names more than it has to; empty if it
// doesn't. Objects are named by their bucket and their folder at least, everything
// else wholly.
func (r Right) tooWide() string {
	parts := strings.SplitN(r.Resource, ":", 6)
	pattern := strings.IndexAny(r.Resource, "*?")
	switch {
	case strings.ContainsAny(r.Action, "*?"):
		return "its action is a pattern"
	case r.Resource == "*":
		return "it is for every resource"
	case len(parts) < 6:
		return "its resource is no ARN"
	case pattern < 0:
		return ""
	case parts[2] != "s3":
		return "its resource is a pattern"
	}
	if folder, _, ok := strings.Cut(strings.TrimPrefix(r.Resource, bucketARN), "/"); !ok || pattern <= len(bucketARN+folder+"/") {
		return "its resource is a pattern without a folder"
	}
	return ""
}
