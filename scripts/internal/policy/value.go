package policy

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Values of pseudo parameters: any would do, as long as calls get the same.
const (
	partition = "aws"
	region    = "us-east-1"
	account   = "000000000000"
)

// absent is what AWS::NoValue comes to.
type absent struct{}

// value works out a node of a template: text, list or map. Names of what is deployed
// come to their logical ids.
func (t *template) value(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode {
		return t.value(n.Alias)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return t.call(strings.TrimPrefix(n.Tag, "!"), n)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return t.list(n)
	case yaml.MappingNode:
		if len(n.Content) == 2 && (n.Content[0].Value == "Ref" || strings.HasPrefix(n.Content[0].Value, "Fn::")) {
			return t.call(strings.TrimPrefix(n.Content[0].Value, "Fn::"), n.Content[1])
		}
		return t.object(n)
	}
	return n.Value, nil
}

func (t *template) list(n *yaml.Node) (any, error) {
	list := []any{}
	for _, item := range n.Content {
		v, err := t.value(item)
		if err != nil {
			return nil, err
		}
		if v != (absent{}) {
			list = append(list, v)
		}
	}
	return list, nil
}

func (t *template) object(n *yaml.Node) (any, error) {
	object := map[string]any{}
	for name, node := range fields(n) {
		v, err := t.value(node)
		if err != nil {
			return nil, err
		}
		if v != (absent{}) {
			object[name] = v
		}
	}
	return object, nil
}

// fields are those of a map, in their order; nil has none.
func fields(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// field is the one of that name; nil if there is none.
func field(n *yaml.Node, name string) *yaml.Node {
	for key, value := range fields(n) {
		if key == name {
			return value
		}
	}
	return nil
}

// call works out an intrinsic function.
func (t *template) call(name string, n *yaml.Node) (any, error) {
	switch name {
	case "Ref":
		return t.ref(n.Value)
	case "GetAtt":
		if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
			return t.attribute(n.Content[0].Value, n.Content[1].Value)
		}
		thing, attribute, _ := strings.Cut(n.Value, ".")
		return t.attribute(thing, attribute)
	case "Sub":
		return t.sub(n)
	case "If":
		return t.either(n)
	case "Select", "Split", "Join":
		return t.ofList(name, n)
	}
	return nil, fmt.Errorf("line %d: !%s isn't understood", n.Line, name)
}

// either is what a condition adds if it holds: roles are looked at with all that
// they may come to have. Of two ways to be it is the one of a deployment in which no
// parameter is given.
func (t *template) either(n *yaml.Node) (any, error) {
	if len(n.Content) != 3 {
		return nil, fmt.Errorf("line %d: !If has %d parts", n.Line, len(n.Content))
	}
	yes, err := t.value(n.Content[1])
	if err != nil {
		return nil, err
	}
	no, err := t.value(n.Content[2])
	switch {
	case err != nil:
		return nil, err
	case yes == (absent{}):
		return no, nil
	case no == (absent{}):
		return yes, nil
	}
	holds, err := t.holds(n.Content[0].Value)
	if holds {
		return yes, err
	}
	return no, err
}

// holds works out a condition of the template.
func (t *template) holds(name string) (bool, error) {
	n, ok := t.Conditions[name]
	if !ok {
		return false, fmt.Errorf("%s: there is no condition %s", t.path, name)
	}
	return t.isTrue(&n)
}

func (t *template) isTrue(n *yaml.Node) (bool, error) {
	switch n.Tag {
	case "!Condition":
		return t.holds(n.Value)
	case "!Not":
		is, err := t.isTrue(n.Content[0])
		return !is, err
	case "!And", "!Or":
		for _, part := range n.Content {
			if is, err := t.isTrue(part); err != nil || is == (n.Tag == "!Or") {
				return is, err
			}
		}
		return n.Tag == "!And", nil
	case "!Equals":
		one, err := t.operand(n.Content[0])
		if err != nil {
			return false, err
		}
		other, err := t.operand(n.Content[1])
		return one == other, err
	}
	return false, fmt.Errorf("line %d: the condition isn't understood", n.Line)
}

// operand is what is compared. A parameter that isn't given is empty there.
func (t *template) operand(n *yaml.Node) (string, error) {
	if p, ok := t.Parameters[n.Value]; ok && n.Tag == "!Ref" {
		if given, ok := t.bound[n.Value]; ok {
			return given.by.operand(given.node)
		}
		return p.Default, nil
	}
	v, err := t.value(n)
	return fmt.Sprint(v), err
}

