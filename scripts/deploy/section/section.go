// Package section reads sections of templates, Resources for instance, as they are
// once their loops have run.
//
// A loop, Fn::ForEach::X, has the name of a variable, its values, and what there is
// for each of them. ${Variable} and &{Variable} stand for the value, in ids and in
// all that is below them.
//
// What this promises: a loop over what only parameters say, or one that makes the
// same id twice, is an error. Nothing is left out.
package section

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Of is a section of things, by their logical ids.
type Of[T any] map[string]T

const (
	mostThings  = 2000 // that loops make of a section; CloudFormation allows 500 resources
	deepestLoop = 5    // CloudFormation's own bound
)

// UnmarshalYAML implements yaml.Unmarshaler.
func (o *Of[T]) UnmarshalYAML(n *yaml.Node) error {
	nodes := map[string]*yaml.Node{}
	if err := (scope{}).collect(n, nodes, 0); err != nil {
		return err
	}
	*o = Of[T]{}
	for id, node := range nodes {
		var one T
		if err := node.Decode(&one); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		(*o)[id] = one
	}
	return nil
}

// scope has the variables of the loops around a node, each with what stands for it.
type scope []string

func (s scope) text(text string) string { return strings.NewReplacer(s...).Replace(text) }

// node puts the variables in, in all that is below a node.
func (s scope) node(n *yaml.Node) *yaml.Node {
	if len(s) == 0 || n.Kind == yaml.AliasNode {
		return n
	}
	with := *n
	with.Value = s.text(n.Value)
	with.Content = make([]*yaml.Node, len(n.Content))
	for i, inner := range n.Content {
		with.Content[i] = s.node(inner)
	}
	return &with
}

func (s scope) collect(n *yaml.Node, all map[string]*yaml.Node, depth int) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a section is no map", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if strings.HasPrefix(key, "Fn::ForEach::") {
			if err := s.loop(key, value, all, depth+1); err != nil {
				return err
			}
			continue
		}
		id := s.text(key)
		if _, twice := all[id]; twice || len(all) == mostThings {
			return fmt.Errorf("line %d: %s is there twice, or there is more than %d", value.Line, id, mostThings)
		}
		if value.Kind != yaml.MappingNode {
			return fmt.Errorf("line %d: %s is no map", value.Line, id)
		}
		all[id] = s.node(value)
	}
	return nil
}

// loop is [variable, [value, …], section].
func (s scope) loop(key string, n *yaml.Node, all map[string]*yaml.Node, depth int) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) != 3 || n.Content[1].Kind != yaml.SequenceNode || depth > deepestLoop {
		return fmt.Errorf("line %d: what %s makes can't be told from the template", n.Line, key)
	}
	variable := n.Content[0].Value
	for _, item := range n.Content[1].Content {
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: what %s makes can't be told from the template", item.Line, key)
		}
		inner := append(slices.Clone(s), "${"+variable+"}", s.text(item.Value), "&{"+variable+"}", s.text(item.Value))
		if err := inner.collect(n.Content[2], all, depth); err != nil {
			return err
		}
	}
	return nil
}