func (t *template) sub(n *yaml.Node) (any, error) {
	text, given := n.Value, map[string]any{}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
		more, err := t.value(n.Content[1])
		if err != nil {
			return nil, err
		}
		text, given = n.Content[0].Value, more.(map[string]any)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, _ := strings.Cut(rest, "}")
		v, err := given[name], error(nil)
		if thing, attribute, dotted := strings.Cut(name, "."); v == nil && dotted {
			v, err = t.attribute(thing, attribute)
		} else if v == nil {
			v, err = t.ref(name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		fmt.Fprint(&b, v)
		text = after
	}
}

// ofList works out Select [n, list], Split [separator, text] and Join [separator, list].
func (t *template) ofList(name string, n *yaml.Node) (any, error) {
	if len(n.Content) != 2 {
		return nil, fmt.Errorf("line %d: !%s isn't understood", n.Line, name)
	}
	v, err := t.value(n.Content[1])
	if err != nil {
		return nil, err
	}
	first := n.Content[0].Value
	if text, ok := v.(string); ok && name == "Split" {
		var parts []any
		for part := range strings.SplitSeq(text, first) {
			parts = append(parts, part)
		}
		return parts, nil
	}
	list, ok := v.([]any)
	if ok && name == "Join" {
		return strings.Join(texts(list), first), nil
	}
	var at int
	if _, err := fmt.Sscan(first, &at); ok && err == nil && at >= 0 && at < len(list) {
		return list[at], nil
	}
	return nil, fmt.Errorf("line %d: !%s isn't understood", n.Line, name)
}

// texts is one text or a list of them.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return slices.Clip(all)
	}
	return nil
}

// ref is what !Ref comes to.
func (t *template) ref(name string) (any, error) {
	switch name {
	case "AWS::NoValue":
		return absent{}, nil
	case "AWS::Partition":
		return partition, nil
	case "AWS::Region":
		return region, nil
	case "AWS::AccountId":
		return account, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	}
	if p, ok := t.Parameters[name]; ok {
		v, err := t.parameter(name)
		if text, ok := v.(string); ok && p.Type == "CommaDelimitedList" {
			var list []any
			for item := range strings.SplitSeq(text, ",") {
				list = append(list, item)
			}
			return list, err
		}
		return v, err
	}
	r, ok := t.Resources[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: there is no %s", t.path, name)
	case r.Type == "AWS::SecretsManager::Secret":
		return arn("secretsmanager", "secret:"+name), nil
	case r.Type == "AWS::SQS::Queue":
		return "https://sqs." + region + ".amazonaws.com/" + account + "/" + name, nil
	}
	return name, nil
}

// parameter is what a parameter comes to: what is given, its default, or its name.
func (t *template) parameter(name string) (any, error) {
	p := t.Parameters[name]
	if given, ok := t.bound[name]; ok {
		return given.by.value(given.node)
	}
	switch {
	case p.Default != "":
		return p.Default, nil
	case strings.HasPrefix(p.Description, "ARN of the secret "):
		return arn("secretsmanager", "secret:"+name), nil
	case strings.HasPrefix(p.Description, "ARN of "):
		return arn(foreign, name), nil
	}
	return name, nil
}

// services by types whose ARN is used, and what stands before the name in it.
var arns = map[string][2]string{
	"AWS::DynamoDB::Table":       {"dynamodb", "table/"},
	"AWS::DynamoDB::GlobalTable": {"dynamodb", "table/"},
	"AWS::SQS::Queue":            {"sqs", ""},
	"AWS::KMS::Key":              {"kms", "key/"},
}

// attribute is what !GetAtt comes to: outputs of nested templates, and ARNs.
func (t *template) attribute(thing, attribute string) (any, error) {
	r, ok := t.Resources[thing]
	if !ok {
		return nil, fmt.Errorf("%s: there is no %s", t.path, thing)
	}
	if output, ok := strings.CutPrefix(attribute, "Outputs."); ok {
		nested, ok := t.nested[thing]
		if !ok {
			return nil, fmt.Errorf("%s: %s is no template", t.path, thing)
		}
		return nested.output(output)
	}
	if attribute != "Arn" {
		return thing + "." + attribute, nil
	}
	if r.Type == "AWS::S3::Bucket" {
		return bucketARN + thing, nil
	}
	if parts, ok := arns[r.Type]; ok {
		return arn(parts[0], parts[1]+kind(thing)), nil
	}
	return arn(strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(r.Type, "AWS::"), "::", "-")), thing), nil
}

// foreign is the service of what nobody here deploys, but names.
const foreign = "foreign"

const bucketARN = "arn:" + partition + ":s3:::"

// arn is the name of something in a region.
func arn(service, resource string) string {
	return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource
}
